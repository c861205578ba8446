package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/storage"
	"shadoof/storage/contract"
)

func TestKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]files{"rename": disk{}, "link": linking{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := filepath.Join(t.TempDir(), "made", "by the store")
			opened := func() (storage.Store, error) { return open(root, f) }
			for _, r := range contract.Check(t.Context(), opened, contract.Options{}) {
				t.Logf("%-60s %8s %s", r.Name, r.Took.Round(time.Microsecond), r.Detail)
				if r.Err != nil {
					t.Error(r.Err)
				}
			}
			s, err := New(root)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if err := contract.Probe(t.Context(), s); err != nil {
				t.Error(err)
			}
			t.Logf("probe: %s", time.Since(start))
			if diff := cmp.Diff([]string{"_shadoof/", "_shadoof/probe/", "_shadoof/tmp/"}, tree(t, root)); diff != "" {
				t.Errorf("left behind (-want +got):\n%s", diff)
			}
		})
	}
}

// opened is a store below a temporary directory.
func opened(t *testing.T, f *faulty) *Store {
	t.Helper()
	s, err := open(f.root, f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	recordName = "_shadoof/topics/orders/log/1.json"
	markName   = "_shadoof/topics/orders/pub/1"
	key        = "orders/dt=2026-11-20/a.parquet"
	staging    = "_shadoof/topics/orders/staging/1a2b/a.parquet.staged"
)

func stage(ctx context.Context, s storage.Store, data string) (storage.Staged, error) {
	w, err := s.Stage(ctx, storage.StageRequest{Key: key, Staging: staging})
	if err != nil {
		return storage.Staged{}, err
	}
	if _, err := io.WriteString(w, data); err != nil {
		return storage.Staged{}, errors.Join(err, w.Abort(ctx))
	}
	return w.Finish(ctx)
}

func mustStage(t *testing.T, s storage.Store, data string) storage.Staged {
	t.Helper()
	staged, err := stage(t.Context(), s, data)
	if err != nil {
		t.Fatal(err)
	}
	return staged
}

func TestWhatIsAnsweredWasSynced(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	if err := os.Mkdir(filepath.Join(f.root, "_shadoof"), 0o777); err != nil { // else the folders above the root are synced
		t.Fatal(err)
	}
	s := opened(t, f)
	var staged storage.Staged
	for _, step := range []struct {
		name string
		do   func() (fmt.Stringer, error)
		want string
	}{
		{"put new", func() (fmt.Stringer, error) { return s.PutNew(t.Context(), recordName, []byte("{}")) }, `
mkdir _shadoof
syncdir .
mkdir _shadoof/tmp
syncdir _shadoof
create _shadoof/tmp/.tmp-X
write 2 bytes to _shadoof/tmp/.tmp-X
sync _shadoof/tmp/.tmp-X
close _shadoof/tmp/.tmp-X
mkdir _shadoof/topics
syncdir _shadoof
mkdir _shadoof/topics/orders
mkdir _shadoof/topics/orders/log
mkdir _shadoof/topics/orders/pub
mkdir _shadoof/topics/orders/schema
mkdir _shadoof/topics/orders/settings
mkdir _shadoof/topics/orders/staging
syncdir _shadoof/topics
mkdir _shadoof/topics/orders/log
syncdir _shadoof/topics/orders
link _shadoof/tmp/.tmp-X -> _shadoof/topics/orders/log/1.json
syncdir _shadoof/topics/orders/log
remove _shadoof/tmp/.tmp-X
`},
		{"put again", func() (fmt.Stringer, error) { return s.PutNew(t.Context(), recordName, []byte("{}")) }, `
create _shadoof/tmp/.tmp-X
write 2 bytes to _shadoof/tmp/.tmp-X
sync _shadoof/tmp/.tmp-X
close _shadoof/tmp/.tmp-X
link _shadoof/tmp/.tmp-X -> _shadoof/topics/orders/log/1.json
remove _shadoof/tmp/.tmp-X
`},
		{"put nothing", func() (fmt.Stringer, error) { return s.PutNew(t.Context(), markName, nil) }, `
create _shadoof/topics/orders/pub/1
close _shadoof/topics/orders/pub/1
syncdir _shadoof/topics/orders/pub
`},
		{"confirm", func() (fmt.Stringer, error) { return s.Confirm(t.Context(), recordName) }, `
syncdir _shadoof/topics/orders/log
`},
		{"stage", func() (_ fmt.Stringer, err error) {
			staged, err = stage(t.Context(), s, "rows")
			return storage.Put(0), err
		}, `
mkdir _shadoof/topics/orders/staging/1a2b
syncdir _shadoof/topics/orders/staging
create _shadoof/topics/orders/staging/1a2b/a.parquet.staged
write 4 bytes to _shadoof/topics/orders/staging/1a2b/a.parquet.staged
sync _shadoof/topics/orders/staging/1a2b/a.parquet.staged
close _shadoof/topics/orders/staging/1a2b/a.parquet.staged
syncdir _shadoof/topics/orders/staging/1a2b
`},
		{"publish", func() (fmt.Stringer, error) { return s.Publish(t.Context(), key, []storage.Staged{staged}) }, `
mkdir orders
syncdir .
mkdir orders/dt=2026-11-20
syncdir orders
rename _shadoof/topics/orders/staging/1a2b/a.parquet.staged -> orders/dt=2026-11-20/a.parquet
syncdir orders/dt=2026-11-20
syncdir _shadoof/topics/orders/staging/1a2b
remove _shadoof/topics/orders/staging/1a2b
`},
		{"publish again", func() (fmt.Stringer, error) { return s.Publish(t.Context(), key, []storage.Staged{staged}) }, `
syncdir orders/dt=2026-11-20
syncdir _shadoof/topics/orders/staging
remove _shadoof/topics/orders/staging/1a2b
`},
		{"discard", func() (fmt.Stringer, error) { return s.Discard(t.Context(), key, staged) }, `
syncdir orders/dt=2026-11-20
syncdir _shadoof/topics/orders/staging
remove _shadoof/topics/orders/staging/1a2b
`},
		{"delete", func() (fmt.Stringer, error) { return storage.Put(0), s.Delete(t.Context(), key) }, `
remove orders/dt=2026-11-20/a.parquet
syncdir orders/dt=2026-11-20
`},
	} {
		f.reset()
		answer, err := step.do()
		if err != nil {
			t.Fatalf("%s: %s, %v", step.name, answer, err)
		}
		// A name that is gone cannot be synced: what was tried on the way up does not matter.
		got := strings.ReplaceAll(f.changes(), "syncdir _shadoof/topics/orders/staging/1a2b\nsyncdir", "syncdir")
		if diff := cmp.Diff(strings.TrimPrefix(step.want, "\n"), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestARootOfTwoMountsIsRefused(t *testing.T) {
	t.Parallel()
	root, other := t.TempDir(), "/dev/shm"
	var a, b syscall.Stat_t
	if syscall.Stat(root, &a) != nil || syscall.Stat(other, &b) != nil || a.Dev == b.Dev {
		if os.Getenv("CI") != "" {
			t.Fatal("/dev/shm is no file system of its own here: nothing shows that a root of two mounts is refused")
		}
		t.Skip("/dev/shm is no file system of its own here")
	}
	elsewhere, err := os.MkdirTemp(other, "shadoof-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(elsewhere) })

	if err := os.Symlink(elsewhere, filepath.Join(root, "orders")); err != nil {
		t.Fatal(err)
	}
	s, err := New(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stage(t.Context(), s, "rows"); !errors.Is(err, storage.ErrUnfit) {
		t.Errorf("staging for a folder on another mount: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(root, "_shadoof")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(root, "_shadoof")); err != nil {
		t.Fatal(err)
	}
	if _, err := New(root); !errors.Is(err, storage.ErrUnfit) || !strings.Contains(err.Error(), root) {
		t.Errorf("opening a root whose _shadoof is on another mount: %v", err)
	}
}

func TestPublishNeverOverwrites(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]files{"rename": disk{}, "link": linking{}} {
		for content, want := range map[string]storage.Publication{
			"other": storage.PublishConflict, // longer than what is staged
			"ROWS":  storage.PublishConflict, // as long
			"rows":  storage.AlreadyPublished,
		} {
			s, err := open(t.TempDir(), f)
			if err != nil {
				t.Fatal(err)
			}
			staged := mustStage(t, s, "rows")
			if err := os.MkdirAll(filepath.Dir(s.path(key)), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.path(key), []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
			if p, err := s.Publish(t.Context(), key, []storage.Staged{staged}); p != want || (err == nil) != (want == storage.AlreadyPublished) {
				t.Errorf("%s: publish over %q answered %s, %v", name, content, p, err)
			}
			if got, err := storage.ReadAll(t.Context(), s, key, 100); string(got) != content || err != nil {
				t.Errorf("%s: %q became %q, %v", name, content, got, err)
			}
		}
	}
}

func TestACrashBetweenLinkAndRemoveIsRolledForward(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"publish", "discard"} {
		s, err := open(t.TempDir(), linking{})
		if err != nil {
			t.Fatal(err)
		}
		staged := mustStage(t, s, "rows")
		if err := os.MkdirAll(filepath.Dir(s.path(key)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(s.path(staging), s.path(key)); err != nil {
			t.Fatal(err)
		}
		if next == "publish" {
			if p, err := s.Publish(t.Context(), key, []storage.Staged{staged}); p != storage.AlreadyPublished || err != nil {
				t.Errorf("publish answered %s, %v", p, err)
			}
		} else {
			if d, err := s.Discard(t.Context(), key, staged); d != storage.TokenUsed || err != nil {
				t.Errorf("discard answered %s, %v", d, err)
			}
		}
		want := []string{"_shadoof/", "_shadoof/topics/", "_shadoof/topics/orders/"}
		for _, name := range ofTopic {
			want = append(want, "_shadoof/topics/orders/"+name+"/")
		}
		want = append(want, "orders/", "orders/dt=2026-11-20/", key)
		if diff := cmp.Diff(want, tree(t, s.root)); diff != "" {
			t.Errorf("%s left (-want +got):\n%s", next, diff)
		}
	}
}

func TestADamagedStagedFileIsNotPublished(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	staged := mustStage(t, s, "rows")
	if err := os.Truncate(s.path(staging), 2); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Publish(t.Context(), key, []storage.Staged{staged}); p != storage.NothingToPublish || err != nil {
		t.Errorf("publish answered %s, %v", p, err)
	}
}

func TestAWriterWhoseFileWasRemovedDoesNotFinish(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: staging})
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range s.List(t.Context(), storage.Query{Staged: true, Staging: "_shadoof/topics/orders/staging/"}) {
		if err != nil {
			t.Fatal(err)
		}
		if d, err := s.Discard(t.Context(), e.Name, storage.Staged{Token: e.Token}); d != storage.Discarded || err != nil {
			t.Errorf("discard answered %s, %v", d, err)
		}
	}
	if _, err := w.Finish(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("finish answered %v", err)
	}
}

func TestLitterOfCrashesIsSwept(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := s.path(temporaries)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{".tmp-old": 25 * time.Hour, ".tmp-new": time.Hour} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := storage.Entries(t.Context(), s, storage.Query{}); err != nil || len(entries) > 0 {
		t.Errorf("listed: %v, %v", entries, err)
	}
	if p, err := s.PutNew(t.Context(), recordName, nil); p != storage.Created {
		t.Fatal(p, err)
	}
	if diff := cmp.Diff([]string{".tmp-new"}, tree(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNamesStayBelowTheRoot(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(filepath.Join(root, "lake"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../secret", "a/../../secret", "/secret", "", ".", "..", "a//b"} {
		if _, err := s.Open(t.Context(), name, 0, -1); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("open %q: %v", name, err)
		}
		if p, err := s.PutNew(t.Context(), name, nil); p != storage.Refused || !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("put %q: %s, %v", name, p, err)
		}
		if err := s.Delete(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("delete %q: %v", name, err)
		}
	}
	for _, prefix := range []string{"../", "/", "a/../../"} {
		if entries, err := storage.Entries(t.Context(), s, storage.Query{Prefix: prefix}); len(entries) > 0 || err != nil {
			t.Errorf("list %q: %v, %v", prefix, entries, err)
		}
	}
	evil := storage.Staged{Bytes: 1, Token: storage.Token(`{"path":"../secret","key":"a"}`)}
	if p, err := s.Publish(t.Context(), "a", []storage.Staged{evil}); p != storage.PublishConflict || err == nil {
		t.Errorf("publish: %s, %v", p, err)
	}
	if d, err := s.Discard(t.Context(), "a", evil); d != storage.DiscardUnclear || err == nil {
		t.Errorf("discard: %s, %v", d, err)
	}
}

func TestReadersNeedNoWritePermission(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	s := opened(t, f)
	if p, err := s.PutNew(t.Context(), recordName, []byte("{}")); err != nil {
		t.Fatal(p, err)
	}
	f.fault = func(_ int, line string) (error, bool) {
		op, _, _ := strings.Cut(line, " ")
		switch op {
		case "create", "remove", "link", "rename", "write":
			return syscall.EROFS, false
		}
		return nil, false
	}
	reader := opened(t, f)
	if data, err := storage.ReadAll(t.Context(), reader, recordName, 10); err != nil || !bytes.Equal(data, []byte("{}")) {
		t.Errorf("read %q, %v", data, err)
	}
	if d, err := reader.Confirm(t.Context(), recordName); d != storage.Durable || err != nil {
		t.Errorf("confirm answered %s, %v", d, err)
	}
	if d, err := reader.Confirm(t.Context(), recordName+"x"); d != storage.Gone || err != nil {
		t.Errorf("confirm of what is not there answered %s, %v", d, err)
	}
}

func FuzzToken(f *testing.F) {
	f.Add(string(token{staging, key}.marshal()))
	f.Add(`{"path":"../x.staged"}`)
	f.Add(`{"path":"/x.staged"}`)
	f.Add(`{"upload_id":"x"}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := parseToken(storage.Token(raw))
		if err != nil {
			return
		}
		if storage.CheckStaging(got.Path) != nil {
			t.Errorf("%q was taken for a staging name", got.Path)
		}
		again, err := parseToken(got.marshal())
		if err != nil || again != got {
			t.Errorf("%+v became %+v, %v", got, again, err)
		}
	})
}

// flickering is a disk on which a directory goes away and comes back while a file is created in it.
type flickering struct {
	disk
	left *int
}

func (f flickering) Create(name string) (file, error) {
	if strings.HasSuffix(name, storage.StagedSuffix) && *f.left > 0 {
		*f.left--
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return f.disk.Create(name)
}

func TestAFolderThatGoesAndComesBackHoldsUpNothing(t *testing.T) {
	t.Parallel()
	left := 3
	s, err := open(t.TempDir(), flickering{left: &left})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Stage(t.Context(), storage.StageRequest{Key: "orders/a", Staging: "_shadoof/staging/a" + storage.StagedSuffix})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLinksBelowTheRootAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, link := range []string{"orders", "orders/dt=1", "_shadoof", "_shadoof/topics"} {
		real, outside := t.TempDir(), t.TempDir()
		root := filepath.Join(t.TempDir(), "root")
		if err := errors.Join(os.Symlink(real, root), os.MkdirAll(filepath.Dir(filepath.Join(root, link)), 0o777), os.Symlink(outside, filepath.Join(root, link))); err != nil {
			t.Fatal(err)
		}
		s, err := New(root)
		if err != nil {
			t.Fatal(err)
		}
		const key = "orders/dt=1/a.parquet"
		w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: "_shadoof/topics/orders/staging/1/a.parquet.staged"})
		if err == nil {
			var staged storage.Staged
			if staged, err = w.Finish(t.Context()); err == nil {
				_, err = s.Publish(t.Context(), key, []storage.Staged{staged})
			}
		}
		if !errors.Is(err, storage.ErrUnfit) || !strings.Contains(err.Error(), link+" is a symbolic link") {
			t.Errorf("%s: %v", link, err)
		}
		if strings.HasPrefix(link, "_shadoof") {
			if _, err := s.PutNew(t.Context(), "_shadoof/topics/orders/log/1.json", []byte("{}")); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
				t.Errorf("put below %s: %v", link, err)
			}
		}
		if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
			t.Errorf("%s: %v was written outside of the root (%v)", link, left, err)
		}
	}
}
