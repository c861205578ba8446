package contract_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"

	"shadoof/storage"
	"shadoof/storage/contract"
	"shadoof/storage/memory"
)

func findings(t *testing.T, fault string) []storage.Finding {
	t.Helper()
	root := memory.New(memory.Options{})
	r := &rot{fault: fault, seen: map[string]int{}}
	found := contract.Findings(t.Context(), func() (storage.Store, error) { return rotten{root.Attach(memory.Options{}), r}, nil }, small)
	for _, f := range found {
		t.Logf("%-11s %-50s %s", f.Grade, f.Name, f.Detail)
	}
	return found
}

func TestFindingsOfAFitStoreAreGood(t *testing.T) {
	t.Parallel()
	found := findings(t, "")
	if len(found) < 25 {
		t.Errorf("%d findings", len(found))
	}
	for _, f := range found {
		if f.Grade != storage.Good || f.Detail == "" {
			t.Errorf("%+v", f)
		}
	}
}

func TestFindingsGradeWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault, name string
		grade       storage.Grade
	}{
		{"ignores the condition", "a second create is refused and changes nothing", storage.Bad},
		{"may not create", "may create objects", storage.Bad},
		{"may not create", "keeps the contract", storage.Unseen},
		{"may not delete", "may delete objects", storage.Doubt},
		{"has a wrong clock", "clocks agree", storage.Doubt},
	} {
		t.Run(test.fault, func(t *testing.T) {
			t.Parallel()
			for _, f := range findings(t, test.fault) {
				if f.Name == test.name {
					if f.Grade != test.grade {
						t.Errorf("%+v, want %s", f, test.grade)
					}
					return
				}
			}
			t.Errorf("no finding %q", test.name)
		})
	}
}

// refusing is a memory that allows some kinds of requests only.
type refusing struct {
	*memory.Store
	staging, publishing bool
}

func (r refusing) Stage(ctx context.Context, s storage.StageRequest) (storage.StageWriter, error) {
	if !r.staging {
		return nil, fs.ErrPermission
	}
	return r.Store.Stage(ctx, s)
}

func (r refusing) Publish(ctx context.Context, key string, pairs []storage.Staged) (storage.Publication, error) {
	if !r.publishing {
		return storage.PublishUnclear, fs.ErrPermission
	}
	return r.Store.Publish(ctx, key, pairs)
}

func TestEachPermissionIsToldByItself(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                string
		staging, publishing bool
		want                string
	}{
		{"all", true, true, ""},
		{"no staging", false, true, "bad stage files, not seen discard staged files, not seen publish files"},
		{"no publishing", true, false, "bad publish files"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := memory.New(memory.Options{})
			var wrong []string
			for _, f := range contract.Permissions(t.Context(), refusing{root, test.staging, test.publishing}, contract.Options{}) {
				if f.Grade != storage.Good {
					wrong = append(wrong, f.Grade.String()+" "+strings.TrimPrefix(f.Name, "may "))
				}
			}
			if got := strings.Join(wrong, ", "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if left := append(root.Objects(), root.Staged()...); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestWhatThereIsNoTimeForIsUnreachable(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	late := errors.New("the time is up")
	var calls atomic.Int32
	root := memory.New(memory.Options{Hook: func(memory.Call) memory.Verdict {
		if calls.Add(1) == 200 {
			cancel(late)
		}
		return memory.Proceed
	}})
	results := contract.Check(ctx, func() (storage.Store, error) { return root, nil }, contract.Options{Racers: 1, Rounds: 1})
	last := results[len(results)-1]
	if len(results) != 19 || !errors.Is(last.Err, late) || errors.Is(last.Err, storage.ErrUnfit) {
		t.Errorf("%d results, the last is %+v", len(results), last)
	}
}
