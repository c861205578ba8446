package extract

import (
	"context"
	"errors"
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
// One fetch is in flight while the loop body runs, so that a reader holds two answers at most, each of Options.FetchBytes or of one
// larger record batch, and one of them decompressed as far as it was yielded. Batches, their records and all bytes are used again
// after the loop body returned.
func (k *Kafka) Read(ctx context.Context, r ReadRequest) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		if r.Range.First < 0 || r.Range.Next < r.Range.First {
			yield(nil, fmt.Errorf("read %s/%s: not a range", r.Topic, r.Range))
			return
		}
		if r.Range.Len() == 0 {
			return
		}
		k.read(ctx, r, yield)
	}
}

func (k *Kafka) read(ctx context.Context, r ReadRequest, yield func(*Batch, error) bool) {
	what := fmt.Sprintf("read %s/%s", r.Topic, r.Range)
	clean := &cleanup{k: k, topic: r.Topic}
	f := &fetcher{
		k: k, topic: r.Topic, id: r.ID, rng: r.Range, cleanup: clean, what: what,
		pos: r.Range.First, bytes: k.opts.FetchBytes, lastEpoch: -1,
	}
	u := newUnpacker(k, r, clean)

	ctx, cancel := context.WithCancel(ctx)
	type fetched struct {
		answer *answer
		err    error
	}
	answers := make(chan fetched, 1)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		wg.Wait()
		u.release()
	}()
	fetch := func() {
		wg.Go(func() {
			a, err := f.next(ctx)
			answers <- fetched{a, err}
		})
	}

	fetch()
	for {
		got := <-answers
		if got.err != nil {
			yield(nil, got.err)
			return
		}
		last := got.answer.next >= r.Range.Next
		if !last {
			fetch() // f moves on; the answer is ours
		}
		err := u.unpack(ctx, got.answer, func(b *Batch) bool { return yield(b, nil) })
		if errors.Is(err, errStopped) {
			return
		}
		if err != nil {
			yield(nil, fmt.Errorf("%s: %w", what, err))
			return
		}
		if last {
			return
		}
	}
}

// errStopped: the loop body broke off.
var errStopped = errors.New("stopped")
