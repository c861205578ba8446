package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
)

// ofEpochs appends n records to a partition's log, each by the leader of an epoch.
func (p *memPartition) ofEpochs(epochs ...int32) {
	for _, e := range epochs {
		o := len(p.slots)
		p.slots = append(p.slots, memSlot{epoch: e, ts: day.Add(time.Duration(o) * time.Second).UnixMilli(), key: "k", val: fmt.Appendf(nil, "value %d of epoch %d", o, e)})
		p.epoch = max(p.epoch, e)
	}
}

func times(n int, epoch int32) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = epoch
	}
	return out
}

// twoReplicas lifts one partition's log and then makes another log the leader's.
func twoReplicas(t *testing.T, runs [][]int32, other []int32) (*world, *memPartition) {
	t.Helper()
	w := newWorld(t)
	p := w.source.create("orders", strings.Repeat("ab", 16), 1).parts[0]
	for _, epochs := range runs {
		p.ofEpochs(epochs...)
		w.runClean()
	}
	epoch := p.epoch
	p.slots = nil
	p.ofEpochs(other...)
	p.epoch = max(p.epoch, epoch) + 1
	return w, p
}

// Two unclean elections put a replica there that missed the newest epoch that was lifted, and went on in an older one.
func TestALongerLogOfAnOlderEpochIsLiftedFromWhereItParts(t *testing.T) {
	t.Parallel()
	old := append(times(10, 1), times(5, 3)...)
	for name, test := range map[string]struct {
		runs  [][]int32
		other []int32
		from  int // where the logs part
	}{
		"it ends behind what was lifted": {[][]int32{times(10, 1), times(5, 3)}, times(30, 1), 10},
		"below":                          {[][]int32{times(10, 1), times(5, 3)}, times(12, 1), 10},
		"one run lifted both epochs":     {[][]int32{old}, times(30, 1), 10},
		"an epoch that nobody lifted":    {[][]int32{old}, append(times(10, 1), times(20, 2)...), 10},
		"it parts in the older epoch":    {[][]int32{old}, append(times(7, 1), times(20, 2)...), 7},
		"it has none of the epochs":      {[][]int32{times(10, 2)}, times(20, 1), 0},
		"three epochs, the middle one":   {[][]int32{append(times(4, 0), old...)}, append(append(times(4, 0), times(6, 1)...), times(9, 2)...), 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p := twoReplicas(t, test.runs, test.other)
			w.mustHalt("was truncated", "--accept-truncation")
			w.resolve(Resolution{AcceptTruncation: true})
			want := len(p.slots) - test.from
			if r := w.runClean(); r.Topics[0].Rows != int64(want) {
				t.Errorf("%d rows, want the %d from %d on", r.Topics[0].Rows, want, test.from)
			}
			w.checkVerified("after the resolve")
			p.ofEpochs(times(3, p.epoch)...)
			if r := w.runClean(); r.Topics[0].Rows != 3 {
				t.Errorf("%d rows, want the 3 that came", r.Topics[0].Rows)
			}
		})
	}
}

// Compaction took the end of an epoch, and the beginning of the next, and there the run ended.
func TestAnEpochThatBeginsInACompactedHoleIsNoTruncation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.source.create("orders", strings.Repeat("ab", 16), 1).parts[0]
	p.ofEpochs(append(times(10, 1), times(5, 2)...)...)
	for o := 8; o < 15; o++ {
		p.slots[o].kind = aHole
	}
	w.runClean()
	p.ofEpochs(times(5, 3)...)
	if r := w.runClean(); r.Topics[0].Rows != 5 {
		t.Errorf("%d rows, want 5: %s", r.Topics[0].Rows, reportText(r))
	}
	w.checkIncarnation(1, strings.Repeat("ab", 16))
}

