package hdfs

import (
	"context"
	"os"
	"testing"
	"time"

	"shadoof/storage"
	"shadoof/storage/contract"
)

func TestRealContract(t *testing.T) {
	addr := os.Getenv("HDFS_DEV")
	if addr == "" {
		t.Skip()
	}
	o := Options{Authority: addr, Path: "/contract/" + newID()[:6], User: "root", ConfDir: os.Getenv("HDFS_DEV_CONF")}
	open := func() (storage.Store, error) { return New(context.Background(), o) }
	for _, r := range contract.Check(t.Context(), open, contract.Options{}) {
		t.Logf("%-60s %8s %s", r.Name, r.Took.Round(time.Millisecond), r.Detail)
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	s, _ := New(t.Context(), o)
	start := time.Now()
	if err := contract.Probe(t.Context(), s); err != nil {
		t.Error(err)
	}
	t.Log("probe", time.Since(start))
	broke, err := s.call(t.Context(), func(c client) error {
		_, l, err := c.Look(o.Path)
		for _, e := range l {
			t.Log("left", e.name, e.children)
		}
		return err
	})
	t.Log(broke, err)
}
