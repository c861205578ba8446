package writers

import (
	"slices"
	"sync"

	"shadoof/record"
)

// spares are columns without rows whose memory waits for the next file, of all schemas. They belong to the budget, which counts them.
// The oldest come first: those of schemas that nobody writes any more are dropped before others.
type spares struct {
	mu    sync.Mutex
	list  []spare
	bytes int64
	rows  map[string][]density // what was learned of the rows of a schema, by its fingerprint
}

type spare struct {
	schema  string // fingerprint
	columns *record.Columns
	memory  int64
}

const (
	mostSpares  = 512
	mostSchemas = 1024 // that something is known of
)

// take returns spare columns of a schema with at least so much memory, and at most so much; nil if there are none. Those with the most
// are returned if large is set, and otherwise those with the least that suffice. They are no longer counted.
func (b *Budget) take(schema string, least, most int64, large bool) *record.Columns {
	p := &b.spares
	p.mu.Lock()
	defer p.mu.Unlock()
	at := -1
	for i := range p.list {
		s := &p.list[i]
		if s.schema == schema && s.memory >= least && s.memory <= most && (at < 0 || s.memory > p.list[at].memory == large) {
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	c := p.list[at].columns
	b.dropLocked(at)
	return c
}

// dropLocked forgets spare columns.
func (b *Budget) dropLocked(i int) {
	p := &b.spares
	memory := p.list[i].memory
	p.list = slices.Delete(p.list, i, i+1)
	p.bytes -= memory
	b.add(-memory)
}

// put takes columns of a schema, with rows or without, and keeps their memory for the next file. Whoever had them counts them no more.
func (b *Budget) put(schema string, c *record.Columns) {
	c.Reset()
	memory := footprint(c)
	if b.used.Load()+memory > b.limit {
		return
	}
	p := &b.spares
	p.mu.Lock()
	p.list = append(p.list, spare{schema, c, memory})
	p.bytes += memory
	b.add(memory)
	if len(p.list) > mostSpares {
		b.dropLocked(0)
	}
	p.mu.Unlock()
	b.trim()
}

// trim drops spares, the oldest first: near the limit until few are left, above it until it holds, and without a set until they are
// half of it, for the next one comes soon, or somebody calls Free.
func (b *Budget) trim() {
	if b.used.Load() <= b.soft() && b.sets.Load() > 0 {
		return
	}
	p := &b.spares
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.list) > 0 {
		used := b.used.Load()
		keep := p.bytes
		switch {
		case used > b.limit:
			keep = 0
		case used > b.soft():
			keep = b.limit / 16
		case b.sets.Load() == 0:
			keep = b.limit / 2
		}
		if p.bytes <= keep {
			return
		}
		b.dropLocked(0)
	}
}

// Free gives back what is kept for rows to come, when none are to come for a while. It may be called at any time.
func (b *Budget) Free() {
	b.spares.mu.Lock()
	defer b.spares.mu.Unlock()
	for len(b.spares.list) > 0 {
		b.dropLocked(len(b.spares.list) - 1)
	}
}

// Spare is what is kept for rows to come: part of what is used, and the first to be given back.
func (b *Budget) Spare() int64 {
	b.spares.mu.Lock()
	defer b.spares.mu.Unlock()
	return b.spares.bytes
}

// learn remembers how much a row of a schema takes, by leaf.
func (b *Budget) learn(schema string, c *record.Columns) {
	d := densities(c)
	p := &b.spares
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rows == nil || len(p.rows) >= mostSchemas {
		p.rows = map[string][]density{}
	}
	p.rows[schema] = d
}

// known is what was learned of a schema; nil if nothing was.
func (b *Budget) known(schema string) []density {
	b.spares.mu.Lock()
	defer b.spares.mu.Unlock()
	return b.spares.rows[schema]
}
