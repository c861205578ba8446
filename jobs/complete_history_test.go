package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/storage/memory"
)

// A promise watches all that is asked of the store: a marker stands in no folder that a record adds rows to which are not late, nor in
// one whose files are being taken away, and comes after all that was committed before it is to be seen.
type promise struct {
	w        *world
	mu       sync.Mutex
	known    int64                      // records that were judged
	standing map[string]bool            // folders with markers, before the request that was asked for last
	unlate   map[string]map[string]bool // files of rows that are not late, by folder
	files    map[offsets.BundleRef][]string
	reopened map[string]bool
	late     int64 // rows
	broken   string
}

func newPromise(w *world) *promise {
	return &promise{w: w, standing: map[string]bool{}, unlate: map[string]map[string]bool{}, files: map[offsets.BundleRef][]string{}, reopened: map[string]bool{}}
}

// store is one of a process that is watched.
func (p *promise) store(also func(memory.Call) memory.Verdict) *memory.Store {
	return p.w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		p.mu.Lock()
		p.look()
		p.before(c)
		p.mu.Unlock()
		if also != nil {
			return also(c)
		}
		return memory.Proceed
	}})
}

// look judges what came since the last look.
func (p *promise) look() {
	for {
		data := p.w.store.Bytes(offsets.LogName("orders", p.known+1))
		if data == nil {
			break
		}
		r, err := offsets.Decode(data)
		if err != nil {
			p.fail("%v", err)
			return
		}
		p.known++
		p.record(r)
	}
	clear(p.standing)
	for _, folder := range p.w.markers() {
		p.standing["orders/"+folder] = true
	}
}

func (p *promise) record(r *offsets.Record) {
	switch b := r.Body.(type) {
	case *offsets.Drop:
		for _, f := range b.Files {
			delete(p.unlate[offsets.FolderOf(f.Key)], f.Key)
		}
	case *offsets.Replace:
		for _, ref := range b.Remove {
			for _, key := range p.files[ref] {
				delete(p.unlate[offsets.FolderOf(key)], key)
			}
		}
	}
	l := r.Lift()
	if l == nil {
		return
	}
	late := map[string]bool{}
	for _, f := range l.Late {
		late[f] = true
	}
	for n, b := range l.Bundles {
		for i := range b.Files {
			f, folder := &b.Files[i], offsets.FolderOf(b.Files[i].Key)
			ref := offsets.BundleRef{V: r.V, Bundle: n}
			p.files[ref] = append(p.files[ref], f.Key)
			if f.Kind != offsets.KindData {
				continue
			}
			if late[folder] {
				p.late += f.Rows
				continue
			}
			if p.standing[folder] && r.Type != offsets.TypeReplace {
				p.fail("version %d (%s) adds %d rows that are not late to %s, which has a marker", r.V, r.Type, f.Rows, folder)
			}
			if p.unlate[folder] == nil {
				p.unlate[folder] = map[string]bool{}
			}
			p.unlate[folder][f.Key] = true
		}
	}
}

// before judges a request by what there is.
func (p *promise) before(c memory.Call) {
	switch {
	case c.Op == memory.OpPutNew && isSuccess(c.Name):
		folder := strings.TrimSuffix(c.Name, "/"+successName)
		for key := range p.unlate[folder] {
			if _, err := storage.Size(context.Background(), p.w.store, key); err != nil {
				p.fail("the marker of %s comes before %s", folder, key)
			}
		}
	case c.Op == memory.OpDelete && strings.HasPrefix(c.Name, "orders/") && !isSuccess(c.Name) && p.standing[offsets.FolderOf(c.Name)] && p.w.store.Bytes(c.Name) != nil:
		// Whoever slept over a removal that others have finished deletes what is gone.
		p.fail("%s is deleted below a marker", c.Name)
	}
}

func (p *promise) fail(format string, args ...any) {
	if p.broken == "" {
		p.broken = fmt.Sprintf(format, args...)
	}
}

// An hourly is a topic's life, one seed of it.
type hourly struct {
	*world
	*promise
	r       *rand.Rand
	topic   *memTopic
	orderly bool // producers tell the time as it is, and nobody fills, drops or replaces
	trail   []string
}

func (h *hourly) note(format string, args ...any) {
	h.trail = append(h.trail, fmt.Sprintf(format, args...))
}

// worker is a process whose clock may be wrong.
func (h *hourly) worker(s *memory.Store) *Env {
	e := h.world.process(s)
	skew := time.Duration(0)
	if h.r.IntN(3) == 0 {
		skew = time.Duration(h.r.IntN(40)-20) * time.Minute
		if h.orderly {
			skew = time.Duration(h.r.IntN(15)-5) * time.Minute // no more ahead than lateness
		}
	}
	now := h.world.clock
	e.now = func() time.Time { return now().Add(skew) }
	return e
}

