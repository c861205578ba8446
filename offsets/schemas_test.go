package offsets

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/storage/memory"
)

func TestAnIDKeepsItsSchema(t *testing.T) {
	t.Parallel()
	const first, second = "00000000000000aa", "00000000000000bb"
	ctx, store := t.Context(), memory.New(memory.Options{})
	l := open(store, 1)
	for range 2 {
		if err := l.KeepWriter(ctx, 7, first, []byte("one")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.KeepWriter(ctx, 70, second, []byte("seventy")); err != nil { // its name begins like that of 7
		t.Fatal(err)
	}
	if err := open(store, 2).KeepWriter(ctx, 7, first, []byte("one, laid out anew")); err != nil {
		t.Errorf("the same fingerprint: %v", err)
	}
	err := open(store, 3).KeepWriter(ctx, 7, second, []byte("two"))
	var other *OtherSchemaError
	if !errors.As(err, &other) || other.ID != 7 || !cmp.Equal(other.Have, []string{first}) {
		t.Fatalf("another fingerprint: %v", err)
	}
	if err := l.AcceptWriter(ctx, 7, second, []byte("two")); err != nil {
		t.Fatal(err)
	}
	if err := open(store, 4).KeepWriter(ctx, 7, second, []byte("two")); err != nil {
		t.Errorf("a person accepted it: %v", err)
	}
	for fingerprint, want := range map[string]string{first: "one", second: "two"} {
		if got, err := l.KeptWriter(ctx, 7, fingerprint); err != nil || string(got) != want {
			t.Errorf("%s is kept as %q, %v", fingerprint, got, err)
		}
	}
	all, err := l.KeptWriters(ctx)
	slices.SortFunc(all, func(a, b KeptSchema) int { return strings.Compare(string(a.Data), string(b.Data)) })
	if diff := cmp.Diff([]KeptSchema{{7, first, []byte("one")}, {70, second, []byte("seventy")}, {7, second, []byte("two")}}, all); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := l.KeptWriter(ctx, 8, first); !errors.Is(err, ErrDamaged) {
		t.Errorf("a schema that was never kept: %v", err)
	}
}

func TestTargetsComeInTheOrderOfTheirVersions(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), memory.New(memory.Options{})
	for seed, c := range []struct {
		v    int64
		text string
	}{{112, "c"}, {0, "a"}, {9, "b"}, {9, "b"}} {
		if err := open(store, int64(seed)).KeepTarget(ctx, c.v, "00000000000000aa", []byte(c.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(store, 5).KeepWriter(ctx, 7, "00000000000000bb", []byte("no target")); err != nil {
		t.Fatal(err)
	}
	got, err := open(store, 6).KeptTargets(ctx)
	if diff := cmp.Diff([][]byte{[]byte("a"), []byte("b"), []byte("c")}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
