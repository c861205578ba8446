package evolve_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"shadoof/record"
)

// A generator makes schemas whose fields of one path mostly go together: what a path is called says which types it has.
type generator struct {
	*rand.Rand
	wild bool // now and then any type
	salt uint64
}

func newGenerator(seed uint64) *generator {
	r := rand.New(rand.NewPCG(seed, 0))
	return &generator{r, seed%2 == 0, r.Uint64()}
}

// seeds are as many from one that is drawn.
func seeds(t *testing.T, n uint64) iter.Seq[uint64] {
	from := rand.Uint64()
	t.Logf("seeds from %d", from)
	return func(yield func(uint64) bool) {
		for i := range n {
			if !yield(from + i) {
				return
			}
		}
	}
}

func (g *generator) schema() *record.Schema {
	s := &record.Schema{Fields: g.fields("", 3)}
	s.Name, s.Aliases = g.name("Row")
	return s
}

// name is one of a type's few, with others of them as aliases.
func (g *generator) name(stem string) (string, []string) {
	names := []string{stem + "A", stem + "B", stem + "C"}
	at := g.IntN(4)
	switch at {
	case 3:
		return "", nil
	case 0:
		return names[0], nil
	}
	return names[at], names[:g.IntN(at+1)]
}

func (g *generator) fields(path string, depth int) (fields []record.Field) {
	names := []string{"a", "b", "c", "d", "e"}
	for range 1 + g.IntN(len(names)) {
		i := g.IntN(len(names))
		if names[i] == "" {
			continue
		}
		f := record.Field{Name: names[i], Type: g.typ(path+"."+names[i], depth), Nullable: g.IntN(3) == 0}
		names[i] = ""
		if g.IntN(4) == 0 && f.Nullable {
			f.Default = json.RawMessage("null")
		} else if g.IntN(4) == 0 {
			f.Default = someDefault(f.Type)
		}
		if g.IntN(5) == 0 {
			f.Aliases = []string{fmt.Sprint("x", g.IntN(3))}
		}
		if g.IntN(5) == 0 {
			f.Doc = fmt.Sprint("doc ", g.IntN(3))
		}
		fields = append(fields, f)
	}
	return fields
}

// someDefault is one that every type fits which the type may become.
func someDefault(t record.Type) json.RawMessage {
	switch t.Kind {
	case record.Int32, record.Int64, record.Float, record.Double:
		return json.RawMessage("7")
	case record.Enum:
		return json.RawMessage(`"` + t.Symbols[0] + `"`)
	case record.List:
		return json.RawMessage("[]")
	}
	return nil
}

// families are types of which each pair has one that holds both; those of texts and of numbers have one that goes with few others.
func (g *generator) typ(path string, depth int) record.Type {
	h := fnv.New32a()
	fmt.Fprint(h, path, g.salt)
	family := h.Sum32() % 11
	if g.wild && g.IntN(25) == 0 {
		family = uint32(g.IntN(11))
	}
	pick := func(kinds ...record.Kind) record.Type { return record.Type{Kind: kinds[g.IntN(len(kinds))]} }
	if depth == 0 {
		family %= 6
	}
	switch family {
	case 0:
		return pick(record.Int32, record.Int64)
	case 1:
		return pick(record.Int32, record.Float, record.Double)
	case 2:
		switch t := pick(record.Enum, record.Enum, record.UUID, record.String); t.Kind {
		case record.Enum:
			return g.enum()
		default:
			return t
		}
	case 3:
		t := record.Type{Kind: record.Decimal, Scale: g.IntN(8)}
		t.Precision = max(t.Scale, 1) + g.IntN(15)
		if g.wild && g.IntN(8) == 0 {
			t.Precision += 25
		}
		if g.IntN(3) == 0 {
			t.Size = record.DecimalSize(t.Precision) + g.IntN(2)
			t.Name, t.Aliases = g.name("D")
		}
		return t
	case 4:
		if g.wild {
			return pick(record.TimestampMillis, record.TimestampMillis, record.TimestampMicros, record.LocalMillis, record.Date, record.Int64)
		}
		return pick(record.TimestampMillis)
	case 5:
		t := record.Type{Kind: record.Fixed, Size: 4}
		t.Name, t.Aliases = g.name("F")
		return t
	case 6:
		return record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Nullable: g.IntN(2) == 0, Type: g.typ(path+"[]", depth-1)}}
	case 7:
		return record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Nullable: g.IntN(2) == 0, Type: g.typ(path+"{}", depth-1)}}
	case 8:
		return g.union(path, depth)
	}
	t := record.Type{Kind: record.Struct, Fields: g.fields(path, depth-1)}
	t.Name, t.Aliases = g.name("R")
	return t
}

