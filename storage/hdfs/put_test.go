package hdfs

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"shadoof/storage"
)

const (
	record = "_shadoof/topics/orders/log/00000000000000000001.json"
	marker = "_shadoof/topics/orders/pub/00000000000000000001"
	key    = "orders/dt=2026-11-20/hr=13/a.parquet"
	// stagingName is in the folder of an attempt.
	stagingName = "_shadoof/topics/orders/staging/1a2b/a.staged"
)

// failing makes each call that begins like this fail, after it was carried out or not.
func failing(prefix string, err error, applied bool) func(int, string) (error, bool) {
	return func(_ int, line string) (error, bool) {
		if strings.HasPrefix(line, prefix) {
			return err, applied
		}
		return nil, false
	}
}

// failingOnce makes the first such call fail.
func failingOnce(prefix string, err error, applied bool) func(int, string) (error, bool) {
	hit := false
	return func(_ int, line string) (error, bool) {
		if !hit && strings.HasPrefix(line, prefix) {
			hit = true
			return err, applied
		}
		return nil, false
	}
}

func TestARecordIsADirectoryThatIsRenamedOnce(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	s.o.Group = "lake"
	s.o.FileMode = 0o640
	if put, err := s.PutNew(t.Context(), record, []byte("{}")); put != storage.Created {
		t.Fatal(put, err)
	}
	if n.count("chgrp lake /lake") == 0 {
		t.Error("the root has not got its group") // everything below inherits it
	}
	n.reset()
	const settings = "_shadoof/topics/orders/settings/ab"
	if put, err := s.PutNew(t.Context(), settings, []byte("{}")); put != storage.Created {
		t.Fatal(put, err)
	}
	want := `mkdir _shadoof/topics/orders/settings
mkdir _shadoof/topics/orders/settings/X
create _shadoof/topics/orders/settings/X/X
write _shadoof/topics/orders/settings/X/X
close _shadoof/topics/orders/settings/X/X
rename _shadoof/topics/orders/settings/X
`
	if diff := cmp.Diff(want, n.changes()); diff != "" {
		t.Error(diff)
	}
	n.reset()
	if put, err := s.PutNew(t.Context(), settings, []byte("{}")); put != storage.Exists || err != nil {
		t.Error(put, err)
	}
	want = `mkdir _shadoof/topics/orders/settings/X
create _shadoof/topics/orders/settings/X/X
write _shadoof/topics/orders/settings/X/X
close _shadoof/topics/orders/settings/X/X
rename _shadoof/topics/orders/settings/X
removeall _shadoof/topics/orders/settings/X
`
	if diff := cmp.Diff(want, n.changes()); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyObjectIsAPlainFile(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	if put, err := s.PutNew(t.Context(), record, []byte("{}")); put != storage.Created {
		t.Fatal(put, err)
	}
	n.reset()
	if put, err := s.PutNew(t.Context(), marker, nil); put != storage.Created || err != nil {
		t.Fatal(put, err)
	}
	want := `mkdir _shadoof/topics/orders/pub
create _shadoof/topics/orders/pub/00000000000000000001
close _shadoof/topics/orders/pub/00000000000000000001
`
	if diff := cmp.Diff(want, n.changes()); diff != "" {
		t.Error(diff)
	}
	if put, err := s.PutNew(t.Context(), marker, nil); put != storage.Exists || err != nil {
		t.Error(put, err)
	}
	if d, err := s.Confirm(t.Context(), marker); d != storage.Durable {
		t.Error(d, err)
	}
	if entries, err := storage.Entries(t.Context(), s, storage.Query{Prefix: "_shadoof/topics/orders/pub/"}); err != nil || len(entries) != 1 || entries[0].Name != marker {
		t.Error(entries, err)
	}
	if err := s.Delete(t.Context(), marker); err != nil {
		t.Error(err)
	}
	if put, err := s.PutNew(t.Context(), marker, nil); put != storage.Created {
		t.Error(put, err)
	}
}

func TestTheAnswerToTheCreationOfAnEmptyObjectDecides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		err     error
		applied bool
		want    storage.Put
		clean   bool // no error
	}{
		{"there", os.ErrExist, false, storage.Exists, true},
		{"left open by a dead process", &exception{"org.apache.hadoop.hdfs.protocol.RecoveryInProgressException", "recovering"}, false, storage.Exists, true},
		{"connection ended", errEOF, true, storage.PutUnknown, false},
		{"connection ended before", errEOF, false, storage.PutUnknown, false},
		{"some exception", &exception{"java.io.IOException", "something"}, false, storage.PutUnknown, false},
		{"not allowed", os.ErrPermission, false, storage.Refused, false},
		{"quota of names", errNameQuota, false, storage.Refused, false},
	} {
		n := newNameNodes()
		s := n.store(t)
		n.fault = failing("create", c.err, c.applied)
		put, err := s.PutNew(t.Context(), marker, nil)
		if put != c.want || (err == nil) != c.clean {
			t.Errorf("%s: %s, %v; want %s", c.name, put, err, c.want)
		}
		if sent := n.count("create"); sent != 1 {
			t.Errorf("%s: it was sent %d times", c.name, sent)
		}
		n.fault = nil
		if _, there := n.tree["/lake/"+marker]; there != c.applied {
			t.Errorf("%s: it is there: %t", c.name, there)
		}
	}
	n := newNameNodes()
	s := n.store(t)
	n.fault = failing("close", errEOF, false) // it stays open, and is there all the same
	if put, err := s.PutNew(t.Context(), marker, nil); put != storage.Created || err != nil {
		t.Error(put, err)
	}
}