// All batches of an epoch were compacted away, and the leader has learned of its epochs from those that are left.
func TestAnEpochThatCompactionTookIsNoTruncation(t *testing.T) {
	t.Parallel()
	hole := append(times(10, 1), times(5, 1)...) // the five that stand for the hole are of no epoch any more
	w, p := twoReplicas(t, [][]int32{append(times(10, 1), times(5, 3)...)}, hole)
	for o := 10; o < 15; o++ {
		p.slots[o].kind = aHole
	}
	p.epoch = 4
	p.ofEpochs(times(5, 4)...)
	if r := w.runClean(); r.Topics[0].Rows != 5 {
		t.Errorf("%d rows, want 5: %s", r.Topics[0].Rows, reportText(r))
	}
	w.checkIncarnation(1, strings.Repeat("ab", 16))
}

// A person passed over records of later epochs, and a backfill lifted them after all.
func TestAFillOverASkippedElectionIsNoTruncation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.source.create("orders", strings.Repeat("ab", 16), 1).parts[0]
	p.ofEpochs(times(10, 1)...)
	w.runClean()
	p.ofEpochs(times(10, 2)...)
	w.skip("orders", 0, 20)
	b, err := w.process(w.store).Backfill(t.Context(), BackfillRequest{Topic: "orders", From: "earliest"})
	if err != nil || b.ExitCode() != ExitDone || b.Result.Rows != 10 {
		t.Fatalf("%v: %+v", err, b)
	}
	p.ofEpochs(times(5, 3)...)
	if r := w.runClean(); r.Topics[0].Rows != 5 {
		t.Errorf("%d rows, want 5", r.Topics[0].Rows)
	}
	w.checkIncarnation(1, strings.Repeat("ab", 16))
	w.checkExact("after the fill")
}

// With offsets skip a person could pass over what only a decision about the truncation lifts.
func TestASkipIsNoWayAroundATruncation(t *testing.T) {
	t.Parallel()
	w, p := twoReplicas(t, [][]int32{times(10, 1), times(5, 3)}, times(30, 1))
	_, err := w.process(w.store).Skip(t.Context(), "orders", 0, 20, offsets.Decision{By: "somebody", Reason: "poison"})
	if ExitCode(err) != ExitHalted || !strings.Contains(err.Error(), "truncated") {
		t.Fatalf("exit %d: %v", ExitCode(err), err)
	}
	w.policy("truncated: record")
	if r := w.runClean(); r.Topics[0].Rows != int64(len(p.slots)-10) {
		t.Errorf("%d rows", r.Topics[0].Rows)
	}
}

// The new incarnation stands, and a broker whose metadata is old describes the topic that was there before.
func TestARetiredTopicNeverComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.policy("topic_recreated: record")
	w.runClean()
	old, err := w.source.Describe(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	fresh := strings.Repeat("cd", 16)
	topic := w.source.create("orders", fresh, 2)
	topic.add(0, 40, day.Add(4*time.Hour), time.Second)
	w.runClean()
	stale := func() *Env {
		e := w.process(w.store)
		e.source = &outdated{Source: e.source, old: old}
		return e
	}
	if r := w.run(stale()); r.ExitCode() != ExitFailed || !strings.Contains(r.Topics[0].Error, "try again") {
		t.Errorf("exit %d: %s", r.ExitCode(), r.Topics[0].Error)
	}
	_, _, err = stale().Resolve(t.Context(), "orders", Resolution{AcceptRecreated: true, Decision: offsets.Decision{By: "somebody", Reason: "test"}})
	if err == nil || !strings.Contains(err.Error(), "try again") {
		t.Errorf("resolve: %v", err)
	}
	old.ID = strings.Repeat("ef", 16) // one that was there between the two, and that nobody lifted
	if r := w.run(stale()); r.ExitCode() != ExitFailed || !strings.Contains(r.Topics[0].Error, "try again") {
		t.Errorf("exit %d: %s", r.ExitCode(), r.Topics[0].Error)
	}
	topic.add(0, 2, day.Add(4*time.Hour), time.Second)
	if r := w.runClean(); r.Topics[0].Rows != 2 {
		t.Errorf("%d rows, want the 2 that came", r.Topics[0].Rows)
	}
	w.checkIncarnation(2, fresh)
}

