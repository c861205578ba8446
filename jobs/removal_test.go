package jobs

import (
	"context"
	"strings"
	"sync"
	"testing"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/storage/memory"
)

// discardLast is the mistake to remove what is visible first, and to give up the right to make it visible at the end.
type discardLast struct {
	storage.Store
	key string

	mu   sync.Mutex
	held []storage.Staged
}

func (d *discardLast) Discard(ctx context.Context, key string, s storage.Staged) (storage.Discarding, error) {
	if key != d.key {
		return d.Store.Discard(ctx, key, s)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = append(d.held, s)
	return storage.Discarded, nil
}

func (d *discardLast) Open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	o, err := d.Store.Open(ctx, name, from, n)
	if name == d.key && isNotExist(err) {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, s := range d.held {
			_, _ = d.Store.Discard(ctx, name, s)
		}
		d.held = nil
	}
	return o, err
}

// wakeInARemoval commits a retry and lets a publisher fall asleep over one of its files, which is dropped then. The publisher wakes before
// operation n of the removal. It returns whether the file is visible at the end, and how many operations there were.
func wakeInARemoval(t *testing.T, n int, order func(storage.Store, string) storage.Store) (back bool, operations int) {
	w := newWorld(t)
	withBad(w)
	w.crashRetry("half-swapped", RetryRequest{Swap: offsets.HideFirst})
	key := ""
	asleep := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpPublish && (key == "" || key == c.Name) && strings.Contains(c.Name, "hr=13") {
			key = c.Name
			return memory.Delay
		}
		return memory.Proceed
	}})
	if r := w.run(w.process(asleep)); r.ExitCode() != ExitPartial || key == "" {
		t.Fatalf("exit %d, asleep over %q", r.ExitCode(), key)
	}
	s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Seq == n {
			w.store.Land()
		}
		return memory.Proceed
	}})
	w.dropBy(w.process(order(s, key)), key)
	operations = s.Operations()
	w.store.Land()
	for _, name := range w.store.Objects() {
		back = back || name == key
	}
	if !back {
		w.runClean()
		w.checkVerified("at the end")
	}
	return back, operations
}

func TestAPublisherThatWakesInARemovalBringsNothingBack(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		back, operations := wakeInARemoval(t, n, func(s storage.Store, _ string) storage.Store { return s })
		if back {
			t.Fatalf("a publisher that woke before operation %d of %d brought the file back", n, operations)
		}
		if n > operations {
			return
		}
	}
}

// TestTheOrderOfARemovalMatters shows that the test above can fail.
func TestTheOrderOfARemovalMatters(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		back, operations := wakeInARemoval(t, n, func(s storage.Store, key string) storage.Store { return &discardLast{Store: s, key: key} })
		if back {
			return
		}
		if n > operations {
			t.Fatal("tokens that are given up last bring nothing back, and nobody noticed")
		}
	}
}
