package jobs

import (
	"context"
	"strings"
	"testing"
	"time"

	"shadoof/offsets"
)

// Rows that were dropped and come back do not make up for rows that do not.
func TestWhatComesBackDoesNotHideWhatIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
	topic.add(0, 10, day, time.Minute)
	topic.add(0, 10, day.Add(time.Hour), time.Minute)
	w.runClean()
	first := firstFile(w)
	if _, _, err := w.process(w.store).Resolve(context.Background(), "orders", Resolution{Drop: first, Decision: byTest}); err != nil {
		t.Fatal(err)
	}
	before := w.visible("orders")
	for o := range before {
		if o.offset%2 == 0 {
			topic.parts[0].slots[o.offset].kind = aHole
		}
	}
	report, err := backfillBy(w.process(w.store), BackfillRequest{From: "earliest", Replace: true, Swap: offsets.HideFirst})
	if ExitCode(err) != ExitHalted {
		t.Errorf("exit %d: %v: %+v", ExitCode(err), err, report.Plan.Bundles)
	}
	for r := range before {
		if w.visible("orders")[r] != 1 {
			t.Fatalf("offset %d was visible, and is not any more", r.offset)
		}
	}
	w.backfill(BackfillRequest{From: "earliest", Replace: true, AllowFewer: true})
	w.checkExact("with --allow-fewer")
}

// A root in the topic's own folder would show its readers each row twice.
func TestARootInsideTheTopicsFolderIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	versionsOf(w, 4)
	for url, fine := range map[string]bool{
		"file:///nowhere/orders": false, "file:///nowhere/orders/by-day/": false, "file:///nowhere/_shadoof/x": false,
		"file:///nowhere/orders-by-day": true, "file:///nowhere/by-day/orders": true, "file:///elsewhere": true,
	} {
		other := w.into()
		other.configure(strings.Replace(testConfig, "file:///nowhere", url, 1))
		in := other.process(other.store)
		in.endpoint = url
		_, err := w.process(w.store).Backfill(context.Background(), BackfillRequest{Topic: "orders", From: "0", Into: in, DryRun: true})
		if fine != (err == nil) || !fine && ExitCode(err) != ExitUsage {
			t.Errorf("%s: %v", url, err)
		}
	}
}
