package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/storage/memory"
)

// A scenario is something a process does to a world that was prepared for it.
type scenario struct {
	name    string
	prepare func(w *world)
	act     func(w *world, e *Env) error
	always  func(w *world) string // what is wrong at this moment; nil: only what no scenario may show
	after   func(w *world)        // what a process does once all is well again
}

// runOnce is a plain run; its outcome is part of what the sweep tolerates.
func runOnce(_ *world, e *Env) error {
	r, err := e.Run(context.Background(), RunOptions{})
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range r.Topics {
		errs = append(errs, t.Err)
	}
	return errors.Join(errs...)
}

func twoHours(w *world) *memTopic {
	t := w.source.create("orders", strings.Repeat("ab", 16), 2)
	t.add(0, 20, day.Add(50*time.Minute), time.Minute) // two hours
	t.add(1, 5, day, time.Minute)
	t.addSlots(0, memSlot{kind: aMarker}, memSlot{kind: anAborted}, memSlot{kind: aHole}, memSlot{ts: day.UnixMilli(), key: "dead"})
	return t
}

func scenarios() []scenario {
	return append(slices.Concat(retryScenarios(), backfillScenarios(), markerScenarios()), []scenario{
		{name: "first run", prepare: func(w *world) { twoHours(w) }, act: runOnce},
		{name: "plain run", prepare: func(w *world) {
			t := twoHours(w)
			w.runClean()
			t.add(0, 9, day.Add(3*time.Hour), time.Minute)
		}, act: runOnce},
		{name: "lost race", prepare: func(w *world) {
			t := twoHours(w)
			w.runClean()
			t.add(0, 9, day.Add(3*time.Hour), time.Minute)
		}, act: func(w *world, e *Env) error {
			rival := false
			e.hook = func(point string) {
				if point == "before-put" && !rival {
					rival = true
					w.run(w.process(w.store))
				}
			}
			return runOnce(w, e)
		}},
		{name: "repair", prepare: func(w *world) {
			twoHours(w)
			crashAt(w, "committed")
			w.store.AbortUploads(func(key string) bool { return strings.Contains(key, "hr=13") })
		}, act: runOnce},
		{name: "drop", prepare: func(w *world) {
			twoHours(w)
			w.runClean()
		}, act: func(w *world, e *Env) error {
			_, _, err := e.Resolve(context.Background(), "orders", Resolution{Drop: firstFile(w), Decision: offsets.Decision{By: "test", Reason: "sweep"}})
			return err
		}},
		{name: "gc", prepare: func(w *world) {
			t := twoHours(w)
			w.runClean()
			t.add(0, 9, day.Add(3*time.Hour), time.Minute)
			crashAt(w, "before-put")
			w.sleep(48 * time.Hour)
		}, act: func(w *world, e *Env) error {
			_, err := e.GC(context.Background(), Selection{}, false)
			return err
		}},
	}...)
}

// crashAt lets a process run until it comes to a point, and die there: no deferred call of it does anything any more.
func crashAt(w *world, point string) {
	w.t.Helper()
	w.crashWhile(point, func(e *Env) { _ = runOnce(w, e) })
}

// crashWhile is crashAt of whatever a process does.
func (w *world) crashWhile(point string, act func(e *Env)) {
	w.t.Helper()
	dead := make(chan struct{})
	reached := make(chan struct{})
	var once bool
	s := w.store.Attach(memory.Options{Hook: func(memory.Call) memory.Verdict {
		select {
		case <-dead:
			return memory.Lose
		default:
			return memory.Proceed
		}
	}})
	e := w.process(s)
	e.hook = func(p string) {
		if p == point && !once {
			once = true
			close(dead)
			close(reached)
			runtime.Goexit()
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		act(e)
	}()
	<-ended
	select {
	case <-reached:
	default:
		w.t.Fatalf("the run never came to %q", point)
	}
}

// firstFile is the first data file of the topic, by name.
func firstFile(w *world) string {
	for _, name := range w.store.Objects() {
		if strings.HasPrefix(name, "orders/") && !isSuccess(name) {
			return name
		}
	}
	w.t.Fatal("no data file")
	return ""
}

// A failure is a way in which an operation fails. What was seen and did not survive is undone when another so many operations were
// asked for, or when the process has ended.
type failure struct {
	verdict memory.Verdict
	after   int
}

var failures = map[string]failure{
	"did not happen":                     {memory.Lose, 0},
	"happened without an answer":         {memory.LoseReply, 0},
	"happened twice":                     {memory.Repeat, 0},
	"happens much later":                 {memory.Delay, 0},
	"was seen and lost at once":          {memory.Unsettle, 1},
	"was seen and lost two reads later":  {memory.Unsettle, 2},
	"was seen and lost some reads later": {memory.Unsettle, 4},
	"was seen and lost with the process": {memory.Unsettle, 1 << 30},
}

// TestEveryFailureOfTheStoreIsSurvived fails each store operation of each scenario in turn, in each of the ways in which
// requests fail. At every moment no file may be visible that no record names; after a fresh process ran,
// every record must be visible once.
func TestEveryFailureOfTheStoreIsSurvived(t *testing.T) {
	for _, sc := range scenarios() {
		for name, f := range failures {
			t.Run(sc.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				if n := sweep(t, sc, f); n < 12 {
					t.Errorf("the sweep failed only %d operations", n)
				}
			})
		}
	}
}

