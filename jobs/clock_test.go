package jobs

import (
	"testing"
	"time"
	"unsafe"
)

// setBy is a time, read from a clock that was put forward by d in the meantime: what it shows steps, and the monotonic reading does not.
func setBy(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	set := at
	*(*uint64)(unsafe.Pointer(&set)) += uint64(d/time.Second) << 30 // seconds stand above 30 bits of nanoseconds, where there is a monotonic reading
	if set.Sub(at) != 0 || set.Round(0).Sub(at.Round(0)) != d {
		t.Fatal("the representation of time.Time is another one: build such a time anew")
	}
	return set
}

// A clock that is put forward right after it was compared is not taken for the one that was compared.
func TestAClockThatIsSetIsComparedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now = time.Now()
	e := w.process(w.store)
	ours := w.now
	e.now = func() time.Time { return ours }
	wk, err := e.watcher(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	before, known := wk.clockAhead(t.Context())
	ours = setBy(t, ours, time.Hour)
	after, stillKnown := wk.clockAhead(t.Context())
	if !known || !stillKnown || before > time.Minute || after < 59*time.Minute {
		t.Errorf("ahead by %s (known: %t), and by %s (known: %t) once it was put forward by an hour", before, known, after, stillKnown)
	}
}
