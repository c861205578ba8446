package jobs

import (
	"context"
	"maps"
	"slices"
	"time"

	"shadoof/offsets"
	"shadoof/storage/memory"
)

// A theme is what a seed is about: what its processes do mostly, and which of their moments it makes last. Chance alone rarely lets two
// processes do the same thing at the same time, or somebody stand still at the one request before which that is worst.
type theme string

const (
	anything  theme = "anything"
	fills     theme = "fills"     // the same ranges, by several
	replaces  theme = "replaces"  // the same bundles, by several
	losses    theme = "losses"    // staged bytes go, are made again, and their files are dropped meanwhile
	leftovers theme = "leftovers" // what is being staged looks old to gc
	phantoms  theme = "phantoms"  // the store's leader dies whenever it has shown a record
)

func (s *simulation) chooseTheme() {
	s.theme = []theme{anything, anything, anything, fills, replaces, losses, leftovers, phantoms}[s.dice.IntN(8)]
	if s.theme == phantoms {
		s.fragile = true
	}
	if s.theme == fills || s.theme == replaces {
		s.hours = 1
	}
	s.say("%s", s.theme)
}

// skipped lets the topic have a past in which records were passed over.
func (s *simulation) skipped() {
	s.now = s.virtual()
	s.runClean()
	s.add()
	for i, p := range s.topic.parts {
		if _, err := s.process(s.store).Skip(context.Background(), "orders", int32(i), int64(len(p.slots)), byTest); err != nil && ExitCode(err) != ExitUsage {
			s.t.Fatal(err)
		}
	}
}

// unpublished lets the topic have a past that ended with the death of a process: what it committed is not visible, and its bytes are gone.
func (s *simulation) unpublished() {
	s.rate = max(s.rate, 100) // an operator's command comes to its end mostly
	s.now = s.virtual()
	s.runClean()
	s.add()
	s.topic.add(0, 1, day, 0)
	crashAt(s.world, "committed")
	if s.dice.IntN(3) > 0 {
		s.abortUploads()
	}
}

// themed is what a process does because of the theme; nil: something else.
func (s *simulation) themed(p *process) func(ctx, hard context.Context) error {
	if (s.theme == "" || s.theme == anything) || s.dice.IntN(2) == 0 {
		return nil
	}
	backfill := func(r BackfillRequest) func(ctx, hard context.Context) error {
		r.Topic, r.From, r.To = "orders", "earliest", "latest"
		return func(ctx, hard context.Context) error {
			r.Hard = hard
			report, err := p.env.Backfill(ctx, r)
			if err == nil {
				err = report.Result.Err
			}
			return err
		}
	}
	switch s.theme {
	case fills:
		p.what = "fill"
		return backfill(BackfillRequest{})
	case replaces:
		swap := s.swaps[s.dice.IntN(len(s.swaps))]
		p.what = "replace " + swap
		return backfill(BackfillRequest{Replace: true, Swap: swap})
	case losses:
		return s.drops(p, s.hidden())
	case leftovers:
		return s.collects(p)
	case phantoms:
		return s.skips(p)
	}
	return nil
}

// hidden is a file whose bytes were made again, and that is not visible yet, if there is one.
func (s *simulation) hidden() string {
	var hidden []string
	for _, key := range slices.Sorted(maps.Keys(s.look.files)) {
		if f := s.look.files[key]; !f.visible && s.look.live(f) && len(f.lengths) > 1 {
			hidden = append(hidden, key)
		}
	}
	if len(hidden) == 0 {
		return ""
	}
	return hidden[s.dice.IntN(len(hidden))]
}

// drops takes a file away.
func (s *simulation) drops(p *process, key string) func(ctx, hard context.Context) error {
	if key == "" {
		return nil
	}
	p.what = "drop " + key
	return func(_, hard context.Context) error {
		_, _, err := p.env.Resolve(hard, "orders", Resolution{Drop: key, Decision: byTest})
		return err
	}
}

// collects is gc, to which everything that is staged is old.
func (s *simulation) collects(p *process) func(ctx, hard context.Context) error {
	p.what = "gc"
	s.ahead += 30 * time.Hour
	s.fire("the store's clock jumps")
	return func(_, hard context.Context) error {
		_, err := p.env.GC(hard, Selection{}, false)
		return err
	}
}

// skips moves a partition to its end.
func (s *simulation) skips(p *process) func(ctx, hard context.Context) error {
	n := int32(s.dice.IntN(len(s.topic.parts)))
	part := s.topic.parts[n]
	to := int64(len(part.slots)) - part.open
	p.what = "skip"
	return func(_, hard context.Context) error {
		_, err := p.env.Skip(hard, "orders", n, to, byTest)
		return err
	}
}

