package writers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/storage"
	"shadoof/storage/memory"
	"shadoof/writers"
)

// processors sets their number for a test, which is not parallel.
func processors(t *testing.T, n int) {
	t.Helper()
	before := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// Which files there are, and every byte of them, depends on the rows alone, however fast what is done beside is.
func TestSameRowsMakeTheSameFiles(t *testing.T) {
	lift := func(seed uint64, slow int) map[string]string {
		jitter := rand.New(rand.NewPCG(seed, 77))
		var mu sync.Mutex
		store := memory.New(memory.Options{PartSize: 8 << 10, Hook: func(memory.Call) memory.Verdict {
			mu.Lock()
			n := jitter.IntN(100)
			mu.Unlock()
			for range n * slow {
				runtime.Gosched()
			}
			return memory.Proceed
		}})
		o := options(t, store)
		o.Budget = writers.NewBudget(256 << 20)
		o.TargetSize, o.MaxOpen, o.RowGroupBytes = 200<<10, 4, 64<<10
		s := writers.NewSet(o)
		r := rand.New(rand.NewPCG(10, 10))
		progress := ""
		for i := range int64(80) {
			add(t, s, r, fmt.Sprint(r.IntN(6)), i*100, 100)
			settle(t, s)
			progress += fmt.Sprintln(s.Rows(), s.Bytes())
		}
		files := finish(t, s)
		all := map[string]string{"progress": progress}
		for _, f := range files {
			if p, err := store.Publish(t.Context(), f.Key, []storage.Staged{f.Staged}); err != nil || p != storage.Published {
				t.Fatal(p, err)
			}
			all[f.Key] = string(store.Bytes(f.Key))
		}
		if s.ClosedEarly() == 0 || len(files) < 12 {
			t.Fatalf("%d files, %d closed early", len(files), s.ClosedEarly())
		}
		return all
	}
	var want map[string]string
	for i := range uint64(8) {
		for _, n := range []int{1, 2, 4} {
			processors(t, n)
			got := lift(i, int(i)%4)
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(sizes(want), sizes(got)); diff != "" {
				t.Fatalf("run %d with %d processors (-first +this):\n%s", i, n, diff)
			}
			for key := range want {
				if want[key] != got[key] {
					t.Fatalf("run %d with %d processors: %s has other bytes", i, n, key)
				}
			}
		}
	}
}

func sizes(files map[string]string) map[string]int {
	n := map[string]int{}
	for key, b := range files {
		n[key] = len(b)
	}
	return n
}

// A gate is a format whose row groups wait until they are let through.
type gate struct {
	writers.Format
	open    chan struct{}
	waiting atomic.Int32
	most    atomic.Int32
	fail    error
}

type gateEncoder struct {
	writers.Encoder
	g *gate
}

func (g *gate) NewEncoder(w io.Writer, s *record.Schema, meta map[string]string) (writers.Encoder, error) {
	e, err := g.Format.NewEncoder(w, s, meta)
	return gateEncoder{e, g}, err
}

func (e gateEncoder) WriteRows(c *record.Columns) error {
	n := e.g.waiting.Add(1)
	for most := e.g.most.Load(); n > most && !e.g.most.CompareAndSwap(most, n); most = e.g.most.Load() {
	}
	for range 100 {
		runtime.Gosched()
	}
	<-e.g.open
	e.g.waiting.Add(-1) // it may lend its processor when it writes
	if e.g.fail != nil {
		return e.g.fail
	}
	return e.Encoder.WriteRows(c)
}

// beside prepares a set whose row groups of 100 rows wait at a gate.
func beside(t *testing.T) (*gate, *memory.Store, writers.Options) {
	store := memory.New(memory.Options{})
	o := options(t, store)
	o.Budget, o.RowGroupRows = writers.NewBudget(64<<20), 100
	g := &gate{Format: o.Format, open: make(chan struct{})}
	o.Format = g
	return g, store, o
}

// While a row group is written the set takes rows. All of it is counted.
func TestRowGroupsAreWrittenBeside(t *testing.T) {
	processors(t, 4)
	synctest.Test(t, func(t *testing.T) {
		g, store, o := beside(t)
		s := writers.NewSet(o)
		r := rand.New(rand.NewPCG(1, 1))
		for i, bucket := range []string{"a", "b", "c"} {
			add(t, s, r, bucket, int64(i)*100, 100)
			settle(t, s)
		}
		add(t, s, r, "a", 300, 99)
		settle(t, s)
		synctest.Wait()
		if n := g.waiting.Load(); n != 3 {
			t.Errorf("%d row groups are under way, want 3", n)
		}
		if used := o.Budget.Used(); used < 399*316 {
			t.Errorf("%d bytes are counted, fewer than the rows have", used)
		}
		close(g.open)
		if rows := check(t, store, finish(t, s)); rows != 399 {
			t.Errorf("%d rows", rows)
		}
	})
}

// A file's row groups are written one after the other, and all sets together have no more under way than there are processors.
func TestNoMoreAreEncodedThanThereAreProcessors(t *testing.T) {
	processors(t, 3)
	g, _, o := beside(t)
	close(g.open)
	var wg sync.WaitGroup
	var total atomic.Int64
	for n := range 6 {
		o := o
		store := memory.New(memory.Options{PartSize: 4 << 10})
		o.Store = store
		wg.Go(func() {
			s := writers.NewSet(o)
			r := rand.New(rand.NewPCG(2, uint64(n)))
			for i := range int64(20) {
				add(t, s, r, fmt.Sprint(i%5), i*100, 100)
				if err := s.Settle(t.Context()); err != nil {
					t.Error(err)
				}
			}
			files, err := s.Finish(t.Context())
			if err != nil {
				t.Error(err)
			}
			total.Add(check(t, store, files))
		})
	}
	wg.Wait()
	if most := g.most.Load(); most > 3 {
		t.Errorf("%d row groups were under way at the same time", most)
	}
	if total.Load() != 12_000 {
		t.Errorf("%d rows", total.Load())
	}
}

// An error of what is done beside shows when the set settles next, and then the set is good for Abort only.
func TestErrorsBesideShow(t *testing.T) {
	processors(t, 4)
	synctest.Test(t, func(t *testing.T) {
		g, store, o := beside(t)
		g.fail = errors.New("no space left")
		s := writers.NewSet(o)
		r := rand.New(rand.NewPCG(3, 3))
		add(t, s, r, "a", 0, 100)
		settle(t, s)
		close(g.open)
		synctest.Wait()
		if err := s.Settle(t.Context()); !errors.Is(err, g.fail) {
			t.Errorf("Settle: %v", err)
		}
		if _, err := s.File("b"); !errors.Is(err, g.fail) {
			t.Errorf("File: %v", err)
		}
		if _, err := s.Finish(t.Context()); !errors.Is(err, g.fail) {
			t.Errorf("Finish: %v", err)
		}
		if err := s.Abort(t.Context()); err != nil {
			t.Error(err)
		}
		noneOpen(t, store, nil)
		if used := o.Budget.Used() - o.Budget.Spare(); used != 0 {
			t.Errorf("%d bytes are still counted", used)
		}
	})
}

// Abort waits for what is under way, and what waits for a processor gives up.
func TestAbortWaits(t *testing.T) {
	processors(t, 2)
	synctest.Test(t, func(t *testing.T) {
		g, store, o := beside(t)
		first, second := writers.NewSet(o), writers.NewSet(o)
		r := rand.New(rand.NewPCG(4, 4))
		add(t, first, r, "a", 0, 100)
		settle(t, first) // beside: there is one processor for that
		add(t, second, r, "b", 0, 100)
		inline := make(chan error)
		go func() { inline <- second.Settle(t.Context()) }()
		synctest.Wait()
		if n := g.waiting.Load(); n != 2 {
			t.Fatalf("%d row groups are under way, want 2", n)
		}
		aborted := make(chan error)
		go func() { aborted <- first.Abort(t.Context()) }()
		synctest.Wait()
		select {
		case <-aborted:
			t.Fatal("Abort did not wait")
		default:
		}
		close(g.open)
		if err := errors.Join(<-aborted, <-inline); err != nil {
			t.Error(err)
		}
		noneOpen(t, store, nil, "b")
		check(t, store, finish(t, second))
	})
}

// A stuck store never ends a write.
type stuck struct {
	storage.Store
	release chan struct{}
}

type stuckWriter struct {
	storage.StageWriter
	s *stuck
}

func (s *stuck) Stage(ctx context.Context, r storage.StageRequest) (storage.StageWriter, error) {
	w, err := s.Store.Stage(ctx, r)
	return stuckWriter{w, s}, err
}

func (w stuckWriter) Write(b []byte) (int, error) {
	<-w.s.release
	return w.StageWriter.Write(b)
}

// Who waits for its store lends its processor to others.
func TestASlowStoreHoldsNobodyUp(t *testing.T) {
	processors(t, 1)
	synctest.Test(t, func(t *testing.T) {
		g, quick, o := beside(t)
		close(g.open)
		slow := o
		slow.Store = &stuck{memory.New(memory.Options{}), make(chan struct{})}
		waiting, going := writers.NewSet(slow), writers.NewSet(o)
		r := rand.New(rand.NewPCG(5, 5))
		add(t, waiting, r, "a", 0, 100)
		settled := make(chan error)
		go func() { settled <- waiting.Settle(t.Context()) }()
		synctest.Wait()
		for i := range int64(10) {
			add(t, going, r, "b", i*100, 100)
			settle(t, going)
		}
		check(t, quick, finish(t, going))
		close(slow.Store.(*stuck).release)
		if err := <-settled; err != nil {
			t.Error(err)
		}
		check(t, slow.Store, finish(t, waiting))
	})
}

// A file that has reached its size is finished while the next one of its bucket is begun; never more are open than may be.
func TestAFullFileIsFinishedBeside(t *testing.T) {
	processors(t, 4)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		store := memory.New(memory.Options{Hook: func(c memory.Call) memory.Verdict {
			if c.Op == memory.OpFinish {
				<-release
			}
			return memory.Proceed
		}})
		o := options(t, store)
		o.TargetSize, o.MaxOpen = 64<<10, 2
		s := writers.NewSet(o)
		r := rand.New(rand.NewPCG(6, 6))
		n := int64(0)
		for ; store.Counts()[memory.OpFinish] == 0 && n < 100; n++ {
			add(t, s, r, "a", n*50, 50)
			settle(t, s)
			synctest.Wait()
		}
		for range 5 {
			add(t, s, r, "a", n*50, 50)
			settle(t, s)
			n++
		}
		if staged := s.Staged(); len(staged) != 0 {
			t.Errorf("%d files are staged", len(staged))
		}
		close(release)
		files := finish(t, s)
		if rows := check(t, store, files); rows != n*50 || len(files) != 2 {
			t.Errorf("%d rows of %d in %d files", rows, n*50, len(files))
		}
	})
}
