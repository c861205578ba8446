package hdfs

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"shadoof/storage"
)

// staged stages a file on a new cluster.
func staged(t *testing.T) (*nameNodes, *Store, []storage.Staged) {
	t.Helper()
	n := newNameNodes()
	s := n.store(t)
	f, err := stage(t.Context(), s, "rows")
	if err != nil {
		t.Fatal(err)
	}
	return n, s, []storage.Staged{f}
}

func TestAPublicationThatTheJournalDoesNotHaveIsNotAnnounced(t *testing.T) {
	t.Parallel()
	n, s, pairs := staged(t)
	n.stall()
	if p, err := s.Publish(timedOut(t), key, pairs); p != storage.PublishUnclear || err == nil {
		t.Errorf("the rename without an answer: %s, %v", p, err)
	}
	// The object is seen; the change that would prove it gets no answer.
	if p, err := s.Publish(timedOut(t), key, pairs); p != storage.PublishUnclear || err == nil {
		t.Errorf("what was seen only: %s, %v", p, err)
	}
	if d, err := s.Discard(timedOut(t), key, pairs[0]); d != storage.DiscardUnclear || err == nil {
		t.Errorf("the discard of what was seen only: %s, %v", d, err)
	}
	n.failover()
	if p, err := s.Publish(t.Context(), key, pairs); p != storage.Published || err != nil {
		t.Errorf("after the fail-over: %s, %v", p, err)
	}
	if p, err := s.Publish(t.Context(), key, pairs); p != storage.AlreadyPublished || err != nil {
		t.Errorf("again: %s, %v", p, err)
	}
}

func TestADiscardThatTheJournalDoesNotHaveIsNotAnnounced(t *testing.T) {
	t.Parallel()
	n, s, pairs := staged(t)
	n.stall()
	if d, err := s.Discard(timedOut(t), key, pairs[0]); d != storage.DiscardUnclear || err == nil {
		t.Errorf("%s, %v", d, err)
	}
	if d, err := s.Discard(timedOut(t), key, pairs[0]); d != storage.DiscardUnclear || err == nil {
		t.Errorf("what was seen only: %s, %v", d, err)
	}
	if p, err := s.Publish(timedOut(t), key, pairs); p != storage.PublishUnclear || err == nil {
		t.Errorf("nothing was seen: %s, %v", p, err)
	}
	n.failover()
	if d, err := s.Discard(t.Context(), key, pairs[0]); d != storage.Discarded || err != nil {
		t.Errorf("after the fail-over: %s, %v", d, err)
	}
	if p, err := s.Publish(t.Context(), key, pairs); p != storage.NothingToPublish || err != nil {
		t.Errorf("%s, %v", p, err)
	}
}

func TestAPublisherWithoutAnAnswerFindsItsFilePublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, s, pairs := staged(t)
		n.fault = failingOnce("rename", errEOF, true)
		if p, err := s.Publish(t.Context(), key, pairs); p != storage.AlreadyPublished || err != nil {
			t.Errorf("%s, %v", p, err)
		}
		if c := n.count("chtimes /lake/" + key); c != 1 {
			t.Errorf("the object was confirmed %d times", c)
		}
	})
}

func TestOfTwoPublishersOneRenames(t *testing.T) {
	t.Parallel()
	n, s, pairs := staged(t)
	// Both have looked; the other one is quicker.
	n.fault = failingOnce("rename", os.ErrNotExist, true)
	if p, err := s.Publish(t.Context(), key, pairs); p != storage.AlreadyPublished || err != nil {
		t.Errorf("%s, %v", p, err)
	}
}

