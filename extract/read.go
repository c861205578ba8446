package extract

import (
	"context"
	"fmt"
	"iter"
	"sync"
)

// Read implements [Source].
//
// Offsets without a record are counted by their reason. Markers count as Control and records of aborted transactions as Aborted
// while the log still holds them, and as compacted once it does not; cleanup.go says which holes are Compacted and which
// Unexplained. A [Mark] is that of the last record batch of any kind that ends in the batch or reaches beyond it, so
// that Kafka.Mark finds the same one.
//
// Two batches are in memory at a time: one with the loop body, and the next one, which is decompressed meanwhile. For each range that
// is being read one answer is held, and while it is unpacked, and there is room, the next one is on its way; each has
// Options.FetchBytes, or one larger record batch. Batches, their records and all bytes are used again after the loop body returned.
func (k *Kafka) Read(ctx context.Context, r ReadRequest) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		var ranges []Range
		for _, rng := range r.Ranges {
			if rng.First < 0 || rng.Next < rng.First {
				yield(nil, fmt.Errorf("read %s/%s: not a range", r.Topic, rng))
				return
			}
			if rng.Len() > 0 {
				ranges = append(ranges, rng)
			}
		}
		if len(ranges) > 0 {
			r.Ranges = ranges
			k.read(ctx, r, yield)
		}
	}
}

// An item is what goes to the loop body.
type item struct {
	slot  *slot
	batch *Batch
	err   error
}

func (k *Kafka) read(ctx context.Context, r ReadRequest, yield func(*Batch, error) bool) {
	if r.Memory == nil {
		r.Memory = unlimited{}
	}
	slots := [2]slot{}
	free, items, stop := make(chan *slot, len(slots)), make(chan item), make(chan struct{})
	for i := range slots {
		slots[i].buffers, slots[i].memory = k.buffers, r.Memory
		free <- &slots[i]
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		close(stop)
		wg.Wait()
		for i := range slots {
			slots[i].release()
		}
	}()
	wg.Go(func() {
		defer close(items)
		newMerge(k, r).run(ctx, free, items, stop)
	})
	for it := range items {
		if !yield(it.batch, it.err) {
			return
		}
		free <- it.slot
	}
}

// unlimited is the Memory of those who do not count.
type unlimited struct{}

func (unlimited) Reserve(int64)         {}
func (unlimited) TryReserve(int64) bool { return true }
func (unlimited) Release(int64)         {}
