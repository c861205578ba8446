package writers_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"shadoof/record"
	"shadoof/storage/memory"
	"shadoof/writers"
	"shadoof/writers/sample"
)

// What one set has written with, the next one takes, and none of a second schema does.
func TestMemoryOfColumnsIsReused(t *testing.T) {
	store := memory.New(memory.Options{})
	o := options(t, forgetful{store})
	o.Budget = writers.NewBudget(256 << 20)
	rows := []string{}
	r := rand.New(rand.NewPCG(11, 11))
	for range 20_000 {
		rows = append(rows, noise(r))
	}
	lift := func(o writers.Options) (allocated uint64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := writers.NewSet(o)
		for i, text := range rows {
			f, err := s.File("b")
			if err != nil {
				t.Fatal(err)
			}
			c := f.Columns()
			c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, int64(i))
			c.Leaves[1].AppendString(text)
			f.EndRow(7, int64(i), 0)
			if i%1000 == 0 {
				settle(t, s)
			}
		}
		finish(t, s)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	first := lift(o)
	for range 4 { // of the sizes on the way, too
		lift(o)
	}
	if spare := o.Budget.Spare(); spare < 5<<20 || spare > 16<<20 {
		t.Errorf("%d bytes are spare after rows of 6 MB", spare)
	}
	second := lift(o)
	if second > first/5 {
		t.Errorf("allocated %d bytes, and then %d", first, second)
	}
	spare := o.Budget.Spare()
	other := o
	other.Schema = (&record.Schema{Name: "other", Fields: event().Fields[:2]}).WithKafkaColumns()
	lift(other)
	if o.Budget.Spare() < spare+5<<20 {
		t.Errorf("%d bytes were spare, and with another schema %d", spare, o.Budget.Spare())
	}
	o.Budget.Free()
	if o.Budget.Spare() != 0 || o.Budget.Used() != 0 {
		t.Errorf("%d bytes are spare, %d used", o.Budget.Spare(), o.Budget.Used())
	}
}

// Spare memory makes room before anybody writes a row group too early.
func TestSpareMemoryGoesFirst(t *testing.T) {
	t.Parallel()
	const limit = 16 << 20
	store := memory.New(memory.Options{PartSize: 64 << 10})
	o := options(t, store)
	o.Budget = writers.NewBudget(limit)
	r := rand.New(rand.NewPCG(12, 12))
	full := writers.NewSet(o)
	open := writers.NewSet(o)
	for i := range int64(30) {
		add(t, full, r, "a", i*1000, 1000)
		settle(t, full)
		add(t, open, r, "b", i*100, 100)
		settle(t, open)
	}
	finish(t, full)
	store.Reset()
	spare := o.Budget.Spare()
	if spare < 4<<20 {
		t.Fatalf("%d bytes are spare", spare)
	}
	room := limit - o.Budget.Used()
	if !o.Budget.TryReserve(room + spare/2) {
		t.Error("spare memory refused a reservation")
	}
	o.Budget.Release(room + spare/2)
	o.Budget.Reserve(limit - 5<<20)
	settle(t, open)
	if used := o.Budget.Used(); used > limit || o.Budget.Spare() > limit/16 {
		t.Errorf("%d bytes are used, %d of them spare", used, o.Budget.Spare())
	}
	if n := store.Operations(); n != 0 {
		t.Errorf("%d operations where spare memory was enough", n)
	}
	o.Budget.Release(limit - 5<<20)
	finish(t, open)
}

// Files that get few rows are small, also where row groups were large before.
func TestANearlyEmptyFileIsSmall(t *testing.T) {
	t.Parallel()
	const files, most = 500, 150 << 10
	o := options(t, memory.New(memory.Options{}))
	o.Budget = writers.NewBudget(256 << 20)
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(13, 13))
	for i := range int64(60) {
		add(t, s, r, "large", i*1000, 1000)
		settle(t, s)
	}
	finish(t, s)
	s = writers.NewSet(o)
	for i := range files {
		add(t, s, r, fmt.Sprint(i), int64(i)*10, 10)
	}
	settle(t, s)
	if each := (o.Budget.Used() - o.Budget.Spare()) / files; each > most {
		t.Errorf("a file of 10 rows takes %d bytes", each)
	}
	check(t, o.Store, finish(t, s))
}