func TestAConflictIsForAPerson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(n *nameNodes)
		want storage.Publication
		say  string
	}{
		{"an object of another length", func(n *nameNodes) { n.tree["/lake/"+key] = inode{data: "other rows"} }, storage.PublishConflict, "differs"},
		{"an object of the same length", func(n *nameNodes) { n.tree["/lake/"+key] = inode{data: "ROWS"} }, storage.PublishConflict, "differs"},
		{"the same object", func(n *nameNodes) { n.tree["/lake/"+key] = inode{data: "rows"} }, storage.AlreadyPublished, ""},
		{"a folder", func(n *nameNodes) { n.tree["/lake/"+key] = inode{dir: true} }, storage.PublishConflict, "is a folder"},
		{"not allowed", func(n *nameNodes) { n.fault = failing("rename", os.ErrPermission, false) }, storage.PublishConflict, "permission denied for user shadoof"},
		{"another zone", func(n *nameNodes) {
			n.fault = failing("rename", &exception{"java.io.IOException", "/a can't be moved from encryption zone /a to encryption zone /b."}, false)
		}, storage.PublishConflict, "use folders outside"},
		{"over quota", func(n *nameNodes) { n.fault = failing("rename", errNameQuota, false) }, storage.PublishUnclear, "setQuota"},
	} {
		n, s, pairs := staged(t)
		c.make(n)
		p, err := s.Publish(t.Context(), key, pairs)
		if p != c.want || (c.say == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %s, %v", c.name, p, err)
		}
		n.fault = nil
		_, kept := n.tree["/lake/"+stagingName]
		if kept != (err != nil) {
			t.Errorf("%s: the staged file is kept: %t", c.name, kept)
		}
		if err != nil {
			t.Log(err)
		}
	}
}

func TestAStagedFileOfAnotherLengthIsLost(t *testing.T) {
	t.Parallel()
	n, s, pairs := staged(t)
	n.tree["/lake/"+stagingName] = inode{data: "row"}
	if p, err := s.Publish(t.Context(), key, pairs); p != storage.NothingToPublish || err != nil {
		t.Errorf("%s, %v", p, err)
	}
}

func TestFinishFailsWhereTheFileWasRemoved(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: stagingName})
	if err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	delete(n.tree, "/lake/"+stagingName)
	n.mu.Unlock()
	if _, err := w.Finish(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestStagedFilesGetModeAndGroupAndAPlaceToGo(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	s.o.Group, s.o.DirMode, s.o.FileMode = "lake", 0o770, 0o660
	n.fault = func(_ int, line string) (error, bool) { return nil, false }
	if _, err := stage(t.Context(), s, strings.Repeat("rows", chunkSize)); err != nil {
		t.Fatal(err)
	}
	for _, name := range n.names() {
		i := n.tree["/lake/"+strings.TrimSuffix(name, "/")]
		want := s.o.FileMode
		if i.dir {
			want = s.o.DirMode
		}
		if i.mode != want || i.group != "lake" {
			t.Errorf("%s is %s:%s %04o", name, i.owner, i.group, i.mode)
		}
	}
	if _, there := n.tree["/lake/orders/dt=2026-11-20/hr=13"]; !there {
		t.Error("the folder of the key is missing")
	}
}

func TestStagingInAZoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, flags := range []status{{encrypted: true}, {coded: true}} {
		n := newNameNodes()
		s := n.store(t)
		n.tree["/lake"] = inode{dir: true, mode: 0o755}
		n.tree["/lake/orders"] = inode{dir: true, mode: 0o755, flags: flags}
		if _, err := stage(t.Context(), s, "rows"); !errors.Is(err, storage.ErrUnfit) || !strings.Contains(err.Error(), "/lake/orders is ") {
			t.Error(err)
		}
		if n.count("create") > 0 {
			t.Error("a file was made")
		}
		if err := s.TryMove(t.Context(), storage.Move{Staging: "_shadoof/topics/orders/staging", Folder: "orders"}); !errors.Is(err, storage.ErrUnfit) {
			t.Error(err)
		}
	}
}

func TestAMoveIsTried(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		unfit bool
		says  string
	}{
		{nil, false, ""}, {os.ErrPermission, true, "permission denied"}, {errNameQuota, false, "-setQuota"},
		{&exception{"java.io.IOException", "x can't be moved into an encryption zone."}, true, "use folders outside"}, {&exception{"java.io.IOException", "else"}, false, "else"},
	} {
		n := newNameNodes()
		s := n.store(t)
		if c.err != nil {
			n.fault = failing("rename", c.err, false)
		}
		err := s.TryMove(t.Context(), storage.Move{Staging: "orders/_staging", Folder: "orders"})
		if errors.Is(err, storage.ErrUnfit) != c.unfit || (err == nil) != (c.err == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v", c.err, err)
		}
		for _, name := range n.names() {
			if strings.Contains(name, ".tmp-") {
				t.Errorf("%v: left %s", c.err, name)
			}
		}
	}
}
