package avro

import (
	"math/rand/v2"
	"testing"

	"shadoof/record/internal/recordtest"
)

// A schema that is read as itself costs nothing: nothing in its plan is there for a difference.
func TestWhatDoesNotDifferHasAPlainPlan(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		text := recordtest.RandomRecord(r, 4).Avro(false)
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var check func(ns []node)
		check = func(ns []node) {
			for i := range ns {
				if ns[i].op > opNull || ns[i].other != nil {
					t.Fatalf("%s:\n%s: op %d", text, ns[i].path, ns[i].op)
				}
				check(ns[i].kids)
			}
		}
		check(p.plan)
	}
}
