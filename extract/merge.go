package extract

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A merge reads several ranges at the same time, and makes batches of the one whose records are the oldest: so that records of one
// time come together, whatever their partition, and time folders are filled one after the other.
type merge struct {
	k       *Kafka
	r       ReadRequest
	clean   *cleanup
	waiting []Range   // that are not begun
	readers []*reader // at work
	given   map[int32]*given
	fetches sync.WaitGroup
	arrived chan arrival
}

// given is what was read of a range so far.
type given struct {
	offsets, bytes int64
	epoch          int32 // of the last record batch, or of what was read before the range; -1: unknown
}

// A reader is one range at work.
type reader struct {
	*unpacker
	fetcher  *fetcher
	fetching bool
	reserved int64 // memory, for the fetch under way
	holds    int64 // memory, of the answer that is being unpacked
	fetched  *answer
	err      error // of the last fetch
	oldest   int64 // time of the next records
	late     bool  // the others do not wait for it
	ended    bool
}

// An arrival is the end of a fetch.
type arrival struct {
	reader *reader
	answer *answer
	err    error
}

// latePatience is how long ranges wait for one that does not answer, for the sake of the order.
const latePatience = 5 * time.Second

func newMerge(k *Kafka, r ReadRequest) *merge {
	m := &merge{k: k, r: r, clean: &cleanup{k: k, topic: r.Topic}, waiting: slices.Clone(r.Ranges), given: map[int32]*given{}}
	for _, rng := range r.Ranges {
		g := &given{epoch: -1}
		if epoch, ok := r.Epochs[rng.Partition]; ok {
			g.epoch = epoch
		}
		m.given[rng.Partition] = g
	}
	if m.r.Together <= 0 {
		m.r.Together = len(r.Ranges)
	}
	m.arrived = make(chan arrival, 2*len(r.Ranges)) // a fetch never waits to say that it ended; a range is begun twice at most
	return m
}

// run sends batches in free slots until all ranges are read or failed. When ctx ends, they fail. Whoever takes the items gives the
// slots back, or closes stop.
func (m *merge) run(ctx context.Context, free <-chan *slot, items chan<- item, stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		m.close()
	}()
	for {
		var s *slot
		select {
		case s = <-free:
		case <-stop:
			return
		}
		it := item{slot: s}
		for it.batch == nil {
			m.park()
			for len(m.waiting) > 0 && len(m.readers) < m.r.Together {
				m.begin(ctx)
			}
			if len(m.readers) == 0 {
				return
			}
			m.await()
			it.batch, it.err = m.step(ctx, s)
		}
		select {
		case items <- it:
		case <-stop:
			return
		}
	}
}

// begin starts with the next range.
func (m *merge) begin(ctx context.Context) {
	rng := m.waiting[0]
	m.waiting = m.waiting[1:]
	r := &reader{unpacker: newUnpacker(m.k, m.r.Topic, rng, m.clean)}
	r.fetcher = &fetcher{
		k: m.k, topic: m.r.Topic, id: m.r.ID, rng: rng, cleanup: m.clean, what: m.what(rng),
		pos: rng.First, bytes: m.k.opts.FetchBytes, lastEpoch: m.given[rng.Partition].epoch, epochFirst: rng.First,
	}
	if n := m.r.Share.Offsets; n > 0 {
		r.full.Offsets = min(r.full.Offsets, n)
	}
	if n := m.r.Share.Bytes; n > 0 {
		r.full.Bytes = min(r.full.Bytes, n)
	}
	m.readers = append(m.readers, r)
	m.r.Memory.Reserve(int64(r.fetcher.bytes))
	m.fetch(ctx, r)
}

// owes says whether a range has not given its share yet.
func (m *merge) owes(partition int32) bool {
	g := m.given[partition]
	return m.r.Share != (Share{}) && !m.r.Share.given(g.offsets, g.bytes)
}

// park makes room for a range that has not given its share, by one that has: that one waits behind all others, and is fetched again.
func (m *merge) park() {
	if len(m.waiting) == 0 || len(m.readers) < m.r.Together || !m.owes(m.waiting[0].Partition) {
		return
	}
	for _, r := range m.readers {
		if r.err == nil && !m.owes(r.rng.Partition) {
			m.waiting = append(m.waiting, Range{Partition: r.rng.Partition, First: r.at, Next: r.rng.Next})
			m.end(r)
			return
		}
	}
}

func (m *merge) what(r Range) string { return fmt.Sprintf("read %s/%s", m.r.Topic, r) }

// fetch sends for a range's next answer, for which the memory is reserved.
func (m *merge) fetch(ctx context.Context, r *reader) {
	r.fetching, r.reserved = true, int64(r.fetcher.bytes)
	m.fetches.Go(func() {
		a, err := r.fetcher.next(ctx)
		m.arrived <- arrival{r, a, err}
	})
}