func TestTheAnswerToTheRenameDecides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		err   error
		want  storage.Put
		clean bool // no error
	}{
		{"taken by a record", errNotEmpty, storage.Exists, true},
		{"taken by a file", errSameKind, storage.Exists, true},
		{"not there", os.ErrNotExist, storage.PutUnknown, false},
		{"there", os.ErrExist, storage.PutUnknown, false},
		{"connection ended", errEOF, storage.PutUnknown, false},
		{"another's answer", errors.New("unexpected sequence number"), storage.PutUnknown, false},
		{"no other name node", errors.New("no available namenodes: " + errSealed.Error()), storage.PutUnknown, false},
		{"some exception", &exception{"java.io.IOException", "something"}, storage.PutUnknown, false},
		{"null pointer", &exception{"java.lang.NullPointerException", ""}, storage.PutUnknown, false},
		{"not allowed", os.ErrPermission, storage.Refused, false},
		{"quota of names", errNameQuota, storage.Refused, false},
		{"safe mode", errSafe, storage.Refused, false},
		{"safe mode with HA", errSafeHA, storage.Refused, false},
	} {
		n := newNameNodes()
		s := n.store(t)
		n.fault = failing("rename", c.err, false)
		put, err := s.PutNew(t.Context(), record, []byte("{}"))
		if put != c.want || (err == nil) != c.clean {
			t.Errorf("%s: %s, %v; want %s", c.name, put, err, c.want)
		}
		if sent := n.count("rename"); sent != 1 {
			t.Errorf("%s: the rename was sent %d times", c.name, sent)
		}
		if err != nil {
			t.Log(err)
		}
	}
}

func TestWhatFailsBeforeTheRenameIsTriedAgainUnderANewName(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{false, true} {
		for _, op := range []string{"stat", "mkdir", "defaults", "create", "write", "close", "target"} {
			synctest.Test(t, func(t *testing.T) {
				n := newNameNodes()
				s := n.store(t)
				n.fault = failingOnce(op, errEOF, applied)
				if put, err := s.PutNew(t.Context(), record, []byte("{}")); put != storage.Created {
					t.Errorf("%s, applied %t: %s, %v", op, applied, put, err)
				}
				if sent := n.count("rename"); sent != 1 {
					t.Errorf("%s: %d renames", op, sent)
				}
				if n.connects[0] != 0 || n.connects[1] != 1 {
					t.Errorf("%s: clients began at the addresses %v, and the second one should at the other", op, n.connects)
				}
				if data, err := storage.ReadAll(t.Context(), s, record, 10); string(data) != "{}" {
					t.Errorf("%s, applied %t: %q, %v", op, applied, data, err)
				}
			})
		}
	}
}

func TestARefusalBeforeTheRenameIsFinal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
		is   error
	}{
		{os.ErrPermission, "permission denied for user shadoof: / is hdfs:supergroup 0777", fs.ErrPermission},
		{errNameQuota, "quota=3 file count=4: free or raise it (hdfs dfsadmin -setQuota", nil},
		{errSafe, "hdfs dfsadmin -safemode get", nil},
		{&exception{"java.io.IOException", "File /x could only be written to 0 of the 1 minReplication nodes."}, "hdfs dfsadmin -report", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newNameNodes()
			s := n.store(t)
			n.fault = failing("mkdir", c.err, false)
			put, err := s.PutNew(t.Context(), record, []byte("{}"))
			if put != storage.Refused || err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%s, %v; want %q", put, err, c.want)
			}
			if n.count("rename") > 0 {
				t.Error("a rename was sent")
			}
			if strings.Count(err.Error(), "hdfs://lake/lake/"+record) != 1 {
				t.Errorf("the object is not named once: %v", err)
			}
		})
	}
}

