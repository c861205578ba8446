package jobs

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shadoof/storage/memory"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "simulate this seed alone, and tell its steps")
	seedsFlag = flag.Uint64("seeds", 0, "simulate so many seeds")
	firstFlag = flag.Uint64("first", 1, "the first of them")
)

// A simulation is a topic, a store that may do all that stores do, and processes that begin, meet, sleep and die: one seed of it.
type simulation struct {
	*history
	*scheduler
	dice    *rand.Rand // of the scheduler
	look    *onlooker
	slots   []*process
	reader  *follower
	started int
	rate    int  // one in so many requests meets a fault
	fragile bool // the store's leader dies often, just when it has shown a record
	dying   int  // the step at which it does
	back    int  // the step at which it came back
	theme   theme
	calm    bool
	ahead   time.Duration // of the store's clock
	fired   map[string]int

	telling bool
	trace   []string
	broken  string
}

// simSteps is how many calls of a seed happen while there are faults, at least.
const simSteps = 200

func newSimulation(t *testing.T, seed uint64, themed, telling bool) *simulation {
	s := &simulation{scheduler: &scheduler{}, dice: rand.New(rand.NewPCG(seed, 3)), fired: map[string]int{}, telling: telling}
	s.history = newHistory(t, seed)
	if s.dice.IntN(3) == 0 {
		s.also = "    complete: {marker: _SUCCESS, lateness: 10m, idle: 30m}\n"
	}
	if s.dice.IntN(3) > 0 { // fewer files, so that more happens to each
		s.hours = 1
	}
	s.settings()
	s.topic = s.source.create("orders", strings.Repeat("ab", 16), 1+s.rng.IntN(2))
	s.add()
	s.look = newOnlooker(s.violated)
	s.store = memory.New(memory.Options{Clock: s.storeClock, Changed: s.look.changed})
	s.rate = []int{1000, 100, 60, 40, 24}[s.dice.IntN(5)]
	s.fragile = s.dice.IntN(3) == 0
	if themed {
		s.chooseTheme()
	}
	s.slots = make([]*process, 3+s.dice.IntN(2))
	s.reader = &follower{live: map[string]bool{}, complete: map[string]bool{}}
	return s
}

// prepare lets the topic have a past, mostly.
func (s *simulation) prepare() {
	for range s.dice.IntN(3) {
		s.now = s.virtual()
		s.runClean()
		s.add()
	}
	switch s.theme {
	case fills:
		s.skipped()
	case losses:
		s.unpublished()
	}
}

// Virtual time stands still while something happens. It goes by a millisecond with each step, and when somebody waits.
func (s *simulation) virtual() time.Time {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return s.now.Add(time.Duration(s.steps) * time.Millisecond)
}

func (s *simulation) storeClock() time.Time { return s.virtual().Add(s.ahead) }

// goesBy lets time go by for everybody, timers included.
func (s *simulation) goesBy(d time.Duration) {
	s.now = s.now.Add(d)
	time.Sleep(d)
}

func (s *simulation) say(format string, args ...any) {
	if s.telling {
		s.trace = append(s.trace, fmt.Sprintf("%4d ", s.steps)+fmt.Sprintf(format, args...))
	}
}

func (s *simulation) violated(format string, args ...any) {
	if s.broken == "" {
		s.broken = fmt.Sprintf(format, args...)
		s.say("VIOLATION: %s", s.broken)
	}
}

func (s *simulation) fire(kind string) { s.fired[kind]++ }

// An activity is what a process does. It also says how that is judged, and calls it by its name.
type activity func(p *process) func(ctx, hard context.Context) error

// begin starts a process.
func (s *simulation) begin(choose activity) *process {
	s.started++
	p := &process{s: s.scheduler, number: s.started, slow: s.dice.IntN(2) == 0, names: map[uint64]string{}, ids: map[string]uint64{}}
	store := s.store.Attach(memory.Options{
		Hook: func(c memory.Call) memory.Verdict { return p.call(string(c.Op), c.Name) },
		Note: func(op memory.Op, name, answer string) {
			if s.telling && !p.isDead() {
				s.say("p%d   %s %s -> %s", p.number, op, name, answer)
			}
		},
	})
	e := s.process(store)
	e.now = func() time.Time {
		if p.slow {
			p.call("clock", "")
		}
		return s.virtual().Add(p.skew)
	}
	e.source, e.rand, e.pause = stepwise{s.source, p}, p, p.pause
	e.parallel, e.publishers = 1+s.dice.IntN(3), 1+s.dice.IntN(3)
	p.env = e
	hard, cancel := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(hard)
	p.cancel, p.stop = cancel, stop
	do := choose(p)
	s.say("p%d begins: %s", p.number, p.what)
	go func() {
		p.s.mu.Lock()
		p.names[goroutine()] = "main"
		p.s.mu.Unlock()
		err := do(ctx, hard)
		p.s.mu.Lock()
		defer p.s.mu.Unlock()
		p.ended, p.err = true, err
	}()
	return p
}

