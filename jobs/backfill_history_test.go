package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/offsets"
	"shadoof/storage/memory"
)

// A history is a topic, and processes that do things to it: one after the other, inside one another, or side by side. Some die on the way,
// and some of their requests to the store fail.
type history struct {
	*world
	rng   *rand.Rand
	topic *memTopic
	swaps []string
	quiet bool   // no faults any more
	also  string // of the configuration of the job
	hours int    // over which the times of records are spread

	mu    sync.Mutex
	log   []string
	wrong string
	depth int
}

// points are where a process may be overtaken, or die.
var points = []string{"batch", "staged", "before-put", "committed", "half-swapped", "mid-publish", "mid-removal", "before-marker", "after-marker", "drop-appended", "fenced", "repair-staged", "repair-appended"}

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{world: newWorld(t), rng: rand.New(rand.NewPCG(seed, 11)), hours: 4}
	h.whole = true
	h.swaps = [][]string{{offsets.HideFirst}, {offsets.ShowFirst}, {offsets.HideFirst, offsets.ShowFirst}}[h.rng.IntN(3)]
	h.settings()
	h.topic = h.source.create("orders", strings.Repeat("ab", 16), 1+h.rng.IntN(3))
	h.source.batch = 2 + h.rng.IntN(6)
	h.add()
	return h
}

// settings chooses others: which records fit, how long a file and a commit get, and into which folders rows go.
func (h *history) settings() {
	doc := testConfig + h.also
	if h.rng.IntN(2) == 0 {
		doc = strings.Replace(doc, "format: string", "format: bytes", 1)
	}
	if h.rng.IntN(3) == 0 {
		doc = strings.Replace(doc, "{min: 2015-01-01}", `{min: 2015-01-01, layout: "day=%Y-%m-%d"}`, 1)
	}
	if h.rng.IntN(3) == 0 {
		doc = strings.Replace(doc, "target_size: 1MiB", "target_size: 1KiB", 1)
	}
	if h.rng.IntN(3) == 0 {
		doc += "    commit_every: {bytes: 60}\n"
	}
	if h.rng.IntN(6) == 0 {
		doc += "    start: latest\n"
	}
	h.configure(doc)
}

// add appends records, in no order of their times, and what is no record.
func (h *history) add() {
	h.source.mu.Lock()
	defer h.source.mu.Unlock()
	for p := range h.topic.parts {
		for range h.rng.IntN(12) {
			at := day.Add(time.Duration(h.rng.IntN(60*h.hours)) * time.Minute)
			switch h.rng.IntN(12) {
			case 0:
				h.topic.addSlots(p, memSlot{kind: []slotKind{aMarker, anAborted, aHole}[h.rng.IntN(3)]})
			case 1:
				h.topic.addSlots(p, memSlot{ts: at.UnixMilli(), key: "bad", val: []byte{0xff, byte(h.rng.IntN(256))}})
			case 2:
				h.topic.addSlots(p, memSlot{ts: at.UnixMilli(), key: "dead"})
			default:
				h.topic.add(p, 1, at, 0)
			}
		}
	}
}

func (h *history) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, strings.Repeat("  ", h.depth)+fmt.Sprintf(format, args...))
}

func (h *history) pick(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rng.IntN(n)
}

// act is a process that does something. At points of it others may act, or it dies.
func (h *history) act(depth int) {
	hard, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx, stop := context.WithCancel(hard)
	dead := make(chan struct{})
	calls := 0
	s := h.store.Attach(memory.Options{Hook: func(memory.Call) memory.Verdict {
		select {
		case <-dead:
			return memory.Lose
		default:
		}
		h.look(&calls)
		if h.quiet || h.pick(120) > 0 {
			return memory.Proceed
		}
		return []memory.Verdict{memory.Lose, memory.LoseReply, memory.Repeat, memory.Delay}[h.pick(4)]
	}})
	e := h.process(s)
	var once sync.Once
	e.hook = func(p string) {
		if h.quiet || !slices.Contains(points, p) {
			return
		}
		switch n := h.pick(60); {
		case n == 0:
			once.Do(func() {
				h.note("dies at %s", p)
				cancel()
				close(dead)
			})
			runtime.Goexit()
		case n == 1:
			h.note("is told to stop at %s", p)
			stop()
		case n < 5 && depth < 2:
			h.note("at %s:", p)
			h.depth++
			h.act(depth + 1)
			h.depth--
		}
	}
	name, do := h.choose()
	h.note("%s", name)
	ended := make(chan error, 1)
	go func() {
		err := errors.New("died")
		defer func() { ended <- err }()
		err = do(ctx, hard, e)
	}()
	if err := <-ended; err != nil {
		h.note("%s: %v", name, err)
		if ExitCode(err) == ExitHalted && hard.Err() == nil {
			h.fail("%s halted: %v", name, err)
		}
	}
	if h.pick(2) == 0 {
		s.Land()
	}
}

