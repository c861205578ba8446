package local

import (
	"testing"
	"time"

	"shadoof/storage"
	"shadoof/storage/contract"
)

func TestKeepsTheContract(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	open := func() (storage.Store, error) { return New(root) }
	for _, r := range contract.Check(t.Context(), open, contract.Options{}) {
		t.Logf("%-60s %8s %s", r.Name, r.Took.Round(time.Microsecond), r.Detail)
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
}
