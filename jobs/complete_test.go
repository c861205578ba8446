package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
	"shadoof/offsets"
)

// completing is the configuration of topics whose complete folders are marked.
var completing = testConfig + "    complete: {marker: _SUCCESS, lateness: 10m, idle: 30m}\n"

// markers are the folders that have a marker.
func (w *world) markers() (out []string) {
	for _, name := range w.store.Objects() {
		if isSuccess(name) {
			out = append(out, strings.TrimSuffix(strings.TrimPrefix(name, "orders/"), "/"+successName))
		}
	}
	return out
}

func (w *world) wantMarkers(what string, want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.markers()); diff != "" {
		w.t.Errorf("%s: markers -want +got\n%s", what, diff)
	}
}

func hr(h string) string { return "dt=2026-11-20/hr=" + h }

func newCompleting(t *testing.T, partitions int) (*world, *memTopic) {
	w := newWorld(t)
	w.configure(completing)
	w.now = day
	return w, w.source.create("orders", strings.Repeat("ab", 16), partitions)
}

// until sets the world's clock.
func (w *world) until(t time.Time) { w.sleep(t.Sub(w.now)) }

func TestAFolderIsCompleteWhenEveryPartitionHasPassedIt(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 2)
	topic.add(0, 60, day, time.Minute) // 13:00 to 13:59
	topic.add(1, 60, day, time.Minute)
	w.until(day.Add(65 * time.Minute))
	w.runClean()
	w.wantMarkers("nobody has passed 14:10")
	topic.add(0, 20, day.Add(time.Hour), time.Minute) // to 14:19
	topic.add(1, 5, day.Add(time.Hour), time.Minute)  // to 14:04
	w.until(day.Add(80 * time.Minute))
	w.runClean()
	w.wantMarkers("partition 1 has not passed 14:10")
	topic.add(1, 7, day.Add(65*time.Minute), time.Minute) // to 14:11
	w.until(day.Add(85 * time.Minute))
	w.runClean()
	w.wantMarkers("both have passed", hr("13"))
	// Both stand at their ends from 14:25 on, so at 15:05 they have passed 14:55, which is not enough for 14:00 to 15:00.
	w.until(day.Add(125 * time.Minute))
	w.runClean()
	w.wantMarkers("15:10 has not come", hr("13"))
	w.until(day.Add(131 * time.Minute))
	w.runClean()
	w.wantMarkers("both stood idle, and 15:10 is over", hr("13"), hr("14"))
	w.checkExact("at the end")
}

// What comes to a complete folder is late, and its folder stays marked.
func TestWhatComesToACompleteFolderIsLate(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	topic.add(0, 90, day, time.Minute)
	w.until(day.Add(90 * time.Minute))
	w.runClean()
	w.wantMarkers("the first hour", hr("13"))
	topic.add(0, 3, day.Add(10*time.Minute), time.Minute) // of 13:10
	topic.add(0, 3, day.Add(91*time.Minute), time.Minute)
	w.until(day.Add(100 * time.Minute))
	w.runClean()
	late := w.lateFolders()
	if diff := cmp.Diff(map[int64][]string{4: {"orders/" + hr("13")}}, late); diff != "" {
		t.Errorf("late rows by version: -want +got\n%s", diff)
	}
	w.wantMarkers("afterwards", hr("13"))
	// A folder that nobody was told about gets its marker, though its rows were late.
	topic.add(0, 1, day.Add(-3*time.Hour), time.Minute)
	w.until(day.Add(105 * time.Minute))
	w.runClean()
	w.wantMarkers("a folder of late rows alone", hr("10"), hr("13"))
	w.checkExact("at the end")
}

// lateFolders are the folders with late rows, by the versions that brought them.
func (w *world) lateFolders() map[int64][]string {
	w.t.Helper()
	out := map[int64][]string{}
	for _, r := range w.records() {
		if l := r.Lift(); l != nil && len(l.Late) > 0 {
			out[r.V] = l.Late
		}
	}
	return out
}

