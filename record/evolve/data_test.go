package evolve_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/evolve"
	"shadoof/record/internal/recordtest"
	"shadoof/record/json"
)

// Two generations of writers share files: what each wrote is read into the rows that hold both, and nothing of it is lost.
func TestDecodersReadBothSides(t *testing.T) {
	t.Parallel()
	united, refused := 0, 0
	for seed := range seeds(t, 200) {
		r := rand.New(rand.NewPCG(seed, 1))
		old := recordtest.RandomRecord(r, 2)
		new := evolved(r, old)
		var writers []*avro.Writer
		for _, typ := range []*recordtest.Type{old, new} {
			w, err := avro.ParseWriter(&record.SchemaText{Format: "avro", Text: string(typ.Avro(false))}, record.ReadOptions{})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			writers = append(writers, w)
		}
		target, err := evolve.Union(writers[0].Rows(), writers[1].Rows())
		if err != nil {
			refused++
			continue
		}
		united++
		for i, typ := range []*recordtest.Type{old, new} {
			from := writers[i].Rows()
			fromAvro, err := writers[i].Decoder(target)
			if err != nil {
				t.Fatalf("seed %d: writer %d: %v\n%s\n%s", seed, i, err, old.Avro(false), new.Avro(false))
			}
			fromJSON, err := json.NewWriter(from).Decoder(target)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for range 3 {
				row := recordtest.RandomRow(r, typ)
				check(t, seed, fromAvro, recordtest.AppendAvro(nil, r, typ, row), projection{}.fields(from.Fields, target.Fields, row))
				if !ambiguous(target.Fields) {
					want := projection{text: true}.fields(from.Fields, target.Fields, row)
					check(t, seed, fromJSON, recordtest.AppendJSON(nil, r, from, row), want)
				}
			}
		}
	}
	t.Logf("%d pairs went together, %d did not", united, refused)
	if united < 100 || refused == 0 {
		t.Error("the schemas prove little")
	}
}

func check(t *testing.T, seed uint64, dec record.Decoder, value []byte, want []any) {
	t.Helper()
	c := record.NewColumns(dec.Schema())
	if err := dec.Decode(c, &record.Raw{Value: value}); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	c.EndRow()
	got, err := recordtest.Rows(c)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	if diff := recordtest.DiffRows(got, [][]any{want}); diff != "" {
		t.Fatalf("seed %d: %T:\n%s", seed, dec, diff)
	}
}

// ambiguous says whether there is a union: which member a value of JSON belongs to is for the decoder to find out.
func ambiguous(fields []record.Field) bool {
	return slices.ContainsFunc(fields, func(f record.Field) bool {
		return f.Type.Union || ambiguous(f.Type.Fields) || f.Type.Elem != nil && ambiguous([]record.Field{*f.Type.Elem})
	})
}

// A projection makes rows of a target that has all that a row has.
type projection struct{ text bool } // a float is the text of the shortest number for it, not the number that it is

func (p projection) fields(from, to []record.Field, row []any) []any {
	at := map[string]int{}
	for i, f := range from {
		at[f.Name] = i
	}
	out := make([]any, len(to))
	for i, f := range to {
		if k, ok := at[f.Name]; ok {
			out[i] = p.value(from[k].Type, f.Type, row[k])
		}
	}
	return out
}

func (p projection) value(from, to record.Type, v any) any {
	if v == nil {
		return nil
	}
	switch {
	case to.Union:
		return p.union(from, to, v.([]any))
	case to.Kind == record.Struct:
		return p.fields(from.Fields, to.Fields, v.([]any))
	case to.Kind == record.List:
		list := []any{}
		for _, e := range v.([]any) {
			list = append(list, p.value(from.Elem.Type, to.Elem.Type, e))
		}
		return list
	case to.Kind == record.Map:
		entries := []recordtest.Entry{}
		for _, e := range v.([]recordtest.Entry) {
			entries = append(entries, recordtest.Entry{Key: e.Key, Value: p.value(from.Elem.Type, to.Elem.Type, e.Value)})
		}
		return entries
	case to.Kind == record.Decimal:
		n := recordtest.FromTwosComplement(v.(string))
		n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(to.Scale-from.Scale)), nil))
		size := to.Size
		if size == 0 {
			size = record.DecimalSize(to.Precision)
		}
		return recordtest.TwosComplement(n, size)
	}
	switch v := v.(type) {
	case int32:
		switch to.Kind {
		case record.Int64:
			return int64(v)
		case record.Double:
			return float64(v)
		}
	case float32:
		if to.Kind == record.Double && p.text {
			f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
			if err != nil {
				panic(err)
			}
			return f
		} else if to.Kind == record.Double {
			return float64(v)
		}
	}
	return v
}

