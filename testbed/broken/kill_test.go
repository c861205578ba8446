package broken_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/testbed/product"
	"shadoof/testbed/readers"
)

// hooked runs the binary that kills itself at a point; "" for none.
func hooked(t *testing.T, j *product.Job, point string, args ...string) product.Outcome {
	t.Helper()
	return j.Run(t, product.Hooked(t), []string{"SHADOOF_KILL_AT=" + point, "SHADOOF_LOST_AFTER=300ms"}, args...)
}

// TestKilledRetry kills a retry at each point of the protocol. Then a run goes on with it, or another retry does. What a run finds done is
// all or nothing, and after a second retry everything is exact.
func TestKilledRetry(t *testing.T) {
	t.Parallel()
	points := []struct {
		name      string
		committed bool
	}{
		{"staged", false},
		{"before-put", false},
		{"put-applied", true},
		{"committed", true},
		{"mid-publish:2", true},
		{"half-swapped", true},
		{"mid-removal:2", true},
		{"before-marker", true},
		{"after-marker", true},
		{"committed:2", true},
	}
	for i, point := range points {
		for k, swap := range []string{"show-first", "hide-first"} {
			for m, then := range []string{"run", "retry"} {
				if !long() && (k != i%2 || m != i/2%2) {
					continue
				}
				t.Run(strings.Join([]string{point.name, swap, then}, "/"), func(t *testing.T) {
					t.Parallel()
					remedies[i%3].killed(t, point.name, point.committed, swap, then)
				})
			}
		}
	}
}

func (r remedy) killed(t *testing.T, point string, committed bool, swap, then string) {
	p := r.admit(t, 900)
	p.before.Must(t, 0, "run")
	p.release()
	log := len(versions(t, p.before))
	retry := p.retry("--swap", swap)
	l := product.Watch(t, p.before)
	if o := hooked(t, p.after, point, retry...); o.Code != -1 {
		t.Fatalf("%s: the retry was not killed, it exited %d\n%s%s", point, o.Code, o.Stdout, o.Stderr)
	}
	if found := len(versionsAsTheyAre(t, p.before)); (found > log) != committed {
		t.Errorf("after %s the log has %d versions, and had %d before", point, found, log)
	}
	if point == "half-swapped" {
		seen, old, fresh := visible(t, p.before)
		if before, after := among(old, seen), among(fresh, seen); swap == "show-first" && (before < len(old) || after < len(fresh)) || swap == "hide-first" && before+after > 0 {
			t.Errorf("half-swapped, %s: %d of %d old files are visible and %d of %d new ones", swap, before, len(old), after, len(fresh))
		}
	}
	if then == "run" {
		if o := hooked(t, p.before, "", "run"); o.Code != 0 {
			t.Fatalf("the run after it: exit %d\n%s%s", o.Code, o.Stdout, o.Stderr)
		}
		p.before.Must(t, 0, "verify", "--deep")
		if point == "staged" || point == "before-put" {
			checkAll(t, p.before, p.tp, readers.PyArrow)
		}
	}
	if o := hooked(t, p.after, "", retry...); o.Code != 0 {
		t.Fatalf("the retry after it: exit %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
	l.End()
	checkCured(t, p)
	collected(t, p.before)
}

// collected runs gc until nothing staged is left.
func collected(t *testing.T, j *product.Job) {
	t.Helper()
	n := -1
	for range 20 {
		j.Must(t, 0, "gc")
		if n = j.Root.Staged(t); n == 0 {
			return
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("out of time")
		}
	}
	t.Errorf("%d staged files are left after gc", n)
}

// TestRetriesAtOnce has several retries, and a run, want the same bundles.
func TestRetriesAtOnce(t *testing.T) {
	t.Parallel()
	for i, r := range remedies[1:4] {
		if i == 2 && !long() {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			p := r.admit(t, 1500)
			p.before.Must(t, 0, "run")
			p.release()
			l := product.Watch(t, p.before)
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					j, args := p.after, p.retry("--swap", []string{"show-first", "hide-first"}[i%2])
					if i == 3 {
						j, args = p.before, []string{"run"}
					}
					o, err := j.Try(t.Context(), product.Hooked(t), []string{"SHADOOF_LOST_AFTER=300ms"}, args...)
					if err != nil || o.Code != 0 {
						t.Errorf("%v: exit %d, %v\n%s%s", args, o.Code, err, o.Stdout, o.Stderr)
					}
				})
			}
			all.Wait()
			l.End()
			checkCured(t, p)
			collected(t, p.before)
		})
	}
}
