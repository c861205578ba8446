package s3

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/storage"
	"shadoof/storage/contract"
)

func TestKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, twice := range map[string]bool{"completes once": false, "completes twice": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.twice, f.page = twice, 3
			open := func() (storage.Store, error) { return New(t.Context(), f.options()) }
			for _, r := range contract.Check(t.Context(), open, contract.Options{Racers: 8, Rounds: 5}) {
				t.Logf("%-60s %8s %s", r.Name, r.Took.Round(time.Microsecond), r.Detail)
				if r.Err != nil {
					t.Error(r.Err)
				}
			}
			s := f.store(t)
			start := time.Now()
			if err := contract.Probe(t.Context(), s); err != nil {
				t.Error(err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			t.Logf("probe: %d requests, %s", len(f.requests), time.Since(start))
			if diff := cmp.Diff(0, len(f.objects)+len(f.uploads)); diff != "" {
				t.Errorf("left behind: %v, %v", f.objects, f.uploads)
			}
		})
	}
}