// sweep runs a scenario again and again, each time with another operation that fails. It returns the number of operations that there were.
func sweep(t *testing.T, sc scenario, f failure) int {
	base := newWorld(t)
	sc.prepare(base)
	step := 1
	if raced {
		step = 5
	}
	for n := 1; ; n += step {
		w := base.fork()
		bad := ""
		var looking sync.Mutex // files are staged and published side by side
		s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
			looking.Lock()
			defer looking.Unlock()
			if u := unnamed(w.store); len(u) > 0 && bad == "" {
				bad = fmt.Sprintf("before %s %s: visible and not named by a record: %q", c.Op, c.Name, u)
			}
			if sc.always != nil && bad == "" {
				if wrong := sc.always(w); wrong != "" {
					bad = fmt.Sprintf("before %s %s: %s", c.Op, c.Name, wrong)
				}
			}
			switch c.Seq {
			case n:
				return f.verdict
			case n + f.after:
				w.store.Crash()
			}
			return memory.Proceed
		}})
		err := sc.act(w, w.process(s))
		w.store.Crash()
		what := fmt.Sprintf("operation %d failed (run: %v)\ntrace:\n%s", n, err, s.Trace())
		if u := unnamed(w.store); len(u) > 0 && bad == "" {
			bad = fmt.Sprintf("at the end: visible and not named: %q", u)
		}
		if bad != "" {
			t.Fatalf("%s\n%s", bad, what)
		}
		if n%2 == 0 {
			s.Land() // what was delayed arrives before the next process begins, or when it has finished
		}
		w.run(w.process(w.store)) // a fresh process finishes what was begun
		s.Land()
		w.runClean()
		if sc.after != nil {
			sc.after(w)
		}
		w.checkDroppedOrExact(sc, what)
		if s.Operations() < n {
			return n - 1
		}
	}
}

func (w *world) checkDroppedOrExact(sc scenario, what string) {
	w.t.Helper()
	if !strings.HasPrefix(sc.name, "drop") {
		w.checkExact(what)
		return
	}
	w.checkVerified(what) // the dropped rows stand as a gap
	for r, n := range w.visible("orders") {
		if n != 1 {
			w.t.Fatalf("%s: row %v is visible %d times", what, r, n)
		}
	}
}

// publishFirst is the mistake that everybody makes: files become visible before the record that names them is appended.
type publishFirst struct{ storage.Store }

func (p publishFirst) Stage(ctx context.Context, r storage.StageRequest) (storage.StageWriter, error) {
	w, err := p.Store.Stage(ctx, r)
	return &publishFirstWriter{w, p.Store, r.Key}, err
}

type publishFirstWriter struct {
	storage.StageWriter
	store storage.Store
	key   string
}

func (w *publishFirstWriter) Finish(ctx context.Context) (storage.Staged, error) {
	s, err := w.StageWriter.Finish(ctx)
	if err == nil {
		_, _ = w.store.Publish(ctx, w.key, []storage.Staged{s})
	}
	return s, err
}

// TestTheSweepFindsPublishBeforeCommit shows that the sweep can fail.
func TestTheSweepFindsPublishBeforeCommit(t *testing.T) {
	w := newWorld(t)
	twoHours(w)
	var found atomic.Bool
	s := w.store.Attach(memory.Options{Hook: func(memory.Call) memory.Verdict {
		if len(unnamed(w.store)) > 0 {
			found.Store(true)
		}
		return memory.Proceed
	}})
	_ = runOnce(w, w.process(publishFirst{s}))
	if !found.Load() {
		t.Error("files were visible before their commit, and nobody noticed")
	}
}