// activity chooses what a process does, and how it is judged.
func (s *simulation) activity(p *process) func(ctx, hard context.Context) error {
	if s.calm && s.theme != "" {
		return s.lift(p)
	}
	if do := s.themed(p); do != nil {
		return do
	}
	switch n := s.dice.IntN(20); {
	case s.calm || n < 9:
		return s.lift(p)
	case n < 11:
		return s.collects(p)
	case n < 13 && s.look.state().V > 0 && !s.reader.busy:
		p.what = "feed"
		f := s.reader
		f.busy = true
		p.done = func(error) { f.busy = false }
		return func(ctx, _ context.Context) error {
			_, err := p.env.Feed(ctx, FeedOptions{Topic: "orders", Since: f.told}, func(v *FeedVersion) error {
				if p.isDead() {
					return errors.New("dead")
				}
				return f.tell(s.look, v)
			})
			return err
		}
	}
	name, do := s.choose()
	if name == "run" || name == "gc" || name == "bytes are lost" {
		return s.lift(p)
	}
	p.what = name
	return func(ctx, hard context.Context) error { return do(ctx, hard, p.env) }
}

// lift is a run, whose exit status must be true.
func (s *simulation) lift(p *process) func(ctx, hard context.Context) error {
	p.what = "run"
	ends := map[int32]int64{}
	for i, part := range s.topic.parts {
		ends[int32(i)] = int64(len(part.slots)) - part.open
	}
	var report *RunReport
	p.done = func(err error) {
		code := ExitCode(err)
		if report != nil {
			code = report.ExitCode()
		}
		s.say("p%d exits %d", p.number, code)
		if report != nil {
			s.look.relied(report.Run, report.Topics[0].Versions)
		}
		switch code {
		case ExitDone:
			if report.Topics[0].Limited {
				return
			}
			for part, end := range ends {
				if have := s.look.state().Partitions[part].Next; have < end {
					s.violated("a run exits 0, and partition %d is at %d of %d", part, have, end)
				}
				s.look.reached[part] = max(s.look.reached[part], end)
			}
		case ExitFailed:
			s.look.saidNothing(p.env.run)
		case ExitPartial:
		case ExitUnknown:
			if !p.told {
				s.violated("a run that nobody told to stop exits 5: %v", err)
			}
		default:
			s.violated("a run exits %d: %v", code, err)
		}
	}
	return func(ctx, hard context.Context) error {
		r, err := p.env.Run(ctx, RunOptions{Hard: hard})
		if err == nil {
			report, err = r, r.Topics[0].Err
		}
		return err
	}
}

// attend sees who has ended, and lets others begin in their place.
func (s *simulation) attend() {
	for i := 0; i < len(s.slots); i++ {
		p := s.slots[i]
		if p != nil {
			s.scheduler.mu.Lock()
			ended, err := p.ended, p.err
			s.scheduler.mu.Unlock()
			if !ended {
				continue
			}
			p.cancel()
			s.judge(p, err)
			s.slots[i] = nil
			if p.guest {
				s.slots = slices.Delete(s.slots, i, i+1)
				i--
				continue
			}
		}
		if !s.calm && s.slots[i] == nil {
			s.slots[i] = s.begin(s.activity)
			synctest.Wait()
		}
	}
}

func (s *simulation) judge(p *process, err error) {
	if p.isDead() {
		s.reader.busy = s.reader.busy && p.what != "feed"
		return
	}
	if p.told {
		err2 := ExitCode(err) // which of its requests was the first to be cut off is not the scheduler's to say
		s.say("p%d ends: %s: exit %d", p.number, p.what, err2)
	} else {
		s.say("p%d ends: %s: %v", p.number, p.what, err)
	}
	if p.done != nil {
		p.done(err)
	}
	switch code := ExitCode(err); {
	case p.what == "run":
	case code == ExitHalted:
		s.violated("%s halted: %v", p.what, err)
	case code == ExitUnknown && !p.told:
		s.violated("%s, which nobody told to stop, exits 5: %v", p.what, err)
	}
}