// lingers says whether a process stands still now that it is about to call, until others have done what they want. It is asked once for
// each call.
func (s *simulation) lingers(c *call) bool {
	if s.calm || (s.theme == "" || s.theme == anything) || c.lingered {
		return false
	}
	c.lingered = true
	v, isLog := offsets.ParseLogName("orders", c.name)
	proposes := isLog && c.op == string(memory.OpPutNew)
	one := 0 // in so many stands still
	switch {
	case c.op == string(memory.OpPublish):
		one = 6
		if f := s.look.files[c.name]; s.theme == losses && f != nil {
			one = 3 - min(2, len(f.lengths)-1)
		}
	case proposes && (s.theme == fills || s.theme == replaces || s.theme == leftovers):
		one = 3
	case s.theme == leftovers && c.p.what == "gc" && isLog && v > int64(len(s.look.records)):
		one = 2 // it has made up its mind, and is about to say so
	}
	if one == 0 || s.dice.IntN(one) > 0 {
		return false
	}
	c.p.asleep = s.steps + 10 + s.dice.IntN(60)
	s.fire("process stands still")
	s.say("p%d stands still until step %d, before %s %s", c.p.number, c.p.asleep, c.op, c.name)
	if f := s.look.files[c.name]; s.theme == losses && f != nil && s.look.live(f) && !f.visible && len(s.slots) < 6 && (len(f.lengths) > 1 || s.dice.IntN(3) == 0) {
		s.guest(func(p *process) func(ctx, hard context.Context) error { return s.drops(p, c.name) })
		c.p.asleep = s.steps + 150
	}
	return true
}

// after lets something happen because of a call.
func (s *simulation) after(c *call, v memory.Verdict) {
	if s.calm || (s.theme == "" || s.theme == anything) {
		return
	}
	if s.theme == losses && (c.op == string(memory.OpDiscard) || c.op == string(memory.OpDelete)) && s.dice.IntN(2) == 0 {
		if s.wake(func(q *call) bool { return q.op == string(memory.OpPublish) && q.name == c.name }) {
			c.p.asleep = s.steps + s.dice.IntN(8)
		}
	}
	if _, isLog := offsets.ParseLogName("orders", c.name); !isLog || c.op != string(memory.OpPutNew) {
		return
	}
	switch {
	case s.theme == leftovers:
		for _, p := range s.slots {
			if p != nil && p != c.p && p.what == "gc" && s.dice.IntN(2) == 0 {
				p.asleep = 0
			}
		}
		if s.dice.IntN(2) == 0 {
			c.p.asleep = s.steps + 10 + s.dice.IntN(60)
		}
	case s.theme == losses && s.dice.IntN(2) == 0:
		s.abortUploads()
	case v == memory.Delay && s.theme == phantoms:
		c.p.asleep = s.steps + 5 + s.dice.IntN(30) // who waits for an answer waits long before it takes it for lost
		if s.dice.IntN(4) == 0 {
			s.tell(c.p)
		}
	case v == memory.Unsettle && s.hasDelayed(c.name):
		s.wake(func(q *call) bool { return q.p != c.p })
	case v == memory.Unsettle && s.theme == phantoms && len(s.slots) < 6 && s.dice.IntN(2) == 0:
		s.dying = s.steps + 20 + s.dice.IntN(40)
		s.guest(s.lift)
		c.p.asleep = s.dying + s.dice.IntN(60)
	case s.theme == phantoms:
		s.wake(func(q *call) bool { return q.p != c.p && q.p.blind })
	}
}

// guest lets one more process begin, which acts alone for a while.
func (s *simulation) guest(do activity) {
	p := s.begin(do)
	p.guest = true
	for _, other := range s.slots {
		if other != nil {
			other.asleep = max(other.asleep, s.steps+20+s.dice.IntN(20))
		}
	}
	s.slots = append(s.slots, p)
}

// blind lets a process stand still that could not learn whether the record that it read is durable: at best until that record is gone,
// and another one stands in its slot.
func (s *simulation) blind(p *process) {
	if s.theme == phantoms && s.dice.IntN(2) == 0 {
		s.dying = min(s.dying, s.steps+1+s.dice.IntN(8))
		p.asleep, p.blind = s.dying+60, true
	}
}

// wake lets the callers of such calls go on, and says whether there are any.
func (s *simulation) wake(such func(c *call) bool) (any bool) {
	for _, calls := range s.next() {
		if such(calls[0]) {
			calls[0].p.asleep, calls[0].p.blind, any = 0, false, true
		}
	}
	return any
}

// raced says whether a record is to be a phantom, or late, because of the theme.
func (s *simulation) raced(c *call) (v memory.Verdict, ok bool) {
	if s.theme != phantoms || len(s.store.Unsettled()) > 0 {
		return v, false
	}
	switch {
	case s.hasDelayed(c.name):
		return memory.Unsettle, s.dice.IntN(2) == 0
	default:
		return memory.Delay, s.dice.IntN(8) == 0
	}
}

func (s *simulation) hasDelayed(name string) bool {
	return slices.ContainsFunc(s.store.Delayed(), func(c memory.Call) bool { return c.Name == name })
}

// landing is how many steps pass, on average, until something lands that is late: few when the store has come back.
func (s *simulation) landing() int {
	if s.theme == phantoms && s.steps < s.back+20 {
		return 3
	}
	return 12
}

func (s *simulation) tell(p *process) {
	s.fire("process told to stop")
	s.say("p%d is told to stop", p.number)
	p.told = true
	p.stop()
}
