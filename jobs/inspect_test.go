package jobs

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/offsets"
	"shadoof/storage"
)

func (lines) Find(ctx context.Context, r io.ReaderAt, size int64, partition int32, offset int64) (found, known bool, err error) {
	b := make([]byte, size)
	if _, err := r.ReadAt(b, 0); err != nil && err != io.EOF {
		return false, false, err
	}
	rows, err := parseLines(b)
	for _, r := range rows {
		found = found || r == row{partition, offset}
	}
	return found, true, err
}

func (w *world) inspectOffset(partition int32, offset int64) *OffsetReport {
	w.t.Helper()
	r, err := w.process(w.store).InspectOffset(context.Background(), OffsetName{"orders", partition, offset})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// Every offset that verify accounts for is explained, and by the same numbers.
func TestEveryOffsetIsExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	topic.add(0, 3, day.Add(3*time.Hour), time.Minute)
	w.policy("lost_records: record")
	topic.parts[0].start = 25
	w.runClean()
	got := map[OffsetState]int{}
	for o := range int64(28) {
		r := w.inspectOffset(0, o)
		got[r.State]++
		if r.State == OffsetRow && (len(r.Files) == 0 || r.Commit == nil) {
			t.Errorf("offset %d: %+v", o, r)
		}
	}
	want := map[OffsetState]int{OffsetRow: 22, OffsetGap: 4, OffsetQuarantined: 1, OffsetNotWritten: 1}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("offsets by state (-want +got):\n%s", d)
	}
	if r := w.inspectOffset(0, 24); r.Reason != "retention" || r.Commit.Type != offsets.TypeSkip || r.Commit.By != "policy" {
		t.Errorf("a lost offset: %+v", r)
	}
	if r := w.inspectOffset(0, 23); r.State != OffsetQuarantined || r.Reason != "tombstone" {
		t.Errorf("a tombstone: %+v", r)
	}
	w.source.topics = map[string]*memTopic{}
	if r := w.inspectOffset(0, 27); r.State != OffsetNotLifted || len(r.Notes) != 2 || !strings.Contains(r.Notes[1], "cannot be told") {
		t.Errorf("without the topic in Kafka: %+v", r)
	}
}

func TestFormerIncarnationsAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.runClean()
	w.source.create("orders", strings.Repeat("cd", 16), 2).add(0, 3, day, 0)
	w.policy("topic_recreated: record")
	w.runClean()
	r := w.inspectOffset(0, 2)
	if d := cmp.Diff([]EarlierOffset{{1, 2, 0, 24}}, r.Earlier); r.State != OffsetRow || r.Incarnation != 2 || r.Commit.V == 2 || d != "" {
		t.Errorf("%+v\n%s", r, d)
	}
	if r := w.inspectOffset(0, 10); r.State != OffsetNotWritten || len(r.Earlier) != 1 {
		t.Errorf("%+v", r)
	}
}

// unpublishing never gets to publish.
type unpublishing struct{ storage.Store }

func (unpublishing) Publish(context.Context, string, []storage.Staged) (storage.Publication, error) {
	return storage.PublishUnclear, io.ErrClosedPipe
}

func TestCommittedFilesThatAreNotPublishedArePending(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	if r := w.run(w.process(unpublishing{w.store})); r.ExitCode() != ExitPartial {
		t.Fatalf("exit %d", r.ExitCode())
	}
	r := w.inspectOffset(0, 3)
	if r.State != OffsetPending || r.Commit.Published || len(r.Files) != 1 || r.Files[0].Published {
		t.Errorf("%+v", r)
	}
	f, err := w.process(w.store).InspectFile(t.Context(), r.Files[0].Key)
	if err != nil || f.State != FilePending || f.Bytes != -1 || f.Made == nil || f.Made.Folder != "orders" {
		t.Errorf("%+v, %v", f, err)
	}
	w.runClean()
	if r := w.inspectOffset(0, 3); r.State != OffsetRow {
		t.Errorf("after the next run: %+v", r)
	}
}