// step is one step: a call, or something that befalls a process, the store or the cluster.
func (s *simulation) step() {
	s.attend()
	waiting := s.next()
	if !s.calm && s.befall() {
		return
	}
	var ready [][]*call
	for _, c := range waiting {
		if s.calm || c[0].p.asleep <= s.steps {
			ready = append(ready, c)
		}
	}
	if len(ready) == 0 {
		if len(waiting) == 0 && !s.calm {
			return // all have ended
		}
		ready = waiting
	}
	if len(ready) == 0 {
		return
	}
	if len(s.store.Unsettled()) > 0 && s.dice.IntN(8) > 0 {
		// The store's leader is about to die: it shows what it has, and answers no changes.
		if reads := slices.DeleteFunc(slices.Clone(ready), func(c []*call) bool { return c[0].changes() }); len(reads) > 0 {
			ready = reads
		}
	}
	c := ready[s.dice.IntN(len(ready))]
	if s.lingers(c[0]) {
		return
	}
	if c[0].op == "pause" {
		s.goesBy(time.Second)
	}
	s.look.asked(c[0], s.store.Unsettled())
	v := s.verdict(c)
	if s.telling && v != memory.Proceed {
		s.say("p%d   the next %s meets fault %d", c[0].p.number, c[0].op, v)
	}
	if s.telling && c[0].p.env != nil && (c[0].op == "clock" || c[0].op == "pause" || strings.Contains(" describe read mark epoch-end topics offsets-at ", " "+c[0].op+" ")) {
		s.say("p%d   %s %s", c[0].p.number, c[0].op, c[0].name)
	}
	s.let(c, v)
	s.after(c[0], v)
}

// faultsOf are what may become of requests that change something, by what it is called.
var faultsOf = map[memory.Verdict]string{
	memory.Lose: "request lost", memory.LoseReply: "reply lost", memory.Repeat: "request repeated, second answer", memory.Delay: "request late",
	memory.Echo: "request doubled, second late", memory.Unsettle: "seen before it is durable",
}

// verdict is what becomes of a call.
func (s *simulation) verdict(c []*call) memory.Verdict {
	op, rate := memory.Op(c[0].op), s.rate
	switch {
	case !c[0].changes():
	case strings.Contains(c[0].name, "/log/"):
		rate = max(2, rate/8)
	default:
		rate = max(2, rate/4)
	}
	isLog := c[0].op == string(memory.OpPutNew) && strings.Contains(c[0].name, "/log/")
	if !s.calm && len(c) == 1 && c[0].changes() && (len(s.store.Unsettled()) > 0 && s.dice.IntN(2) == 0 || isLog && s.fragile && s.dice.IntN(4) == 0) {
		return s.unsettle(c[0].p)
	}
	if !s.calm && len(c) == 1 && isLog {
		if v, ok := s.raced(c[0]); ok && v == memory.Unsettle {
			return s.unsettle(c[0].p)
		} else if ok {
			s.fire(faultsOf[v])
			return v
		}
	}
	if !s.calm && s.theme != "" && op == memory.OpConfirm && s.fragile && len(s.store.Unsettled()) > 0 && s.dice.IntN(3) == 0 {
		s.fire("read " + faultsOf[memory.Lose])
		s.blind(c[0].p)
		return memory.Lose
	}
	if s.calm || len(c) > 1 || op == "clock" || op == "pause" || s.dice.IntN(rate) > 0 {
		return memory.Proceed
	}
	switch op {
	case "topics", "describe", "epoch-end", "offsets-at", "mark":
		s.fire("cluster does not answer")
		return memory.Lose
	case "read":
		s.fire("cluster does not answer")
		return []memory.Verdict{memory.Lose, memory.LoseReply}[s.dice.IntN(2)]
	}
	var v memory.Verdict
	if !c[0].changes() {
		v = []memory.Verdict{memory.Lose, memory.LoseReply}[s.dice.IntN(2)]
		s.fire("read " + faultsOf[v])
		return v
	}
	v = []memory.Verdict{memory.Lose, memory.LoseReply, memory.Repeat, memory.Delay, memory.Echo, memory.Unsettle, memory.Unsettle}[s.dice.IntN(7)]
	if v == memory.Echo && (op == memory.OpPart || op == memory.OpFinish) {
		v = memory.LoseReply
	}
	if v == memory.Unsettle {
		return s.unsettle(c[0].p)
	}
	s.fire(faultsOf[v])
	return v
}

