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