func (h *history) fail(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wrong == "" {
		h.wrong = fmt.Sprintf(format, args...)
	}
}

// look sees, now and then, what a lister must not see.
func (h *history) look(calls *int) {
	h.mu.Lock()
	*calls++
	n := *calls
	h.mu.Unlock()
	if n%19 != 0 {
		return
	}
	if u := unnamed(h.store); len(u) > 0 {
		h.fail("visible, and no record names it: %q", u)
	}
	if len(h.swaps) == 1 && h.swaps[0] == offsets.HideFirst {
		if twice := neverTwice(h.world); twice != "" {
			h.fail("with hide-first alone %s", twice)
		}
	}
}

// choose is what a process does.
func (h *history) choose() (string, func(ctx, hard context.Context, e *Env) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	swap := h.swaps[h.rng.IntN(len(h.swaps))]
	partition := int32(h.rng.IntN(len(h.topic.parts)))
	backfill := func(r BackfillRequest) func(ctx, hard context.Context, e *Env) error {
		r.Topic = "orders"
		r.From, r.To = h.bounds(partition)
		if h.rng.IntN(2) == 0 {
			r.Partitions = []int32{partition}
		}
		return func(ctx, hard context.Context, e *Env) error {
			r.Hard = hard
			report, err := e.Backfill(ctx, r)
			if err == nil {
				err = report.Result.Err
			}
			return err
		}
	}
	switch h.rng.IntN(16) {
	case 0, 1, 2:
		return "fill", backfill(BackfillRequest{})
	case 3, 4, 5, 6:
		return "replace " + swap, backfill(BackfillRequest{Replace: true, Swap: swap})
	case 7:
		return "retry " + swap, func(ctx, hard context.Context, e *Env) error {
			_, err := e.RetryQuarantine(hard, RetryRequest{Topic: "orders", Swap: swap})
			return err
		}
	case 8:
		n := h.rng.IntN(5)
		return "drop a file", func(ctx, hard context.Context, e *Env) error {
			files, err := e.Files(hard, "orders", "", 0)
			if err != nil || n >= len(files) {
				return err
			}
			_, _, err = e.Resolve(hard, "orders", Resolution{Drop: files[n].Key, Decision: byTest})
			return err
		}
	case 9:
		before := day.Add(time.Duration(h.rng.IntN(4)) * time.Hour)
		return "drop old folders", func(ctx, hard context.Context, e *Env) error {
			_, err := e.DropFiles(hard, DropRequest{Topic: "orders", Before: before, Decision: byTest})
			return err
		}
	case 10:
		to := 1 + int64(h.rng.IntN(len(h.topic.parts[partition].slots)+1))
		return "skip", func(ctx, hard context.Context, e *Env) error {
			_, err := e.Skip(hard, "orders", partition, to, byTest)
			return err
		}
	case 11:
		return "gc", func(ctx, hard context.Context, e *Env) error {
			h.sleep(30 * time.Hour)
			_, err := e.GC(hard, Selection{}, false)
			return err
		}
	case 12:
		return "bytes are lost", func(context.Context, context.Context, *Env) error {
			h.store.AbortUploads(func(string) bool { return h.pick(2) == 0 })
			return nil
		}
	}
	return "run", func(ctx, hard context.Context, e *Env) error {
		r, err := e.Run(ctx, RunOptions{Hard: hard})
		if err == nil {
			err = r.Topics[0].Err
		}
		return err
	}
}

// bounds are offsets, times, or the ends of the topic.
func (h *history) bounds(partition int32) (from, to string) {
	end := len(h.topic.parts[partition].slots)
	switch a := h.rng.IntN(end + 1); h.rng.IntN(4) {
	case 0:
		return fmt.Sprint(a), fmt.Sprint(a + 1 + h.rng.IntN(9))
	case 1:
		at := day.Add(time.Duration(h.rng.IntN(200)) * time.Minute)
		return at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339)
	case 2:
		return fmt.Sprint(a), "latest"
	}
	return "earliest", "latest"
}

// play lets processes act.
func (h *history) play() {
	for range 3 + h.rng.IntN(5) {
		if h.rng.IntN(4) > 0 {
			h.act(0)
		} else {
			h.note("side by side:")
			var g sync.WaitGroup
			for range 2 {
				g.Go(func() { h.act(2) })
			}
			g.Wait()
		}
		if h.rng.IntN(2) == 0 {
			h.add()
		}
		if h.rng.IntN(5) == 0 {
			h.settings()
		}
		if h.wrong != "" {
			return
		}
	}
}