// unsettle is the verdict by a store whose leader is about to die: what it shows from now on is lost when it does, if nobody asks it to
// confirm that.
func (s *simulation) unsettle(p *process) memory.Verdict {
	s.fire(faultsOf[memory.Unsettle])
	if len(s.store.Unsettled()) == 0 {
		soon := 16
		if s.theme != "" && s.dice.IntN(4) == 3 {
			soon = 60
		}
		s.dying = s.steps + 1 + s.dice.IntN(soon)
		if s.dice.IntN(4) > 0 { // who changed it waits for its answer all the while
			p.asleep = max(p.asleep, s.dying+s.dice.IntN(16))
		}
	}
	return memory.Unsettle
}

// befall lets something happen that is no call.
func (s *simulation) befall() bool {
	if n := s.store.Delayed(); len(n) > 0 && s.dice.IntN(s.landing()) == 0 {
		i := s.dice.IntN(len(n))
		s.say("late:")
		s.store.LandOne(i)
		s.fire("late request lands")
		return true
	}
	if len(s.store.Unsettled()) > 0 && s.steps >= s.dying {
		s.crash()
		return true
	}
	p := s.slots[s.dice.IntN(len(s.slots))]
	rare := 1200
	if s.theme == losses { // what is lost is made again in many steps
		rare = 2400
	}
	switch n := s.dice.IntN(rare); {
	case n < 12:
		s.fire("process killed")
		s.say("p%d is killed", p.number)
		p.kill()
	case n < 30:
		s.fire("process stands still")
		p.asleep = s.steps + 20 + s.dice.IntN(150)
		s.say("p%d stands still until step %d", p.number, p.asleep)
	case n < 36:
		s.tell(p)
	case n < 40:
		s.fire("process out of time")
		s.say("p%d has no time left", p.number)
		p.told = true
		p.cancel()
	case n < 50:
		s.fire("process's clock steps")
		p.skew += time.Duration(s.dice.IntN(120)-60) * time.Minute
		s.say("the clock of p%d is %s ahead", p.number, p.skew)
	case n < 60:
		s.abortUploads()
	case n < 80:
		s.say("records are added")
		s.add()
	case n < 90:
		s.say("time goes by")
		s.now = s.now.Add(time.Duration(s.dice.IntN(60)) * time.Minute)
	case n < 95:
		part := int32(s.dice.IntN(len(s.topic.parts)))
		if s.source.fail[part] == nil {
			s.fire("partition without a leader")
			s.say("partition %d has no leader", part)
			s.source.fail[part] = errAway
		} else {
			s.say("partition %d has a leader again", part)
			delete(s.source.fail, part)
		}
	case n < 100:
		part := s.topic.parts[s.dice.IntN(len(s.topic.parts))]
		end := len(part.slots) - int(part.open)
		s.add()
		part.open = int64(s.dice.IntN(len(part.slots) - end + 1)) // the end never goes back
		s.fire("transaction holds back the end")
		s.say("records are added, %d of them in an open transaction", part.open)
	default:
		return false
	}
	return true
}

// crash lets the store's leader die, and with it what it showed and did not keep.
func (s *simulation) crash() {
	s.say("the store loses what was not durable")
	s.look.crashing = true
	n := s.store.Crash()
	s.back = s.steps
	s.look.crashing = false
	if n > 0 {
		s.fire("unconfirmed change lost")
	}
	s.look.cameBack()
}

// abortUploads takes staged bytes away, as other tools do.
func (s *simulation) abortUploads() {
	lost := map[string]bool{}
	for _, key := range s.store.Staged() {
		lost[key] = s.dice.IntN(2) == 0
	}
	if n := s.store.AbortUploads(func(key string) bool { return lost[key] }); n > 0 {
		for key, gone := range lost {
			s.look.taken[key] = s.look.taken[key] || gone
		}
		s.fire("staged bytes taken away")
		s.say("%d staged files are taken away", n)
	}
}

// live lets everything happen, until there are no faults any more and everybody has ended.
func (s *simulation) live() {
	for n := 0; s.steps < simSteps && s.broken == "" && n < 20*simSteps; n++ {
		s.step()
	}
	s.calmDown()
	for n := 0; s.broken == ""; n++ {
		s.step()
		if !slices.ContainsFunc(s.slots, func(p *process) bool { return p != nil }) {
			break
		}
		if n > 20_000 {
			s.violated("without faults they do not come to an end")
		}
	}
	for _, p := range s.slots {
		if p != nil {
			p.kill()
		}
	}
	synctest.Wait()
}

// calmDown ends the faults. Some of those who are on their way go on.
func (s *simulation) calmDown() {
	s.calm = true
	s.say("no faults from here on")
	s.crash()
	clear(s.source.fail)
	for _, p := range s.topic.parts {
		p.open = 0
	}
	for _, p := range s.slots {
		if p != nil && s.dice.IntN(3) == 0 {
			s.say("p%d is killed", p.number)
			p.kill()
		}
	}
	if s.dice.IntN(2) == 0 {
		s.store.Land()
	}
	fresh := s.begin(s.activity)
	s.slots = append(s.slots, fresh)
}

