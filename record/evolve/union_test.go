package evolve_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/evolve"
)

func kind(k record.Kind) record.Type { return record.Type{Kind: k} }

func decimal(precision, scale int) record.Type {
	return record.Type{Kind: record.Decimal, Precision: precision, Scale: scale}
}

func fixedDecimal(precision, scale, size int) record.Type {
	return record.Type{Kind: record.Decimal, Precision: precision, Scale: scale, Size: size}
}

func enum(symbols ...string) record.Type { return record.Type{Kind: record.Enum, Symbols: symbols} }

func list(t record.Type) record.Type {
	return record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: t}}
}

func mapOf(t record.Type) record.Type {
	return record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Type: t}}
}

func structOf(fields ...record.Field) record.Type {
	return record.Type{Kind: record.Struct, Fields: fields}
}

func union(types ...record.Type) record.Type {
	u := record.Type{Kind: record.Struct, Union: true}
	for i, t := range types {
		u.Fields = append(u.Fields, record.Field{Name: "member" + string(rune('0'+i)), Type: t, Nullable: true})
	}
	return u
}

func field(name string, t record.Type) record.Field { return record.Field{Name: name, Type: t} }

func nullable(f record.Field) record.Field {
	f.Nullable = true
	return f
}

func rows(fields ...record.Field) *record.Schema { return &record.Schema{Fields: fields} }

func named(name string, t record.Type, aliases ...string) record.Type {
	t.Name, t.Aliases = name, aliases
	return t
}

func TestTypesThatHoldBoth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want record.Type }{
		{kind(record.Int32), kind(record.Int64), kind(record.Int64)},
		{kind(record.Float), kind(record.Double), kind(record.Double)},
		{kind(record.Int32), kind(record.Double), kind(record.Double)},
		{kind(record.Int32), kind(record.Float), kind(record.Double)},
		{enum("A", "B"), enum("C", "B"), enum("A", "B", "C")},
		{enum("A"), kind(record.String), kind(record.String)},
		{kind(record.UUID), kind(record.String), kind(record.String)},
		{kind(record.UUID), enum("A"), kind(record.String)},
		{decimal(10, 2), decimal(6, 4), decimal(12, 4)},
		{decimal(38, 2), decimal(36, 0), decimal(38, 2)},
		{fixedDecimal(9, 2, 8), fixedDecimal(5, 4, 8), fixedDecimal(11, 4, 8)},
		{fixedDecimal(9, 2, 4), fixedDecimal(5, 4, 4), decimal(11, 4)},
		{fixedDecimal(9, 2, 4), fixedDecimal(9, 2, 5), decimal(9, 2)},
		{decimal(45, 2), decimal(45, 2), decimal(45, 2)},
		{list(kind(record.Int32)), list(kind(record.Int64)), list(kind(record.Int64))},
		{mapOf(kind(record.Float)), mapOf(kind(record.Double)), mapOf(kind(record.Double))},
		{structOf(field("a", kind(record.Int32))), structOf(field("b", kind(record.Bytes)), field("a", kind(record.Int64))),
			structOf(field("a", kind(record.Int64)), nullable(field("b", kind(record.Bytes))))},
		{union(kind(record.Int32), enum("A")), union(enum("B"), kind(record.String)), union(kind(record.Int32), enum("A", "B"), kind(record.String))},
		{union(named("R", structOf(field("a", kind(record.Int32))))), union(named("S", structOf(field("a", kind(record.Bytes)))), named("R", structOf(field("a", kind(record.Int64))))),
			union(named("R", structOf(field("a", kind(record.Int64)))), named("S", structOf(field("a", kind(record.Bytes)))))},
		{named("com.A", enum("A")), named("com.B", enum("A"), "com.C"), named("com.A", enum("A"), "com.B", "com.C")},
		{enum("A"), named("com.B", enum("A")), named("com.B", enum("A"))},
		{named("com.A", enum("A"), "com.B"), named("com.B", enum("A"), "com.A"), named("com.A", enum("A"), "com.B")},
	} {
		u, err := evolve.Union(rows(field("f", c.old)), rows(field("f", c.new)))
		if err != nil {
			t.Errorf("%s and %s: %v", record.TypeName(c.old), record.TypeName(c.new), err)
			continue
		}
		if diff := cmp.Diff(rows(field("f", c.want)), u); diff != "" {
			t.Errorf("%s and %s (-want +got):\n%s", record.TypeName(c.old), record.TypeName(c.new), diff)
		}
	}
}

