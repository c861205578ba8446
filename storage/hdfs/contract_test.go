package hdfs

import (
	"testing"
	"time"

	"shadoof/storage"
	"shadoof/storage/contract"
)

func TestTheContractIsKept(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	open := func() (storage.Store, error) { return n.store(t), nil }
	for _, r := range contract.Check(t.Context(), open, contract.Options{}) {
		t.Logf("%-60s %8s %s", r.Name, r.Took.Round(time.Microsecond), r.Detail)
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if err := contract.Probe(t.Context(), n.store(t)); err != nil {
		t.Error(err)
	}
	for _, name := range n.names() {
		switch name {
		case "_shadoof/", "_shadoof/probe/", "_shadoof/tmp/":
		default:
			t.Errorf("left behind: %s", name)
		}
	}
}

func TestTheContractIsKeptWithoutAccessTimes(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	n.noTimes = true
	if err := contract.Probe(t.Context(), n.store(t)); err != nil {
		t.Error(err)
	}
}
