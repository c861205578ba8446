package writers_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/storage/memory"
	"shadoof/writers"
)

// addPlain is add for many rows, of one partition among several: each is unlike all others, and quick to make.
func addPlain(t testing.TB, s *writers.Set, texts []string, bucket string, partition int32, offset int64, n int) {
	t.Helper()
	var text []byte
	for i := offset; i < offset+int64(n); i++ {
		f, err := s.File(bucket)
		if err != nil {
			t.Fatal(err)
		}
		c := f.Columns()
		c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, i*0x5DEECE66D)
		text = append(fmt.Appendf(text[:0], "%016x", uint64(i)*0x9E3779B97F4A7C15), texts[i%int64(len(texts))]...)
		c.Leaves[1].AppendBytes(text)
		f.EndRow(partition, i, 1_700_000_000_000+i)
	}
}

func texts(seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, 21))
	all := make([]string, 1000)
	for i := range all {
		all[i] = noise(r)
	}
	return all
}

// 500 buckets in random order, each with up to 5 MiB that only a finished file frees, in 100 MiB: the set stays within the budget
// after each batch, goes on, and says why its files are small.
func TestManyBucketsInLittleMemory(t *testing.T) {
	t.Parallel()
	const limit, buckets, batches, rows = 100 << 20, 500, 900, 500
	store := &tails{Store: memory.New(memory.Options{PartSize: 5 << 20})}
	o := options(t, store)
	o.Budget, o.MaxOpen = writers.NewBudget(limit), 0
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(31, 31))
	texts := texts(31)
	for i := range int64(batches) {
		addPlain(t, s, texts, fmt.Sprint("hr=", r.IntN(buckets)), 7, i*rows, rows)
		settle(t, s)
		if used := o.Budget.Used(); used > limit {
			t.Fatalf("batch %d: %d bytes are used after the set settled", i, used)
		}
	}
	if early := s.Early(); early.Memory == 0 || early.Open != 0 || early.Memory != s.ClosedEarly() {
		t.Errorf("closed early: %+v, %d in all", early, s.ClosedEarly())
	}
	files := finish(t, s)
	n := int64(0)
	for _, f := range files {
		n += f.Rows
	}
	t.Logf("%d files, %+v, peak %d", len(files), s.Early(), o.Budget.Peak())
	if n != batches*rows {
		t.Errorf("%d rows of %d", n, batches*rows)
	}
	if peak := o.Budget.Peak(); peak > limit*21/20 {
		t.Errorf("peak %d", peak)
	}
	if len(files) > 700 {
		t.Errorf("%d files", len(files))
	}
}

func TestFilesForWantOfOpenOnesAreCounted(t *testing.T) {
	t.Parallel()
	o := options(t, memory.New(memory.Options{}))
	o.MaxOpen, o.RowGroupRows = 2, 10
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(32, 32))
	for i := range int64(5) {
		add(t, s, r, fmt.Sprint(i), i*10, 10)
		settle(t, s)
	}
	if diff := cmp.Diff(writers.Early{Open: 3}, s.Early()); diff != "" {
		t.Errorf("closed early (-want +got):\n%s", diff)
	}
	check(t, o.Store, finish(t, s))
}

// An hour that is over makes room for the next ones: its rows are written without waiting for more.
func TestWhatGotColdIsWritten(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{PartSize: 64 << 10})
	o := options(t, store)
	counted := &groups{Format: o.Format}
	o.Format, o.RowGroupBytes, o.TargetSize = counted, 2<<20, 0
	s := writers.NewSet(o)
	texts := texts(33)
	addPlain(t, s, texts, "small", 7, 1_000_000, 10)
	const hours, rows = 24, 4000 // 1.3 MB
	most := int64(0)
	for h := range int64(hours) {
		for i := range int64(8) {
			addPlain(t, s, texts, fmt.Sprint("hr=", h), 7, h*rows+i*rows/8, rows/8)
			settle(t, s)
			most = max(most, o.Budget.Used())
		}
	}
	if most > 20<<20 {
		t.Errorf("up to %d bytes are used", most)
	}
	check(t, store, finish(t, s))
	if counted.many != hours+1 {
		t.Errorf("%d row groups in %d files", counted.many, hours+1)
	}
}

// Rows of several partitions come in turns, as they are read. Files say of each what they hold, whoever came first.
func TestPartitionsTakeTurns(t *testing.T) {
	t.Parallel()
	const partitions, turns, rows = 40, 30, 100
	store := memory.New(memory.Options{})
	o := options(t, store)
	o.Partition, o.TargetSize, o.MaxOpen, o.RowGroupRows = writers.Several, 256<<10, 3, 700
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(34, 34))
	texts := texts(34)
	next := make([]int64, partitions)
	for p := range next {
		next[p] = r.Int64N(1 << 40)
	}
	var want record.Digest
	sent := map[int32]int64{}
	for i := range int32(partitions * turns) {
		p := i * 7 % partitions
		addPlain(t, s, texts, fmt.Sprint(r.IntN(5)), p, next[p], rows)
		for range rows {
			want.Add(p, next[p])
			next[p]++
		}
		sent[p] += rows
		settle(t, s)
	}
	files := finish(t, s)
	noneOpen(t, store, files)
	check(t, store, files)
	var got record.Digest
	found := map[int32]int64{}
	names := map[string]bool{}
	for i, f := range files {
		got.Merge(f.Digest)
		least := f.Ranges[0].First
		for _, span := range f.Ranges {
			found[span.Partition] += span.Rows
			least = min(least, span.First)
		}
		n, err := writers.Parse(f.Key[len("orders/"+f.Bucket+"/"):])
		if err != nil || n.Partition != writers.Several || n.Sequence != i || n.First < least {
			t.Errorf("%s: %+v, %v; its least offset is %d", f.Key, n, err, least)
		}
		names[f.Key] = true
	}
	if diff := cmp.Diff(sent, found); diff != "" {
		t.Errorf("rows by partition (-sent +found):\n%s", diff)
	}
	if got != want || len(names) != len(files) || len(files) < 30 {
		t.Errorf("digest %v, want %v; %d names of %d files", got, want, len(names), len(files))
	}
}
