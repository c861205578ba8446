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

// fixed is the configuration under which what was quarantined fits.
var fixed = strings.Replace(testConfig, "format: string", "format: bytes", 1)

// withBad lifts two hours of two partitions with values that are not UTF-8, which the format string sends to quarantine, and a tombstone.
// Then it changes the format.
func withBad(w *world) *memTopic {
	w.whole = true
	t := twoHours(w)
	for i := range 3 {
		t.addSlots(0, memSlot{ts: day.Add(time.Duration(i) * 40 * time.Minute).UnixMilli(), key: "bad", val: []byte{0xff, byte(i)}})
		t.addSlots(1, memSlot{ts: day.Add(time.Duration(i) * 40 * time.Minute).UnixMilli(), key: "bad", val: []byte{0xfe, byte(i)}})
		t.add(1, 1, day.Add(time.Duration(i)*time.Minute), time.Minute)
	}
	w.runClean()
	w.configure(fixed)
	return t
}

// deaf is a source that cannot be reached.
func (w *world) deaf() func() {
	source := w.source
	w.source = &memSource{topics: map[string]*memTopic{}, deaf: true}
	return func() { w.source = source }
}

func retryQuarantine(e *Env, r RetryRequest) (*RetryReport, error) {
	r.Topic = "orders"
	return e.RetryQuarantine(context.Background(), r)
}

func (w *world) retry(r RetryRequest) *RetryReport {
	w.t.Helper()
	report, err := retryQuarantine(w.process(w.store), r)
	if err != nil {
		w.t.Fatalf("retry: %v", err)
	}
	return report
}

// neverTwice says which rows stand in two visible files.
func neverTwice(w *world) string {
	for r, n := range w.visible("orders") {
		if n != 1 {
			return fmt.Sprintf("row %v is visible %d times", r, n)
		}
	}
	return ""
}

// neverMissing says which of the good rows stand in no visible file.
func neverMissing(w *world) string {
	seen := w.visible("orders")
	for r := range w.entitled("orders") {
		if slot := w.source.topics["orders"].parts[r.partition].slots[r.offset]; slot.key != "bad" && seen[r] == 0 {
			return fmt.Sprintf("row %v is not visible", r)
		}
	}
	return ""
}

func retryScenarios() (all []scenario) {
	for swap, always := range map[string]func(w *world) string{offsets.HideFirst: neverTwice, offsets.ShowFirst: neverMissing} {
		all = append(all, scenario{
			name:    "replace " + swap,
			prepare: func(w *world) { withBad(w) },
			act: func(w *world, e *Env) error {
				_, err := retryQuarantine(e, RetryRequest{Swap: swap})
				return err
			},
			always: always,
			after:  func(w *world) { w.retry(RetryRequest{}) },
		})
	}
	return all
}

func TestWhatFitsNowIsRetriedWithoutKafka(t *testing.T) {
	t.Parallel()
	for _, swap := range []string{offsets.HideFirst, offsets.ShowFirst} {
		w := newWorld(t)
		withBad(w)
		w.checkVerified("before")
		heard := w.deaf()
		if r := w.retry(RetryRequest{DryRun: true}); r.Tried != 7 || r.Fit != 6 || r.Left["tombstone"] != 1 || len(r.Versions) != 0 {
			t.Errorf("a dry run: %+v", r)
		}
		if n := len(w.store.Staged()); n != 0 {
			t.Errorf("a dry run staged %d files", n)
		}
		r := w.retry(RetryRequest{Swap: swap})
		if r.Fit != 6 || r.Left["tombstone"] != 1 || len(r.Versions) != 1 {
			t.Errorf("%s: %+v", swap, r)
		}
		again := w.retry(RetryRequest{Swap: swap})
		if again.Fit != 0 || again.Tried != 1 || len(again.Versions) != 0 {
			t.Errorf("a retry of what does not fit: %+v", again)
		}
		heard()
		w.checkExact(swap)
		w.runClean()
		w.checkExact(swap)
		if n := len(w.store.Staged()); n != 0 {
			t.Errorf("%s: %d staged files are left", swap, n)
		}
	}
}

// A publisherAsleep holds back what was asked of it until it is woken.
func TestALostFileOfARetryIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, swap := range []string{offsets.HideFirst, offsets.ShowFirst} {
		for _, lost := range []string{"hr=13", "hr=14", "/quarantine/", ""} {
			t.Run(swap+"/"+lost, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				withBad(w)
				w.crashRetry("committed", RetryRequest{Swap: swap})
				if n := w.store.AbortUploads(func(key string) bool { return strings.Contains(key, lost) }); n == 0 {
					t.Fatal("nothing was lost")
				}
				w.runClean()
				w.checkExact("after the repair")
			})
		}
	}
}

