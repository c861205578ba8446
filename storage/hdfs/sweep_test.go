package hdfs

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"shadoof/storage"
)

// TestAnswersAreTrueWhateverFails makes each call to the name node fail in turn, before or after it was carried out.
func TestAnswersAreTrueWhateverFails(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{false, true} {
		for _, fail := range []error{errEOF, os.ErrPermission, errNameQuota, errSafe} {
			if applied && fail != errEOF {
				continue // an answer means that nothing was done
			}
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for call := 1; ; call++ {
					hit := ""
					synctest.Test(t, func(t *testing.T) {
						n := newNameNodes()
						n.fault = func(number int, line string) (error, bool) {
							if number == call {
								hit = line
								return fail, applied
							}
							return nil, false
						}
						sweepOnce(t, n)
					})
					if t.Failed() {
						t.Fatalf("call %d (%s) failed with %v, applied: %t", call, hit, fail, applied)
					}
					if hit == "" {
						t.Logf("%d calls", call-1)
						break
					}
				}
			})
		}
	}
}

func sweepOnce(t *testing.T, n *nameNodes) {
	ctx := t.Context()
	// What a process without faults sees in the same cluster.
	view := newNameNodes()
	truth := view.store(t)
	look := func() { n.mu.Lock(); view.tree = n.tree; n.mu.Unlock() }

	s := n.store(t)
	put, err := s.PutNew(ctx, record, []byte("{}"))
	look()
	data, reading := storage.ReadAll(ctx, truth, record, 100)
	there := reading == nil
	switch {
	case (err == nil) != (put == storage.Created):
		t.Errorf("put answered %s, %v", put, err)
	case put == storage.Created && !there, put == storage.Refused && there, put == storage.Exists:
		t.Errorf("put answered %s, %v; there: %t", put, err, there)
	case there && string(data) != "{}":
		t.Errorf("put left %q", data)
	}
	if d, err := s.Confirm(ctx, record); d == storage.Durable && !there || d == storage.Gone && there || (err == nil) != (d != storage.DurabilityUnknown) {
		t.Errorf("confirm answered %s, %v; there: %t", d, err, there)
	}
	staged, err := stage(ctx, s, "rows")
	look()
	if there, _ := storage.Entries(ctx, truth, storage.Query{Prefix: "orders/"}); len(there) > 0 {
		t.Errorf("visible before it was published: %v", there)
	}
	if err != nil {
		return
	}
	p, err := s.Publish(ctx, key, []storage.Staged{staged})
	look()
	data, reading = storage.ReadAll(ctx, truth, key, 100)
	there = reading == nil
	switch {
	case p == storage.AlreadyPublished && !there, p == storage.Published && !there, p == storage.NothingToPublish, (err == nil) != (p == storage.Published || p == storage.AlreadyPublished):
		t.Errorf("publish answered %s, %v; there: %t", p, err, there)
	case there && string(data) != "rows":
		t.Errorf("publish left %q", data)
	}
	// The next process brings it to an end.
	if p, err := truth.Publish(ctx, key, []storage.Staged{staged}); p != storage.Published && p != storage.AlreadyPublished {
		t.Errorf("the next publish answered %s, %v", p, err)
	}
	d, err := s.Discard(ctx, key, staged)
	if d != storage.TokenUsed && d != storage.DiscardUnclear || (err == nil) != (d == storage.TokenUsed) {
		t.Errorf("discard answered %s, %v", d, err)
	}
	if err := s.Delete(ctx, key); err == nil {
		look()
		if slices.ContainsFunc(n.names(), func(name string) bool { return name == key }) {
			t.Error("there after a delete")
		}
	}
	for _, name := range n.names() {
		if name == stagingName || strings.HasSuffix(name, "a.parquet/") {
			t.Errorf("left %s", name)
		}
	}
}
