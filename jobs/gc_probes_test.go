package jobs

import (
	"context"
	"testing"
	"time"

	"shadoof/storage"
)

// A look at the store that died, with a staged file that its discard did not reach.
func TestGCDiscardsWhatLooksAtTheStoreLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.runClean()
	staged, err := w.store.Stage(context.Background(), storage.StageRequest{Key: "_shadoof/probe/0123/001.parquet", Staging: "_shadoof/probe/0123/002.staged"})
	if err == nil {
		_, err = staged.Finish(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	gc := func(dry bool) int {
		t.Helper()
		r, err := w.process(w.store).GC(context.Background(), Selection{}, dry)
		if err != nil {
			t.Fatal(err)
		}
		return r.Probes
	}
	if n := gc(false); n != 0 || len(w.store.Staged()) != 1 {
		t.Errorf("%d of a look that may be under way were discarded", n)
	}
	w.sleep(25 * time.Hour)
	if n := gc(true); n != 1 || len(w.store.Staged()) != 1 {
		t.Errorf("a dry run told of %d, and left %d", n, len(w.store.Staged()))
	}
	if n := gc(false); n != 1 || len(w.store.Staged()) != 0 {
		t.Errorf("%d were discarded, %d are left", n, len(w.store.Staged()))
	}
}