func TestALostFileOfAShowFirstRetryNeedsNoKafka(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withBad(w)
	w.crashRetry("committed", RetryRequest{Swap: offsets.ShowFirst})
	w.store.AbortUploads(func(string) bool { return true })
	heard := w.deaf()
	// The versions about the bundle are carried out before it is looked at.
	w.retry(RetryRequest{Versions: []int64{3}})
	heard()
	w.checkExact("after the repair")
}

func TestALostFileOfAHideFirstRetryHaltsWhereKafkaHasLostIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := withBad(w)
	w.crashRetry("half-swapped", RetryRequest{Swap: offsets.HideFirst})
	w.store.AbortUploads(func(string) bool { return true })
	topic.parts[0].start = 30
	r := w.run(w.process(w.store))
	if got := r.Topics[0]; r.ExitCode() != ExitHalted || !strings.Contains(got.Error, "Kafka cannot give them again") || !strings.Contains(got.Error, "--drop") {
		t.Fatalf("exit %d: %s", r.ExitCode(), got.Error)
	}
	topic.parts[0].start = 0
	w.runClean()
	w.checkExact("when Kafka has it again")
}

func TestARetryOfARetryIsMadeAgainFromKafka(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withBad(w)
	w.configure(strings.Replace(testConfig, "partition: {min", "policy: {tombstone: row}\n    partition: {min", 1))
	if r := w.retry(RetryRequest{}); r.Fit != 1 || r.Left["undecodable"] != 6 {
		t.Fatalf("tombstones as rows: %+v", r)
	}
	w.configure(strings.Replace(fixed, "partition: {min", "policy: {tombstone: row}\n    partition: {min", 1))
	w.crashRetry("half-swapped", RetryRequest{Swap: offsets.HideFirst})
	w.store.AbortUploads(func(string) bool { return true })
	w.runClean()
	w.checkVerified("after the repair")
	if got, want := len(w.visible("orders")), len(w.entitled("orders"))+1; got != want {
		t.Errorf("%d rows are visible, want %d with the tombstone", got, want)
	}
	if wrong := neverTwice(w); wrong != "" {
		t.Error(wrong)
	}
}

// crashRetry lets a process die at a point of a retry.
func (w *world) crashRetry(point string, r RetryRequest) {
	w.t.Helper()
	w.crashWhile(point, func(e *Env) { _, _ = retryQuarantine(e, r) })
}

func TestReasonsThatAreNotTriedStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withBad(w)
	w.configure(strings.Replace(fixed, "partition: {min", "policy: {tombstone: skip}\n    partition: {min", 1))
	r := w.retry(RetryRequest{Reason: "tombstone"})
	if r.Tried != 1 || r.Skipped != 1 || r.Untried != 6 || r.Fit != 0 {
		t.Errorf("%+v", r)
	}
	w.checkVerified("after the tombstone became a gap")
	if got := w.gaps(0)["tombstone"]; got != 1 {
		t.Errorf("%d tombstones are gaps, want 1", got)
	}
	// What was lost on the way is made again with those that were not tried.
	w.crashRetry("committed", RetryRequest{Reason: "undecodable", Swap: offsets.HideFirst})
	w.store.AbortUploads(func(string) bool { return true })
	w.runClean()
	w.checkExact("at the end")
}

func TestTimeBoundsAreThoseOfTheCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.whole = true
	topic := twoHours(w)
	topic.addSlots(0, memSlot{ts: day.Add(60 * time.Hour).UnixMilli(), key: "bad", val: []byte("from the future")})
	w.runClean()
	w.sleep(90 * 24 * time.Hour) // by now it is the past
	if r := w.retry(RetryRequest{}); r.Fit != 0 || r.Left["time_bounds"] != 1 {
		t.Errorf("by the clock of the commit it is in the future: %+v", r)
	}
	w.configure(strings.Replace(testConfig, "min: 2015-01-01", "min: 2015-01-01, max_future: 100h", 1))
	if r := w.retry(RetryRequest{}); r.Fit != 1 {
		t.Errorf("by another bound it is not: %+v", r)
	}
	w.checkExact("at the end")
}

func TestABundleWithDroppedFilesIsRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withBad(w)
	key := firstFile(w)
	w.resolve(Resolution{Drop: key})
	before := len(w.visible("orders"))
	if r := w.retry(RetryRequest{}); r.Fit != 6 {
		t.Errorf("%+v", r)
	}
	w.checkVerified("after the retry")
	if got := len(w.visible("orders")); got != before+6 {
		t.Errorf("%d rows are visible, want %d", got, before+6)
	}
	if w.gaps(0)["dropped"]+w.gaps(1)["dropped"] == 0 {
		t.Error("the dropped rows are no gap any more")
	}
}

