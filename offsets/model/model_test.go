package model

import (
	"os"
	"strings"
	"testing"
)

// limit is more states than any configuration has.
const limit = 60_000_000

// asked says whether a configuration is to be explored: SHADOOF_LONG=1 asks for all of them.
func asked(s size) bool {
	switch {
	case os.Getenv("SHADOOF_LONG") != "":
		return true
	case testing.Short():
		return s == short
	}
	return s <= normal
}

func TestProtocolKeepsItsInvariants(t *testing.T) {
	for _, c := range configs {
		if !asked(c.size) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			r, err := Explore(c.name, "", limit)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(r)
			if r.Violation != "" || !r.Complete {
				t.Errorf("%s\n%s\n%s", r, r.Violation, strings.Join(r.Trace, "\n"))
			}
		})
	}
}

func TestEveryBrokenRuleGivesACounterexample(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			r, err := Explore(f.config, f.name, limit)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %s\n%s\n%s", f.about, r, r.Violation, strings.Join(r.Trace, "\n"))
			if r.Violation == "" || len(r.Trace) > 12 {
				t.Errorf("%s: %s", f.about, r)
			}
		})
	}
}

// With exclusive repairs no token is left over, so the order of marker and discard, and a marker for repairs, do not matter.
func TestExclusiveRepairsLeaveNoTokenBehind(t *testing.T) {
	if !asked(normal) {
		return
	}
	for _, name := range []string{"mark-then-discard", "repair-unmarked"} {
		if r, err := Explore("exclusive", name, limit); err != nil || r.Violation != "" || !r.Complete {
			t.Errorf("%s: %s, %v", name, r, err)
		}
	}
}

// Merging states must not hide a violation.
func TestMergingStatesKeepsTheVerdict(t *testing.T) {
	for _, f := range faults {
		m, err := newModel(f.config)
		if err != nil {
			t.Fatal(err)
		}
		f.set(&m.fault)
		merged := m.explore(limit)
		if len(merged.Trace) > 8 && !asked(long) || len(merged.Trace) > 6 && testing.Short() {
			continue
		}
		m.plain = true
		if plain := m.explore(limit); len(plain.Trace) != len(merged.Trace) {
			t.Errorf("%s: %d steps merged, %d plain", f.name, len(merged.Trace), len(plain.Trace))
		}
	}
}

func TestExploreRefusesUnknownNames(t *testing.T) {
	if r, err := Explore("nothing", "", 1); err == nil {
		t.Error(r)
	}
	if r, err := Explore("small", "nothing", 1); err == nil {
		t.Error(r)
	}
}