// rest is what must be true in the end, after a fresh process and gc have run.
func (s *simulation) rest() {
	if s.broken != "" {
		return
	}
	s.now = s.virtual()
	s.ahead = max(s.ahead, 0)
	s.settleDown()
	s.check()
	f := s.reader
	_, err := s.process(s.store).Feed(context.Background(), FeedOptions{Topic: "orders", Since: f.told}, func(v *FeedVersion) error { return f.tell(s.look, v) })
	if err != nil {
		s.violated("the feed: %v", err)
	}
	f.exact(s.look)
	for range s.look.slept {
		s.fire("marker by one who slept")
	}
	if s.wrong != "" {
		s.violated("%s", s.wrong)
	}
}

// simulate lives through one seed.
func simulate(t *testing.T, seed uint64, themed, telling bool) (s *simulation) {
	ended := false
	defer func() {
		if !ended {
			t.Errorf("seed %d: what must succeed has failed\n%s", seed, strings.Join(s.trace, "\n"))
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		s = newSimulation(t, seed, themed, telling)
		s.prepare()
		s.live()
		s.rest()
	})
	ended = true
	return s
}

// TestSimulation lives through many seeds, each a life of a topic under faults of all kinds.
func TestSimulation(t *testing.T) {
	t.Parallel()
	simulateMany(t, 10_000, false)
}

// TestThemes lives through seeds that have themes.
func TestThemes(t *testing.T) {
	t.Parallel()
	simulateMany(t, 1000, true)
}

func simulateMany(t *testing.T, count uint64, themed bool) {
	t.Helper()
	if *seedFlag > 0 {
		s := simulate(t, *seedFlag, themed, true)
		t.Logf("seed %d, %d steps\n%s", *seedFlag, s.steps, strings.Join(s.trace, "\n"))
		if s.broken != "" {
			t.Errorf("seed %d: %s", *seedFlag, s.broken)
		}
		return
	}
	if testing.Short() || raced {
		count = 60
	}
	if *seedsFlag > 0 {
		count = *seedsFlag
	}
	var (
		mu    sync.Mutex
		fired = map[string]int{}
		next  = *firstFlag - 1
		steps int
		g     sync.WaitGroup
	)
	began := time.Now()
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	for range 2 {
		g.Go(func() {
			for {
				mu.Lock()
				next++
				seed := next
				mu.Unlock()
				if seed >= *firstFlag+count || t.Failed() {
					return
				}
				s := simulate(t, seed, themed, false)
				if s.broken != "" {
					again := simulate(t, seed, themed, true)
					t.Errorf("%s\nseed %d: %s\nsimulated again: %s\ngo test ./jobs -run '%s$' -seed %d", strings.Join(again.trace, "\n"), seed, s.broken, again.broken, t.Name(), seed)
				}
				mu.Lock()
				steps += s.steps
				for kind, n := range s.fired {
					fired[kind] += n
				}
				mu.Unlock()
			}
		})
	}
	g.Wait()
	took := time.Since(began)
	t.Logf("%d seeds, %d steps in %s", count, steps, took.Round(time.Millisecond))
	for _, kind := range slices.Sorted(maps.Keys(fired)) {
		t.Logf("%8d %s", fired[kind], kind)
		if n := fired[kind]; kind != "marker by one who slept" && count >= 10_000 && n < 1000 {
			t.Errorf("%s happened only %d times", kind, n)
		}
	}
}

// TestASeedIsReplayed shows that a seed alone decides what happens.
func TestASeedIsReplayed(t *testing.T) {
	t.Parallel()
	first, count := uint64(20_000), uint64(40)
	if raced {
		count = 5
	}
	for seed := first; seed < first+count; seed++ {
		a, b := simulate(t, seed, seed%2 == 0, true), simulate(t, seed, seed%2 == 0, true)
		for i := range max(len(a.trace), len(b.trace)) {
			if i >= len(a.trace) || i >= len(b.trace) || a.trace[i] != b.trace[i] {
				x, y := "", ""
				if i < len(a.trace) {
					x = a.trace[i]
				}
				if i < len(b.trace) {
					y = b.trace[i]
				}
				t.Fatalf("seed %d goes two ways at line %d:\n%s\n%s\nafter\n%s", seed, i, x, y, strings.Join(a.trace[max(0, i-15):i], "\n"))
			}
		}
	}
}
