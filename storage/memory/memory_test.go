package memory_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/storage"
	"shadoof/storage/memory"
)

const key = "lake/a.parquet"

func stage(t *testing.T, s storage.Store, data string) (storage.Staged, error) {
	t.Helper()
	w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: "staging/a.staged"})
	if err != nil {
		return storage.Staged{}, err
	}
	if _, err := io.WriteString(w, data); err != nil {
		return storage.Staged{}, errors.Join(err, w.Abort(t.Context()))
	}
	return w.Finish(t.Context())
}

func TestTheTraceTellsAllOperations(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Options{PartSize: 4, PageSize: 2})
	staged, err := stage(t, s, "0123456789")
	if err != nil {
		t.Fatal(err)
	}
	pairs := []storage.Staged{staged}
	ctx := t.Context()
	s.Publish(ctx, key, pairs)
	s.Publish(ctx, key, pairs)
	s.Discard(ctx, key, staged)
	for i := range 2 {
		s.PutNew(ctx, fmt.Sprintf("log/%d", i), []byte("{}"))
		s.PutNew(ctx, fmt.Sprintf("log/%d", i), []byte("{}"))
	}
	storage.Entries(ctx, s, storage.Query{})
	storage.Entries(ctx, s, storage.Query{Staged: true})
	storage.ReadAll(ctx, s, "log/1", 10)
	storage.Size(ctx, s, "log/1")
	s.Confirm(ctx, "log/1")
	s.Delete(ctx, key)
	s.Publish(ctx, key, pairs)
	s.Discard(ctx, key, staged)
	want := `stage lake/a.parquet -> begun
part lake/a.parquet -> 4 bytes
part lake/a.parquet -> 4 bytes
finish lake/a.parquet -> 2 bytes
publish lake/a.parquet -> published
publish lake/a.parquet -> already published
discard lake/a.parquet -> used
put-new log/0 -> created
put-new log/0 -> exists
put-new log/1 -> created
put-new log/1 -> exists
list  -> 2 entries
list  -> 1 entries
list-staged  -> 0 entries
open log/1 -> 2 bytes
size log/1 -> 2 bytes
confirm log/1 -> durable
delete lake/a.parquet -> deleted
publish lake/a.parquet -> nothing to publish
discard lake/a.parquet -> absent
`
	if diff := cmp.Diff(want, s.Trace()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c := s.Counts()
	if got := []int{c.Reads(), c.Lists(), c.Of(memory.OpPutNew, memory.OpConfirm), s.Operations()}; !cmp.Equal(got, []int{1, 3, 5, 20}) {
		t.Errorf("counts: %v", got)
	}
}

// only makes one operation meet one fate.
func only(op memory.Op, v memory.Verdict) memory.Options {
	return memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == op {
			return v
		}
		return memory.Proceed
	}}
}

func TestFaultsOfPutNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verdict memory.Verdict
		want    storage.Put
		there   bool // at once
		lands   bool // after Land
		stays   bool // after Crash
	}{
		{memory.Proceed, storage.Created, true, true, true},
		{memory.Lose, storage.PutUnknown, false, false, false},
		{memory.LoseReply, storage.PutUnknown, true, true, true},
		{memory.Repeat, storage.Exists, true, true, true},
		{memory.Delay, storage.PutUnknown, false, true, true},
		{memory.Unsettle, storage.PutUnknown, true, true, false},
	} {
		s := memory.New(only(memory.OpPutNew, c.verdict))
		p, err := s.PutNew(t.Context(), "a", []byte("{}"))
		if p != c.want || (p == storage.PutUnknown) != errors.Is(err, memory.ErrInjected) {
			t.Errorf("%d: %s, %v", c.verdict, p, err)
		}
		got := []bool{s.Bytes("a") != nil}
		s.Land()
		got = append(got, s.Bytes("a") != nil)
		s.Crash()
		got = append(got, s.Bytes("a") != nil)
		if diff := cmp.Diff([]bool{c.there, c.lands, c.stays}, got); diff != "" {
			t.Errorf("%d (-want +got):\n%s", c.verdict, diff)
		}
	}
}

func TestWhatWasConfirmedOutlivesACrash(t *testing.T) {
	t.Parallel()
	for name, settle := range map[string]func(s *memory.Store){
		"confirm":      func(s *memory.Store) { s.Confirm(t.Context(), "b") },
		"later change": func(s *memory.Store) { s.Attach(memory.Options{}).PutNew(t.Context(), "c", nil) },
	} {
		s := memory.New(only(memory.OpPutNew, memory.Unsettle))
		s.PutNew(t.Context(), "a", []byte("1"))
		s.PutNew(t.Context(), "b", []byte("2"))
		settle(s)
		if n := s.Crash(); n != 0 || s.Bytes("a") == nil || s.Bytes("b") == nil {
			t.Errorf("%s: %d changes vanished: %q is left", name, n, s.Objects())
		}
	}
	s := memory.New(only(memory.OpPublish, memory.Unsettle))
	staged, err := stage(t, s, "rows")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := s.Publish(t.Context(), key, []storage.Staged{staged}); p != storage.PublishUnclear || err == nil {
		t.Errorf("%s, %v", p, err)
	}
	s.Crash()
	if d, err := s.Discard(t.Context(), key, staged); d != storage.Discarded || err != nil {
		t.Errorf("the token after a crash: %s, %v", d, err)
	}
}