func (w *world) records() (out []*offsets.Record) {
	w.t.Helper()
	wk, err := w.process(w.store).reader(context.Background(), "orders")
	if err != nil {
		w.t.Fatal(err)
	}
	for r, err := range wk.log.Slots(context.Background(), 1, wk.log.State().V) {
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// Where nothing is to be said, completeness costs the store nothing.
func TestAnIdleTopicCostsNoMoreForItsMarkers(t *testing.T) {
	t.Parallel()
	count := func(doc string) int {
		w, topic := newCompleting(t, 2)
		topic.add(0, 60, day, time.Minute)
		w.until(day.Add(65 * time.Minute))
		w.runClean()
		w.until(day.Add(4 * time.Hour))
		w.runClean()
		w.configure(doc)
		w.until(day.Add(5 * time.Hour))
		w.runClean()
		s := w.attach()
		w.run(w.process(s))
		return s.Operations()
	}
	if with, without := count(completing), count(testConfig); with > without {
		t.Errorf("%d requests with markers, %d without", with, without)
	}
}

// Asked for of a topic with a history, all of its complete folders get markers.
func TestATopicWithAHistoryGetsItsMarkers(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	w.configure(testConfig)
	topic.add(0, 30, day.Add(-6*time.Hour), 15*time.Minute) // 07:00 to 14:15
	w.until(day.Add(90 * time.Minute))
	w.runClean()
	w.wantMarkers("not asked for")
	w.configure(completing)
	w.runClean()
	w.wantMarkers("asked for", hr("07"), hr("08"), hr("09"), hr("10"), hr("11"), hr("12"), hr("13"))
	w.configure(testConfig)
	topic.add(0, 30, day.Add(90*time.Minute), 15*time.Minute)
	w.until(day.Add(9 * time.Hour))
	w.runClean()
	w.wantMarkers("not asked for any more", hr("07"), hr("08"), hr("09"), hr("10"), hr("11"), hr("12"), hr("13"))
	topic.add(0, 1, day, time.Minute)
	w.runClean()
	if late := w.lateFolders(); len(late) != 1 {
		t.Errorf("what comes to a marked folder is late, whoever brings it: %v", late)
	}
	w.configure(completing)
	w.until(day.Add(10 * time.Hour))
	w.runClean()
	if got := w.markers(); len(got) != 15 {
		t.Errorf("asked for again: %q", got)
	}
	w.checkExact("at the end")
}

// The marker goes before the first file does, and comes back when the bundle was replaced; not where nothing is left.
func TestAMarkerGoesBeforeItsFilesDo(t *testing.T) {
	t.Parallel()
	for _, swap := range []string{offsets.HideFirst, offsets.ShowFirst} {
		w, topic := newCompleting(t, 1)
		topic.add(0, 90, day, time.Minute)
		w.until(day.Add(90 * time.Minute))
		w.runClean()
		w.wantMarkers("before", hr("13"))
		var ref offsets.BundleRef
		for _, r := range w.records() {
			if r.Type == offsets.TypeCommit {
				ref.V = r.V
			}
		}
		e := w.process(w.store)
		e.hook = func(point string) {
			if point == "mid-removal" || point == "half-swapped" || point == "mid-publish" {
				w.wantMarkers(swap + ", " + point)
			}
		}
		wk, p := w.lifted(e, ref, swap)
		if _, err := wk.replace(context.Background(), p); err != nil {
			t.Fatal(err)
		}
		w.runClean()
		w.wantMarkers("after it was replaced", hr("13"))
		for _, f := range w.store.Objects() {
			if strings.HasPrefix(f, "orders/"+hr("13")) && !isSuccess(f) {
				if _, _, err := w.process(w.store).Resolve(context.Background(), "orders", Resolution{Drop: f, Decision: offsets.Decision{By: "test", Reason: "test"}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.runClean()
		w.wantMarkers("after all of it was dropped")
		if slices.ContainsFunc(w.store.Objects(), func(name string) bool { return strings.HasPrefix(name, "orders/"+hr("13")) }) {
			t.Errorf("something is left: %q", w.store.Objects())
		}
		w.checkVerified(swap)
	}
}

// markedTooEarly says which markers stand though files of their folders are not to be seen.
func markedTooEarly(w *world) string {
	p := newPromise(w)
	p.look()
	for folder := range p.standing {
		for key := range p.unlate[folder] {
			if w.store.Bytes(key) == nil {
				return fmt.Sprintf("%s has a marker, and %s is not there", folder, key)
			}
		}
	}
	return p.broken
}

// twoCompleteHours are lifted, but for the last of their records; they are over, and nobody has said so.
func twoCompleteHours(w *world) *memTopic {
	w.configure(testConfig)
	topic := twoHours(w)
	w.runClean()
	w.configure(completing)
	return topic
}

func markerScenarios() []scenario {
	settled := func(want ...string) func(w *world) {
		return func(w *world) {
			w.sleep(2 * time.Hour)
			w.runClean()
			w.wantMarkers("at the end", want...)
		}
	}
	return []scenario{
		{name: "markers", prepare: func(w *world) { twoCompleteHours(w).add(0, 1, day.Add(5*time.Hour), time.Minute); w.sleep(time.Hour) }, act: runOnce,
			always: markedTooEarly, after: settled(hr("13"), hr("14"), hr("18"))},
		{name: "markers after a crash", prepare: func(w *world) {
			twoCompleteHours(w)
			w.sleep(time.Hour)
			crashAt(w, "complete-appended")
		}, act: runOnce, always: markedTooEarly, after: settled(hr("13"), hr("14"))},
		{name: "drop of a marked folder", prepare: func(w *world) {
			twoCompleteHours(w)
			w.sleep(time.Hour)
			w.runClean()
		}, act: func(w *world, e *Env) error {
			_, _, err := e.Resolve(context.Background(), "orders", Resolution{Drop: firstFile(w), Decision: offsets.Decision{By: "test", Reason: "sweep"}})
			return err
		}, always: markedTooEarly, after: func(w *world) {
			w.sleep(time.Hour)
			w.runClean()
			for _, f := range w.markers() {
				if !strings.Contains(strings.ReplaceAll(strings.Join(w.store.Objects(), " "), "/"+successName, ""), "orders/"+f+"/") {
					w.t.Errorf("%s has a marker and no file", f)
				}
			}
		}},
	}
}

// A marker that somebody left where the log wants none is named.
func TestVerifyNamesAMarkerThatIsWrong(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	topic.add(0, 90, day, time.Minute)
	w.until(day.Add(90 * time.Minute))
	w.runClean()
	w.checkVerified("a marker that is right")
	if _, _, err := w.process(w.store).Resolve(context.Background(), "orders", Resolution{Drop: firstFile(w), Decision: offsets.Decision{By: "test", Reason: "test"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.PutNew(context.Background(), "orders/"+hr("13")+"/"+successName, nil); err != nil {
		t.Fatal(err)
	}
	v, err := w.process(w.store).Verify(context.Background(), Selection{}, true)
	if err != nil {
		t.Fatal(err)
	}
	if d := v.Topics[0].Differences; len(d) != 1 || !strings.Contains(d[0], "hr=13/_SUCCESS says that the folder is complete") {
		t.Errorf("differences: %q", d)
	}
}

// Hours say why, partition by partition, also where nobody asked for markers, and where Kafka does not answer.
func TestHoursSayWhatAFolderWaitsFor(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 3)
	fixed := func(doc string) string {
		return strings.Replace(doc, "min: 2015-01-01", "min: 2015-01-01, otherwise: unknown", 1)
	}
	w.configure(fixed(completing))
	why := func() (out []string) {
		t.Helper()
		list, err := w.process(w.store).Hours(context.Background(), "orders", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range list {
			out = append(out, fmt.Sprintf("%s %d %d %t %s", h.Bucket, h.Rows, h.Late, h.Complete, h.Why))
		}
		return out
	}
	want := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, why()); diff != "" {
			t.Errorf("%s: -want +got\n%s", what, diff)
		}
	}
	topic.add(0, 1, time.UnixMilli(1000), time.Minute) // of 1970: the fixed folder
	for p := range 3 {
		topic.add(p, 60, day, time.Minute)
	}
	w.until(day.Add(61 * time.Minute))
	w.runClean()
	want("at once", "unknown 1 0 false no time ends it: it is no folder of the layout hive below orders",
		hr("13")+" 180 0 false its time, and complete.lateness, are not over before 2026-11-20T14:10:00Z")
	topic.add(0, 9, day.Add(70*time.Minute), time.Minute)
	topic.add(1, 9, day.Add(70*time.Minute), time.Minute)
	topic.parts[1].open = 9
	w.until(day.Add(80 * time.Minute))
	w.source.fail[2] = errDeaf
	got := why()
	if len(got) != 2 || !strings.Contains(got[1], "partition 0: it stands at 2026-11-20T13:59:00Z, 9 offsets before its end (and 2 more)") {
		t.Errorf("behind: %q", got)
	}
	list, err := w.process(w.store).Hours(context.Background(), "orders", hr("13"))
	if err != nil || len(list) != 1 || len(list[0].Waiting) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for p, part := range []string{"9 offsets before its end", "before an open transaction of 9 offsets", "its leader does not answer"} {
		if !strings.Contains(list[0].Waiting[p].Why, part) {
			t.Errorf("partition %d: %q, want %q", p, list[0].Waiting[p].Why, part)
		}
	}
	delete(w.source.fail, 2)
	topic.parts[1].open = 0
	w.runClean()
	if got = why(); !strings.Contains(got[1], "partition 2: it stands at 2026-11-20T13:59:00Z, at its end since 2026-11-20T14:01:00Z: idle at 2026-11-20T14:31:00Z") {
		t.Errorf("not idle yet: %q", got)
	}
	heard := w.deaf()
	if got = why(); !strings.Contains(got[1], "partition 2: it stands at 2026-11-20T13:59:00Z; where it ends is not known") {
		t.Errorf("without Kafka: %q", got)
	}
	heard()
	w.until(day.Add(95 * time.Minute))
	if got = why(); !strings.Contains(got[1], "all partitions have passed it: the next run marks it") {
		t.Errorf("due: %q", got)
	}
	w.configure(fixed(testConfig))
	if got = why(); !strings.HasPrefix(got[1], hr("13")+" 180 0 true") {
		t.Errorf("without markers: %q", got)
	}
}

// Where folders are by a field, neither a producer that lags nor a field that runs ahead closes a folder: the earlier of both times counts.
func TestAFolderByFieldIsPassedByTheEarlierTime(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	w.cfg.Jobs[0].Partition.By = "field"
	w.cfg.Jobs[0].Partition.Fields = []config.TimeField{{Path: "value"}}
	add := func(kafka, field time.Duration) {
		topic.addSlots(0, memSlot{ts: day.Add(kafka).UnixMilli(), val: []byte(day.Add(field).Format(time.RFC3339))})
	}
	add(30*time.Minute, 30*time.Minute)
	add(80*time.Minute, 50*time.Minute) // Kafka has it at 14:20, and it is of 13:50
	topic.addSlots(0, memSlot{ts: day.Add(85 * time.Minute).UnixMilli(), val: []byte("no time")})
	w.until(day.Add(90 * time.Minute))
	w.runClean()
	w.wantMarkers("a producer that lags")
	add(55*time.Minute, 200*time.Minute) // of 16:20, and Kafka has it at 13:55
	w.until(day.Add(95 * time.Minute))
	w.runClean()
	w.wantMarkers("a field that runs ahead")
	add(96*time.Minute, 71*time.Minute)
	w.until(day.Add(100 * time.Minute))
	w.runClean()
	w.wantMarkers("both are past 14:10", hr("13"))
}

// A record of format 1 is what a topic without markers gets, so that older builds read it.
func TestTopicsWithoutMarkersKeepFormat1(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.runClean()
	for _, r := range w.records() {
		if r.Format != 1 || r.Level != 1 {
			t.Errorf("version %d (%s) has format %d, level %d", r.V, r.Type, r.Format, r.Level)
		}
	}
}

// What a run does not come to, by a limit, a failure or a signal, holds markers back.
func TestARunThatDoesNotComeToItsEndMarksNothingTooEarly(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 2)
	w.configure(completing + "    limits: {records: 14}\n")
	topic.add(0, 60, day, 2*time.Minute) // to 14:58
	topic.add(1, 60, day, 2*time.Minute)
	w.until(day.Add(5 * time.Hour))
	for range 4 { // to 13:56 at most
		w.runClean()
		w.wantMarkers("a limit")
	}
	w.configure(completing)
	w.source.fail[1] = errDeaf
	if r := w.run(w.process(w.store)); r.ExitCode() != ExitPartial {
		t.Fatalf("exit %d", r.ExitCode())
	}
	w.wantMarkers("a partition failed")
	delete(w.source.fail, 1)
	topic.parts[1].open = 30
	w.until(day.Add(9 * time.Hour))
	w.runClean()
	w.wantMarkers("an open transaction")
	topic.parts[1].open = 0
	w.runClean()
	w.wantMarkers("13:00 was passed", hr("13"))
	w.until(day.Add(10 * time.Hour))
	w.runClean()
	w.wantMarkers("idle", hr("13"), hr("14"))
}