func TestAnOpenFileIsNeverClosedAfterAFailedWrite(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{errEOF, &exception{"org.apache.hadoop.hdfs.protocol.DSQuotaExceededException", "The DiskSpace quota of /lake is exceeded"}} {
		synctest.Test(t, func(t *testing.T) {
			n := newNameNodes()
			s := n.store(t)
			n.fault = failing("write", fail, true)
			if put, err := s.PutNew(t.Context(), record, []byte("{}")); put != storage.Refused || err == nil {
				t.Errorf("%s, %v", put, err)
			}
			w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: stagingName})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(make([]byte, chunkSize+1)); err == nil {
				t.Error("the write succeeded")
			}
			writers := n.clients[len(n.clients)-1]
			if err := w.Abort(t.Context()); err != nil {
				t.Error(err)
			}
			if n.count("close") > 0 {
				t.Error("a file was closed")
			}
			if !writers.isDead() {
				t.Error("the client of the failed file is kept")
			}
			for _, name := range n.names() {
				if !strings.HasSuffix(name, "/") {
					t.Errorf("left: %s", name)
				}
			}
		})
	}
}

// The name node hands out data nodes that are down for a while.
func TestAFileIsBegunAnewWhileAllOfItIsAtHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNameNodes()
		s := n.store(t)
		down := 4
		n.fault = func(_ int, line string) (error, bool) {
			if strings.HasPrefix(line, "write") && down > 0 {
				if down--; down == 2 {
					return &exception{"java.io.IOException", "File /lake/x could only be written to 0 of the 1 minReplication nodes."}, false
				}
				return errEOF, down%2 == 0
			}
			return nil, false
		}
		rows := bytes.Repeat([]byte("0123456789abcdef"), chunkSize/8)
		w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: stagingName})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		staged, err := w.Finish(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p, err := s.Publish(t.Context(), key, []storage.Staged{staged}); p != storage.Published {
			t.Fatal(p, err)
		}
		if data, err := storage.ReadAll(t.Context(), s, key, int64(2*len(rows))); err != nil || !bytes.Equal(data, rows) {
			t.Errorf("%d bytes of %d, %v", len(data), len(rows), err)
		}
		// Later it is not all at hand any more.
		w, err = s.Stage(t.Context(), storage.StageRequest{Key: key + "2", Staging: "x/" + stagingName})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(rows[:chunkSize]); err != nil {
			t.Fatal(err)
		}
		down = 1
		if _, err := w.Write(rows[:chunkSize]); err == nil {
			t.Error("a part of the file was lost in silence")
		}
		if err := w.Abort(t.Context()); err != nil {
			t.Error(err)
		}
		if n.count("create x/") > 0 && n.count("close x/") > 0 {
			t.Error("the failed file was closed")
		}
	})
}

func TestARecordThatTheJournalDoesNotHaveIsGoneAfterAFailover(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s, other := n.store(t), n.store(t)
	if put, err := s.PutNew(t.Context(), marker, nil); put != storage.Created {
		t.Fatal(put, err)
	}
	// It stalls between what is prepared and the rename.
	n.fault = func(_ int, line string) (error, bool) {
		if strings.HasPrefix(line, "target") {
			n.journal = maps.Clone(n.tree)
		}
		return nil, false
	}
	if put, _ := s.PutNew(t.Context(), record, []byte("mine")); put != storage.PutUnknown {
		t.Error(put)
	}
	n.fault = nil
	// It is seen, but nothing proves it.
	if data, err := storage.ReadAll(t.Context(), other, record, 10); string(data) != "mine" {
		t.Error(data, err)
	}
	if d, err := other.Confirm(timedOut(t), record); d != storage.DurabilityUnknown || err == nil {
		t.Error(d, err)
	}
	n.failover()
	if d, err := other.Confirm(t.Context(), record); d != storage.Gone || err != nil {
		t.Error(d, err)
	}
	if put, err := other.PutNew(t.Context(), record, []byte("other")); put != storage.Created {
		t.Error(put, err)
	}
	if d, err := s.Confirm(t.Context(), record); d != storage.Durable || err != nil {
		t.Error(d, err)
	}
}