// TestAnOperationFailsAloneWhereverItFails sweeps a fault over a whole sequence, and brings it to its end with a fresh client.
func TestAnOperationFailsAloneWhereverItFails(t *testing.T) {
	t.Parallel()
	run := func(s *memory.Store) error {
		staged, err := stage(t, s, "0123456789")
		if err != nil {
			return err
		}
		p, err := s.Publish(t.Context(), key, []storage.Staged{staged})
		if (err == nil) != (p == storage.Published || p == storage.AlreadyPublished) {
			t.Errorf("publish answered %s, %v", p, err)
		}
		return err
	}
	for _, v := range []memory.Verdict{memory.Lose, memory.LoseReply, memory.Repeat, memory.Delay} {
		for n := 1; ; n++ {
			s := memory.New(memory.Options{PartSize: 4, Hook: func(c memory.Call) memory.Verdict {
				if c.Seq == n {
					return v
				}
				return memory.Proceed
			}})
			err := run(s)
			if s.Operations() < n {
				break
			}
			if got := string(s.Bytes(key)); got != "" && got != "0123456789" || err == nil && got == "" {
				t.Errorf("operation %d, verdict %d: %q, %v\n%s", n, v, got, err, s.Trace())
			}
		}
	}
}

func TestLifecycleRulesAbortUploads(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 13, 0, 0, 0, time.UTC)
	s := memory.New(memory.Options{Clock: func() time.Time { return now }})
	staged, err := stage(t, s, "rows")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := storage.Entries(t.Context(), s, storage.Query{Staged: true, Prefix: "lake/"})
	if err != nil || len(entries) != 1 || !entries[0].Modified.Equal(now) {
		t.Errorf("%v, %v", entries, err)
	}
	if n := s.AbortUploads(func(k string) bool { return strings.HasPrefix(k, "other/") }); n != 0 {
		t.Errorf("%d aborted", n)
	}
	copied := s.Clone(memory.Options{})
	if n := s.AbortUploads(nil); n != 1 {
		t.Errorf("%d aborted", n)
	}
	if p, err := s.Publish(t.Context(), key, []storage.Staged{staged}); p != storage.NothingToPublish || err != nil {
		t.Errorf("%s, %v", p, err)
	}
	if p, err := copied.Publish(t.Context(), key, []storage.Staged{staged}); p != storage.Published || err != nil {
		t.Errorf("in the copy: %s, %v", p, err)
	}
	if len(s.Objects()) != 0 {
		t.Errorf("the copy has changed the original: %q", s.Objects())
	}
}

func TestAForeignObjectIsNotOverwritten(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Options{})
	staged, err := stage(t, s, "rows")
	if err != nil {
		t.Fatal(err)
	}
	s.Tamper(key, []byte("ROWS"))
	if p, err := s.Publish(t.Context(), key, []storage.Staged{staged}); p != storage.PublishConflict || err == nil {
		t.Errorf("%s, %v", p, err)
	}
	if string(s.Bytes(key)) != "ROWS" {
		t.Errorf("overwritten: %q", s.Bytes(key))
	}
}

func TestLateRequestsLandOneByOne(t *testing.T) {
	t.Parallel()
	var seen []string
	s := memory.New(memory.Options{
		Changed: func(name string, data []byte) { seen = append(seen, fmt.Sprint(name, " ", data != nil)) },
		Hook: func(c memory.Call) memory.Verdict {
			return map[memory.Op]memory.Verdict{memory.OpPutNew: memory.Delay, memory.OpDelete: memory.Echo}[c.Op]
		},
	})
	for _, name := range []string{"a", "b"} {
		if p, err := s.PutNew(t.Context(), name, []byte("{}")); p != storage.PutUnknown || err == nil {
			t.Errorf("%s, %v", p, err)
		}
	}
	s.LandOne(1)
	if err := s.Delete(t.Context(), "b"); err != nil {
		t.Error(err)
	}
	s.Land()

	if diff := cmp.Diff([]string{"b true", "b false", "a true"}, seen); diff != "" || len(s.Unsettled()) != 0 || len(s.Delayed()) != 0 {
		t.Errorf("%s", diff)
	}
	if err := s.Delete(t.Context(), "a"); err != nil || len(s.Delayed()) != 1 {
		t.Errorf("%v, %v", s.Delayed(), err)
	}
	s.LandOne(0)
}
