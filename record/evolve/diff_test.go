package evolve_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/evolve"
)

func TestDiffInWords(t *testing.T) {
	t.Parallel()
	with := func(f record.Field, text string) record.Field {
		f.Default = json.RawMessage(text)
		return f
	}
	in := func(t record.Type) record.Field { return field("s", structOf(field("x", t))) }
	for _, c := range []struct {
		old, new *record.Schema
		want     []string // with a "!" where it is breaking
	}{
		{rows(in(kind(record.Int32))), rows(in(kind(record.Int64))), []string{"field s.x: int32 became int64"}},
		{rows(in(kind(record.Int64))), rows(in(kind(record.Int32))), []string{"!field s.x: int64 became int32"}},
		{rows(in(kind(record.Int64))), rows(in(kind(record.Double))), []string{"!field s.x: int64 became double"}},
		{rows(in(decimal(10, 2))), rows(in(decimal(12, 4))), []string{"field s.x: decimal(10,2) became decimal(12,4)"}},
		{rows(in(decimal(10, 2))), rows(in(decimal(10, 4))), []string{"!field s.x: decimal(10,2) became decimal(10,4)"}},
		{rows(in(enum("A"))), rows(in(kind(record.String))), []string{"field s.x: enum<A> became string"}},
		{rows(in(enum("A"))), rows(in(enum("B", "A"))), []string{"field s.x: new symbols B"}},
		{rows(in(enum("A", "B", "C"))), rows(in(enum("B", "D"))), []string{"!field s.x: new symbols D, and A, C are gone"}},
		{rows(in(enum("A", "B"))), rows(in(enum("B", "A"))), nil},
		{rows(field("a", kind(record.Int32))), rows(field("a", kind(record.Int32)), nullable(field("b", list(kind(record.Bytes))))), []string{"field b: new, list<bytes>, may be null"}},
		{rows(field("a", kind(record.Int32)), field("b", kind(record.Int32))), rows(field("b", kind(record.Int32))), []string{"field a: gone, it was int32"}},
		{rows(field("a", kind(record.Int32))), rows(nullable(field("a", kind(record.Int64)))), []string{"field a: int32 became int64", "field a: may be null now"}},
		{rows(nullable(field("a", kind(record.Int32)))), rows(field("a", kind(record.Int32))), []string{"!field a: may not be null any more"}},
		{rows(with(field("a", kind(record.Int32)), "1")), rows(with(field("a", kind(record.Int32)), "2")), []string{"field a: the default 1 became 2"}},
		{rows(field("a", kind(record.Int32))), rows(with(field("a", kind(record.Int32)), "2")), []string{"field a: the default is 2 now"}},
		{rows(with(field("a", list(kind(record.Int32))), "[ 1 ]")), rows(with(field("a", list(kind(record.Int32))), "[1]")), nil},
		{rows(with(field("a", kind(record.Int32)), "1")), rows(field("a", kind(record.Int32))), []string{"field a: the default 1 is gone"}},
		{rows(field("a", kind(record.Int32)), field("b", kind(record.Int32)), field("c", kind(record.Int32)), field("d", kind(record.Int32))),
			rows(field("a", kind(record.Int32)), field("c", kind(record.Int32)), field("b", kind(record.Int32)), field("d", kind(record.Int32))),
			[]string{"the row: the order b, c became c, b"}},
		{rows(field("l", list(kind(record.Int32)))), rows(field("l", list(kind(record.String)))), []string{"!field l[]: int32 became string"}},
		{rows(field("m", mapOf(structOf(field("x", kind(record.Int32)))))), rows(field("m", mapOf(structOf(field("y", kind(record.Int32)))))),
			[]string{"field m{}.x: gone, it was int32", "field m{}.y: new, int32"}},
		{rows(field("u", union(kind(record.Int32), kind(record.String)))), rows(field("u", union(kind(record.String), kind(record.Int32)))),
			[]string{"!field u.member0: int32 became string", "!field u.member1: string became int32"}},
		{rows(field("u", kind(record.Int32))), rows(field("u", union(kind(record.Int32), kind(record.String)))), []string{"!field u: int32 became union<int32, string>"}},
		{rows(field("e", named("A", enum("X")))), rows(field("e", named("B", enum("X"), "A"))), []string{"field e: the type's name A became B", "field e: new aliases A"}},
		{&record.Schema{Name: "A", Fields: rows(in(kind(record.Int32))).Fields}, rows(in(kind(record.Int32))), []string{"the row: the type's name A is gone"}},
	} {
		var got []string
		for _, change := range evolve.Diff(c.old, c.new) {
			breaking := ""
			if change.Breaking() {
				breaking = "!"
			}
			got = append(got, breaking+change.String())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestChangesAsJSON(t *testing.T) {
	t.Parallel()
	old := rows(field("a", kind(record.Int32)), field("b", kind(record.Int32)))
	got, err := json.Marshal(evolve.Diff(old, rows(nullable(field("a", kind(record.Int64))))))
	want := `[{"path":"a","kind":"widened","from":"int32","to":"int64"},{"path":"a","kind":"nullable"},{"path":"b","kind":"removed","from":"int32"}]`
	if string(got) != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	x, y := field("x", kind(record.Int32)), field("y", kind(record.Int32))
	alias := field("now", kind(record.Int32))
	alias.Aliases = []string{"then"}
	writer := rows(field("s", structOf(x, y)), field("l", list(structOf(y, x))), field("m", mapOf(structOf(x, y))), field("gone", structOf(x, y)),
		field("then", kind(record.Int32)), field("u", union(kind(record.String), named("R", structOf(x, y)))), field("other", structOf(x)))
	target := rows(field("u", union(named("R", structOf(x)), kind(record.Int32))), field("s", structOf(y)), field("l", list(structOf(x))), field("m", mapOf(structOf(x, y))),
		alias, field("other", kind(record.Int32)))
	want := []string{"s.x", "l[].y", "gone", "u.member1.y"}
	if diff := cmp.Diff(want, evolve.Lost(writer, target)); diff != "" {
		t.Error(diff)
	}
}