// Jobs pointed at another cluster and back again: a policy does not begin anew what was lifted before.
func TestAClusterThatComesBackIsForAPersonToAccept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := twoHours(w)
	w.policy("topic_recreated: record")
	w.runClean()
	w.source.cluster = "cluster-b"
	w.source.create("orders", strings.Repeat("cd", 16), 2).add(0, 4, day.Add(4*time.Hour), time.Second)
	w.runClean()
	w.source.cluster, w.source.topics["orders"] = "cluster-a", first
	w.mustHalt("version 2", "lifted again", "--accept-recreated")
	w.resolve(Resolution{AcceptRecreated: true})
	w.runClean()
	w.checkIncarnation(3, first.id)
}

func TestEpochsAreAskedForAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 30)
	for i := range topic.parts {
		topic.parts[i].ofEpochs(times(3, 1)...)
	}
	w.runClean()
	for _, p := range topic.parts {
		p.epoch = 2
	}
	e := w.process(w.store)
	c := &epochCounter{Source: e.source}
	e.source = c
	if r := w.run(e); r.ExitCode() != ExitDone || c.n != 1 {
		t.Errorf("exit %d, asked %d times", r.ExitCode(), c.n)
	}
}

type epochCounter struct {
	extract.Source
	n int
}

func (c *epochCounter) EpochEnds(ctx context.Context, topic string, epochs map[int32]int32) (map[int32]extract.EpochEnd, error) {
	c.n++
	return c.Source.EpochEnds(ctx, topic, epochs)
}

// A partition that cannot be asked holds up only itself.
func TestAPartitionWhoseEpochsCannotBeAskedForFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	for _, p := range topic.parts {
		p.epoch = 2
	}
	topic.add(0, 3, day.Add(4*time.Hour), time.Second)
	e := w.process(w.store)
	e.source = &mute{e.source}
	if r := w.run(e); r.ExitCode() != ExitPartial || r.Topics[0].Rows != 3 || !strings.Contains(r.Topics[0].Error, "orders/1: ask where leader epoch 0 ended") {
		t.Errorf("exit %d: %s", r.ExitCode(), reportText(r))
	}
}

// mute is a cluster that says nothing of the epochs of partition 1.
type mute struct{ extract.Source }

func (m *mute) EpochEnds(ctx context.Context, topic string, epochs map[int32]int32) (map[int32]extract.EpochEnd, error) {
	ends, err := m.Source.EpochEnds(ctx, topic, epochs)
	if _, ok := ends[1]; ok {
		ends[1] = extract.EpochEnd{Err: errors.New("no leader")}
	}
	return ends, err
}

// Where the committed offset lies behind a skip, no fetch can tell the broker of the epoch before.
func TestALogThatIsCutBackBehindASkipIsNotReadOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.source.create("orders", strings.Repeat("ab", 16), 1).parts[0]
	p.ofEpochs(times(10, 1)...)
	w.runClean()
	p.ofEpochs(times(10, 1)...)
	w.skip("orders", 0, 15)
	r := w.overtake(func() {
		p.elect(p.slots[:5:5])
		p.ofEpochs(times(30, 2)...)
	})
	if r.ExitCode() == ExitDone || !strings.Contains(r.Topics[0].Error, "truncated") {
		t.Errorf("exit %d: %s", r.ExitCode(), reportText(r))
	}
	w.policy("truncated: record")
	if r := w.runClean(); r.Topics[0].Rows != 30 {
		t.Errorf("%d rows, want the 30 behind the cut", r.Topics[0].Rows)
	}
}

// elects does something once, after a run has looked at the topic and before it reads from it, and something else when it has read.
type elects struct {
	extract.Source
	before, after sync.Once
	then, back    func()
}

func (s *elects) Read(ctx context.Context, r extract.ReadRequest) iter.Seq2[*extract.Batch, error] {
	s.before.Do(s.then)
	return func(yield func(*extract.Batch, error) bool) {
		defer s.after.Do(s.back)
		s.Source.Read(ctx, r)(yield)
	}
}

func (w *world) electing(then func()) *Env { return w.electingTwice(then, func() {}) }