func (h *hourly) produce() {
	p := h.r.IntN(len(h.topic.parts))
	for range 1 + h.r.IntN(3) {
		n, from := 1+h.r.IntN(6), h.world.now
		if !h.orderly {
			switch h.r.IntN(8) {
			case 0:
				from = from.Add(-time.Duration(h.r.IntN(300)) * time.Minute)
			case 1:
				from = from.Add(time.Duration(h.r.IntN(300)) * time.Minute)
			}
		}
		h.topic.add(p, n, from, time.Second)
		h.world.sleep(time.Duration(n) * time.Second)
	}
	h.note("produce to %d", p)
}

// lift is a run in one of its ways.
func (h *hourly) lift() {
	var o RunOptions
	if h.r.IntN(4) == 0 {
		o.Shards, o.Shard = 2, h.r.IntN(2)
	}
	points := []string{"batch", "staged", "before-put", "committed", "mid-publish", "before-marker", "after-marker", "complete-appended", "before-success", "mid-removal", "half-swapped"}
	point, way := points[h.r.IntN(len(points))], h.r.IntN(4)
	h.note("run, shard %d/%d, way %d at %s", o.Shard, o.Shards, way, point)
	switch way {
	case 0: // dies
		h.dies(point, func(e *Env) { _, _ = e.Run(context.Background(), o) })
	case 1: // meets another one
		e := h.worker(h.promise.store(nil))
		met := false
		e.hook = func(at string) {
			if at == point && !met {
				met = true
				h.meet()
			}
		}
		_, _ = e.Run(context.Background(), o)
	default:
		_, _ = h.worker(h.promise.store(nil)).Run(context.Background(), o)
	}
}

// meet is another run, which comes to its end or dies.
func (h *hourly) meet() {
	act := func(e *Env) { _, _ = e.Run(context.Background(), RunOptions{}) }
	switch h.r.IntN(3) {
	case 0:
		act(h.worker(h.promise.store(nil)))
	case 1:
		h.dies("committed", act)
	default:
		h.dies("mid-publish", act)
	}
}