// union puts a value in the member of its type and name.
func (p projection) union(from, to record.Type, members []any) any {
	out := make([]any, len(to.Fields))
	for i, v := range members {
		for k, f := range to.Fields {
			if f.Type.Kind == from.Fields[i].Type.Kind && f.Type.Name == from.Fields[i].Type.Name {
				out[k] = p.value(from.Fields[i].Type, f.Type, v)
			}
		}
	}
	return out
}

// evolved is a later generation of a type: what it is called stays.
func evolved(r *rand.Rand, t *recordtest.Type) *recordtest.Type {
	c := *t
	switch t.Kind {
	case "record":
		c.Fields = nil
		for _, f := range t.Fields {
			if r.IntN(6) > 0 || f.Type.Kind == "null" {
				c.Fields = append(c.Fields, recordtest.Field{Name: f.Name, Type: evolved(r, f.Type)})
			}
		}
		for range r.IntN(3) {
			more := renamed(recordtest.RandomRecord(r, 1), fmt.Sprintf("n%d_", r.IntN(1_000_000)))
			c.Fields = append(c.Fields, more.Fields[0])
		}
		r.Shuffle(len(c.Fields), func(i, j int) { c.Fields[i], c.Fields[j] = c.Fields[j], c.Fields[i] })
		if !slices.ContainsFunc(c.Fields, func(f recordtest.Field) bool { return f.Type.Kind != "null" }) {
			return t
		}
	case "array", "map":
		c.Elem = evolved(r, t.Elem)
	case "union":
		c.Branches = nil
		for _, b := range t.Branches {
			c.Branches = append(c.Branches, inUnion(r, b))
		}
		if len(t.Branches) > 2 && r.IntN(2) == 0 {
			c.Branches = c.Branches[:2]
		}
		if len(t.Branches) > 2 && r.IntN(2) == 0 {
			c.Branches = append(c.Branches, &recordtest.Type{Kind: "fixed", Name: fmt.Sprintf("U%d", r.IntN(1_000_000)), Size: 5})
		}
	default:
		return widened(r, t)
	}
	return &c
}

// inUnion keeps the type of a branch: another one may be there already.
func inUnion(r *rand.Rand, t *recordtest.Type) *recordtest.Type {
	switch t.Kind {
	case "record", "array", "map":
		return evolved(r, t)
	case "enum":
		c := *t
		c.Symbols = append([]string{"First"}, t.Symbols...)
		return &c
	}
	return t
}

// widened is a plain type that goes with t, mostly.
func widened(r *rand.Rand, t *recordtest.Type) *recordtest.Type {
	c := *t
	if r.IntN(3) > 0 {
		return &c
	}
	switch {
	case r.IntN(60) == 0:
		return &recordtest.Type{Kind: "boolean"}
	case t.Logical == "decimal" && t.Precision < 30:
		c.Precision, c.Scale = t.Precision+r.IntN(4), min(t.Scale+r.IntN(4), t.Precision)
		c.Size = 0
		c.Kind, c.Name = "bytes", ""
	case t.Logical == "uuid":
		return &recordtest.Type{Kind: "string"}
	case t.Logical != "":
	case t.Kind == "int":
		c.Kind = []string{"long", "float", "double"}[r.IntN(3)]
	case t.Kind == "long" || t.Kind == "double":
		return &recordtest.Type{Kind: map[string]string{"long": "int", "double": "float"}[t.Kind]}
	case t.Kind == "float":
		c.Kind = []string{"int", "double"}[r.IntN(2)]
	case t.Kind == "enum" && r.IntN(2) == 0:
		return &recordtest.Type{Kind: "string"}
	case t.Kind == "enum":
		c.Symbols = append([]string{"First"}, t.Symbols...)
	case t.Kind == "string":
		c.Logical = "uuid"
	}
	return &c
}

// renamed gives a type and what is in it names of their own.
func renamed(t *recordtest.Type, prefix string) *recordtest.Type {
	c := *t
	if c.Name != "" {
		c.Name = prefix + t.Name[strings.LastIndexByte(t.Name, '.')+1:]
	}
	c.Fields, c.Branches = nil, nil
	for _, f := range t.Fields {
		c.Fields = append(c.Fields, recordtest.Field{Name: prefix + f.Name, Type: renamed(f.Type, prefix)})
	}
	for _, b := range t.Branches {
		c.Branches = append(c.Branches, renamed(b, prefix))
	}
	if t.Elem != nil {
		c.Elem = renamed(t.Elem, prefix)
	}
	return &c
}