func (g *generator) enum() record.Type {
	symbols := []string{"NEW", "PAID", "SENT", "GONE"}
	from := g.IntN(3)
	t := record.Type{Kind: record.Enum, Symbols: symbols[from : from+1+g.IntN(4-from)]}
	if g.IntN(2) == 0 {
		t.Symbols = slices.Clone(t.Symbols)
		slices.Reverse(t.Symbols)
	}
	if g.IntN(4) == 0 {
		t.Symbol = t.Symbols[0]
	}
	t.Name, t.Aliases = g.name("E")
	return t
}

// union makes one of different members; a few have two structs that no name tells apart.
func (g *generator) union(path string, depth int) record.Type {
	u := record.Type{Kind: record.Struct, Union: true}
	kinds := []record.Kind{record.Int32, record.Int64, record.String, record.Enum, record.TimestampMicros, record.List, record.Struct, record.Struct}
	for range 2 + g.IntN(3) {
		i := g.IntN(len(kinds))
		m := record.Type{Kind: kinds[i]}
		switch kinds[i] {
		case "":
			continue
		case record.Enum:
			m = g.enum()
			m.Name = "E" // of one name, so of one type
		case record.List:
			m.Elem = &record.Field{Name: "element", Type: g.typ(path+".list", depth-1)}
		case record.Struct:
			m.Fields = g.fields(path+".member", depth-1)
			m.Name = []string{"", "", "R1", "R2"}[g.IntN(4)]
			if slices.ContainsFunc(u.Fields, func(f record.Field) bool { return m.Name != "" && f.Type.Name == m.Name }) {
				continue
			}
		}
		kinds[i] = ""
		u.Fields = append(u.Fields, record.Field{Name: fmt.Sprint("member", len(u.Fields)), Type: m, Nullable: true})
	}
	return u
}

// canonical is what schemas have in common that differ only in the order in which they came about: fields, members and symbols in order of
// their names, and of what there can be one only whether there is one.
func canonical(s *record.Schema) string {
	b, err := json.Marshal([]any{names(s.Name, s.Aliases), canonicalFields(s.Fields)})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func names(name string, aliases []string) string {
	all := append(slices.Clone(aliases), name)
	slices.Sort(all)
	return strings.Join(slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" }), " ")
}

func canonicalFields(fields []record.Field) map[string]any {
	out := map[string]any{}
	for _, f := range fields {
		out[f.Name] = canonicalField(f)
	}
	return out
}

func canonicalField(f record.Field) any {
	return []any{f.Nullable, f.Default != nil, names("", f.Aliases), canonicalType(f.Type)}
}

func canonicalType(t record.Type) any {
	var in any
	switch {
	case t.Union:
		members := map[string]any{}
		for _, m := range t.Fields {
			key := string(m.Type.Kind) + " " + m.Type.Name
			for members[key] != nil {
				key += "+"
			}
			members[key] = canonicalField(m)
		}
		in = members
	case t.Kind == record.Struct:
		in = canonicalFields(t.Fields)
	case t.Elem != nil:
		in = canonicalField(*t.Elem)
	}
	symbols := slices.Sorted(slices.Values(t.Symbols))
	return []any{t.Kind, t.Size, t.Precision, t.Scale, symbols, t.Symbol != "", names(t.Name, t.Aliases), t.Union, in}
}
