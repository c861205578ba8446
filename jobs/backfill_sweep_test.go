package jobs

import (
	"context"
	"strings"
	"testing"
	"time"

	"shadoof/offsets"
	"shadoof/storage/memory"
)

// skipped is a topic with a range in the middle that nothing covers.
func skipped(w *world) {
	t := twoHours(w)
	t.parts[0].open = 17
	w.runClean()
	t.parts[0].open = 0
	if _, err := w.process(w.store).Skip(context.Background(), "orders", 0, 18, byTest); err != nil {
		w.t.Fatal(err)
	}
	w.runClean()
}

// backfillScenarios are what the sweep and the traces take of backfills.
func backfillScenarios() (all []scenario) {
	act := func(r BackfillRequest) func(w *world, e *Env) error {
		return func(_ *world, e *Env) error {
			_, err := backfillBy(e, r)
			return err
		}
	}
	for swap, always := range map[string]func(w *world) string{offsets.HideFirst: neverTwice, offsets.ShowFirst: neverMissing} {
		all = append(all, scenario{
			name: "backfill " + swap, always: always, act: act(BackfillRequest{From: "20", Partitions: []int32{0}, Replace: true, Swap: swap}),
			prepare: func(w *world) {
				t := twoHours(w)
				w.runClean()
				t.add(0, 9, day.Add(3*time.Hour), time.Minute)
				w.runClean()
			},
		})
	}
	return append(all, scenario{
		name: "backfill fill", prepare: skipped, act: act(BackfillRequest{From: "0"}),
		after: func(w *world) { w.backfill(BackfillRequest{From: "0"}) },
	}, scenario{
		name: "drop folders", prepare: func(w *world) { twoHours(w); w.runClean() },
		act: func(_ *world, e *Env) error {
			_, err := e.DropFiles(context.Background(), DropRequest{Topic: "orders", Before: day.Add(time.Hour), Decision: byTest})
			return err
		},
	})
}

// A process that dies at any point of a backfill leaves nothing that the next run, and the same backfill, do not finish.
func TestABackfillThatDiesIsGoneOnWith(t *testing.T) {
	t.Parallel()
	for _, sc := range backfillScenarios() {
		if !strings.HasPrefix(sc.name, "backfill") {
			continue
		}
		for _, point := range []string{"batch", "staged", "before-put", "committed", "mid-publish", "before-marker", "half-swapped", "mid-removal", "after-marker"} {
			if sc.name == "backfill fill" && (point == "half-swapped" || point == "mid-removal") {
				continue
			}
			t.Run(sc.name+" "+point, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				sc.prepare(w)
				before := w.positions()
				w.crashWhile(point, func(e *Env) { _ = sc.act(w, e) })
				if err := sc.act(w, w.process(w.store)); err != nil {
					t.Fatal(err)
				}
				w.checkExact(sc.name)
				for p, at := range w.positions() {
					if at != before[p] {
						t.Errorf("partition %d: the committed offset was %d and is %d", p, before[p], at)
					}
				}
				w.sleep(48 * time.Hour)
				w.collect()
				if s := w.store.Staged(); len(s) > 0 {
					t.Errorf("left behind: %q", s)
				}
			})
		}
	}
}

// A file of a fill, or of a replace in either order, that loses its staged bytes after the commit is made again from Kafka.
func TestALostFileOfABackfillIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, sc := range backfillScenarios() {
		if !strings.HasPrefix(sc.name, "backfill") {
			continue
		}
		w := newWorld(t)
		sc.prepare(w)
		w.crashWhile("committed", func(e *Env) { _ = sc.act(w, e) })
		if n := w.store.AbortUploads(func(string) bool { return true }); n == 0 {
			t.Fatalf("%s: nothing was staged", sc.name)
		}
		w.runClean()
		w.checkExact(sc.name)
	}
}

// What a run commits while a backfill is at work stays, and the backfill goes on.
func TestARunBesideABackfill(t *testing.T) {
	t.Parallel()
	for _, sc := range backfillScenarios() {
		for _, point := range []string{"batch", "before-put", "committed"} {
			if !strings.HasPrefix(sc.name, "backfill") {
				continue
			}
			w := newWorld(t)
			sc.prepare(w)
			e, once := w.process(w.store.Attach(memory.Options{})), false
			e.hook = func(p string) {
				if p == point && !once {
					once = true
					w.source.mu.Lock()
					w.source.topics["orders"].add(1, 4, day.Add(time.Minute), time.Minute)
					w.source.mu.Unlock()
					w.runClean()
				}
			}
			if err := sc.act(w, e); err != nil || !once {
				t.Fatalf("%s, a run at %s: %v", sc.name, point, err)
			}
			w.checkExact(sc.name + " " + point)
		}
	}
}
