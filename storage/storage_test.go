package storage_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"shadoof/storage"
	"shadoof/storage/memory"
)

func TestNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	for _, name := range []string{"a", "_shadoof/topics/.x/log/1.json", "dt=2026-11-20/hr=13/a b+%é.parquet", "a/.tmp-x/b", "..a/b..", long[:255]} {
		if err := storage.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", long, "a\x00", "a\nb", "a/\x7f", "\xff", "a/.tmp-b", "a.staged",
		strings.Repeat("abcdefghi/", 91) + "a"} {
		if err := storage.CheckName(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, ok := range map[string]bool{"a/b.staged": true, "a/b": false, "../b.staged": false, ".staged": true, "a/.tmp-b.staged": false} {
		if err := storage.CheckStaging(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzCheckName(f *testing.F) {
	for _, name := range []string{"a/b", "..", "a//b", "a/.tmp-x", "x.staged", "\xff", "é"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		ok := storage.CheckName(name) == nil
		staging := storage.CheckStaging(name) == nil
		if ok && staging {
			t.Errorf("%q is the name of an object and of a staged file", name)
		}
		if ok && storage.IsHidden(name) {
			t.Errorf("the object %q would not be listed", name)
		}
		if (ok || staging) && !fs.ValidPath(name) {
			t.Errorf("%q is taken, and is no path", name)
		}
	})
}

func store(t *testing.T, name, data string) *memory.Store {
	t.Helper()
	s := memory.New(memory.Options{})
	if p, err := s.PutNew(t.Context(), name, []byte(data)); p != storage.Created {
		t.Fatal(p, err)
	}
	s.Reset()
	return s
}

func TestReadAllReadsWholeObjectsOrNone(t *testing.T) {
	t.Parallel()
	s := store(t, "a", "0123456789")
	if data, err := storage.ReadAll(t.Context(), s, "a", 10); string(data) != "0123456789" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	if data, err := storage.ReadAll(t.Context(), s, "a", 9); data != nil || err == nil {
		t.Errorf("of an object that is too large: %q, %v", data, err)
	}
	if _, err := storage.ReadAll(t.Context(), s, "b", 9); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	broken := s.Attach(memory.Options{Hook: func(memory.Call) memory.Verdict { return memory.LoseReply }})
	if data, err := storage.ReadAll(t.Context(), broken, "a", 10); data != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("of a reader that ends early: %q, %v", data, err)
	}
	if n, err := storage.Size(t.Context(), s, "a"); n != 10 || err != nil {
		t.Errorf("size: %d, %v", n, err)
	}
}

func TestReaderAtReadsRanges(t *testing.T) {
	t.Parallel()
	data := strings.Repeat("0123456789", 1000)
	s := store(t, "a", data)
	r := storage.ReaderAt(t.Context(), s, "a", int64(len(data)))
	if err := iotest.TestReader(io.NewSectionReader(r, 0, int64(len(data))), []byte(data)); err != nil {
		t.Error(err)
	}
	p := make([]byte, 8)
	if n, err := r.ReadAt(p, int64(len(data)-5)); n != 5 || err != io.EOF || !bytes.Equal(p[:5], []byte("56789")) {
		t.Errorf("over the end: %d, %v", n, err)
	}
	if n, err := r.ReadAt(p, int64(len(data))); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if _, err := r.ReadAt(p, -1); err == nil {
		t.Error("before the start: no error")
	}
	s.Reset()
	if _, err := r.ReadAt(p, 100); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff("open a -> 10000 bytes\n", s.Trace()); diff != "" {
		t.Error(diff)
	}
	longer := storage.ReaderAt(t.Context(), s, "a", int64(len(data)+3))
	if _, err := longer.ReadAt(p, int64(len(data)-5)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("of an object that is shorter than was said: %v", err)
	}
}

func TestExactlyEndsWhereItShould(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "", 3: "012", 10: "0123456789", 11: "unexpected EOF"} {
		got, err := io.ReadAll(storage.Exactly(io.NopCloser(strings.NewReader("0123456789")), n))
		if (err == nil && string(got) != want) || (err != nil && err.Error() != want) {
			t.Errorf("%d: %q, %v", n, got, err)
		}
	}
	short := iotest.DataErrReader(strings.NewReader("01")) // gives its last bytes together with io.EOF
	if got, err := io.ReadAll(storage.Exactly(io.NopCloser(short), 2)); string(got) != "01" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestShallowQueriesNeedAFolder(t *testing.T) {
	t.Parallel()
	for _, q := range []storage.Query{{Prefix: "a", Shallow: true}, {Prefix: "a/", Shallow: true, Staged: true}} {
		if _, err := storage.Entries(t.Context(), memory.New(memory.Options{}), q); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestEveryDriversTokensHaveAnIdentity(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Options{})
	seen := map[string]bool{}
	for range 2 {
		w, err := s.Stage(t.Context(), storage.StageRequest{Key: "a", Staging: "a.staged"})
		if err != nil {
			t.Fatal(err)
		}
		staged, err := w.Finish(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen[storage.TokenID(staged.Token)] = true
	}
	entries, err := storage.Entries(t.Context(), s, storage.Query{Staged: true})
	if err != nil || len(entries) != 2 || len(seen) != 2 || !seen[storage.TokenID(entries[0].Token)] || !seen[storage.TokenID(entries[1].Token)] {
		t.Errorf("tokens %v, listed %v, %v", seen, entries, err)
	}
	for _, raw := range []string{`{"path":"x.staged","key":"y"}`, `{"upload_id":"u"}`} {
		if storage.TokenID(storage.Token(raw)) == "" {
			t.Errorf("%s has no identity", raw)
		}
	}
}