func (w *world) electingTwice(then, back func()) *Env {
	e := w.process(w.store)
	e.source = &elects{Source: e.source, then: then, back: back}
	return e
}

func (w *world) mustSeeTheCut(r *RunReport) {
	w.t.Helper()
	if r.ExitCode() != ExitFailed && r.ExitCode() != ExitPartial || !strings.Contains(r.Topics[0].Error, "truncated") || !strings.Contains(r.Topics[0].Advice, "run again") {
		w.t.Errorf("exit %d: %s; %s", r.ExitCode(), reportText(r), r.Topics[0].Advice)
	}
}

// One partition was cut back, which is on record, and another is before it is read on.
func TestATruncationIsSeenAfterThatOfAnotherPartition(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]func(cut, other *memPartition) (rows int64){
		"of the other": func(cut, other *memPartition) int64 {
			other.elect(other.slots[:8:8])
			other.ofEpochs(times(12, 3)...)
			return 12 + int64(len(cut.slots)-5)
		},
		"of the same": func(cut, other *memPartition) int64 {
			cut.elect(cut.slots[:3:3])
			cut.ofEpochs(times(20, 3)...)
			return int64(len(other.slots)-10) + 20
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			topic := w.source.create("orders", strings.Repeat("ab", 16), 2)
			cut, other := topic.parts[0], topic.parts[1]
			cut.ofEpochs(times(10, 1)...)
			other.ofEpochs(times(10, 1)...)
			w.runClean()
			w.policy("truncated: record")
			cut.elect(cut.slots[:5:5])
			cut.ofEpochs(times(9, 2)...)
			other.ofEpochs(times(5, 1)...)
			var want int64
			first := w.run(w.electing(func() { want = second(cut, other) }))
			w.mustSeeTheCut(first)
			if r := w.runClean(); first.Topics[0].Rows+r.Topics[0].Rows != want {
				t.Errorf("%d and %d rows, want %d", first.Topics[0].Rows, r.Topics[0].Rows, want)
			}
			w.checkVerified("in the end")
		})
	}
}

// The leader does not know the epoch of what was committed last, since compaction took it. Another may have none of its records, either.
func TestATruncationBelowAForgottenEpochIsSeen(t *testing.T) {
	t.Parallel()
	hole := append(times(10, 1), times(5, 1)...)
	w, p := twoReplicas(t, [][]int32{append(times(10, 1), times(5, 3)...)}, hole)
	for o := 10; o < 15; o++ {
		p.slots[o].kind = aHole
	}
	p.epoch = 4
	p.ofEpochs(times(5, 4)...)
	w.mustSeeTheCut(w.run(w.electing(func() {
		p.elect(p.slots[:6:6])
		p.ofEpochs(times(30, 5)...)
	})))
	w.policy("truncated: record")
	if r := w.runClean(); r.Topics[0].Rows != 30 {
		t.Errorf("%d rows, want the 30 behind the cut: %s", r.Topics[0].Rows, reportText(r))
	}
}

// A backfill reads below the committed offsets, where no fetch can tell the epoch before.
func TestABackfillTakesNothingOfALogThatWasCutBack(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]BackfillRequest{
		"fill":    {Topic: "orders", From: "earliest"},
		"replace": {Topic: "orders", From: "earliest", Replace: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.source.create("orders", strings.Repeat("ab", 16), 1).parts[0]
			p.ofEpochs(times(5, 1)...)
			w.runClean()
			p.ofEpochs(times(10, 1)...)
			w.skip("orders", 0, 10)
			w.runClean()
			before := len(w.visible("orders"))
			b, err := w.electing(func() {
				p.elect(p.slots[:3:3])
				p.ofEpochs(times(30, 2)...)
			}).Backfill(t.Context(), request)
			if err == nil && b.ExitCode() == ExitDone || len(w.visible("orders")) != before {
				t.Errorf("%v: %+v", err, b)
			}
			w.policy("truncated: record")
			if r := w.runClean(); r.Topics[0].Rows != 30 {
				t.Errorf("%d rows, want the 30 behind the cut: %s", r.Topics[0].Rows, reportText(r))
			}
		})
	}
}

