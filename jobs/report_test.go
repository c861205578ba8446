package jobs

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheReportSaysHowATopicStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(testConfig + "    limits: {records: 10}\n    policy: {lost_records: record}\n")
	topic := w.source.create("orders", "ab", 2)
	topic.add(0, 20, day, time.Minute)
	topic.addSlots(0, memSlot{kind: aRecord, ts: day.UnixMilli(), key: "gone"}, memSlot{kind: aMarker}, memSlot{kind: aHole})
	topic.add(1, 3, day, time.Minute)
	topic.parts[1].start = 1
	r := w.runClean().Topics[0]
	if r.Lag == 0 || r.Lag+r.Offsets != 25 || r.Version < 2 || r.Unpublished != 0 || r.Committed.IsZero() {
		t.Errorf("after a run with a limit: %s", reportText(&RunReport{Topics: []*TopicReport{r}}))
	}
	// Clocks of the test stand about five hours after the first record.
	if h := r.LagSeconds / 3600; math.Abs(h-4.9) > 0.2 {
		t.Errorf("the newest committed record is %.1f hours old, want about 4.9", h)
	}
	w.configure(testConfig + "    policy: {lost_records: record}\n")
	topic.parts[1].start = 3
	w.runClean()
	topic.add(1, 4, day, time.Minute)
	topic.parts[1].start = 5
	r = w.runClean().Topics[0]
	if diff := cmp.Diff(map[string]int64{"retention": 2}, r.Gaps); diff != "" || r.Lag != 0 || r.LagSeconds != 0 {
		t.Errorf("lag %d, %v s; gaps -want +got:\n%s", r.Lag, r.LagSeconds, diff)
	}
}

func TestTheReportCountsByReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", "ab", 1)
	topic.add(0, 5, day, time.Minute)
	topic.addSlots(0, memSlot{kind: aRecord, ts: day.UnixMilli(), key: "gone"}, memSlot{kind: aMarker}, memSlot{kind: anAborted}, memSlot{kind: aHole}, memSlot{kind: aHole})
	topic.add(0, 1, day.AddDate(-30, 0, 0), time.Minute)
	r := w.runClean().Topics[0]
	if diff := cmp.Diff(map[string]int64{"control": 1, "aborted": 1, "compacted": 2}, r.Gaps); diff != "" {
		t.Errorf("gaps -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{"tombstone": 1, "time_bounds": 1}, r.Reasons); diff != "" {
		t.Errorf("reasons -want +got:\n%s", diff)
	}
}

func TestTheReportOfATopicThatWasNotReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.runClean()
	w.source.deaf = true
	env := w.process(w.store)
	wk, err := env.newWorker(env.cfg.Jobs[0], "orders")
	if err != nil {
		t.Fatal(err)
	}
	wk.look(t.Context(), t.Context(), time.Time{})
	if r := wk.report; r.Lag != -1 || r.LagSeconds != -1 || r.Version == 0 {
		t.Errorf("lag %d, %v s, version %d; want -1, -1 and the log's version", r.Lag, r.LagSeconds, r.Version)
	}
}
