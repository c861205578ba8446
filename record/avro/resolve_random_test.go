package avro_test

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	twmb "github.com/twmb/avro"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/internal/recordtest"
)

// Random schemas that changed in random ways: rows are what a plain reading of the specification makes of what was written, and what
// the library makes of it. What does not fit is refused by all, and leaves no trace.
//
// The library differs where it refuses a pair at once because a branch of the writer's union or a symbol has nothing to go to; by the
// specification that is an error when such a value comes. It takes bytes that are not UTF-8 for a string, and a field of a union that
// begins with null for one with a default, and a decimal for a text.
func TestResolutionAgreesWithPlainOnes(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var pairs, incompatible, lazy, rows, refused int
	for pairs < 500 {
		wt := recordtest.RandomRecord(r, 3)
		tt, e := changedBy(r, wt)
		text := e.schema(tt, false)
		target, err := avro.Parse(text)
		if err != nil {
			continue // a union with a type twice, a record without columns
		}
		pairs++
		writer := parse(t, wt.Avro(false))
		about := func() string { return "written " + string(wt.Avro(false)) + "\nwanted " + string(text) }
		_, errFull := twmb.Resolve(twmb.MustParse(string(wt.Avro(false))), twmb.MustParse(string(text)))
		res, err := avro.Resolve(writer, target.Schema)
		if err != nil {
			if errFull == nil && !strings.Contains(err.Error(), "the writer has no such field") && !strings.Contains(err.Error(), "decimal(") {
				t.Fatalf("the library takes what is refused: %v\n%s", err, about())
			}
			incompatible++
			continue
		}
		generic, errPlain := twmb.Resolve(twmb.MustParse(string(wt.Avro(true))), twmb.MustParse(string(e.schema(tt, true))))
		if (errFull == nil) != (errPlain == nil) {
			t.Fatalf("the library: %v, without logical types %v", errFull, errPlain)
		}
		if errFull != nil {
			lazy++
		}
		got, want := record.NewColumns(target.Schema), record.NewColumns(target.Schema)
		dec := res.NewDecoder()
		for range 4 {
			o := oracle{evolution: e}
			row := recordtest.RandomRow(r, wt)
			wire := recordtest.AppendAvro(nil, r, wt, row)
			rows++
			err := dec.Decode(got, &record.Raw{Value: wire})
			expected, ok := o.single(wt, tt, row)
			var bad *record.BadRecord
			switch {
			case o.raw && err == nil:
				got.Rollback()
				continue
			case !ok && errors.As(err, &bad) && bad.Reason == record.Unfit && !strings.HasPrefix(bad.Detail, "byte"):
				refused++
				continue
			case !ok || err != nil:
				t.Fatalf("row %v: %v, fits: %v\n%s", row, err, ok, about())
			}
			got.EndRow()
			recordtest.Shred(want, expected.([]any))
			if generic == nil || o.other {
				continue
			}
			var v any
			if rest, err := generic.Decode(wire, &v, twmb.TaggedUnions()); err != nil || len(rest) > 0 {
				t.Fatalf("generic decoder: %v, %d bytes left\n%s", err, len(rest), about())
			}
			if d := recordtest.DiffRows(fromGeneric(tt, v), unordered(expected)); d != "" {
				t.Fatalf("generic decoder: -got +want\n%s\n%s", d, about())
			}
		}
		if d := recordtest.DiffColumns(got, want); d != "" {
			t.Fatalf("columns: -got +want\n%s\n%s", d, about())
		}
	}
	t.Logf("%d pairs, %d incompatible, %d only as long as the data fits; %d rows, %d refused", pairs, incompatible, lazy, rows, refused)
	if incompatible < 10 || lazy < 10 || refused < 10 || rows < 1000 {
		t.Error("that tests little")
	}
}

// An oracle resolves values of rows by a plain reading of the specification.
type oracle struct {
	*evolution
	raw   bool // a value lost the logical type that its row is written by: what its bytes were is not known
	other bool // a value passed over a branch for its logical type, which the library does not see
}

// field resolves a type that may be a union.
func (o *oracle) field(w, t *recordtest.Type, v any) (any, bool) {
	if w.Kind != "union" {
		return o.single(w, t, v)
	}
	nullable := len(w.Branches) == 2 && slices.ContainsFunc(w.Branches, func(b *recordtest.Type) bool { return b.Kind == "null" })
	member := 0
	for _, b := range w.Branches {
		switch {
		case b.Kind == "null":
			if v == nil {
				return o.single(b, t, nil)
			}
		case v != nil && nullable:
			return o.single(b, t, v)
		case v != nil && v.([]any)[member] != nil:
			return o.single(b, t, v.([]any)[member])
		default:
			member++
		}
	}
	panic("no branch")
}

