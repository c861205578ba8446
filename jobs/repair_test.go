package jobs

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"shadoof/offsets"
	"shadoof/storage/memory"
)

// lose commits a run's files without publishing them, and takes away the staged bytes of those that match.
func (w *world) lose(match string) {
	w.t.Helper()
	crashAt(w, "committed")
	if n := w.store.AbortUploads(func(key string) bool { return strings.Contains(key, match) }); n == 0 {
		w.t.Fatalf("nothing that was staged matches %q", match)
	}
}

func TestARepairFollowsTheSettingsOfItsCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.lose("")
	// By the new settings there would be other folders, and no quarantine file at all.
	w.configure(strings.Replace(testConfig, "partition: {min: 2015-01-01}", "partition: {layout: camus}\n    policy: {tombstone: skip}", 1))
	w.runClean()
	w.checkExact("after the repair")
	for _, name := range w.store.Objects() {
		if strings.Contains(name, "hourly/") {
			t.Errorf("%s was rebuilt by the settings of today", name)
		}
	}
}

func TestARepairJudgesTimesByTheClockOfItsCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	topic.addSlots(0, memSlot{ts: day.Add(60 * time.Hour).UnixMilli(), val: []byte("from the future")})
	w.lose("")
	w.sleep(90 * 24 * time.Hour) // by now it is the past
	w.runClean()
	w.checkVerified("after the repair")
	files, err := w.process(w.store).Files(context.Background(), "orders", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	quarantined := int64(0)
	for _, f := range files {
		if f.Kind == "quarantine" {
			quarantined += f.Rows
		}
	}
	if quarantined != 2 {
		t.Errorf("%d records in quarantine, want the tombstone and the one from the future", quarantined)
	}
}

func TestALostFileThatKafkaCannotGiveAgainHaltsUntilItIsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.lose("hr=13/orders-pmulti")
	topic.parts[1].start = 3
	r := w.run(w.process(w.store))
	if got := r.Topics[0]; r.ExitCode() != ExitHalted || !strings.Contains(got.Error, "--drop") || !strings.Contains(got.Error, "orders/1") {
		t.Fatalf("exit %d: %s", r.ExitCode(), got.Error)
	}
	_, after, _ := strings.Cut(r.Topics[0].Error, "--drop ")
	key, _, _ := strings.Cut(after, " ")
	w.resolve(Resolution{Drop: key})
	topic.parts[1].start = 0
	w.runClean()
	w.checkVerified("after the drop")
	if got := w.gaps(1)["dropped"]; got != 5 {
		t.Errorf("the dropped rows stand as a gap of %d, want 5", got)
	}
}

func TestALostFileThatKafkaGivesDifferentlyHalts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.lose("hr=13/orders-pmulti")
	topic.parts[1].slots[2].kind = aHole // compacted since
	r := w.run(w.process(w.store))
	if got := r.Topics[0]; r.ExitCode() != ExitHalted || !strings.Contains(got.Error, "differs from what was committed: 15 rows") {
		t.Errorf("exit %d: %s", r.ExitCode(), got.Error)
	}
	if n := len(w.store.Staged()); n != 2 {
		t.Errorf("%d staged files are left, want the two of the commit that wait for the third", n)
	}
}

func TestARepairOfARecreatedTopicHalts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.lose("hr=13/orders-pmulti")
	w.source.topics["orders"].id = strings.Repeat("ef", 16)
	r := w.run(w.process(w.store))
	if r.ExitCode() != ExitHalted || !strings.Contains(r.Topics[0].Error, "recreated") {
		t.Errorf("exit %d: %s", r.ExitCode(), r.Topics[0].Error)
	}
}

func TestTwoProcessesRepairTheSameFile(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"repair-staged", "repair-discarded", "repair-appended"} {
		w := newWorld(t)
		twoHours(w)
		w.lose("")
		e := w.process(w.store)
		rival := false
		e.hook = func(p string) {
			if p == point && !rival {
				rival = true
				w.run(w.process(w.store))
			}
		}
		w.run(e)
		if !rival {
			t.Fatalf("%s was never reached", point)
		}
		w.runClean()
		w.checkExact(point)
		if n := len(w.store.Staged()); n != 0 {
			t.Errorf("%s: %d staged files are left", point, n)
		}
	}
}

func TestStagingThatFailsIsTriedAgainUnderANewAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	var finishes atomic.Int64
	s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpFinish && finishes.Add(1) <= 2 {
			return memory.Lose
		}
		return memory.Proceed
	}})
	if r := w.run(w.process(s)); r.ExitCode() != ExitDone {
		t.Fatalf("exit %d: %s", r.ExitCode(), reportText(r))
	}
	w.checkExact("after two failures")
	if n := len(w.store.Staged()); n != 0 {
		t.Errorf("%d staged files of the failed attempts are left", n)
	}
}

func TestGCLeavesYoungAndNamedThingsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	topic.add(0, 9, day.Add(3*time.Hour), time.Minute)
	crashAt(w, "committed") // staged, named by the log, not published
	gc := func(dry bool) *GCTopic {
		t.Helper()
		r, err := w.process(w.store).GC(context.Background(), Selection{}, dry)
		if err != nil {
			t.Fatal(err)
		}
		return r.Topics[0]
	}
	w.sleep(48 * time.Hour)
	if got := gc(false); len(got.Discarded) > 0 || len(got.Fenced) > 0 {
		t.Fatalf("gc touched what the log names: %+v", got)
	}
	w.runClean()
	w.checkExact("after the gc")

	topic.add(0, 9, day.Add(4*time.Hour), time.Minute)
	crashAt(w, "before-put")
	if got := gc(false); len(got.Discarded) > 0 || got.Young != 1 {
		t.Errorf("gc of a young leftover: %+v", got)
	}
	w.sleep(48 * time.Hour)
	before := w.store.Objects()
	if got := gc(true); len(got.Discarded) != 1 || fmt.Sprint(before) != fmt.Sprint(w.store.Objects()) || len(w.store.Staged()) != 1 {
		t.Errorf("a dry run: %+v", got)
	}
	if got := gc(false); len(got.Discarded) != 1 || len(got.Fenced) != 1 || len(w.store.Staged()) != 0 {
		t.Errorf("gc: %+v", got)
	}
	w.runClean()
	w.checkExact("at the end")
}

func TestAHistoryOfTwentyThousandRecordsCostsLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	ctx := context.Background()
	l := w.process(w.store).openLog("orders")
	if _, err := l.Load(ctx); err != nil {
		t.Fatal(err)
	}
	for n := l.State().V; n < 20_000; n++ {
		if _, err := l.Append(ctx, func(*offsets.State) (offsets.Body, error) {
			return &offsets.Fence{Attempts: []string{fmt.Sprintf("%016x", n%50)}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := l.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
	}
	topic.add(0, 9, day.Add(3*time.Hour), time.Minute)
	s := w.store.Attach(memory.Options{})
	if r := w.run(w.process(s)); r.ExitCode() != ExitDone || r.Topics[0].Rows != 9 {
		t.Fatal(reportText(r))
	}
	c := s.Counts()
	t.Logf("a run after 20,000 records: %v", c)
	if c.Reads() > 120 || c.Lists() > 3 {
		t.Errorf("%d reads and %d lists, want at most 120 and 3", c.Reads(), c.Lists())
	}
}

func TestARepairOfATruncatedPartitionHalts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.lose("hr=13/orders-pmulti")
	p := topic.parts[1]
	p.slots = p.slots[:2]
	p.epoch = 1
	topic.add(1, 3, day.Add(2*time.Minute), time.Minute) // other records under the same offsets, with the same times
	r := w.run(w.process(w.store))
	if r.ExitCode() != ExitHalted || !strings.Contains(r.Topics[0].Error, "truncated") {
		t.Fatalf("exit %d: %s", r.ExitCode(), r.Topics[0].Error)
	}
	for row := range w.visible("orders") {
		if row.partition == 1 {
			t.Fatalf("row %v of other records is visible under a committed name", row)
		}
	}
}

func TestFailedAttemptsDoNotUseUpTheLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.configure(testConfig + "    limits: {records: 5}\n")
	s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpStage {
			return memory.Lose
		}
		return memory.Proceed
	}})
	if r := w.run(w.process(s)); r.ExitCode() != ExitFailed {
		t.Errorf("nothing can be staged, and the run exits %d: %s", r.ExitCode(), reportText(r))
	}
}

func TestNothingIsPublishedForARecordThatMayVanish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	crashAt(w, "committed")
	s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpConfirm {
			return memory.Lose
		}
		return memory.Proceed
	}})
	if r := w.run(w.process(s)); r.ExitCode() != ExitFailed {
		t.Errorf("exit %d: %s", r.ExitCode(), reportText(r))
	}
	if got := w.visible("orders"); len(got) > 0 {
		t.Errorf("%d rows are visible of a record that nobody confirmed", len(got))
	}
}

func TestVerifyFindsFilesOfAFormerFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	w.configure(testConfig + "    folder: \"new/{topic}\"\n")
	topic.add(0, 3, day.Add(3*time.Hour), time.Minute)
	w.runClean()
	w.checkVerified("after the folder was changed")
}

func TestVerifyBesideARunSeesNoDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	topic.add(0, 9, day.Add(3*time.Hour), time.Minute)
	ran := false
	s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpList && strings.HasPrefix(c.Name, "orders/") && !ran {
			ran = true
			w.runClean()
		}
		return memory.Proceed
	}})
	v, err := w.process(s).Verify(context.Background(), Selection{}, false)
	if err != nil || !ran || v.ExitCode() != ExitDone {
		t.Errorf("%v, ran %v: %+v", err, ran, v.Topics[0])
	}
}

func TestADropUnderWayIsNoDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.runClean()
	s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpDelete || c.Op == memory.OpDiscard {
			return memory.Lose
		}
		return memory.Proceed
	}})
	_, _, err := w.process(s).Resolve(context.Background(), "orders", Resolution{Drop: firstFile(w), Decision: offsets.Decision{By: "test", Reason: "test"}})
	if ExitCode(err) != ExitPartial {
		t.Fatalf("a drop that cannot be carried out: %v", err)
	}
	v, err := w.process(w.store).Verify(context.Background(), Selection{}, true)
	if err != nil || v.ExitCode() != ExitDone || len(v.Topics[0].Pending) != 1 {
		t.Errorf("%v: %+v", err, v.Topics[0])
	}
}
