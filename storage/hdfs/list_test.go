package hdfs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"shadoof/storage"
)

func TestAListingOfTheLogCostsOneRequest(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	prefix := "_shadoof/topics/orders/log/"
	for i := range 50 {
		if put, err := s.PutNew(t.Context(), fmt.Sprintf("%s%020d.json", prefix, i+1), []byte("{}")); put != storage.Created {
			t.Fatal(put, err)
		}
	}
	n.reset()
	entries, err := storage.Entries(t.Context(), s, storage.Query{Prefix: prefix, After: prefix + "00000000000000000010.json"})
	if err != nil || len(entries) != 40 || entries[0].Name != prefix+"00000000000000000011.json" || entries[0].Size != -1 {
		t.Errorf("%d entries, %v, %v", len(entries), entries[0], err)
	}
	if n.count("") != 1 {
		t.Errorf("%d requests", n.count(""))
	}
}

func TestAnEmptySlotIsNoObject(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	if put, err := s.PutNew(t.Context(), marker, nil); put != storage.Created {
		t.Fatal(put, err)
	}
	n.tree["/lake/_shadoof/topics/orders/log"] = inode{dir: true}
	n.tree["/lake/"+record] = inode{dir: true}
	if entries, err := storage.Entries(t.Context(), s, storage.Query{Prefix: "_shadoof/topics/orders/log/"}); err != nil || len(entries) > 0 {
		t.Error(entries, err)
	}
	if put, err := s.PutNew(t.Context(), record, []byte("{}")); put != storage.Created {
		t.Error(put, err)
	}
}

func TestBreakingOutOfAListingCostsNothingMore(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	for _, name := range []string{"a/b/1", "a/b/2", "a/c", "a/d", "e/1/2/3"} {
		if put, err := s.PutNew(t.Context(), name, []byte("x")); put != storage.Created {
			t.Fatal(put, err)
		}
	}
	n.reset()
	for e, err := range s.List(t.Context(), storage.Query{}) {
		if err != nil || e.Name != "a/b/1" {
			t.Fatal(e, err)
		}
		break
	}
	// The root, a, b, and what 1 is.
	if n.count("") != 4 {
		t.Errorf("%d requests: %v", n.count(""), n.calls)
	}
}

func TestAFolderThatVanishesIsEmpty(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	for _, name := range []string{"a/1", "b/1", "b/2", "c/1"} {
		if put, err := s.PutNew(t.Context(), name, []byte("x")); put != storage.Created {
			t.Fatal(put, err)
		}
	}
	var names []string
	for e, err := range s.List(t.Context(), storage.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name)
		if e.Name == "a/1" {
			c := &fakeClient{n: n}
			if err := c.RemoveAll("/lake/b"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := strings.Join(names, " "); got != "a/1 c/1" {
		t.Error(got)
	}
}

func TestStagedFilesAreListedFromWithinATopicsFolder(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	for _, name := range []string{"orders/_staging/1a2b/a.staged", "orders/_staging/3c4d/b.staged"} {
		w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: name})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := storage.Entries(t.Context(), s, storage.Query{Prefix: "orders/", Staged: true, Staging: "orders/_staging/"})
	if err != nil || len(entries) != 2 || entries[1].Name != "orders/_staging/3c4d/b.staged" {
		t.Fatal(entries, err)
	}
	if entries, err := storage.Entries(t.Context(), s, storage.Query{Prefix: "orders/"}); err != nil || len(entries) > 0 {
		t.Error(entries, err)
	}
	if d, err := s.Discard(t.Context(), entries[1].Name, storage.Staged{Token: entries[1].Token}); d != storage.Discarded || err != nil {
		t.Error(d, err)
	}
}

func TestLeftoversOfDeadProcessesAreSwept(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	if put, err := s.PutNew(t.Context(), record, []byte("{}")); put != storage.Created {
		t.Fatal(put, err)
	}
	old, fresh := "/lake/_shadoof/topics/orders/log/.tmp-0000000000000000", "/lake/_shadoof/topics/orders/log/.tmp-1111111111111111"
	n.tree[old] = inode{dir: true, modified: time.Now().Add(-25 * time.Hour)}
	n.tree[old+"/x"] = inode{}
	n.tree[fresh] = inode{dir: true, modified: time.Now()}
	if entries, err := storage.Entries(t.Context(), s, storage.Query{Prefix: "_shadoof/"}); err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
	if put, err := s.PutNew(t.Context(), strings.Replace(record, "1.json", "2.json", 1), []byte("{}")); put != storage.Created {
		t.Fatal(put, err)
	}
	_, oldThere := n.tree[old]
	_, freshThere := n.tree[fresh]
	if oldThere || !freshThere {
		t.Errorf("old: %t, fresh: %t", oldThere, freshThere)
	}
}