// Without ids of topics the last batch tells whether the topic is the one that was lifted. Compaction takes it, and records out of it.
func TestCompactionIsNoRecreationWithoutTopicIDs(t *testing.T) {
	t.Parallel()
	for name, compact := range map[string]func(p *memPartition){
		"the batch is gone":    func(p *memPartition) { p.slots[9].kind = aHole },
		"records of it are":    func(p *memPartition) { p.slots[9].cleaned, p.slots[9].val = true, []byte("what is left") },
		"nothing happened yet": func(*memPartition) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			topic := w.source.create("orders", "", 1)
			topic.add(0, 10, day, time.Minute)
			w.runClean()
			compact(topic.parts[0])
			topic.add(0, 5, day.Add(time.Hour), time.Minute)
			if r := w.runClean(); r.Topics[0].Rows != 5 {
				t.Errorf("%d rows, want the 5 that came: %s", r.Topics[0].Rows, reportText(r))
			}
			w.checkIncarnation(1, "")
		})
	}
}

// What was skipped of a partition before another one was cut back was never lifted: no leader lacks it.
func TestAPartitionThatWasSkippedIsNotCutBackWithAnother(t *testing.T) {
	t.Parallel()
	for name, skip := range map[string]func(w *world, p *memPartition){
		"nothing of it was lifted": func(w *world, p *memPartition) {
			p.ofEpochs(times(4, 2)...)
			w.skip("orders", 1, 4)
		},
		"it was cut back before that": func(w *world, p *memPartition) {
			p.ofEpochs(times(10, 1)...)
			w.runClean()
			p.elect(p.slots[:5:5])
			p.ofEpochs(times(7, 2)...)
			w.resolve(Resolution{AcceptTruncation: true})
			w.skip("orders", 1, 12)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			topic := w.source.create("orders", strings.Repeat("ab", 16), 2)
			cut, skipped := topic.parts[0], topic.parts[1]
			cut.ofEpochs(times(10, 1)...)
			w.runClean()
			skip(w, skipped)
			cut.elect(cut.slots[:5:5])
			cut.ofEpochs(times(9, 2)...)
			w.resolve(Resolution{AcceptTruncation: true})
			w.runClean()
			skipped.ofEpochs(times(3, 3)...)
			if r := w.runClean(); r.Topics[0].Rows != 3 {
				t.Errorf("%d rows, want the 3 that came: %s", r.Topics[0].Rows, reportText(r))
			}
			w.checkVerified("in the end")
		})
	}
}

// A person passed over the last records, and a backfill lifted them: they are the last that was lifted from then on.
func TestATruncationOfWhatAFillLiftedIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.source.create("orders", strings.Repeat("ab", 16), 1).parts[0]
	p.ofEpochs(times(10, 1)...)
	w.runClean()
	p.ofEpochs(times(10, 1)...)
	w.skip("orders", 0, 20)
	if b, err := w.process(w.store).Backfill(t.Context(), BackfillRequest{Topic: "orders", From: "earliest"}); err != nil || b.Result.Rows != 10 {
		t.Fatalf("%v: %+v", err, b)
	}
	p.elect(p.slots[:12:12])
	p.ofEpochs(times(30, 2)...)
	w.mustHalt("was truncated", "--accept-truncation")
	w.resolve(Resolution{AcceptTruncation: true})
	if r := w.runClean(); r.Topics[0].Rows != 30 {
		t.Errorf("%d rows, want the 30 behind the cut: %s", r.Topics[0].Rows, reportText(r))
	}
	w.checkVerified("in the end")
}