// settleDown is what operators do in the end: everything is lifted, and what is left behind is collected.
func (h *history) settleDown() {
	h.quiet = true
	h.store.Land()
	h.runClean()
	before := h.positions()
	if report, err := backfillBy(h.process(h.store), BackfillRequest{From: "0"}); err != nil && !strings.Contains(err.Error(), "nothing lies at") {
		h.fail("the last fill: %v", err)
	} else if report != nil && report.Result.Outcome != Lifted && report.Result.Outcome != UpToDate {
		h.fail("the last fill is %s", report.Result.Outcome)
	}
	for p, at := range h.positions() {
		if at != before[p] {
			h.fail("partition %d: a fill moved the committed offset from %d to %d", p, before[p], at)
		}
	}
	for range 2 { // an attempt may have been staged while the first one looked
		h.sleep(48 * time.Hour)
		h.collect()
	}
	if s := h.store.Staged(); len(s) > 0 {
		h.fail("staged files are left: %q", s)
	}
}

// check compares what is there with what must be.
func (h *history) check() {
	if h.wrong != "" {
		return
	}
	v, err := h.process(h.store).Verify(context.Background(), Selection{}, true)
	if err != nil || len(v.Topics[0].Differences)+len(v.Topics[0].Pending) > 0 {
		h.fail("verify: %v, %+v", err, v.Topics)
		return
	}
	var accounted, records int64
	for _, p := range v.Topics[0].Partitions {
		accounted += p.Quarantined + p.Gaps["dropped"]
		if p.Offsets+p.Start-p.Before != p.Next || p.Before > p.Start {
			h.fail("partition %d: %+v", p.Partition, p)
		}
	}
	for _, p := range h.topic.parts {
		for _, slot := range p.slots {
			if slot.kind == aRecord {
				records++
			}
		}
	}
	entitled := h.entitled("orders")
	for r, n := range h.visible("orders") {
		if n != 1 || entitled[r] != 1 {
			h.fail("row %v is visible %d times, and entitled %d times", r, n, entitled[r])
		}
		accounted++
	}
	if accounted != records {
		h.fail("%d records are visible, in quarantine or dropped, of %d", accounted, records)
	}
	h.checkLog()
}

// checkLog replays the log: backfills and drops move no position, and in the end everything below the positions is covered.
func (h *history) checkLog() {
	ctx := context.Background()
	l := h.process(h.store).openLog("orders")
	last, err := l.Load(ctx)
	if err != nil {
		h.fail("%v", err)
		return
	}
	s := offsets.NewState()
	for r, err := range l.Slots(ctx, 1, last.V) {
		if err != nil {
			h.fail("%v", err)
			return
		}
		n, err := offsets.Fold(s, r)
		if err != nil {
			h.fail("%v", err)
			return
		}
		for p, at := range n.Partitions {
			if r.Type != offsets.TypeInit && r.Type != offsets.TypeCommit && r.Type != offsets.TypeSkip && at.Next != s.Partitions[p].Next {
				h.fail("record %d, a %s, moved partition %d", r.V, r.Type, p)
			}
		}
		s = n
	}
	for p, at := range s.Partitions {
		if open := s.Uncovered(p, offsets.Range{To: at.Next}); len(open) > 0 || at.Next != int64(len(h.topic.parts[p].slots)) {
			h.fail("partition %d is covered to %d of %d but for %v", p, at.Next, len(h.topic.parts[p].slots), open)
		}
	}
}

// TestHistoriesOfBackfillsAreExact lets backfills of every kind, runs, retries, drops and gc overlap, fail and die. SHADOOF_SEED is one
// history alone.
func TestHistoriesOfBackfillsAreExact(t *testing.T) {
	t.Parallel()
	first, count := uint64(1), 500
	if os.Getenv("SHADOOF_LONG") != "" {
		count = 20000
	}
	if testing.Short() || raced {
		count = 50
	}
	if seed := os.Getenv("SHADOOF_SEED"); seed != "" {
		if _, err := fmt.Sscan(seed, &first); err != nil {
			t.Fatal(err)
		}
		count = 1
	}
	seeds := make(chan uint64)
	var g sync.WaitGroup
	for range 2 {
		g.Go(func() {
			for seed := range seeds {
				h := newHistory(t, seed)
				h.play()
				h.settleDown()
				h.check()
				if h.wrong != "" {
					t.Errorf("SHADOOF_SEED=%d: %s\n%s", seed, h.wrong, strings.Join(h.log, "\n"))
				}
			}
		})
	}
	for n := range count {
		if t.Failed() {
			break
		}
		seeds <- first + uint64(n)
	}
	close(seeds)
	g.Wait()
}
