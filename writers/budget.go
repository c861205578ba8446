package writers

import "sync/atomic"

// A Budget is the memory that the open files and fetch buffers of a process may hold together. It counts; it refuses nothing
// but [Budget.TryReserve]. The limit holds because each [Set] gives memory back, by flushing and finishing files, whenever it
// settles while the budget is over it. Memory of rows that were written is kept for the next ones, of any set, as long as there is
// room. It is safe for concurrent use.
type Budget struct {
	limit    int64
	used     atomic.Int64
	reserved atomic.Int64 // part of used that no set can give back
	peak     atomic.Int64
	leaving  atomic.Int64 // part of used that comes back when row groups under way are written
	sets     atomic.Int64
	spares   spares

	processors processors
}

// NewBudget returns a budget of so many bytes, more than 0. Its sets encode so many row groups at the same time as there are
// processors (GOMAXPROCS) now.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit, processors: newProcessors()} }

// Limit is what the budget was made with.
func (b *Budget) Limit() int64 { return b.limit }

// Used is what is held at this moment, spare memory included.
func (b *Budget) Used() int64 { return b.used.Load() }

// Peak is the most that was ever held.
func (b *Budget) Peak() int64 { return b.peak.Load() }

// Reserve counts n bytes of a fetch buffer. It never waits: who would wait for memory may hold what the others wait for.
// Sets make room when they settle next. Fetch buffers should stay well below the limit: what they take, row groups lack.
func (b *Budget) Reserve(n int64) {
	b.reserved.Add(n)
	b.add(n)
}

// TryReserve reserves n bytes if they fit, for readers that could do with a smaller buffer or with one fetch less.
func (b *Budget) TryReserve(n int64) bool {
	b.Reserve(n)
	b.trim()
	if b.used.Load() > b.limit {
		b.Release(n)
		return false
	}
	return true
}

// Release gives back n bytes of Reserve or TryReserve.
func (b *Budget) Release(n int64) {
	b.reserved.Add(-n)
	b.add(-n)
}

func (b *Budget) add(n int64) {
	used := b.used.Add(n)
	for {
		peak := b.peak.Load()
		if used <= peak || b.peak.CompareAndSwap(peak, used) {
			return
		}
	}
}

// soft is where sets begin to give back: what batches add before they settle has to fit above it.
func (b *Budget) soft() int64 { return b.limit - b.limit/8 }

// hasPlenty says whether so many bytes more would leave half of the limit free.
func (b *Budget) hasPlenty(n int64) bool { return b.used.Load()+n <= b.limit/2 }

// excess is how many bytes a set that holds so many is to give back now, 0 if none. What comes back by itself is not among them.
//
// Near the limit only those give back that hold more than their share of what sets may hold; so that a small set does not
// write tiny row groups for a large one. Above the limit everybody does.
func (b *Budget) excess(held int64) int64 {
	used, soft := b.used.Load()-b.leaving.Load(), b.soft()
	near := used - b.Spare()
	share := max(0, soft-b.reserved.Load()) / max(1, b.sets.Load())
	return min(held, max(0, used-b.limit, min(near-soft, held-share)))
}

// isTight says that a set is to wait for what comes back by itself. The other half of what is near the limit is for the next batches.
func (b *Budget) isTight() bool { return b.used.Load() > b.limit-b.limit/16 }
