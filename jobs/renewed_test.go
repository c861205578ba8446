package jobs

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/storage/memory"
)

// A topic is recreated, and begun anew by another worker, while this one stages what the old topic held.
func TestARunGoesOnWithTheTopicThatAnotherWorkerBeganAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.policy("topic_recreated: record")
	w.runClean()
	topic.add(0, 60, day.Add(4*time.Hour), time.Second)
	fresh, once := strings.Repeat("cd", 16), atomic.Bool{}
	e := w.process(w.store)
	e.hook = func(p string) {
		if p != "before-put" || once.Swap(true) {
			return
		}
		w.source.create("orders", fresh, 2).add(0, 40, day.Add(4*time.Hour), time.Second)
		w.runClean()
		w.source.topics["orders"].add(0, 10, day.Add(4*time.Hour), time.Second)
	}
	if r := w.run(e); r.ExitCode() != ExitDone || r.Topics[0].Rows != 10 {
		t.Errorf("exit %d with %d rows, want the 10 that are left of the new topic: %s", r.ExitCode(), r.Topics[0].Rows, reportText(r))
	}
	w.checkIncarnation(2, fresh)
	w.checkVerified("after the worker that was overtaken")
}

// The record that was the newest when the topic was described vanishes, and another worker's, of later offsets, takes its slot.
func TestARecordInTheSlotOfOneThatVanishedIsNewerThanWhatTheClusterSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.policy("truncated: record")
	w.runClean()
	topic.add(0, 9, day.Add(4*time.Hour), time.Second)

	var dead atomic.Bool
	dying := w.process(w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		switch {
		case dead.Load():
			return memory.Lose
		case c.Op == memory.OpPutNew && c.Name == offsets.LogName("orders", 3):
			dead.Store(true)
			return memory.Unsettle
		}
		return memory.Proceed
	}}))
	dying.pause = func(ctx context.Context, _ int) error {
		if dead.Load() {
			return context.Canceled
		}
		return ctx.Err()
	}
	if r := w.run(dying); r.ExitCode() != ExitUnknown {
		t.Fatal(reportText(r))
	}
	var asked atomic.Bool
	e := w.process(w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpConfirm && !asked.Swap(true) {
			return memory.Lose // when the log is loaded, the store cannot tell
		}
		return memory.Proceed
	}}))
	e.source = &overtaken{Source: e.source, then: func() {
		if w.store.Crash() == 0 {
			t.Error("nothing vanished")
		}
		topic.add(0, 30, day.Add(4*time.Hour), time.Second)
		w.runClean()
	}}
	if r := w.run(e); r.ExitCode() != ExitDone {
		t.Error(reportText(r))
	}
	w.checkIncarnation(1, topic.id)
	w.checkExact("after the worker that was overtaken")
}

// cutBack takes the log of a partition back to an offset, as an unclean election does.
func (t *memTopic) cutBack(p int, at int64) {
	log := t.parts[p]
	log.elect(log.slots[:at])
}

// A partition is cut back, and written to beyond the end that it had, after a run has looked at it.
func TestALogThatIsCutBackDuringARunIsNotReadOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	topic.add(1, 5, day.Add(4*time.Hour), time.Second)
	r := w.overtake(func() {
		topic.cutBack(1, 2)
		topic.add(1, 20, day.Add(4*time.Hour), time.Second)
	})
	if r.ExitCode() == ExitDone || !strings.Contains(r.Topics[0].Error, "truncated") {
		t.Errorf("exit %d: %s", r.ExitCode(), reportText(r))
	}
	w.mustHalt("truncated", "--accept-truncation")
	w.policy("truncated: record")
	if r := w.runClean(); r.Topics[0].Rows != 20 {
		t.Errorf("%d rows, want the 20 behind the cut", r.Topics[0].Rows)
	}
	w.checkVerified("after the cut")
}

// What a person skipped was of later epochs than what was committed before it.
func TestASkipOverAnElectionIsNotTruncation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	log := topic.parts[1]
	log.epoch = 1
	topic.add(1, 5, day.Add(4*time.Hour), time.Second)
	if _, err := w.process(w.store).Skip(t.Context(), "orders", 1, 8, offsets.Decision{By: "somebody", Reason: "poison"}); err != nil {
		t.Fatal(err)
	}
	w.policy("truncated: record")
	if r := w.runClean(); r.Topics[0].Rows != 2 {
		t.Errorf("%d rows, want the 2 behind the skip", r.Topics[0].Rows)
	}
	w.checkIncarnation(1, topic.id)
	w.checkVerified("after the skip")
}

// lagging is a cluster whose new leaders do not know yet how far their followers are.
type lagging struct {
	extract.Source
	by int64
}

func (l *lagging) Describe(ctx context.Context, topic string) (*extract.Topic, error) {
	d, err := l.Source.Describe(ctx, topic)
	for i := range d.Partitions {
		d.Partitions[i].HighWatermark -= l.by
		d.Partitions[i].LastStable -= l.by
	}
	return d, err
}

func TestALeaderThatDoesNotKnowItsEndYetHasCutNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.policy("truncated: record")
	w.runClean()
	for _, p := range topic.parts {
		p.epoch = 1
	}
	e := w.process(w.store)
	e.source = &lagging{e.source, 3}
	if r := w.run(e); r.ExitCode() != ExitFailed || !strings.Contains(r.Topics[0].Error, "try again") {
		t.Errorf("exit %d: %s", r.ExitCode(), r.Topics[0].Error)
	}
	topic.add(0, 5, day.Add(4*time.Hour), time.Second)
	w.runClean()
	w.checkIncarnation(1, topic.id)
	w.checkExact("after the leader knew its end")
}

// counting counts how often a topic is described.
type counting struct {
	extract.Source
	asked atomic.Int64
}

func (c *counting) Describe(ctx context.Context, topic string) (*extract.Topic, error) {
	c.asked.Add(1)
	return c.Source.Describe(ctx, topic)
}

func TestOneAnswerIsEnoughForAllPartitionsThatLostRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy("lost_records: record")
	topic := w.source.create("orders", strings.Repeat("ab", 16), 30)
	for p := range topic.parts {
		topic.add(p, 3, day, time.Minute)
	}
	w.runClean()
	for p := range topic.parts {
		topic.add(p, 3, day, time.Minute)
		topic.parts[p].start = 5
	}
	e := w.process(w.store)
	c := &counting{Source: e.source}
	e.source = c
	if r := w.run(e); r.ExitCode() != ExitDone || r.Topics[0].Gaps["retention"] != 60 {
		t.Error(reportText(r))
	}
	if n := c.asked.Load(); n > 2 {
		t.Errorf("the topic was described %d times", n)
	}
	w.checkVerified("after the losses")
}
