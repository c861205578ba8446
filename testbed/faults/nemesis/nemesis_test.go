package nemesis_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/faults/nemesis"
)

// things are three faults on two things; they note that they are under way, and what is broken twice.
func things(twice *[]string) []nemesis.Fault {
	broken := map[string]bool{}
	make := func(name, on string, mends bool) nemesis.Fault {
		return nemesis.Fault{Name: name, On: on, Shortest: time.Second, Longest: 3 * time.Second,
			Begin: func(_ context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
				note("draws %d", r.IntN(100))
				if broken[on] {
					*twice = append(*twice, on)
				}
				if !mends {
					return nil, nil
				}
				broken[on] = true
				return func(context.Context) error { delete(broken, on); return nil }, nil
			}}
	}
	return []nemesis.Fault{make("a kill", "a", false), make("a pause", "a", true), make("b pause", "b", true)}
}

func strikes(t *testing.T, seed uint64) (all []nemesis.Moment) {
	var twice []string
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		d := nemesis.Driver{Seed: seed, Faults: things(&twice), AtOnce: 2, Shortest: time.Second, Longest: 2 * time.Second,
			Log: func(m nemesis.Moment) { all = append(all, m) }}
		if err := d.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	if len(twice) > 0 {
		t.Errorf("broken twice at once: %v", twice)
	}
	return all
}

func TestWhatBeginsEnds(t *testing.T) {
	t.Parallel()
	begun, ended, kinds := map[int]bool{}, map[int]bool{}, map[string]int{}
	for _, m := range strikes(t, 7) {
		switch m.What {
		case "begin":
			begun[m.Strike] = true
			kinds[m.Fault]++
		case "end":
			ended[m.Strike] = true
		}
	}
	if diff := cmp.Diff(begun, ended); diff != "" || len(begun) < 20 {
		t.Errorf("%d strikes, begun and ended:\n%s", len(begun), diff)
	}
	if len(kinds) != 3 {
		t.Errorf("struck %v, want each of three", kinds)
	}
}

func TestASeedStrikesTheSameWay(t *testing.T) {
	t.Parallel()
	names := func(seed uint64) (out []string) {
		for _, m := range strikes(t, seed) {
			if m.What == "note" {
				out = append(out, m.Fault+" "+m.Text)
			}
		}
		return out
	}
	if diff := cmp.Diff(names(7), names(7)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(names(7), names(8)) {
		t.Error("two seeds strike the same way")
	}
}

func TestAFaultThatCannotBeginEndsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bad := nemesis.Fault{Name: "bad", On: "x", Begin: func(context.Context, *rand.Rand, func(string, ...any)) (func(context.Context) error, error) {
			return nil, errors.New("no such thing")
		}}
		d := nemesis.Driver{Seed: 1, Faults: []nemesis.Fault{bad}, Log: func(nemesis.Moment) {}}
		if err := d.Run(t.Context()); err == nil || err.Error() != `fault "bad", strike 1: no such thing` {
			t.Error(err)
		}
	})
}
