package jobs

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/offsets"
)

// backfill is a backfill by a process of its own, which must succeed.
func (w *world) backfill(r BackfillRequest) *BackfillReport {
	w.t.Helper()
	report, err := backfillBy(w.process(w.store), r)
	if err != nil {
		w.t.Fatalf("backfill %+v: %v", r, err)
	}
	return report
}

func backfillBy(e *Env, r BackfillRequest) (*BackfillReport, error) {
	r.Topic = "orders"
	report, err := e.Backfill(context.Background(), r)
	if err == nil && report.Result != nil {
		err = report.Result.Err
	}
	return report, err
}

// refused is a backfill that must be refused before it does anything.
func (w *world) refused(r BackfillRequest, words ...string) {
	w.t.Helper()
	before := strings.Join(w.store.Objects(), " ")
	_, err := backfillBy(w.process(w.store), r)
	if ExitCode(err) != ExitUsage {
		w.t.Errorf("%+v: exit %d: %v", r, ExitCode(err), err)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			w.t.Errorf("%+v: %q is not in: %v", r, word, err)
		}
	}
	if strings.Join(w.store.Objects(), " ") != before {
		w.t.Errorf("%+v: it was refused, and wrote something", r)
	}
}

// positions are the committed offsets.
func (w *world) positions() map[int32]int64 {
	w.t.Helper()
	s, err := w.process(w.store).openLog("orders").Load(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[int32]int64{}
	for p, at := range s.Partitions {
		out[p] = at.Next
	}
	return out
}

var byTest = offsets.Decision{By: "test", Reason: "a test"}

func TestWhatWasSkippedIsFilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	if _, err := w.process(w.store).Skip(context.Background(), "orders", 0, 11, byTest); err == nil {
		t.Error("a topic that was never read was skipped")
	}
	w.source.topics["orders"].parts[0].open = 24 // nothing is readable yet
	w.runClean()
	w.source.topics["orders"].parts[0].open = 0
	if _, err := w.process(w.store).Skip(context.Background(), "orders", 0, 11, byTest); err != nil {
		t.Fatal(err)
	}
	w.runClean()
	before := w.positions()
	plan := w.backfill(BackfillRequest{From: "0", DryRun: true})
	if plan.Result != nil || len(plan.Plan.Ranges) != 1 || plan.Plan.Ranges[0] != (PlanPartition{0, 0, 11, 11}) {
		t.Errorf("the plan is %+v", plan.Plan)
	}
	if diff := cmp.Diff([]PlanPartition{{0, 0, 11, 11}}, w.uncovered()); diff != "" {
		t.Errorf("plan of a topic with a skip: %s", diff)
	}
	got := w.backfill(BackfillRequest{From: "0"})
	if got.Result.Rows != 11 || got.Result.Offsets != 11 || got.Result.Outcome != Lifted {
		t.Errorf("%+v", got.Result)
	}
	w.checkExact("after the fill")
	if left := w.uncovered(); len(left) > 0 {
		t.Errorf("plan after the fill: %v", left)
	}
	if again := w.backfill(BackfillRequest{From: "0"}); again.Result.Commits != 0 || again.Result.Outcome != UpToDate {
		t.Errorf("a second fill did %+v", again.Result)
	}
	for p, at := range w.positions() {
		if before[p] != at {
			t.Errorf("partition %d: the committed offset was %d and is %d", p, before[p], at)
		}
	}
}

// uncovered is what the plan of orders says that no commit covers.
func (w *world) uncovered() []PlanPartition {
	w.t.Helper()
	plan, err := w.process(w.store).Plan(w.t.Context(), Selection{})
	if err != nil {
		w.t.Fatal(err)
	}
	return plan.Topics[0].Uncovered
}

func TestWhatLiesBeforeTheStartIsFilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(strings.Replace(testConfig, "topics: [orders]", "topics: [orders]\n    start: latest", 1))
	topic := twoHours(w)
	w.runClean()
	topic.add(0, 9, day.Add(3*time.Hour), time.Minute)
	w.runClean()
	if left := w.uncovered(); len(left) > 0 {
		t.Errorf("plan of a topic that began late: %v", left)
	}
	got := w.backfill(BackfillRequest{From: "earliest", To: day.Add(time.Hour).Format(time.RFC3339)})
	if got.Result.Rows != 25 { // the lateness of ten minutes takes in all of them
		t.Errorf("%+v", got.Result)
	}
	w.backfill(BackfillRequest{From: "0"})
	w.checkExact("after both")
	v, err := w.process(w.store).Verify(context.Background(), Selection{}, true)
	if err != nil || v.Topics[0].Partitions[0].Before != 24 || v.Topics[0].Partitions[0].Offsets != 33 {
		t.Errorf("%v: %+v", err, v.Topics[0].Partitions)
	}
}

// The plan says what a backfill left that was stopped half way, as far as Kafka has it.
func TestThePlanShowsWhatABackfillLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(strings.Replace(testConfig, "topics: [orders]", "topics: [orders]\n    start: latest", 1))
	topic := twoHours(w)
	w.runClean()
	topic.add(0, 9, day.Add(3*time.Hour), time.Minute)
	w.runClean()
	w.backfill(BackfillRequest{From: "0", To: "5", Partitions: []int32{0}})
	if diff := cmp.Diff([]PlanPartition{{0, 5, 24, 19}}, w.uncovered()); diff != "" {
		t.Errorf("plan after a part of the past: %s", diff)
	}
	topic.parts[0].start = 7
	if diff := cmp.Diff([]PlanPartition{{0, 7, 24, 17}}, w.uncovered()); diff != "" {
		t.Errorf("plan after some of it has expired: %s", diff)
	}
}

func TestBundlesAreLiftedAgain(t *testing.T) {
	t.Parallel()
	for _, swap := range []string{"", offsets.ShowFirst} {
		w := newWorld(t)
		topic := twoHours(w)
		w.runClean()
		topic.add(0, 9, day.Add(3*time.Hour), time.Minute)
		w.runClean()
		before := w.positions()
		plan := w.backfill(BackfillRequest{From: "25", Partitions: []int32{0}, Replace: true, DryRun: true}).Plan
		if len(plan.Bundles) != 1 || plan.Bundles[0].V != 3 || plan.Rows != 9 || plan.Ranges[0] != (PlanPartition{0, 24, 33, 9}) {
			t.Errorf("%+v", plan)
		}
		got := w.backfill(BackfillRequest{From: "0", Replace: true, Swap: swap})
		if got.Result.Rows != 34 || len(got.Result.Versions) != 1 || got.Plan.Bundles[0].Replaced != 4 || got.Plan.Bundles[1].NewRows != 9 {
			t.Errorf("%+v\n%+v", got.Result, got.Plan)
		}
		w.checkExact(swap)
		for p, at := range w.positions() {
			if before[p] != at {
				t.Errorf("partition %d: the committed offset was %d and is %d", p, before[p], at)
			}
		}
		if again := w.backfill(BackfillRequest{From: "0", Replace: true, At: got.Plan.At}); again.Result.Commits != 0 || len(again.Plan.LeftAlone) != 2 {
			t.Errorf("asked for again with the same version it did %+v", again.Result)
		}
		topic.add(0, 9, day.Add(4*time.Hour), time.Minute)
		w.runClean()
		w.checkExact("and a run")
	}
}
