package writers_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"shadoof/record"
	"shadoof/storage"
	"shadoof/storage/memory"
	"shadoof/writers"
)

func TestAbortDropsWhatIsOpenAndTellsWhatIsNot(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	o := options(t, store)
	o.RowGroupRows, o.TargetSize = 100, 64<<10
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(7, 7))
	for i := range int64(40) {
		add(t, s, r, fmt.Sprint(i%20), i*100, 100)
		settle(t, s)
	}
	add(t, s, r, "buffered", 4000, 1)
	if err := s.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Abort(t.Context()); err != nil {
		t.Errorf("the second time: %v", err)
	}
	noneOpen(t, store, s.Staged())
	for _, f := range s.Staged() {
		if d, err := store.Discard(t.Context(), f.Key, f.Staged); err != nil || d != storage.Discarded {
			t.Errorf("discard %s: %v, %v", f.Key, d, err)
		}
	}
	noneOpen(t, store, nil)
	if used := o.Budget.Used() - o.Budget.Spare(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
	if _, err := s.Finish(t.Context()); err == nil {
		t.Error("an aborted set finishes")
	}
}

// Whatever operation fails, nothing is lost from sight: what is staged is known, the rest is aborted, the memory given back.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, hook func(memory.Call) memory.Verdict) (ops int, err error) {
		store := memory.New(memory.Options{Hook: hook, PartSize: 4 << 10})
		o := options(t, store)
		o.RowGroupRows, o.TargetSize, o.MaxOpen = 100, 48<<10, 2
		s := writers.NewSet(o)
		r := rand.New(rand.NewPCG(8, 8))
		for i := range int64(12) {
			add(t, s, r, fmt.Sprint(i%3), i*100, 50)
			if err = s.Settle(t.Context()); err != nil {
				break
			}
		}
		if err == nil {
			_, err = s.Finish(t.Context())
		}
		ops = store.Operations()
		if err != nil {
			if _, again := s.File("x"); !errors.Is(again, err) {
				t.Errorf("File after %v: %v", err, again)
			}
			if again := s.Settle(t.Context()); !errors.Is(again, err) {
				t.Errorf("Settle after %v: %v", err, again)
			}
			if err := s.Abort(t.Context()); err != nil {
				t.Errorf("abort: %v", err)
			}
			noneOpen(t, store, s.Staged())
		}
		if used := o.Budget.Used() - o.Budget.Spare(); used != 0 {
			t.Errorf("%d bytes are still counted", used)
		}
		return ops, err
	}
	ops, err := run(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ops < 30 {
		t.Fatalf("only %d operations", ops)
	}
	for n := 1; n <= ops; n++ {
		fired := false
		var mu sync.Mutex
		_, err := run(t, func(c memory.Call) memory.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if c.Seq == n && c.Op != memory.OpAbort {
				fired = true
				return memory.Lose
			}
			return memory.Proceed
		})
		if fired != errors.Is(err, memory.ErrInjected) {
			t.Errorf("operation %d: failed %v, error %v", n, fired, err)
		}
	}
}

func TestACanceledContextStopsTheSet(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	o := options(t, store)
	s := writers.NewSet(o)
	add(t, s, rand.New(rand.NewPCG(9, 9)), "b", 0, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Finish(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := s.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	noneOpen(t, store, nil)
}

// Whatever the limits are, each row is in exactly one file, no file is empty, and nothing stays open.
func TestEveryRowIsInOneFile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		store := memory.New(memory.Options{PartSize: rapid.IntRange(1<<10, 1<<20).Draw(rt, "part")})
		o := options(t, store)
		o.Budget = writers.NewBudget(rapid.Int64Range(64<<10, 4<<20).Draw(rt, "budget"))
		o.TargetSize = rapid.Int64Range(0, 256<<10).Draw(rt, "target")
		o.MaxOpen = rapid.IntRange(0, 5).Draw(rt, "open")
		o.RowGroupRows = rapid.IntRange(1, 500).Draw(rt, "rows")
		buckets := rapid.IntRange(1, 12).Draw(rt, "buckets")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		s := writers.NewSet(o)
		var want record.Digest
		offset := int64(0)
		for range rapid.IntRange(0, 12).Draw(rt, "batches") {
			for range 1 + r.IntN(4) {
				n := r.IntN(100)
				add(t, s, r, fmt.Sprint(r.IntN(buckets)), offset, n)
				for range n {
					want.Add(7, offset)
					offset++
				}
			}
			settle(t, s)
			if used := o.Budget.Used(); used > o.Budget.Limit() {
				rt.Errorf("%d bytes are used of %d", used, o.Budget.Limit())
			}
		}
		files := finish(t, s)
		noneOpen(t, store, files)
		var got record.Digest
		for i, f := range files {
			got.Merge(f.Digest)
			if n, err := writers.Parse(f.Key[len("orders/"+f.Bucket+"/"):]); err != nil || n.Sequence != i || n.First != f.Ranges[0].First || f.Rows == 0 {
				rt.Errorf("file %d: %+v, %v", i, f, err)
			}
		}
		bytes := int64(0)
		for _, f := range files {
			bytes += f.Staged.Bytes
		}
		if rows := check(t, store, files); rows != offset || got != want || s.Rows() != rows || s.Bytes() != bytes {
			rt.Errorf("%d rows of %d, digest %v of %v, progress %d rows and %d bytes of %d", rows, offset, got, want, s.Rows(), s.Bytes(), bytes)
		}
		if used := o.Budget.Used() - o.Budget.Spare(); used != 0 {
			rt.Errorf("%d bytes are still counted", used)
		}
	})
}
