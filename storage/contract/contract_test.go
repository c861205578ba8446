package contract_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shadoof/storage"
	"shadoof/storage/contract"
	"shadoof/storage/memory"
)

var small = contract.Options{Racers: 8, Rounds: 4}

func TestMemoryKeepsTheContract(t *testing.T) {
	t.Parallel()
	root := memory.New(memory.Options{PageSize: 2})
	open := func() (storage.Store, error) { return root.Attach(memory.Options{PageSize: 2}), nil }
	for _, r := range contract.Check(t.Context(), open, contract.Options{}) {
		t.Logf("%-60s %8s %s", r.Name, r.Took.Round(time.Microsecond), r.Detail)
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if err := contract.Probe(t.Context(), root); err != nil {
		t.Error(err)
	}
	if left := append(root.Objects(), root.Staged()...); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A driver that lost a reply asks again, and learns that it was done before.
func TestALostReplyIsNoBrokenPromise(t *testing.T) {
	t.Parallel()
	for _, op := range []memory.Op{memory.OpPutNew, memory.OpPublish, memory.OpDiscard} {
		var sent atomic.Int64
		root := memory.New(memory.Options{})
		s := root.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
			if c.Op == op {
				sent.Add(1)
				return memory.Repeat
			}
			return memory.Proceed
		}})
		if err := contract.Probe(t.Context(), s); err != nil || sent.Load() == 0 {
			t.Errorf("each %s is sent twice, %d in all: %v", op, sent.Load(), err)
		}
	}
}

// An answer that says nothing is no reason to give a run up: the same is sent again.
func TestUnclearAnswersPass(t *testing.T) {
	t.Parallel()
	for _, v := range []memory.Verdict{memory.Lose, memory.LoseReply} {
		var mu sync.Mutex
		sent := map[string]int{}
		s := memory.New(memory.Options{Hook: func(c memory.Call) memory.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if sent[c.Name]++; c.Op == memory.OpPutNew && sent[c.Name] == 1 {
				return v
			}
			return memory.Proceed
		}})
		if err := contract.Probe(t.Context(), s); err != nil {
			t.Errorf("%v: %v", v, err)
		}
	}
}

func TestAStoreThatCannotBeOpenedIsTheOnlyResult(t *testing.T) {
	t.Parallel()
	closed := errors.New("closed today")
	results := contract.Check(t.Context(), func() (storage.Store, error) { return nil, closed }, small)
	if len(results) != 1 || !errors.Is(results[0].Err, closed) || errors.Is(results[0].Err, storage.ErrUnfit) {
		t.Errorf("got %+v", results)
	}
}

func TestTroubleIsNotTakenForABrokenPromise(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Options{Hook: func(memory.Call) memory.Verdict { return memory.Lose }})
	err := contract.Probe(t.Context(), s)
	if !errors.Is(err, memory.ErrInjected) || errors.Is(err, storage.ErrUnfit) {
		t.Errorf("got %v", err)
	}
}

func TestClearAnswersAreNeededByNoRacer(t *testing.T) {
	t.Parallel()
	// Some replies get lost, and some requests are repeated by something in between: no promise is broken by that.
	verdicts := []memory.Verdict{memory.Proceed, memory.LoseReply, memory.Repeat, memory.Lose, memory.Proceed}
	hook := func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpPutNew && strings.Contains(c.Name, "/02/") {
			return verdicts[c.Seq%len(verdicts)]
		}
		return memory.Proceed
	}
	root := memory.New(memory.Options{})
	open := func() (storage.Store, error) { return root.Attach(memory.Options{Hook: hook}), nil }
	for _, r := range contract.Check(t.Context(), open, small) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
}

func TestEachBrokenPromiseIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault string
		finds string // part of the name of a check that must fail
		unfit bool
		short bool // Probe finds it, too
	}{
		{"ignores the condition", "second create", true, true},
		{"ignores the condition under load", "one wins", true, true},
		{"keeps quiet about overwriting", "one wins", true, true},
		{"keeps quiet about overwriting", "second create", true, true},
		{"takes the same bytes for a retry", "second create", true, true},
		{"remembers deleted names", "created again", true, false},
		{"fails to delete what is gone", "created again", false, false},
		{"caches misses", "read that found nothing", true, true},
		{"lists late", "listing shows at once", true, true},
		{"ends early", "ranges", true, false},
		{"ends without an error", "ranges", true, false},
		{"mangles names", "unusual names", true, false},
		{"forgets", "confirmed", true, true},
		{"shows uploads", "invisible", true, true},
		{"lists uploads as objects", "invisible", true, true},
		{"publishes half", "invisible", true, true},
		{"cannot publish twice", "publishing twice", true, true},
		{"publishes what was discarded", "after a discard", true, true},
		{"publishes on and on", "deleted object", true, true},
		{"publishes any token", "no other file", true, true},
		{"says discarded and does nothing", "exclude each other", true, true},
		{"says discarded after publishing", "discard after publishing", true, true},
		{"discards what was published", "discard after publishing", true, true},
		{"knows only the newest token", "earlier token", true, false},
		{"hides tokens", "leftovers", true, false},
		{"has no clock", "clocks", true, false},
		{"has a wrong clock", "clocks", false, false},
		{"may not create", "permissions", false, true},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			root := memory.New(memory.Options{})
			r := &rot{fault: c.fault, seen: map[string]int{}}
			found := false
			for _, b := range contract.Broken(contract.Check(t.Context(), func() (storage.Store, error) { return rotten{root.Attach(memory.Options{}), r}, nil }, small)) {
				if strings.Contains(b.Name, c.finds) {
					found = true
					t.Log(b.Err)
					if errors.Is(b.Err, storage.ErrUnfit) != c.unfit {
						t.Errorf("ErrUnfit: %t, want %t", !c.unfit, c.unfit)
					}
				}
			}
			if !found {
				t.Errorf("no check named %q failed", c.finds)
			}
			r.seen = map[string]int{}
			if err := contract.Probe(t.Context(), rotten{root, r}); errors.Is(err, storage.ErrUnfit) != (c.unfit && c.short) {
				t.Errorf("the probe answered %v", err)
			}
		})
	}
}

func TestAWorkerNeedNotBeAllowedToDelete(t *testing.T) {
	t.Parallel()
	r := &rot{fault: "may not delete", seen: map[string]int{}}
	root := memory.New(memory.Options{})
	noted := 0
	for _, res := range contract.Check(t.Context(), func() (storage.Store, error) { return rotten{root, r}, nil }, small) {
		if res.Err != nil {
			t.Error(res.Err)
		}
		if strings.Contains(res.Detail, "delet") {
			noted++
		}
	}
	if noted == 0 {
		t.Error("no result says that deleting is not allowed")
	}
	if err := contract.Probe(t.Context(), rotten{root, r}); err != nil {
		t.Error(err)
	}
}