// single resolves a type that is not a union.
func (o *oracle) single(w, t *recordtest.Type, v any) (any, bool) {
	if t.Kind != "union" {
		if !o.matches(w, t) && !converts(w, t) {
			return nil, false
		}
		return o.value(w, t, v)
	}
	best := slices.IndexFunc(t.Branches, func(b *recordtest.Type) bool { return b.Kind == w.Kind && o.matches(w, b) })
	if best < 0 {
		best = slices.IndexFunc(t.Branches, func(b *recordtest.Type) bool { return o.matches(w, b) })
	}
	if best < 0 {
		best = slices.IndexFunc(t.Branches, func(b *recordtest.Type) bool { return converts(w, b) })
	}
	if best < 0 {
		return nil, false
	}
	if w.Kind == "null" {
		return nil, true
	}
	o.other = o.other || w.Logical != "" && slices.ContainsFunc(t.Branches[:best], func(b *recordtest.Type) bool {
		return b.Logical != "" && slices.Contains(promotable[w.Kind], b.Kind)
	})
	in, ok := o.value(w, t.Branches[best], v)
	var members []any
	for i, b := range t.Branches {
		switch {
		case b.Kind == "null":
		case i == best:
			members = append(members, in)
		default:
			members = append(members, nil)
		}
	}
	if len(members) == 1 && len(t.Branches) == 2 {
		return in, ok
	}
	return members, ok
}

// converts says what is read beyond the specification. The evolution leaves the digits of decimals alone; a branch of a union that has
// lost its own may go to another.
func converts(w, t *recordtest.Type) bool {
	return w.Logical == "decimal" && t.Logical == "decimal" && t.Scale >= w.Scale && t.Precision-t.Scale >= w.Precision-w.Scale || w.Logical == "uuid" && (t.Logical == "uuid" || t.Kind == "string") ||
		w.Kind == "string" && t.Logical == "uuid" || w.Kind == "enum" && t.Kind == "string" && t.Logical == ""
}

func (o *oracle) matches(w, t *recordtest.Type) bool {
	if w.Kind == "union" || t.Kind == "union" {
		return true
	}
	if w.Kind != t.Kind {
		return (w.Logical == "" || t.Logical == "") && w.Logical != "decimal" && t.Logical != "decimal" && slices.Contains(promotable[w.Kind], t.Kind) && !(w.Kind == "long" && t.Kind == "int")
	}
	switch w.Kind {
	case "array", "map":
		return o.matches(w.Elem, t.Elem) || converts(w.Elem, t.Elem)
	case "record", "enum", "fixed":
		return w.Size == t.Size && (local(w.Name) == local(t.Name) || local(o.aliases[t.Name]) == local(w.Name))
	}
	return true
}

func (o *oracle) value(w, t *recordtest.Type, v any) (any, bool) {
	if w.Logical == "decimal" && t.Logical == "decimal" {
		return rescaled(v.(string), w, t), true
	}
	o.raw = o.raw || t.Logical == "" && (w.Logical == "decimal" || w.Logical == "uuid" && w.Kind == "fixed")
	switch t.Kind {
	case "record":
		return o.record(w, t, v.([]any))
	case "array":
		out := []any{}
		for _, e := range v.([]any) {
			in, ok := o.field(w.Elem, t.Elem, e)
			if !ok {
				return nil, false
			}
			out = append(out, in)
		}
		return out, true
	case "map":
		out := []recordtest.Entry{}
		for _, e := range v.([]recordtest.Entry) {
			in, ok := o.field(w.Elem, t.Elem, e.Value)
			if !ok {
				return nil, false
			}
			out = append(out, recordtest.Entry{Key: e.Key, Value: in})
		}
		return out, true
	case "enum":
		if slices.Contains(t.Symbols, v.(string)) {
			return v, true
		}
		s, ok := o.symbol[t.Name]
		return s, ok
	case "string":
		return v, utf8.ValidString(v.(string))
	}
	switch n := v.(type) {
	case int32:
		switch t.Kind {
		case "long":
			return int64(n), t.Logical != "time-micros" || n >= 0
		case "float":
			return float32(n), true
		case "double":
			return float64(n), true
		}
	case int64:
		switch t.Kind {
		case "float":
			return float32(n), true
		case "double":
			return float64(n), true
		}
	case float32:
		if t.Kind == "double" {
			return float64(n), true
		}
	}
	return v, true
}

// rescaled is a decimal in the form of another's column.
func rescaled(v string, w, t *recordtest.Type) string {
	size := t.Size
	if size == 0 {
		size = record.DecimalSize(t.Precision)
	}
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Scale-w.Scale)), nil)
	return recordtest.TwosComplement(factor.Mul(factor, recordtest.FromTwosComplement(v)), size)
}

func (o *oracle) record(w, t *recordtest.Type, row []any) (any, bool) {
	written := map[string]any{}
	types := map[string]*recordtest.Type{}
	for _, f := range w.Fields {
		types[f.Name] = f.Type
		if f.Type.Kind != "null" {
			written[f.Name], row = row[0], row[1:]
		}
	}
	out := []any{}
	for _, f := range t.Fields {
		name := f.Name
		if types[name] == nil {
			name = o.aliases[name]
		}
		switch {
		case f.Type.Kind == "null":
		case types[name] == nil:
			out = append(out, o.rows[f.Name])
		default:
			v, ok := o.field(types[name], f.Type, written[name])
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
	}
	return out, true
}