// dies lets a process act until it comes to a point, if it does, and end there.
func (h *hourly) dies(point string, act func(e *Env)) {
	dead := make(chan struct{})
	e := h.worker(h.promise.store(func(memory.Call) memory.Verdict {
		select {
		case <-dead:
			return memory.Lose
		default:
			return memory.Proceed
		}
	}))
	once := sync.Once{}
	e.hook = func(at string) {
		if at == point {
			once.Do(func() { close(dead) })
			runtime.Goexit()
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		act(e)
	}()
	<-ended
}

func (h *hourly) step() {
	h.world.sleep(time.Duration(h.r.IntN(40)) * time.Minute)
	parts := h.topic.parts
	switch n := h.r.IntN(22); {
	case n < 8:
		h.produce()
	case n < 15:
		h.lift()
	case n == 15:
		h.note("a new partition")
		if len(parts) < 5 {
			h.topic.parts = append(parts, &memPartition{})
		}
	case n == 16:
		p := int32(h.r.IntN(len(parts)))
		h.note("partition %d fails or comes back", p)
		if h.world.source.fail[p] == nil {
			h.world.source.fail[p] = errors.New("no leader")
		} else {
			delete(h.world.source.fail, p)
		}
	case n == 17:
		p := parts[h.r.IntN(len(parts))]
		p.open = int64(h.r.IntN(3))
		if p.open > int64(len(p.slots)) {
			p.open = 0
		}
		h.note("an open transaction, or none: %d", p.open)
	case n == 18:
		h.note("limits change, or markers are not asked for any more")
		h.configure([]string{completing, completing + "    limits: {records: 9}\n", testConfig}[h.r.IntN(3)])
	case n == 19:
		h.world.sleep(time.Duration(h.r.IntN(4)) * time.Hour)
		h.note("time goes by: %s", h.world.now.Format("15:04"))
	case h.orderly:
		h.produce()
	case n == 20 && h.r.IntN(2) == 0:
		h.takeAway()
	case n == 20:
		h.skip()
	case h.r.IntN(2) == 0:
		h.replaceOne()
	default:
		h.backfill()
	}
}

// skip moves a partition over what is to be lifted later, by a backfill.
func (h *hourly) skip() {
	p := int32(h.r.IntN(len(h.topic.parts)))
	h.note("skip in %d", p)
	_, _ = h.worker(h.promise.store(nil)).Skip(context.Background(), "orders", p, int64(len(h.topic.parts[p].slots)), offsets.Decision{By: "test", Reason: "test"})
}

// backfill fills what was skipped, or lifts all bundles once more; at times it dies.
func (h *hourly) backfill() {
	r := BackfillRequest{Topic: "orders", From: "0", Replace: h.r.IntN(3) == 0, AllowFewer: true, Swap: []string{offsets.HideFirst, offsets.ShowFirst}[h.r.IntN(2)]}
	h.note("backfill, replace %t", r.Replace)
	act := func(e *Env) { _, _ = e.Backfill(context.Background(), r) }
	if h.r.IntN(3) == 0 {
		h.dies([]string{"committed", "mid-publish", "half-swapped", "mid-removal"}[h.r.IntN(4)], act)
	} else {
		act(h.worker(h.promise.store(nil)))
	}
}

// takeAway drops a file, perhaps half way.
func (h *hourly) takeAway() {
	files, err := h.world.process(h.world.store).Files(context.Background(), "orders", "", 0)
	if err != nil || len(files) == 0 {
		return
	}
	key := files[h.r.IntN(len(files))].Key
	h.note("drop %s", key)
	act := func(e *Env) {
		_, _, _ = e.Resolve(context.Background(), "orders", Resolution{Drop: key, Decision: offsets.Decision{By: "test", Reason: "test"}})
	}
	if h.r.IntN(3) == 0 {
		h.dies("mid-removal", act)
	} else {
		act(h.worker(h.promise.store(nil)))
	}
}

// replaceOne lifts a bundle once more, perhaps half way.
func (h *hourly) replaceOne() {
	wk, err := h.world.process(h.world.store).reader(context.Background(), "orders")
	if err != nil {
		return
	}
	s := wk.log.State()
	for v := 1 + h.r.Int64N(s.V); v <= s.V; v++ {
		rec, err := wk.log.Record(context.Background(), v)
		if err != nil {
			h.world.t.Fatal(err)
		}
		if rec.Lift() == nil || rec.Lift().Incarnation != s.Incarnation || !s.BundleLive(offsets.BundleRef{V: v}) {
			continue
		}
		swap := []string{offsets.HideFirst, offsets.ShowFirst}[h.r.IntN(2)]
		h.note("replace a bundle of version %d, %s", v, swap)
		act := func(e *Env) {
			wk, p := h.lifted(e, offsets.BundleRef{V: v}, swap)
			_, _ = wk.replace(context.Background(), p)
		}
		if h.r.IntN(3) == 0 {
			h.dies([]string{"half-swapped", "mid-removal", "committed"}[h.r.IntN(3)], act)
		} else {
			act(h.worker(h.promise.store(nil)))
		}
		return
	}
}

// settle lets everything come to rest, and checks what must be true then.
func (h *hourly) settle() {
	clear(h.world.source.fail)
	for _, p := range h.topic.parts {
		p.open = 0
	}
	h.configure(completing)
	for range 4 {
		h.world.sleep(8 * time.Hour) // what was said of times to come is over, too
		_, _ = h.world.process(h.promise.store(nil)).Run(context.Background(), RunOptions{})
	}
	h.promise.look()
	folders := map[string]bool{}
	for _, name := range h.world.store.Objects() {
		if strings.HasPrefix(name, "orders/") && !isSuccess(name) {
			folders[offsets.FolderOf(name)] = true
		}
	}
	for f := range folders {
		if !h.standing[f] {
			h.fail("at rest %s has no marker", f)
		}
	}
	for f := range h.standing {
		if !folders[f] {
			h.fail("at rest %s has a marker, and no file", f)
		}
	}
	told := map[string]bool{}
	_, err := h.world.process(h.world.store).Feed(context.Background(), FeedOptions{Topic: "orders"}, func(v *FeedVersion) error {
		for _, f := range v.Complete {
			told[f] = true
		}
		for _, f := range v.Reopened {
			delete(told, f)
		}
		return nil
	})
	if err != nil || !maps.Equal(told, h.standing) {
		h.fail("at rest the feed tells of %v (%v), and markers are %v", told, err, h.standing)
	}
	if h.orderly && h.late > 0 {
		h.fail("%d rows are late, though every producer was in time", h.late)
	}
}

// TestAMarkerIsNeverWrong lives through the lives of many topics: idle, empty, new, failing and late partitions, transactions that stay
// open, workers that die, meet, and have wrong clocks, limits, shards, drops and replaces.
func TestAMarkerIsNeverWrong(t *testing.T) {
	t.Parallel()
	seeds := uint64(600)
	if testing.Short() || raced {
		seeds = 60
	}
	marks, late := 0, int64(0)
	for seed := range seeds {
		w, topic := newCompleting(t, 1+int(seed%3))
		w.ids = seed << 32
		h := &hourly{world: w, promise: newPromise(w), r: rand.New(rand.NewPCG(seed, 2)), topic: topic, orderly: seed%2 == 0}
		for range 40 {
			h.step()
			if h.broken != "" {
				break
			}
		}
		if h.broken == "" {
			h.settle()
		}
		if h.broken != "" {
			t.Fatalf("seed %d: %s\n%s", seed, h.broken, strings.Join(h.trail, "\n"))
		}
		if seed%20 == 0 && h.orderly {
			w.checkVerified(fmt.Sprint("seed ", seed))
		}
		marks += len(w.markers())
		late += h.late
	}
	t.Logf("%d seeds, %d markers, %d late rows", seeds, marks, late)
	if marks == 0 || late == 0 {
		t.Error("nothing happened")
	}
}
