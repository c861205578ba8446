package broken_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/product"
	"shadoof/testbed/readers"
)

// A retried is what `quarantine retry --json` prints.
type retried struct {
	Tried    int64            `json:"tried"`
	Fit      int64            `json:"fit"`
	Skipped  int64            `json:"skipped"`
	Left     map[string]int64 `json:"left"`
	Untried  int64            `json:"untried"`
	Versions []int64          `json:"versions"`
}

// noBrokers are none: nothing listens there.
var noBrokers = []string{"127.0.0.1:1"}

// retry are the arguments of a retry.
func (p *patient) retry(more ...string) []string {
	args := append([]string{"quarantine", "retry", "--topic", p.tp.Topic}, more...)
	if p.r.reason != "" {
		args = append(args, "--reason", p.r.reason)
	}
	return args
}

// TestRetry fixes what was wrong with some kinds of records: those become rows, once, and all others stay where they are. Kafka is out of
// reach by then.
func TestRetry(t *testing.T) {
	t.Parallel()
	for _, r := range remedies {
		if r.long && !long() {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			p := r.admit(t, map[bool]int{false: 1200, true: 9000}[long()])
			p.before.Must(t, 0, "run")
			if long() {
				checkAll(t, p.before, p.tp, readers.PyArrow)
				checkListed(t, p.after, p.tp)
			}

			p.release()
			var dry, done, again retried
			log := len(versions(t, p.before))
			p.after.Must(t, 0, p.retry("--json", "--dry-run")...).JSON(t, &dry)
			if n := len(versions(t, p.before)); n != log {
				t.Errorf("a dry run appended %d versions", n-log)
			}
			l, w := product.Watch(t, p.after), newWatch(t, p.after)
			p.after.Must(t, 0, p.retry("--json", "--swap", r.swap)...).JSON(t, &done)
			w.end(r.swap)
			l.End()
			p.checkReport(t, dry, 0)
			p.checkReport(t, done, len(versions(t, p.before))-log)
			checkCured(t, p)
			checkListed(t, p.after, p.cured)

			keys := p.after.Root.Keys(t, "")
			p.after.Must(t, 0, p.retry("--json")...).JSON(t, &again)
			if again.Fit != 0 || len(again.Versions) != 0 || again.Tried+again.Untried != total(p.cured.reasons()) {
				t.Errorf("a second retry: %+v", again)
			}
			if diff := cmp.Diff(keys, p.after.Root.Keys(t, "")); diff != "" {
				t.Errorf("what a second retry changed: -before +after\n%s", diff)
			}
			p.before.Must(t, 0, "run")
			if diff := cmp.Diff(keys, p.after.Root.Keys(t, "")); diff != "" {
				t.Errorf("what a run changed after it: -before +after\n%s", diff)
			}
		})
	}
}

// checkCured looks at everything after a retry.
func checkCured(t *testing.T, p *patient) {
	t.Helper()
	checkAll(t, p.after, p.cured, readers.PyArrow)
}

func (p *patient) checkReport(t *testing.T, got retried, versions int) {
	t.Helper()
	before, after := p.tp.reasons(), p.cured.reasons()
	want := retried{Left: map[string]int64{}, Versions: got.Versions}
	if p.r.skips {
		want.Skipped = before[tombstone]
	}
	for reason, n := range before {
		switch left := after[reason]; {
		case p.r.reason != "" && reason != p.r.reason:
			want.Untried += n
		case left > 0:
			want.Left[reason] = left
			fallthrough
		default:
			want.Tried += n
			want.Fit += n - left
		}
	}
	want.Fit -= want.Skipped
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report of the retry: -want +got\n%s", diff)
	}
	if len(got.Versions) != versions {
		t.Errorf("the retry reports versions %d, and the log has %d new ones", got.Versions, versions)
	}
}
