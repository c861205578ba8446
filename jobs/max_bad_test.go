package jobs

import (
	"strings"
	"testing"
	"time"
)

func TestACommitWithTooManyBadRecordsIsRefused(t *testing.T) {
	t.Parallel()
	for bound, refused := range map[string]bool{"6": true, "7": false, "10%": true, "30%": false, "0": true, "100%": false} {
		w := newWorld(t)
		topic := withBad(w) // 7 of 35 records go to quarantine
		w.configure(testConfig + "    policy: {max_bad: " + bound + "}\n")
		w.source.create("orders", strings.Repeat("ab", 16), 2).parts = topic.parts
		w.store = newWorld(t).store
		r := w.run(w.process(w.store))
		if !refused {
			if r.ExitCode() != ExitDone {
				t.Errorf("%s: exit %d: %s", bound, r.ExitCode(), r.Topics[0].Error)
			}
			continue
		}
		if r.ExitCode() != ExitFailed || r.Topics[0].Commits != 0 {
			t.Errorf("%s: exit %d with %d commits", bound, r.ExitCode(), r.Topics[0].Commits)
		}
		for _, want := range []string{"7 of 35 records", "1 tombstone, 6 undecodable", "policy.max_bad: " + bound, "one of them: orders/"} {
			if !strings.Contains(r.Topics[0].Error, want) {
				t.Errorf("%s: %q lacks %q", bound, r.Topics[0].Error, want)
			}
		}
		if n := len(w.store.Staged()); n != 0 {
			t.Errorf("%s: %d staged files are left", bound, n)
		}
		if n := len(w.visible("orders")); n != 0 {
			t.Errorf("%s: %d rows are visible", bound, n)
		}
		w.configure(testConfig)
		w.runClean()
	}
}

func TestTooManyBadRecordsAfterACommitArePartial(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
	topic.add(0, 7, day, time.Minute)
	topic.addSlots(0, memSlot{ts: day.UnixMilli(), val: []byte{0xff}}, memSlot{ts: day.UnixMilli(), val: []byte{0xff}})
	w.configure(testConfig + "    policy: {max_bad: 1}\n    commit_every: {bytes: 1B}\n")
	r := w.run(w.process(w.store))
	if r.ExitCode() != ExitPartial || r.Topics[0].Commits != 1 || r.Topics[0].Rows != 7 {
		t.Errorf("exit %d: %s", r.ExitCode(), reportText(r))
	}
	w.configure(testConfig)
	w.runClean()
}
