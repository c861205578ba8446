package writers_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"shadoof/record"
	"shadoof/storage"
	"shadoof/storage/memory"
	"shadoof/writers"
)

func TestBudgetCounts(t *testing.T) {
	t.Parallel()
	b := writers.NewBudget(100)
	b.Reserve(90)
	if b.TryReserve(11) {
		t.Error("reserved more than there is")
	}
	if !b.TryReserve(10) {
		t.Error("refused what fits")
	}
	b.Reserve(20)
	b.Release(120)
	if b.Used() != 0 || b.Limit() != 100 || b.Peak() < 120 || b.Peak() > 121 {
		t.Errorf("used %d, limit %d, peak %d", b.Used(), b.Limit(), b.Peak())
	}
}

func TestBudgetIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	b := writers.NewBudget(1000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				b.Reserve(7)
				if b.TryReserve(100) {
					b.Release(100)
				}
				b.Release(7)
			}
		})
	}
	wg.Wait()
	if b.Used() != 0 || b.Peak() < 7 {
		t.Errorf("used %d, peak %d", b.Used(), b.Peak())
	}
}

// tails counts what uploads hold that was not sent.
type tails struct {
	storage.Store
	held atomic.Int64
}

type tail struct {
	storage.StageWriter
	store  *tails
	before int64
}

func (s *tails) Stage(ctx context.Context, r storage.StageRequest) (storage.StageWriter, error) {
	w, err := s.Store.Stage(ctx, r)
	return &tail{w, s, 0}, err
}

func (w *tail) count() {
	now := w.Buffered()
	w.store.held.Add(now - w.before)
	w.before = now
}

func (w *tail) Write(b []byte) (int, error) {
	defer w.count()
	return w.StageWriter.Write(b)
}

func (w *tail) Finish(ctx context.Context) (storage.Staged, error) {
	defer w.count()
	return w.StageWriter.Finish(ctx)
}

// The limit holds, but for what one batch adds before the set settles, over many more open files than fit.
func TestTheBudgetHolds(t *testing.T) {
	t.Parallel()
	const limit = 4 << 20
	store := memory.New(memory.Options{PartSize: 64 << 10})
	o := options(t, store)
	o.Budget = writers.NewBudget(limit)
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range int64(200) {
		add(t, s, r, fmt.Sprint("hr=", r.IntN(24)), i*200, 200) // 64 KiB
		settle(t, s)
		if used := o.Budget.Used(); used > limit {
			t.Fatalf("batch %d: %d bytes are used after the set settled", i, used)
		}
	}
	files := finish(t, s)
	if peak := o.Budget.Peak(); peak > limit*5/4 || peak < limit/2 {
		t.Errorf("peak %d of %d", peak, limit)
	}
	if rows := check(t, store, files); rows != 40_000 {
		t.Errorf("%d rows", rows)
	}
	t.Logf("%d files, %d closed early, peak %d", len(files), s.ClosedEarly(), o.Budget.Peak())
	if len(files) > 60 {
		t.Errorf("%d files for 24 buckets", len(files))
	}
}

// groups counts the row groups that a format writes, and their rows.
type groups struct {
	writers.Format
	mu         sync.Mutex
	many, rows int
}

type groupEncoder struct {
	writers.Encoder
	g *groups
}

func (g *groups) NewEncoder(w io.Writer, s *record.Schema, meta map[string]string) (writers.Encoder, error) {
	e, err := g.Format.NewEncoder(w, s, meta)
	return groupEncoder{e, g}, err
}

func (e groupEncoder) WriteRows(c *record.Columns) error {
	e.g.mu.Lock()
	e.g.many++
	e.g.rows += c.Rows()
	e.g.mu.Unlock()
	return e.Encoder.WriteRows(c)
}