// Another log was there only while a backfill read, and the one that was lifted before and after.
func TestABackfillTakesNothingOfALogThatIsGoneAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.source.create("orders", strings.Repeat("ab", 16), 1).parts[0]
	p.ofEpochs(times(10, 1)...)
	w.runClean()
	p.ofEpochs(times(10, 1)...)
	w.skip("orders", 0, 20)
	p.ofEpochs(times(10, 1)...)
	w.runClean()
	before, log := len(w.visible("orders")), p.slots
	request := BackfillRequest{Topic: "orders", From: "earliest"}
	b, err := w.electingTwice(func() {
		p.elect(log[:5:5])
		p.ofEpochs(times(40, 2)...)
	}, func() { p.elect(log) }).Backfill(t.Context(), request)
	if err == nil && b.ExitCode() == ExitDone || len(w.visible("orders")) != before {
		t.Errorf("%v: %+v", err, b)
	}
	if b, err := w.process(w.store).Backfill(t.Context(), request); err != nil || b.Result.Rows != 10 {
		t.Errorf("%v: %+v", err, b)
	}
	w.checkExact("in the end")
}

func (w *world) skip(topic string, partition int32, to int64) {
	w.t.Helper()
	if _, err := w.process(w.store).Skip(w.t.Context(), topic, partition, to, offsets.Decision{By: "somebody", Reason: "later"}); err != nil {
		w.t.Fatal(err)
	}
}

// Between the question about its log and its record, an election puts another log there, and a run commits from that.
func TestAFillIsNotAppendedBehindACommitOfAnotherLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy("truncated: record")
	p := w.source.create("orders", strings.Repeat("ab", 16), 1).parts[0]
	p.ofEpochs(times(5, 1)...)
	w.runClean()
	p.ofEpochs(times(5, 1)...)
	w.skip("orders", 0, 10)
	e, once := w.process(w.store), sync.Once{}
	e.hook = func(at string) {
		if at == "before-put" {
			once.Do(func() {
				p.elect(p.slots[:7:7])
				p.ofEpochs(times(13, 2)...)
				w.runClean()
			})
		}
	}
	b, err := e.Backfill(t.Context(), BackfillRequest{Topic: "orders", From: "earliest"})
	if err != nil || b.ExitCode() != ExitDone || b.Result.Rows != 5 {
		t.Fatalf("%v: %+v", err, b)
	}
	w.runClean()
	var of []int32 // by offset
	for _, r := range w.records() {
		if l := r.Lift(); l != nil {
			for _, b := range l.Bundles {
				for i := range b.Segments {
					for o := b.Segments[i].From; o < min(10, b.Segments[i].To); o++ {
						of = append(of, epochAt(&b.Segments[i], o))
					}
				}
			}
		}
	}
	if want := []int32{1, 1, 1, 1, 1, 1, 1, 2, 2, 2}; !slices.Equal(of, want) {
		t.Errorf("lifted of epochs %v, want %v", of, want)
	}
	w.checkVerified("in the end")
}

// Compaction took an epoch, and what a person or the job's start passed over behind it is still there.
func TestWhatWasPassedOverBehindAForgottenEpochIsNoTruncation(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(w *world, p *memPartition){
		"skipped": func(w *world, p *memPartition) {
			p.ofEpochs(append(times(5, 0), times(5, 1)...)...)
			w.runClean()
			p.ofEpochs(times(10, 2)...)
			w.skip("orders", 0, 20)
		},
		"before the start": func(w *world, p *memPartition) {
			p.ofEpochs(append(append(times(5, 0), times(5, 1)...), times(10, 2)...)...)
			w.configure(strings.Replace(testConfig, "topics: [orders]", "topics: [orders]\n    start: latest", 1))
			w.runClean()
			if b, err := w.process(w.store).Backfill(t.Context(), BackfillRequest{Topic: "orders", From: "earliest", To: "10"}); err != nil || b.Result.Rows != 10 {
				t.Fatalf("%v: %+v", err, b)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.source.create("orders", strings.Repeat("ab", 16), 1).parts[0]
			begin(w, p)
			for o := 5; o < 10; o++ {
				p.slots[o].kind, p.slots[o].epoch = aHole, 0
			}
			p.ofEpochs(times(3, 4)...)
			if r := w.runClean(); r.Topics[0].Rows != 3 || r.Topics[0].LagSeconds != 0 {
				t.Errorf("%d rows, want the 3 that came: %s", r.Topics[0].Rows, reportText(r))
			}
			w.checkIncarnation(1, strings.Repeat("ab", 16))
		})
	}
}