func TestNamesBelowARootAreTakenApart(t *testing.T) {
	t.Parallel()
	const (
		file = "orders-p00000-00000000000000000000-1a2b3c4d5e6f7a8b-000.parquet"
		dir  = "_shadoof/topics/orders/"
	)
	for name, want := range map[string]InspectKind{
		"orders/dt=2026-11-20/hr=13/" + file:                   InspectData,
		"a/b/" + strings.Replace(file, ".parquet", ".avro", 1): InspectData,
		dir + "quarantine/dt=2026-11-20/" + file:               InspectQuarantine,
		dir + "staging/1a2b3c4d5e6f7a8b/" + file + ".staged":   InspectStaged,
		"orders/_staging/1a2b3c4d5e6f7a8b/" + file + ".staged": InspectStaged,
		dir + "log/00000000000000000007.json":                  InspectRecord,
		dir + "log/00000000000000000007.json/abc.json":         InspectRecord,
		dir + "pub/00000000000000000007":                       InspectMarker,
		dir + "ckpt/09223372036854775707.json":                 InspectCheckpoint,
		dir + "pack/00000000000000000100.jsonl.zst":            InspectPack,
		dir + "att/1a2b3c4d5e6f7a8b.json":                      InspectAttachment,
		dir + "settings/" + strings.Repeat("ab", 32) + ".json": InspectSettings,
		storeName:                   InspectRoot,
		"orders/part-00000.parquet": "",
		"orders/_SUCCESS":           "",
		file:                        "",
		dir + file:                  "",
		dir + "quarantine/" + strings.Replace(file, "orders", "o", 1):   "",
		"_shadoof/tmp/.tmp-0011223344556677":                            "",
		"_shadoof/topics/../x":                                          "",
		dir + "log/7.json":                                              "",
		dir + "staging/1a2b3c4d5e6f7a8b/" + file + ".staged/" + "other": "",
	} {
		n, err := parseInspectName(name)
		if want == "" {
			if err == nil {
				t.Errorf("%s is taken for %+v", name, n)
			}
			continue
		}
		if err != nil || n.kind != want || want != InspectRoot && n.topic != "orders" {
			t.Errorf("%s: %+v, %v; want %s", name, n, err, want)
		}
	}
}

func TestWhatSurroundsTheLogIsExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	rival := w.process(&beforeCommit{Store: w.store, before: func() { w.runClean() }})
	topic.add(0, 5, day.Add(3*time.Hour), time.Minute)
	w.run(rival)
	for _, name := range w.store.Objects() {
		r, err := w.process(w.store).InspectFile(t.Context(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.State != FileOurs && r.State != FileLive || r.Bytes < 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r, err := w.process(w.store).InspectFile(t.Context(), offsets.LogName("orders", 99))
	if err != nil || r.State != FileMissing {
		t.Errorf("a record that is not there: %+v, %v", r, err)
	}
	name := offsets.StagingDir("orders", "1a2b3c4d5e6f7a8b") + "/orders-p00000-00000000000000000000-1a2b3c4d5e6f7a8b-000.parquet.staged"
	if r, err = w.process(w.store).InspectFile(t.Context(), name); err != nil || r.State != FileStaged || r.Bytes != -1 {
		t.Errorf("a staged file of nobody: %+v, %v", r, err)
	}
	if _, err := w.process(w.store).InspectFile(t.Context(), "orders/x.parquet"); ExitCode(err) != ExitUsage {
		t.Errorf("a name of another tool: %v", err)
	}
}

// beforeCommit lets something happen right before a record is put.
type beforeCommit struct {
	storage.Store
	before func()
}

func (s *beforeCommit) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	if before := s.before; before != nil && strings.Contains(name, "/log/") {
		s.before = nil
		before()
	}
	return s.Store.PutNew(ctx, name, data)
}

func FuzzParseOffsetName(f *testing.F) {
	f.Add("orders/7@120")
	f.Add("a/b/7@1")
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := ParseOffsetName(s)
		if !ok {
			return
		}
		if again, ok := ParseOffsetName(n.String()); !ok || again != n {
			t.Fatalf("%q is %+v, and that reads as %+v", s, n, again)
		}
	})
}
