package local

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// A loss is a way in which a file system may forget what was not synced.
type loss int

const (
	lossAll     loss = iota // nothing survives but what was synced
	lossBytes               // all names survive, and bytes as they happen to
	lossJournal             // changes of names survive in their order, up to some moment after the last fsync of anything: ext4, XFS
	lossSome                // any of them survive, in any directories; a rename survives whole
	lossHalves              // and of a rename any half: of a file that was moved both names, or none
	losses
)

func (l loss) String() string {
	return [...]string{"nothing unsynced survives", "all names survive", "names survive in order", "any names survive", "halves of renames survive"}[l]
}

// cut is the file system as one finds it after a power cut, by a way of loss and chance: everything in it is durable.
func (p *platter) cut(l loss, r *rand.Rand) *platter {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := p.flushed + r.IntN(p.changes-p.flushed+1)
	odds := []float64{0.2, 0.5, 0.8}[r.IntN(3)]
	whole := map[int]bool{} // which changes survive
	survives := func(m meaning) bool {
		switch l {
		case lossAll:
			return false
		case lossBytes:
			return true
		case lossJournal:
			return m.change <= until
		case lossHalves:
			return r.Float64() < odds
		}
		kept, known := whole[m.change]
		if !known {
			kept = r.Float64() < odds
			whole[m.change] = kept
		}
		return kept
	}
	c := &platter{numbers: p.numbers, clock: p.clock, alive: -1, linked: p.linked}
	seen := map[*node]*node{nil: nil}
	var found func(n *node) *node
	found = func(n *node) *node {
		if c, done := seen[n]; done {
			return c
		}
		f := &node{number: n.number, modified: n.modified}
		seen[n] = f
		if n.names == nil {
			f.data = n.remains(l, r)
			f.durable = len(f.data)
			return f
		}
		f.names = map[string]*binding{}
		for _, name := range slices.Sorted(maps.Keys(n.names)) {
			b := *n.names[name]
			is := b[0].node
			for _, m := range b[1:] {
				if survives(m) {
					is = m.node
				}
			}
			if is != nil {
				f.names[name] = &binding{{node: found(is)}}
			}
		}
		return f
	}
	c.top = found(p.top)
	return c
}

// remains is what a power cut leaves of a file: what was synced, and of the rest what happens to have been written.
func (n *node) remains(l loss, r *rand.Rand) []byte {
	synced, rest := n.data[:n.durable:n.durable], n.data[n.durable:]
	if l == lossAll || len(rest) == 0 {
		return synced
	}
	const block = 8
	rest = slices.Clone(rest)
	switch r.IntN(5) {
	case 0:
		return synced
	case 1: // all
	case 2: // cut off
		rest = rest[:r.IntN(len(rest))]
	case 3: // the length was written, the bytes were not
		clear(rest)
	case 4: // torn: some blocks were written
		for b := range slices.Chunk(rest, block) {
			if r.IntN(2) == 0 {
				clear(b)
			}
		}
	}
	return append(synced, rest...)
}

// pending says how much is not durable.
func (p *platter) pending() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, seen := 0, map[*node]bool{}
	var count func(*node)
	count = func(at *node) {
		if at == nil || seen[at] {
			return
		}
		seen[at] = true
		if at.durable < len(at.data) {
			n++
		}
		for _, b := range at.names {
			n += len(*b) - 1
			for _, m := range *b {
				count(m.node)
			}
		}
	}
	count(p.top)
	return n
}

// A chance is a seed that can be told.
type chance struct {
	seed uint64
	loss loss
}

func (c chance) String() string     { return fmt.Sprintf("seed %d, %s", c.seed, c.loss) }
func (c chance) source() *rand.Rand { return rand.New(rand.NewPCG(c.seed, uint64(c.loss))) }
