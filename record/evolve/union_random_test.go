package evolve_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/evolve"
	"shadoof/record/json"
)

// A law is a check of one seed.
type law struct {
	*testing.T
	seed uint64
}

func (t law) Fatalf(format string, args ...any) {
	t.Helper()
	t.T.Fatalf("seed %d: "+format, append([]any{t.seed}, args...)...)
}

// unite is Union, and what always holds of it.
func unite(t law, a, b *record.Schema) (*record.Schema, bool) {
	before := a.Fingerprint() + b.Fingerprint()
	u, err := evolve.Union(a, b)
	if after := a.Fingerprint() + b.Fingerprint(); after != before {
		t.Fatalf("Union changed what it was given")
	}
	var conflicts *evolve.ConflictError
	switch {
	case errors.As(err, &conflicts):
		return nil, false
	case err != nil:
		t.Fatalf("%v", err)
	}
	if err := u.Validate(); err != nil {
		t.Fatalf("%v", err)
	}
	return u, true
}

func TestUnionIsAJoin(t *testing.T) {
	t.Parallel()
	united, refused := 0, 0
	for seed := range seeds(t, 1000) {
		t, g := law{t, seed}, newGenerator(seed)
		a, b, c := g.schema(), g.schema(), g.schema()
		same := func(law string, got, want *record.Schema) {
			if got.Fingerprint() != want.Fingerprint() {
				t.Fatalf("%s (-want +got):\n%s", law, cmp.Diff(want, got))
			}
		}
		alike := func(law string, got *record.Schema, ok bool, want *record.Schema, wantOK bool) {
			switch {
			case ok != wantOK:
				t.Fatalf("%s: goes together %v and %v", law, ok, wantOK)
			case ok:
				if want, got := canonical(want), canonical(got); got != want {
					t.Fatalf("%s:\n%s\n%s", law, want, got)
				}
			}
		}
		aa, ok := unite(t, a, a)
		if !ok {
			t.Fatalf("a schema does not go with itself")
		}
		same("Union(a, a) is a", aa, a)

		ab, ok := unite(t, a, b)
		ba, okBA := unite(t, b, a)
		alike("Union(a, b) and Union(b, a)", ab, ok, ba, okBA)
		if ok {
			united++
			for _, held := range []*record.Schema{a, b} {
				again, ok := unite(t, ab, held)
				if !ok {
					t.Fatalf("rows do not go with what they hold")
				}
				same("Union(Union(a, b), a or b) is Union(a, b)", again, ab)
			}
		} else {
			refused++
		}

		// Also where two do not go together: then the three do not, whichever came first.
		bc, okRight := unite(t, b, c)
		left, right, okLeft := ab, bc, ok
		if okLeft {
			left, okLeft = unite(t, ab, c)
		}
		if okRight {
			right, okRight = unite(t, a, bc)
		}
		alike("Union(Union(a, b), c) and Union(a, Union(b, c))", left, okLeft, right, okRight)

		n := evolve.Nullable(a)
		for _, f := range n.Fields {
			if !f.Nullable {
				t.Fatalf("field %s of Nullable(a) may not be null", f.Name)
			}
		}
	}
	t.Logf("%d pairs went together, %d did not", united, refused)
	if united < 300 || refused < 20 {
		t.Errorf("%d pairs went together, %d did not: the schemas prove little", united, refused)
	}
}

func TestNothingOfEitherIsLostInAUnion(t *testing.T) {
	t.Parallel()
	for seed := range seeds(t, 700) {
		t, g := law{t, seed}, newGenerator(seed)
		a, b := g.schema(), g.schema()
		u, ok := unite(t, a, b)
		if !ok {
			continue
		}
		if _, err := json.NewDecoder(u); err != nil { // the defaults have to fit what types became
			t.Fatalf("%v", err)
		}
		for _, s := range []*record.Schema{a, b} {
			if lost := evolve.Lost(s, u); len(lost) > 0 {
				t.Fatalf("lost: %v", lost)
			}
		}
		// In the order of their columns that is so of the old rows too: what is new comes last, and what is there becomes wider at most.
		for _, c := range evolve.Diff(a, u) {
			if c.Breaking() || c.Kind == evolve.Moved || c.Kind == evolve.Removed {
				t.Fatalf("old rows would have to change: %s", c)
			}
		}
		wanted := len(evolve.Lost(b, a)) == 0 && u.Fingerprint() == a.Fingerprint()
		if none := len(evolve.Diff(a, u)) == 0; wanted && !none {
			t.Fatalf("no change, and Diff shows one")
		} else if none && u.Fingerprint() != a.Fingerprint() {
			t.Fatalf("Diff shows no change:\n%s", cmp.Diff(a, u))
		}
	}
}
