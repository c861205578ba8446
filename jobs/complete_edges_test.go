package jobs

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shadoof/config"
	"shadoof/storage"
	"shadoof/storage/memory"
)

// A record of times to come says nothing while a transaction is open behind it: what the transaction holds may be of now.
func TestARecordOfTheFutureClosesNothingBeforeAnOpenTransaction(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	topic.add(0, 50, day, time.Minute)
	topic.add(0, 1, day.Add(9*time.Hour), time.Minute)
	topic.add(0, 5, day.Add(50*time.Minute), time.Minute) // in time, in a transaction that stays open
	topic.parts[0].open = 5
	w.until(day.Add(75 * time.Minute))
	w.runClean()
	w.wantMarkers("a transaction is open")
	topic.parts[0].open = 0
	w.until(day.Add(80 * time.Minute))
	w.runClean()
	if late := w.lateFolders(); len(late) > 0 {
		t.Errorf("late: %v", late)
	}
	w.until(day.Add(120 * time.Minute))
	w.runClean()
	w.wantMarkers("it was ended", hr("13"))
	w.checkExact("at the end")
}

// What is not ours does not make a folder complete that was emptied.
func TestAForeignFileBringsNoMarkerBack(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	topic.add(0, 90, day, time.Minute)
	w.until(day.Add(90 * time.Minute))
	w.runClean()
	w.wantMarkers("before", hr("13"))
	if _, err := w.store.PutNew(context.Background(), "orders/"+hr("13")+"/._SUCCESS.crc", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.process(w.store).DropFiles(context.Background(), DropRequest{Topic: "orders", Before: day.Add(time.Hour), Decision: byTest}); err != nil {
		t.Fatal(err)
	}
	w.runClean()
	w.wantMarkers("after all of it was dropped")
}

// What retention drops while nobody asks for markers must not stay in the state for ever.
func TestTheStateOfATopicThatGetsNoMarkersAnyMoreDoesNotGrow(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	topic.add(0, 40, day.Add(-20*time.Hour), 30*time.Minute)
	w.until(day.Add(90 * time.Minute))
	w.runClean()
	w.configure(testConfig)
	w.runClean()
	if _, err := w.process(w.store).DropFiles(context.Background(), DropRequest{Topic: "orders", Before: day.Add(-time.Hour), Decision: byTest}); err != nil {
		t.Fatal(err)
	}
	w.runClean()
	wk, err := w.process(w.store).reader(context.Background(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	if open := wk.log.State().Complete.Open; len(open) > 0 {
		t.Errorf("%d folders are kept: %v", len(open), open)
	}
	w.configure(completing)
	w.runClean()
	for _, m := range w.markers() {
		if !slices.ContainsFunc(w.store.Objects(), func(name string) bool { return strings.HasPrefix(name, "orders/"+m+"/") && !isSuccess(name) }) {
			t.Errorf("%s has a marker and no file", m)
		}
	}
	w.checkVerified("at the end")
}

// What was lifted while nobody asked for markers says how far Kafka's times had come, which says nothing of folders by a field.
func TestMarkersAskedForLaterDoNotGoByKafkasTimes(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	configure := func(doc string) {
		w.configure(doc)
		w.cfg.Jobs[0].Partition.By = "field"
		w.cfg.Jobs[0].Partition.Fields = []config.TimeField{{Path: "value"}}
	}
	add := func(kafka, field time.Duration) {
		topic.addSlots(0, memSlot{ts: day.Add(kafka).UnixMilli(), val: []byte(day.Add(field).Format(time.RFC3339))})
	}
	configure(testConfig)
	add(80*time.Minute, 30*time.Minute) // all records come fifty minutes late
	w.until(day.Add(85 * time.Minute))
	w.runClean()
	configure(completing)
	w.runClean()
	w.wantMarkers("rows have reached 13:30 alone")
	add(90*time.Minute, 40*time.Minute)
	w.until(day.Add(95 * time.Minute))
	w.runClean()
	w.wantMarkers("rows have reached 13:40 alone")
	add(125*time.Minute, 75*time.Minute)
	w.until(day.Add(130 * time.Minute))
	w.runClean()
	w.wantMarkers("14:10 was passed", hr("13"))
	if late := w.lateFolders(); len(late) > 0 {
		t.Errorf("late: %v", late)
	}
}

// A removal that is under way when folders begin to be tracked again is carried out before any marker comes.
func TestNoMarkerComesBeforeARemovalThatIsUnderWay(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	topic.add(0, 30, day, time.Minute)
	w.until(day.Add(31 * time.Minute))
	w.runClean()
	first := firstFile(w)
	w.configure(testConfig)
	topic.add(0, 60, day.Add(31*time.Minute), time.Minute)
	w.until(day.Add(92 * time.Minute))
	w.runClean() // they are not tracked any more; two files of 13:00
	w.configure(completing)
	topic.add(0, 1, day.Add(93*time.Minute), time.Minute)
	w.until(day.Add(95 * time.Minute))
	p := newPromise(w)
	e, once := w.process(p.store(nil)), sync.Once{}
	e.hook = func(point string) {
		if point == "after-marker" {
			once.Do(func() {
				h := &hourly{world: w, promise: p, r: rand.New(rand.NewPCG(1, 1)), orderly: true}
				h.dies("drop-appended", func(e *Env) {
					_, _, _ = e.Resolve(context.Background(), "orders", Resolution{Drop: first, Decision: byTest})
				})
			})
		}
	}
	if r := w.run(e); r.ExitCode() != ExitDone {
		t.Fatal(reportText(r))
	}
	if p.look(); p.broken != "" {
		t.Error(p.broken)
	}
	w.wantMarkers("at the end", hr("13"))
	if w.store.Bytes(first) != nil {
		t.Errorf("%s was not dropped", first)
	}
}

// A machine whose clock is days ahead marks no folder that is still being written: the store's clock counts, too.
func TestAClockThatIsAheadOfTheStoreCompletesNothingEarly(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 2)
	topic.add(0, 60, day, time.Minute) // 13:00 to 13:59
	topic.add(1, 60, day, time.Minute)
	topic.add(0, 1, day.Add(90*time.Minute), time.Minute) // 14:30
	w.until(day.Add(95 * time.Minute))
	ahead := func() *Env {
		e := w.process(w.store)
		now := e.now
		e.now = func() time.Time { return now().Add(72 * time.Hour) }
		return e
	}
	for range 3 {
		if r := w.run(ahead()); r.ExitCode() != ExitDone {
			t.Fatal(reportText(r))
		}
		w.sleep(25 * time.Minute)
	}
	w.wantMarkers("since when a partition is idle is not known")
	for p := range 2 {
		topic.add(p, 1, day.Add(169*time.Minute), time.Minute) // 15:49
	}
	if r := w.run(ahead()); r.ExitCode() != ExitDone { // at 15:50
		t.Fatal(reportText(r))
	}
	w.wantMarkers("every partition has passed 15:39", hr("13"), hr("14"))
	topic.add(1, 5, day.Add(160*time.Minute), time.Minute)
	if r := w.run(ahead()); r.ExitCode() != ExitDone {
		t.Fatal(reportText(r))
	}
	if late := w.lateFolders(); len(late) > 0 {
		t.Errorf("rows of the present hour are late: %v", late)
	}
	if left := w.store.Staged(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A store that does not tell its time keeps nobody from markers.
func TestAStoreThatDoesNotTellItsTimeKeepsNobodyFromMarkers(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	topic.add(0, 80, day, time.Minute) // to 14:19
	w.until(day.Add(95 * time.Minute))
	s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpStage && strings.HasSuffix(c.Name, ".time") {
			return memory.Lose
		}
		return memory.Proceed
	}})
	if r := w.run(w.process(s)); r.ExitCode() != ExitDone {
		t.Fatal(reportText(r))
	}
	w.wantMarkers("by our clock", hr("13"))
}

// A clock that was ahead when the topic was looked at, and was put right since.
func TestAClockThatWasAheadCompletesNothingEarly(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	topic.add(0, 80, day, time.Minute) // to 14:19
	w.until(day.Add(80 * time.Minute))
	w.runClean()
	w.wantMarkers("14:19 is passed", hr("13"))
	w.until(day.Add(125 * time.Minute)) // idle since 14:20: it has passed 15:05, but for the lateness 14:55
	e, wrong := w.process(w.store), atomic.Bool{}
	now := e.now
	e.now = func() time.Time {
		if wrong.Load() {
			return now().Add(72 * time.Hour)
		}
		return now()
	}
	wrong.Store(true)
	e.source = &overtaken{Source: e.source, then: func() { wrong.Store(false) }}
	if r := w.run(e); r.ExitCode() != ExitDone {
		t.Fatal(reportText(r))
	}
	w.wantMarkers("15:10 has not come", hr("13"))
}

// A store that is away when it is asked for its time is not one that does not tell.
func TestAStoreThatIsAwayLeavesMarkersForLater(t *testing.T) {
	t.Parallel()
	w, topic := newCompleting(t, 1)
	topic.add(0, 80, day, time.Minute) // to 14:19
	w.until(day.Add(95 * time.Minute))
	s := &away{Store: w.store}
	e := w.process(s)
	s.is.Store(true)
	if r := w.run(e); r.ExitCode() != ExitDone {
		t.Fatal(reportText(r))
	}
	w.wantMarkers("the store was away")
	s.is.Store(false)
	if r := w.run(e); r.ExitCode() != ExitDone {
		t.Fatal(reportText(r))
	}
	w.wantMarkers("it told its time", hr("13"))
}

// away is a store that is away when it is asked for its time.
type away struct {
	storage.Store
	is atomic.Bool
}

func (s *away) Stage(ctx context.Context, r storage.StageRequest) (storage.StageWriter, error) {
	if strings.HasSuffix(r.Key, ".time") && s.is.Load() {
		return nil, storage.ErrAway
	}
	return s.Store.Stage(ctx, r)
}