// While a retry has staged its files somebody else does something to its bundle.
func TestALostRaceOfARetry(t *testing.T) {
	t.Parallel()
	for name, rival := range map[string]func(w *world){
		"retried":         func(w *world) { w.retry(RetryRequest{}) },
		"dropped":         func(w *world) { w.resolve(Resolution{Drop: firstFile(w)}) },
		"lifted":          func(w *world) { w.source.topics["orders"].add(0, 3, day.Add(4*time.Hour), time.Minute); w.runClean() },
		"fenced":          func(w *world) { w.sleep(48 * time.Hour); w.collect() },
		"dropped, undone": func(w *world) { w.crashWhile("drop-appended", func(e *Env) { w.dropBy(e, firstFile(w)) }) },
	} {
		for _, point := range []string{"staged", "before-put"} {
			t.Run(name+" "+point, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				withBad(w)
				e := w.process(w.store)
				once := false
				e.hook = func(p string) {
					if p == point && !once {
						once = true
						rival(w)
					}
				}
				r, err := retryQuarantine(e, RetryRequest{})
				if err != nil || !once {
					t.Fatalf("%v, rival ran: %v", err, once)
				}
				if name == "retried" && len(r.Versions) > 0 {
					t.Errorf("both retried: %+v", r)
				}
				w.runClean()
				w.checkVerified("at the end")
				if wrong := neverTwice(w); wrong != "" {
					t.Error(wrong)
				}
				if !strings.HasPrefix(name, "dropped") {
					w.checkExact("at the end")
				}
				w.sleep(48 * time.Hour)
				w.collect()
				if n := len(w.store.Staged()); n != 0 {
					t.Errorf("%d staged files are left", n)
				}
			})
		}
	}
}

func (w *world) collect() {
	w.t.Helper()
	if _, err := w.process(w.store).GC(context.Background(), Selection{}, false); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) dropBy(e *Env, key string) {
	_, _, _ = e.Resolve(context.Background(), "orders", Resolution{Drop: key, Decision: offsets.Decision{By: "test", Reason: "test"}})
}

// What of the bundle's version is pending is carried out before the bundle is read and replaced.
func TestARetryCarriesOutWhatIsPending(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.whole = true
	topic := twoHours(w)
	topic.addSlots(0, memSlot{ts: day.UnixMilli(), key: "bad", val: []byte{0xff}})
	w.lose("/quarantine/")
	w.configure(fixed)
	if r := w.retry(RetryRequest{}); r.Fit != 1 {
		t.Errorf("%+v", r)
	}
	w.checkExact("at the end")
	if got := w.process(w.store).openLog("orders"); got != nil {
		if _, err := got.Load(context.Background()); err != nil || len(got.Unmarked()) > 0 {
			t.Errorf("%v, unmarked: %v", err, got.Unmarked())
		}
	}
}

func TestSeveralProcessesRetryAndRecoverAtOnce(t *testing.T) {
	t.Parallel()
	for _, swap := range []string{offsets.HideFirst, offsets.ShowFirst} {
		for _, point := range []string{"committed", "mid-removal", "half-swapped", "mid-publish", "before-marker", "after-marker"} {
			w := newWorld(t)
			withBad(w)
			e := w.process(w.store)
			once := false
			e.hook = func(p string) {
				if p == point && !once {
					once = true
					w.run(w.process(w.store))
					w.retry(RetryRequest{})
				}
			}
			if _, err := retryQuarantine(e, RetryRequest{Swap: swap}); err != nil || !once {
				t.Fatalf("%s, %s: %v, rival ran: %v", swap, point, err, once)
			}
			w.runClean()
			w.checkExact(swap + " " + point)
			if n := len(w.store.Staged()); n != 0 {
				t.Errorf("%s, %s: %d staged files are left", swap, point, n)
			}
		}
	}
}

// What a lister must never see in one order it does see in the other: the checks of the sweep can fail.
func TestTheOrderOfASwapIsSeen(t *testing.T) {
	t.Parallel()
	for swap, never := range map[string]func(w *world) string{offsets.HideFirst: neverMissing, offsets.ShowFirst: neverTwice} {
		w := newWorld(t)
		withBad(w)
		var seen atomic.Bool
		s := w.store.Attach(memory.Options{Hook: func(memory.Call) memory.Verdict {
			if never(w) != "" {
				seen.Store(true)
			}
			return memory.Proceed
		}})
		if _, err := retryQuarantine(w.process(s), RetryRequest{Swap: swap}); err != nil {
			t.Fatal(err)
		}
		if !seen.Load() {
			t.Errorf("%s: the other order would not be noticed", swap)
		}
	}
}
