package avro

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"shadoof/record/internal/recordtest"
)

// A schema that is read as itself costs nothing: the plan is the one without resolution.
func TestWhatDoesNotDifferHasThePlanOfOneSchema(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		text := recordtest.RandomRecord(r, 4).Avro(false)
		w, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		res, err := Resolve(w, p)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !reflect.DeepEqual(res.plan, p.plan) {
			t.Fatalf("%s:\ngot  %+v\nwant %+v", text, res.plan, p.plan)
		}
	}
}
