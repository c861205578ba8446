package jobs

import (
	"fmt"
	"testing"

	"shadoof/storage/memory"
)

// TestFirstRunsMayMeetAnywhere lets another worker's whole first run come between any two requests of a first run: a log that is not there
// yet is no log that was deleted, and files that it names are not another tool's.
func TestFirstRunsMayMeetAnywhere(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		w := newWorld(t)
		twoHours(w)
		s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
			if c.Seq == n {
				w.run(w.process(w.store))
			}
			return memory.Proceed
		}})
		if err := runOnce(w, w.process(s)); err != nil {
			t.Errorf("another run before operation %d: %v\n%s", n, err, s.Trace())
		}
		w.checkExact(fmt.Sprint("another run before operation ", n))
		if s.Operations() < n {
			break
		}
	}
}