// await returns when a range can go on, and no other that could be older is on its way.
func (m *merge) await() {
	for m.takeArrived() {
	}
	var timer *time.Timer
	for {
		ready, missing := 0, 0
		for _, r := range m.readers {
			switch {
			case r.ready():
				ready++
			case !r.late:
				missing++
			}
		}
		if ready == 0 {
			m.take(<-m.arrived) // comes when ctx ends at the latest
			continue
		}
		if missing == 0 {
			return
		}
		if timer == nil {
			timer = time.NewTimer(m.k.latePatience)
			defer timer.Stop()
		}
		select {
		case a := <-m.arrived:
			m.take(a)
		case <-timer.C:
			for _, r := range m.readers {
				r.late = !r.ready()
			}
			return
		}
	}
}

func (m *merge) takeArrived() bool {
	select {
	case a := <-m.arrived:
		m.take(a)
		return true
	default:
		return false
	}
}

func (m *merge) take(a arrival) {
	r := a.reader
	r.fetching, r.late = false, false
	m.r.Memory.Release(r.reserved)
	r.reserved = 0
	if r.ended {
		return
	}
	r.fetched, r.err = a.answer, a.err
	if a.answer != nil {
		m.r.Memory.Reserve(a.answer.size())
	}
	r.proceed()
}

// size is the memory of the answer.
func (a *answer) size() int64 { return int64(len(a.batches)) }

// proceed begins to unpack what was fetched, if nothing is being unpacked.
func (r *reader) proceed() {
	if r.answer == nil && r.fetched != nil {
		r.load(r.fetched)
		r.holds, r.fetched = r.fetched.size(), nil
		r.oldest = r.unpacker.oldest()
	}
}

// ready says whether the range can go on, or be ended, without waiting.
func (r *reader) ready() bool { return r.answer != nil || r.err != nil }

// step makes the next batch, of the range that is the oldest of those that are ready. Those that owe a share come before, the one that gave least first. It is nil when there
// was nothing to make one of.
func (m *merge) step(ctx context.Context, s *slot) (*Batch, error) {
	var r *reader
	for _, other := range m.readers {
		switch {
		case !other.ready():
		case other.answer == nil: // its fetch failed, and all before it was unpacked
			return m.end(other), other.err
		case r == nil || m.before(other, r):
			r = other
		}
	}
	last := r.answer.next >= r.rng.Next
	if !last && !r.fetching && r.fetched == nil && r.err == nil && m.r.Memory.TryReserve(int64(r.fetcher.bytes)) {
		m.fetch(ctx, r)
	}
	if err := r.next(ctx, s); err != nil {
		return m.end(r), fmt.Errorf("%s: %w", m.what(r.rng), err)
	}
	g := m.given[r.rng.Partition]
	g.offsets += s.batch.Next - s.batch.First
	g.bytes += int64(s.waiting)
	if s.batch.Epoch >= 0 {
		g.epoch = s.batch.Epoch
	}
	if r.answer == nil {
		m.r.Memory.Release(r.holds)
		r.holds = 0
		r.proceed()
	}
	switch {
	case r.answer != nil:
		r.oldest = r.unpacker.oldest()
	case last:
		m.end(r)
	case !r.fetching && r.err == nil:
		m.r.Memory.Reserve(int64(r.fetcher.bytes))
		m.fetch(ctx, r)
	}
	if s.batch.Next == s.batch.First {
		return nil, nil
	}
	return &s.batch, nil
}

// before says which of two ranges goes on.
func (m *merge) before(a, b *reader) bool {
	x, y := m.owes(a.rng.Partition), m.owes(b.rng.Partition)
	if x && y {
		if c := cmp.Compare(m.given[a.rng.Partition].offsets, m.given[b.rng.Partition].offsets); c != 0 {
			return c < 0
		}
	} else if x || y {
		return x
	}
	return a.oldest < b.oldest
}

// end takes a range out, and says how far it was read.
func (m *merge) end(r *reader) *Batch {
	r.ended = true
	m.r.Memory.Release(r.holds)
	if r.fetched != nil {
		m.r.Memory.Release(r.fetched.size())
	}
	m.readers = slices.DeleteFunc(m.readers, func(o *reader) bool { return o == r })
	return &Batch{Partition: r.rng.Partition, First: r.at, Next: r.at, Epoch: -1}
}

// close waits for the fetches under way, whose context has ended, and gives all memory back.
func (m *merge) close() {
	m.fetches.Wait()
	for m.takeArrived() {
	}
	for len(m.readers) > 0 {
		m.end(m.readers[0])
	}
}
