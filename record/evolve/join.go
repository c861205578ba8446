package evolve

import (
	"strconv"

	"shadoof/record"
)

// widest is how many digits a decimal has that grew: what readers of Parquet files know.
const widest = 38

// join is the least type that holds the values of both without loss, and that decoders read both into:
//
//	int32, int64                int64
//	float, double               double
//	int32, float or double      double: it has every int32, and no other float does
//	enum, enum                  the symbols of both
//	enum, uuid, string          string
//	decimals                    the more digits before the point, the more after it, up to 38 in all
//	struct, list, map           of what is in them
//	union, union                the members of both; those of one kind and name are one
//
// Anything else that differs is a conflict. An int64 is not, since a double does not hold all of them. Times of different units or
// meanings, and a time and a plain number, are not: decoders convert none, and one column of both would be wrong dates. Bytes and
// text, and text and JSON, are not: what was text would have to be written otherwise. A value and a union that could hold it are not,
// because their columns have different shapes: one is plain, the other a struct, and no reader takes both for the same.
//
// It is the join of an order of types (what may become what): so the order in which types come makes no difference.
func (j *joiner) join(path string, old, new *record.Type) record.Type {
	a, b := old.Kind, new.Kind
	switch {
	case a == record.Struct && b == record.Struct && old.Union == new.Union:
		out := *old
		if old.Union {
			out.Fields = j.members(path, old.Fields, new.Fields)
		} else {
			out.Fields = j.fields(path, old.Fields, new.Fields)
		}
		return named(out, new)
	case a == b && (a == record.List || a == record.Map):
		out := *old
		elem := j.field(inElem(path, a), old.Elem, new.Elem)
		out.Elem = &elem
		return out
	case a == record.Enum && b == record.Enum:
		out := *old
		out.Symbols = merged(old.Symbols, new.Symbols)
		if out.Symbol == "" {
			out.Symbol = new.Symbol
		}
		return named(out, new)
	case a == record.Decimal && b == record.Decimal:
		if out, ok := decimals(old, new); ok {
			return named(out, new)
		}
	case a == record.Fixed && b == record.Fixed:
		if old.Size == new.Size {
			return named(*old, new)
		}
	case a == record.Struct || b == record.Struct: // a union and a struct
	case a == b:
		return named(*old, new)
	case isText(a) && isText(b):
		return record.Type{Kind: record.String}
	default:
		if k, ok := numbers(a, b); ok {
			return record.Type{Kind: k}
		}
	}
	j.conflicts = append(j.conflicts, conflict(path, old, new))
	return *old
}

func isText(k record.Kind) bool {
	return k == record.String || k == record.Enum || k == record.UUID
}

// numbers is the kind that holds the numbers of two different ones.
func numbers(a, b record.Kind) (_ record.Kind, ok bool) {
	if a > b {
		a, b = b, a
	}
	switch [2]record.Kind{a, b} {
	case [2]record.Kind{record.Int32, record.Int64}:
		return record.Int64, true
	case [2]record.Kind{record.Double, record.Float}, [2]record.Kind{record.Double, record.Int32}, [2]record.Kind{record.Float, record.Int32}:
		return record.Double, true
	}
	return "", false
}

// decimals is the decimal that holds two. One that nobody widens may have any precision.
func decimals(old, new *record.Type) (_ record.Type, ok bool) {
	out := *old
	scale := max(old.Scale, new.Scale)
	precision := max(old.Precision-old.Scale, new.Precision-new.Scale) + scale
	same := old.Precision == new.Precision && old.Scale == new.Scale
	if !same && max(precision, old.Precision, new.Precision) > widest {
		return out, false
	}
	out.Precision, out.Scale = precision, scale
	if old.Size != new.Size || out.Size < record.DecimalSize(precision) {
		out.Size = 0
	}
	return out, true
}

// named gives a type the name that it has together with another.
func named(t record.Type, new *record.Type) record.Type {
	t.Name, t.Aliases = called(t.Name, t.Aliases, new.Name, new.Aliases)
	return t
}

// members are those of a union. New ones come last, so that member0 stays what it was.
func (j *joiner) members(path string, old, new []record.Field) []record.Field {
	rest := map[memberKey]int{}
	keys := memberKeys(new)
	for i, k := range keys {
		rest[k] = i
	}
	out := make([]record.Field, 0, max(len(old), len(new)))
	for i, k := range memberKeys(old) {
		m := old[i]
		if at, ok := rest[k]; ok {
			m = j.field(within(path, m.Name), &old[i], &new[at])
			delete(rest, k)
		}
		out = append(out, m)
	}
	for i, k := range keys {
		if _, ok := rest[k]; ok {
			m := new[i]
			m.Name, m.Nullable = "member"+strconv.Itoa(len(out)), true
			out = append(out, m)
		}
	}
	return out
}

// A memberKey tells the members of a union apart, as Avro does: one of each kind, and of each name where types have one. Of those that
// are alike in both the first belongs to the first.
type memberKey struct {
	kind record.Kind
	name string
	nth  int
}

func memberKeys(members []record.Field) []memberKey {
	keys := make([]memberKey, len(members))
	count := map[memberKey]int{}
	for i := range members {
		k := memberKey{kind: members[i].Type.Kind, name: members[i].Type.Name}
		k.nth, count[k] = count[k], count[k]+1
		keys[i] = k
	}
	return keys
}