// Tails of uploads that no flush frees: 48 files with up to 1 MiB each in a budget of 16 MiB. They do not push the rows out of
// it: row groups stay as large as they can be.
func TestTailsOfUploadsAreCounted(t *testing.T) {
	t.Parallel()
	const limit = 16 << 20
	store := &tails{Store: memory.New(memory.Options{PartSize: 1 << 20})}
	o := options(t, store)
	o.Budget = writers.NewBudget(limit)
	counted := &groups{Format: o.Format}
	o.Format = counted
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(2, 2))
	for i := range int64(300) {
		add(t, s, r, fmt.Sprint("hr=", (i+int64(r.IntN(3)))%48), i*400, 400) // 128 KiB
		settle(t, s)
		held := store.held.Load()
		if used := o.Budget.Used(); used > limit || used < held {
			t.Fatalf("batch %d: %d bytes are used, of which %d in tails", i, used, held)
		}
	}
	if s.ClosedEarly() == 0 {
		t.Error("no file was closed early")
	}
	files := finish(t, s)
	if rows := check(t, store, files); rows != 120_000 {
		t.Errorf("%d rows", rows)
	}
	t.Logf("%d files, %d closed early, %d row groups, peak %d", len(files), s.ClosedEarly(), counted.many, o.Budget.Peak())
	if len(files) > 48*4 {
		t.Errorf("%d files for 48 buckets", len(files))
	}
	if mean := counted.rows / counted.many; mean < 700 {
		t.Errorf("%d rows per row group", mean)
	}
}

// A small set does not write tiny row groups because a large one has filled the budget.
func TestTheLargestGivesBack(t *testing.T) {
	t.Parallel()
	const limit = 4 << 20
	big, small := memory.New(memory.Options{}), memory.New(memory.Options{})
	o := options(t, big)
	o.Budget = writers.NewBudget(limit)
	large := writers.NewSet(o)
	o.Store = small
	little := writers.NewSet(o)
	r := rand.New(rand.NewPCG(3, 3))
	for i := range int64(100) {
		add(t, large, r, fmt.Sprint(i%4), i*400, 400)
		add(t, little, r, "b", i*10, 10)
		settle(t, little)
		settle(t, large)
	}
	if n := small.Operations(); n != 0 {
		t.Errorf("the small set wrote already:\n%s", small.Trace())
	}
	if n := big.Counts()[memory.OpStage]; n == 0 {
		t.Error("the large set wrote nothing")
	}
	check(t, big, finish(t, large))
	check(t, small, finish(t, little))
	if used := o.Budget.Used() - o.Budget.Spare(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
}

// Fetch buffers are part of the limit: sets make room for them.
func TestSetsMakeRoomForFetchBuffers(t *testing.T) {
	t.Parallel()
	const limit = 8 << 20
	store := memory.New(memory.Options{PartSize: 64 << 10})
	o := options(t, store)
	o.Budget = writers.NewBudget(limit)
	s := writers.NewSet(o)
	r := rand.New(rand.NewPCG(4, 4))
	for i := range int64(10) {
		add(t, s, r, fmt.Sprint(i%4), i*1000, 1000)
	}
	settle(t, s)
	if n := store.Operations(); n != 0 {
		t.Fatalf("%d operations while there is room", n)
	}
	o.Budget.Reserve(6 << 20)
	settle(t, s)
	if used := o.Budget.Used(); used > limit {
		t.Errorf("%d bytes are used", used)
	}
	check(t, store, finish(t, s))
	o.Budget.Release(6 << 20)
}

func TestSetsOfOneBudgetRunInParallel(t *testing.T) {
	t.Parallel()
	const limit = 8 << 20
	store := memory.New(memory.Options{PartSize: 64 << 10})
	o := options(t, store)
	o.Budget = writers.NewBudget(limit)
	var wg sync.WaitGroup
	files := make([][]writers.Finished, 6)
	for n := range files {
		o := o
		o.Folder = fmt.Sprint("orders-", n)
		s := writers.NewSet(o)
		wg.Go(func() {
			r := rand.New(rand.NewPCG(5, uint64(n)))
			for i := range int64(50) {
				add(t, s, r, fmt.Sprint(r.IntN(6)), i*200, 200)
				if err := s.Settle(t.Context()); err != nil {
					t.Error(err)
				}
				_, _ = s.Bytes(), s.Rows()
			}
			var err error
			if files[n], err = s.Finish(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	rows := int64(0)
	for _, f := range files {
		rows += check(t, store, f)
	}
	if rows != 6*50*200 || o.Budget.Used() != o.Budget.Spare() {
		t.Errorf("%d rows, %d bytes still counted", rows, o.Budget.Used()-o.Budget.Spare())
	}
	// Each of the six sets may have a row group on its way besides, which counts twice until it is written, and a batch more.
	if peak := o.Budget.Peak(); peak > limit*5/2 {
		t.Errorf("peak %d of %d", peak, limit)
	}
}
