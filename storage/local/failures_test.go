package local

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"shadoof/storage"
)

// TestAnswersAreTrueWhateverFails makes each call to the operating system fail in turn, before or after it was carried out.
func TestAnswersAreTrueWhateverFails(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{false, true} {
		for _, fail := range []error{syscall.EIO, syscall.ENOSPC, syscall.EACCES} {
			for n := 1; ; n++ {
				f := newFaulty(t)
				hit := ""
				f.fault = func(call int, line string) (error, bool) {
					// Reads have no effect, and "no space" that took effect does not exist.
					if call == n {
						hit = line
						return fail, applied && fail == syscall.EIO
					}
					return nil, false
				}
				s, err := open(f.root, f)
				if err == nil {
					sweepOnce(t, s)
				}
				if t.Failed() {
					t.Fatalf("call %d (%s) failed with %v, applied: %t", n, hit, fail, applied)
				}
				if hit == "" {
					break
				}
			}
		}
	}
}

func sweepOnce(t *testing.T, s *Store) {
	ctx := t.Context()
	truth, err := New(s.root)
	if err != nil {
		t.Fatal(err)
	}
	put, err := s.PutNew(ctx, recordName, []byte("{}"))
	data, reading := storage.ReadAll(ctx, truth, recordName, 100)
	there := reading == nil
	switch {
	case (err == nil) != (put == storage.Created):
		t.Errorf("put answered %s, %v", put, err)
	case put == storage.Created && !there, put == storage.Refused && there, put == storage.Exists:
		t.Errorf("put answered %s, %v; there: %t", put, err, there)
	case there && string(data) != "{}":
		t.Errorf("put left %q", data)
	}
	staged, err := stage(ctx, s, "rows")
	if there, _ := storage.Entries(ctx, truth, storage.Query{Prefix: "orders/"}); len(there) > 0 {
		t.Errorf("visible before it was published: %v", there)
	}
	if err != nil {
		return
	}
	p, err := s.Publish(ctx, key, []storage.Staged{staged})
	data, reading = storage.ReadAll(ctx, truth, key, 100)
	there = reading == nil
	switch {
	case p == storage.Published && !there, p == storage.AlreadyPublished, p == storage.NothingToPublish, err == nil && p != storage.Published:
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
		if _, err := storage.Size(ctx, truth, key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("there after a delete: %v", err)
		}
	}
}

func TestNothingIsTrustedAfterAFailedFsyncOfADirectory(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	s := opened(t, f)
	if p, err := s.PutNew(t.Context(), recordName, []byte("{}")); err != nil {
		t.Fatal(p, err)
	}
	f.fault = func(_ int, line string) (error, bool) {
		if strings.HasPrefix(line, "syncdir") {
			return syscall.EIO, false
		}
		return nil, false
	}
	if d, err := s.Confirm(t.Context(), recordName); d != storage.DurabilityUnknown || !errors.Is(err, syscall.EIO) {
		t.Errorf("confirm answered %s, %v", d, err)
	}
	f.fault = nil
	// The kernel has reported the error once, and a second fsync would succeed.
	if d, err := s.Confirm(t.Context(), recordName); d != storage.DurabilityUnknown || !errors.Is(err, syscall.EIO) {
		t.Errorf("the second confirm answered %s, %v", d, err)
	}
	if p, err := s.PutNew(t.Context(), recordName+"2", nil); p != storage.PutUnknown || err == nil {
		t.Errorf("put answered %s, %v", p, err)
	}
}

func TestAFileIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	for _, fails := range []string{"write", "sync", "close"} {
		f := newFaulty(t)
		s := opened(t, f)
		f.fault = func(_ int, line string) (error, bool) {
			if strings.HasPrefix(line, fails+" ") {
				return syscall.ENOSPC, false
			}
			return nil, false
		}
		p, err := s.PutNew(t.Context(), recordName, []byte("{}"))
		if p != storage.Refused || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "is full") {
			t.Errorf("%s: put answered %s, %v", fails, p, err)
		}
		if _, err := stage(t.Context(), s, "rows"); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: stage answered %v", fails, err)
		}
		for _, name := range tree(t, f.root) {
			if !strings.HasSuffix(name, "/") {
				t.Errorf("%s: left %s", fails, name)
			}
		}
	}
}

func TestErrorsNameTheRootAndSayWhatToDo(t *testing.T) {
	t.Parallel()
	for fail, want := range map[error]string{
		syscall.EROFS:  "is on a read-only file system",
		syscall.EACCES: "needs read and write permission below the root",
		syscall.ENOSPC: "make room",
		syscall.EDQUOT: "quota",
	} {
		f := newFaulty(t)
		s := opened(t, f)
		f.fault = func(_ int, line string) (error, bool) {
			if strings.HasPrefix(line, "mkdir") || strings.HasPrefix(line, "create") {
				return fail, false
			}
			return nil, false
		}
		p, err := s.PutNew(t.Context(), recordName, nil)
		if p != storage.Refused || err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), f.root) {
			t.Errorf("%v: %s, %v", fail, p, err)
		}
		if errors.Is(err, fs.ErrPermission) != (fail == syscall.EACCES) {
			t.Errorf("%v: permission? %v", fail, err)
		}
	}
}

// TestAFailedFsyncAboveTheRootIsRemembered: the folder is there when one tries again, and an fsync that succeeds then proves nothing.
func TestAFailedFsyncAboveTheRootIsRemembered(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"", "data/lake"} {
		f := newFaulty(t)
		f.fault = func(_ int, line string) (error, bool) {
			if strings.HasPrefix(line, "syncdir ") && !strings.Contains(line, "_shadoof") {
				return syscall.EIO, false
			}
			return nil, false
		}
		s, err := open(filepath.Join(f.root, missing), f)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if p, err := s.PutNew(t.Context(), recordName, nil); p == storage.Created || !errors.Is(err, syscall.EIO) {
				t.Errorf("%q: put answered %s, %v", missing, p, err)
			}
			f.fault = nil
		}
	}
}