func TestTypesThatNoTypeHolds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		old, new record.Type
		want     string // of its error
	}{
		{kind(record.Int64), kind(record.Double), "field f: it is int64 in the rows so far, and double in the new schema: a double does not hold every int64"},
		{kind(record.Float), kind(record.Int64), "a double does not hold every int64"},
		{decimal(38, 2), decimal(38, 3), "field f: it is decimal(38,2) in the rows so far, and decimal(38,3) in the new schema: both together need more than 38 digits"},
		{decimal(40, 2), decimal(10, 2), "more than 38 digits"},
		{kind(record.TimestampMillis), kind(record.TimestampMicros), "the same number means another time in each"},
		{kind(record.TimestampMillis), kind(record.LocalMillis), "the same number means another time in each"},
		{kind(record.Int64), kind(record.TimestampMillis), "one is a time, the other a plain number"},
		{kind(record.Date), kind(record.Int32), "one is a time, the other a plain number"},
		{kind(record.String), kind(record.JSON), "the text would have to be written as JSON"},
		{kind(record.String), kind(record.Bytes), "field f: it is string in the rows so far, and bytes in the new schema"},
		{kind(record.Int64), decimal(20, 0), "int64 in the rows so far, and decimal(20,0)"},
		{kind(record.Int32), kind(record.String), "int32 in the rows so far, and string"},
		{record.Type{Kind: record.Fixed, Size: 4}, record.Type{Kind: record.Fixed, Size: 8}, "fixed(4) in the rows so far, and fixed(8)"},
		{record.Type{Kind: record.Fixed, Size: 4}, kind(record.Bytes), "fixed(4) in the rows so far, and bytes"},
		{kind(record.String), union(kind(record.String), kind(record.Int32)), "a column of one value is no column of a union"},
		{structOf(field("member0", kind(record.String))), union(kind(record.String)), "a column of one value is no column of a union"},
		{list(kind(record.Int32)), kind(record.Int32), "list<int32> in the rows so far, and int32"},
		{list(kind(record.Int32)), list(kind(record.String)), "field f[]: it is int32"},
		{mapOf(structOf(field("x", kind(record.Int32)))), mapOf(structOf(field("x", kind(record.Boolean)))), "field f{}.x: it is int32"},
		{union(named("F", record.Type{Kind: record.Fixed, Size: 1}), kind(record.Int32)), union(named("F", record.Type{Kind: record.Fixed, Size: 2})), "field f.member0: it is fixed(1)"},
	} {
		for _, back := range []bool{false, true} {
			old, new := c.old, c.new
			if back {
				old, new = new, old
			}
			u, err := evolve.Union(rows(field("f", old)), rows(field("f", new)))
			var misfit *record.MisfitError
			if u != nil || !errors.As(err, &misfit) || !strings.HasPrefix(misfit.Path, "f") {
				t.Errorf("%s and %s: %v, %v", record.TypeName(old), record.TypeName(new), u, err)
			} else if !back && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s and %s: error %q, want %q", record.TypeName(old), record.TypeName(new), err, c.want)
			}
		}
	}
}

func TestAllConflictsAreFound(t *testing.T) {
	t.Parallel()
	old := rows(field("a", kind(record.Int32)), field("b", structOf(field("x", kind(record.Date)), field("y", kind(record.Bytes)))), field("c", kind(record.Boolean)))
	new := rows(field("c", kind(record.Bytes)), field("b", structOf(field("y", kind(record.String)), field("x", kind(record.Date)))), field("a", kind(record.Int64)))
	_, err := evolve.Union(old, new)
	var conflicts *evolve.ConflictError
	if !errors.As(err, &conflicts) {
		t.Fatal(err)
	}
	var paths []string
	for _, c := range conflicts.Conflicts {
		paths = append(paths, c.Path)
	}
	if diff := cmp.Diff([]string{"b.y", "c"}, paths); diff != "" {
		t.Error(diff)
	}
	want := "field b.y: it is bytes in the rows so far, and string in the new schema; field c: it is boolean in the rows so far, and bytes in the new schema"
	if err.Error() != want {
		t.Errorf("error %q", err)
	}
}

// Rows that are written from now on may lack the field, and files from before have no such column.
func TestFieldsThatOneSideLacks(t *testing.T) {
	t.Parallel()
	withDefault := field("b", kind(record.Int32))
	withDefault.Default = json.RawMessage("7")
	was := field("old_name", kind(record.Int32))
	is := field("name", kind(record.Int32))
	is.Aliases = []string{"old_name"}
	a := rows(field("a", kind(record.Int32)), was)
	b := rows(withDefault, is, field("a", kind(record.Int32)))
	u, err := evolve.Union(a, b)
	want := rows(field("a", kind(record.Int32)), nullable(was), nullable(withDefault), nullable(is))
	if diff := cmp.Diff(want, u); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestRowsThatCannotBe(t *testing.T) {
	t.Parallel()
	many := func(prefix string) *record.Schema {
		s := &record.Schema{}
		for i := range record.MaxLeaves {
			s.Fields = append(s.Fields, field(prefix+string(rune('a'+i%26))+strings.Repeat("x", i/26), kind(record.Int32)))
		}
		return s
	}
	if _, err := evolve.Union(many("l"), many("r")); err == nil || !strings.Contains(err.Error(), "20000 columns, more than 10000") {
		t.Error(err)
	}
}