// What rows take is not much more than they are, however many files share them.
func TestMemoryFollowsRows(t *testing.T) {
	t.Parallel()
	o := options(t, memory.New(memory.Options{}))
	o.Budget = writers.NewBudget(1 << 30)
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(14, 14))
	const row = 280 + 8 + 8 + 4 + 8 + 8
	for i := range int64(400) {
		add(t, s, r, fmt.Sprint(i%10), i*300, 300)
		settle(t, s)
		if rows := (i + 1) * 300; i >= 50 && o.Budget.Used() > rows*row*17/10 {
			t.Fatalf("%d rows of %d bytes take %d", rows, row, o.Budget.Used())
		}
	}
	if err := s.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// kept is a format that keeps what the leaves of row groups of so many rows hold.
type kept struct {
	rows   int
	mu     sync.Mutex
	groups [][]string
}

func (*kept) Extension() string { return ".kept" }
func (k *kept) NewEncoder(io.Writer, *record.Schema, map[string]string) (writers.Encoder, error) {
	return keeper{k}, nil
}

type keeper struct{ k *kept }

func (e keeper) WriteRows(c *record.Columns) error {
	e.k.mu.Lock()
	defer e.k.mu.Unlock()
	if c.Rows() == e.k.rows {
		e.k.groups = append(e.k.groups, contents(c))
	}
	return nil
}

func contents(c *record.Columns) (leaves []string) {
	for i := range c.Leaves {
		l := &c.Leaves[i]
		leaves = append(leaves, fmt.Sprint(l.Path, l.Def, l.Rep, l.Bools, l.Int32s, l.Int64s, l.Floats, l.Doubles, l.Data, l.Ends))
	}
	return leaves
}

func (keeper) Close() error    { return nil }
func (keeper) Written() int64  { return 0 }
func (keeper) Buffered() int64 { return 0 }

// Rows are the same however the memory grows under them, from nothing and from that of other rows.
func TestRowsSurviveGrowth(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(15, 15))
	schema := sample.Every()
	rows := sample.Rows(r, record.NewColumns(schema), 500, 7, 0)
	some := func() sample.Row { return rows[r.IntN(len(rows))] }
	format := &kept{rows: 500}
	o := options(t, forgetful{})
	o.Format, o.Schema, o.RowGroupRows, o.TargetSize = format, schema, 500, 0
	o.Budget = writers.NewBudget(256 << 20)
	s := writers.NewSet(o)
	var want [][]string
	plain := record.NewColumns(schema)
	offset := int64(0)
	for range 4 {
		for plain.Rows() < 500 {
			if r.IntN(4) == 0 { // others give and take memory meanwhile
				f, err := s.File(fmt.Sprint(r.IntN(5)))
				if err != nil {
					t.Fatal(err)
				}
				sample.Append(f.Columns(), some())
				f.EndRow(7, 1<<40, 0)
				continue
			}
			row := some()
			f, err := s.File("all")
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []*record.Columns{f.Columns(), plain} {
				sample.Append(c, some())
				c.Rollback()
				sample.Append(c, row)
			}
			f.EndRow(7, offset, offset)
			plain.AppendKafka(7, offset, offset)
			plain.EndRow()
			offset++
		}
		settle(t, s)
		want = append(want, contents(plain))
		plain = record.NewColumns(schema)
	}
	finish(t, s)
	got := format.groups
	if len(got) != len(want) {
		t.Fatalf("%d row groups, want %d", len(got), len(want))
	}
	for g := range want {
		for i := range want[g] {
			if want[g][i] != got[g][i] {
				t.Errorf("row group %d, leaf %d: want %.100s\ngot %.100s", g, i, want[g][i], got[g][i])
			}
		}
	}
}
