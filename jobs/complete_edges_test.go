package jobs

import (
	"context"
	"testing"
	"time"
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
