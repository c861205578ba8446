package writers_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"shadoof/record"
	"shadoof/storage"
	"shadoof/storage/memory"
	"shadoof/writers"
	"shadoof/writers/parquet"
)

const attempt = "1a2b3c4d5e6f7a8b"

func event() *record.Schema {
	s := &record.Schema{Name: "event", Fields: []record.Field{
		{Name: "id", Type: record.Type{Kind: record.Int64}},
		{Name: "text", Type: record.Type{Kind: record.String}},
	}}
	return s.WithKafkaColumns()
}

func format(t testing.TB) writers.Format {
	t.Helper()
	f, err := parquet.New(parquet.Options{Compression: "snappy"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func options(t testing.TB, s storage.Store) writers.Options {
	t.Helper()
	return writers.Options{
		Store: s, Format: format(t), Schema: event(), Budget: writers.NewBudget(64 << 20), MaxOpen: 48, TargetSize: 256 << 20,
		Topic: "orders", Partition: 7, Attempt: attempt, Folder: "orders", Staging: "_shadoof/topics/orders/staging/" + attempt,
		Meta: map[string]string{"shadoof.topic": "orders", "shadoof.attempt": attempt},
	}
}

// add appends n rows of about 300 bytes that do not compress well to the file of a bucket.
func add(t testing.TB, s *writers.Set, r *rand.Rand, bucket string, offset int64, n int) {
	t.Helper()
	for i := range n {
		f, err := s.File(bucket)
		if err != nil {
			t.Fatal(err)
		}
		c := f.Columns()
		c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, r.Int64())
		c.Leaves[1].AppendString(noise(r))
		f.EndRow(7, offset+int64(i), 1_700_000_000_000+offset+int64(i))
	}
}

// noise is text of 280 bytes that halves at most.
func noise(r *rand.Rand) string {
	b := make([]byte, 0, 140)
	for len(b) < cap(b)-7 {
		b = binary.LittleEndian.AppendUint64(b, r.Uint64())
	}
	return hex.EncodeToString(b[:cap(b)])
}

func settle(t testing.TB, s *writers.Set) {
	t.Helper()
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func finish(t testing.TB, s *writers.Set) []writers.Finished {
	t.Helper()
	files, err := s.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// publish makes a file visible and reads it back.
func publish(t testing.TB, s storage.Store, f writers.Finished) writers.Identity {
	t.Helper()
	p, err := s.Publish(t.Context(), f.Key, []storage.Staged{f.Staged})
	if err != nil || p != storage.Published {
		t.Fatalf("publish %s: %v, %v", f.Key, p, err)
	}
	o, err := s.Open(t.Context(), f.Key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	b, err := io.ReadAll(o)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != f.Staged.Bytes {
		t.Errorf("%s has %d bytes, and %d were staged", f.Key, len(b), f.Staged.Bytes)
	}
	id, err := parquet.NewReader().Identity(t.Context(), bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// check publishes files and compares each with what is said of it. It returns the rows of all.
func check(t testing.TB, s storage.Store, files []writers.Finished) int64 {
	t.Helper()
	rows := int64(0)
	for _, f := range files {
		id := publish(t, s, f)
		if id.Rows != f.Rows || id.Digest != f.Digest || id.Meta["shadoof.attempt"] != attempt {
			t.Errorf("%s: read %d rows, digest %v, metadata %v; said %d rows, digest %v", f.Key, id.Rows, id.Digest, id.Meta, f.Rows, f.Digest)
		}
		if diff := cmp.Diff(f.Ranges, id.Ranges()); diff != "" {
			t.Errorf("%s: ranges (-said +read):\n%s", f.Key, diff)
		}
		rows += f.Rows
	}
	return rows
}

// noneOpen checks that only these files are staged, and some of other buckets.
func noneOpen(t testing.TB, s storage.Store, files []writers.Finished, but ...string) {
	t.Helper()
	got := []string{}
	for e, err := range s.List(t.Context(), storage.Query{Staged: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(but, func(bucket string) bool { return strings.Contains(e.Name, "/"+bucket+"/") }) {
			got = append(got, e.Name)
		}
	}
	want := []string{}
	for _, f := range files {
		want = append(want, f.Key)
	}
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("staged (-want +got):\n%s", diff)
	}
}

func TestFilesSayWhatIsInThem(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	o := options(t, store)
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(1, 1))
	add(t, s, r, "dt=2026-11-20/hr=13", 120_000, 100)
	add(t, s, r, "dt=2026-11-20/hr=14", 120_100, 50)
	add(t, s, r, "dt=2026-11-20/hr=13", 120_150, 1)
	settle(t, s)
	if s.Rows() != 151 || s.Bytes() == 0 {
		t.Errorf("progress: %d rows, %d bytes", s.Rows(), s.Bytes())
	}
	files := finish(t, s)
	want := []writers.Finished{
		{Key: "orders/dt=2026-11-20/hr=13/orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet", Kind: writers.Data, Bucket: "dt=2026-11-20/hr=13",
			Rows: 101, Ranges: []writers.Span{{Partition: 7, First: 120_000, Last: 120_150, Rows: 101}}, MinTime: 1_700_000_120_000, MaxTime: 1_700_000_120_150, Schema: o.Schema.Fingerprint()},
		{Key: "orders/dt=2026-11-20/hr=14/orders-p00007-00000000000000120100-1a2b3c4d5e6f7a8b-001.parquet", Kind: writers.Data, Bucket: "dt=2026-11-20/hr=14",
			Rows: 50, Ranges: []writers.Span{{Partition: 7, First: 120_100, Last: 120_149, Rows: 50}}, MinTime: 1_700_000_120_100, MaxTime: 1_700_000_120_149, Schema: o.Schema.Fingerprint()},
	}
	ignore := cmp.Options{cmpopts.IgnoreUnexported(writers.Finished{}), cmpopts.IgnoreFields(writers.Finished{}, "Digest", "Staged")}
	if diff := cmp.Diff(want, files, ignore); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	check(t, store, files)
	if used := o.Budget.Used() - o.Budget.Spare(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
	if _, err := s.File("dt=2026-11-20/hr=13"); err == nil {
		t.Error("a finished set opens a file")
	}
	if err := s.Settle(t.Context()); err == nil {
		t.Error("a finished set settles")
	}
}

func TestNoRowsNoFile(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	s := writers.NewSet(options(t, store))
	f, err := s.File("dt=2026-11-20/hr=13")
	if err != nil {
		t.Fatal(err)
	}
	c := f.Columns()
	c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, 1)
	c.Rollback()
	if _, err := s.File("dt=2026-11-20/hr=14"); err != nil {
		t.Fatal(err)
	}
	settle(t, s)
	if _, err := s.File("dt=2026-11-20/hr=15"); err != nil {
		t.Fatal(err)
	}
	if files := finish(t, s); len(files) != 0 {
		t.Errorf("%d files without rows", len(files))
	}
	if n := store.Operations(); n != 0 {
		t.Errorf("%d operations for nothing:\n%s", n, store.Trace())
	}
}

func TestSeveralPartitions(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	o := options(t, store)
	o.Partition = writers.Several
	s := writers.NewSet(o)
	var want []writers.Span
	for p := range int32(40) {
		f, err := s.File("b")
		if err != nil {
			t.Fatal(err)
		}
		for i := range int64(3) {
			c := f.Columns()
			c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, i)
			c.Leaves[1].AppendString("x")
			f.EndRow(39-p, 10*int64(40-p)+i, 5)
		}
		want = append(want, writers.Span{Partition: p, First: 10 * int64(p+1), Last: 10*int64(p+1) + 2, Rows: 3})
	}
	files := finish(t, s)
	if len(files) != 1 || !strings.HasSuffix(files[0].Key, "orders-pmulti-00000000000000000010-1a2b3c4d5e6f7a8b-000.parquet") {
		t.Fatalf("files %+v", files)
	}
	if diff := cmp.Diff(want, files[0].Ranges); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
	check(t, store, files)
}

func TestARowOfAnotherPartitionIsAProgrammingError(t *testing.T) {
	t.Parallel()
	s := writers.NewSet(options(t, memory.New(memory.Options{})))
	defer func() {
		if recover() == nil {
			t.Error("a row of partition 8 got into the files of partition 7")
		}
	}()
	f, err := s.File("b")
	if err != nil {
		t.Fatal(err)
	}
	c := f.Columns()
	c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, 1)
	c.Leaves[1].AppendString("x")
	f.EndRow(8, 1, 1)
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	o := options(t, store)
	o.Kind, o.Schema, o.Folder = writers.Quarantine, record.QuarantineSchema(), "_shadoof/topics/orders/quarantine"
	s := writers.NewSet(o)
	for i, reason := range []record.Reason{record.Unfit, record.BadTime, record.Unfit} {
		f, err := s.File("dt=2026-11-20")
		if err != nil {
			t.Fatal(err)
		}
		raw := &record.Raw{Partition: 7, Offset: int64(i), Timestamp: 5, Value: []byte("{}"), Headers: []record.Header{{Key: "h", Value: nil}}}
		f.Quarantine(raw, &record.BadRecord{Reason: reason, Detail: "field x"})
	}
	files := finish(t, s)
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	if diff := cmp.Diff(map[record.Reason]int64{record.Unfit: 2, record.BadTime: 1}, files[0].Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if want := "_shadoof/topics/orders/quarantine/dt=2026-11-20/orders-p00007-00000000000000000000-1a2b3c4d5e6f7a8b-000.parquet"; files[0].Key != want {
		t.Errorf("key %s, want %s", files[0].Key, want)
	}
	check(t, store, files)
}

// Sets of one attempt share the numbers of its files, so that staging names cannot meet.
func TestSetsOfOneAttemptShareTheSequence(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	o := options(t, store)
	o.Sequence = new(writers.Sequence)
	r := rand.New(rand.NewPCG(2, 2))
	var names []string
	for range 2 {
		s := writers.NewSet(o)
		add(t, s, r, "b", 5, 1)
		names = append(names, finish(t, s)[0].Key)
	}
	want := []string{"orders/b/orders-p00007-00000000000000000005-1a2b3c4d5e6f7a8b-000.parquet", "orders/b/orders-p00007-00000000000000000005-1a2b3c4d5e6f7a8b-001.parquet"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFilesRollAtTheirSize(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	for _, target := range []int64{128 << 10, 1 << 20} {
		o := options(t, store)
		o.TargetSize = target
		o.Folder = fmt.Sprint("orders-", target)
		s := writers.NewSet(o)
		r := rand.New(rand.NewPCG(3, 3))
		for i := range int64(400) {
			add(t, s, r, "b", i*40, 40)
			settle(t, s)
		}
		files := finish(t, s)
		if len(files) < 3 {
			t.Errorf("target %d: %d files", target, len(files))
		}
		for _, f := range files[:len(files)-1] {
			if f.Staged.Bytes < target*9/10 || f.Staged.Bytes > target*11/10 {
				t.Errorf("target %d: %s has %d bytes", target, f.Key, f.Staged.Bytes)
			}
		}
		if rows := check(t, store, files); rows != 16_000 || s.Rows() != rows {
			t.Errorf("target %d: %d rows, said %d", target, rows, s.Rows())
		}
		if s.ClosedEarly() != 0 {
			t.Errorf("target %d: %d files are called closed early", target, s.ClosedEarly())
		}
	}
}

func TestRowGroupsAreFlushedWhenFull(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	o := options(t, store)
	counted := &groups{Format: o.Format}
	o.Format, o.RowGroupRows, o.TargetSize = counted, 1000, 0
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(4, 4))
	add(t, s, r, "b", 0, 999)
	settle(t, s)
	if n := store.Operations(); n != 0 {
		t.Errorf("%d operations before the row group is full", n)
	}
	add(t, s, r, "b", 999, 1)
	settle(t, s)
	add(t, s, r, "b", 1000, 1)
	settle(t, s)
	check(t, store, finish(t, s))
	if counted.many != 2 || counted.rows != 1001 {
		t.Errorf("%d rows in %d row groups, want 1001 in 2", counted.rows, counted.many)
	}
}

func TestMaxOpenIsAHardLimit(t *testing.T) {
	t.Parallel()
	const most = 3
	var mu sync.Mutex
	open, peak := 0, 0
	store := memory.New(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		mu.Lock()
		defer mu.Unlock()
		switch c.Op {
		case memory.OpStage:
			open++
		case memory.OpFinish:
			open--
		}
		peak = max(peak, open)
		return memory.Proceed
	}})
	o := options(t, store)
	o.MaxOpen, o.RowGroupRows = most, 10
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(5, 5))
	for i := range int64(100) {
		add(t, s, r, fmt.Sprint("hr=", i%7), i*10, 10)
		settle(t, s)
	}
	for i := range int64(20) { // only buffered
		add(t, s, r, fmt.Sprint("min=", i), 1000+i, 1)
	}
	files := finish(t, s)
	if peak != most {
		t.Errorf("up to %d files were open, want %d", peak, most)
	}
	if s.ClosedEarly() < 50 {
		t.Errorf("%d files closed early", s.ClosedEarly())
	}
	if rows := check(t, store, files); rows != 1020 {
		t.Errorf("%d rows", rows)
	}
}

func TestTheColdestFileMakesRoom(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	o := options(t, store)
	o.MaxOpen, o.RowGroupRows = 2, 1
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(6, 6))
	for i, bucket := range []string{"a", "b", "a", "c"} {
		add(t, s, r, bucket, int64(i), 1)
		settle(t, s)
	}
	staged := s.Staged()
	if len(staged) != 1 || staged[0].Bucket != "b" {
		t.Errorf("finished: %+v, want that of bucket b", staged)
	}
	if err := s.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	noneOpen(t, store, staged)
}

func TestRangesDoNotDependOnTheOrderOfRows(t *testing.T) {
	t.Parallel()
	var id writers.Identity
	for _, offset := range []int64{5, 9, 2, 7} {
		for p := range int32(20) {
			id.Add(19-p, offset)
		}
	}
	var want []writers.Span
	for p := range int32(20) {
		want = append(want, writers.Span{Partition: p, First: 2, Last: 9, Rows: 4})
	}
	if diff := cmp.Diff(want, id.Ranges()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
