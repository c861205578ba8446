package recordtest

import (
	"encoding/json"
	"fmt"
	"strings"

	"shadoof/record"
)

// A Rand picks numbers in [0, n). Tests give it a source that prints its seed, or that shrinks.
type Rand interface{ IntN(n int) int }

// A Type is an Avro type.
type Type struct {
	Kind      string // Avro's name: null, boolean, … union
	Logical   string
	Name      string // of record, enum, fixed
	Size      int
	Precision int
	Scale     int
	Symbols   []string
	Fields    []Field
	Elem      *Type   // array, map
	Branches  []*Type // union
}

// A Field of a record.
type Field struct {
	Name string
	Type *Type
}

// RandomRecord makes a record with random fields, nested up to depth.
func RandomRecord(r Rand, depth int) *Type {
	g := &generator{Rand: r}
	return g.record(depth)
}

type generator struct {
	Rand
	names int
}

func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

func (g *generator) record(depth int) *Type {
	t := &Type{Kind: "record", Name: g.name("R")}
	if g.IntN(2) == 0 {
		t.Name = "com.example." + t.Name
	}
	n := 1 + g.IntN(5)
	if g.IntN(20) == 0 {
		n += 70 // more fields than a word has bits
		depth = 0
	}
	for range n {
		t.Fields = append(t.Fields, Field{g.name("f"), g.typ(depth)})
	}
	if g.IntN(8) == 0 {
		t.Fields = append(t.Fields, Field{g.name("f"), &Type{Kind: "null"}})
	}
	return t
}

func (g *generator) typ(depth int) *Type {
	switch g.IntN(6) {
	case 0:
		b := []*Type{{Kind: "null"}, g.plain(depth)}
		if g.IntN(2) == 0 {
			b[0], b[1] = b[1], b[0]
		}
		return &Type{Kind: "union", Branches: b}
	case 1:
		if depth > 0 {
			return g.union(depth)
		}
	}
	return g.plain(depth)
}

// union makes a union of types that Avro lets stand together: one of each unnamed type.
func (g *generator) union(depth int) *Type {
	u := &Type{Kind: "union"}
	seen := map[string]bool{}
	if g.IntN(2) == 0 {
		u.Branches = append(u.Branches, &Type{Kind: "null"})
	}
	for range 1 + g.IntN(4) {
		t := g.plain(depth - 1)
		if key := t.Kind; t.Name != "" || !seen[key] {
			seen[key] = true
			u.Branches = append(u.Branches, t)
		}
	}
	if i := g.IntN(len(u.Branches)); len(u.Branches) > 1 {
		u.Branches[0], u.Branches[i] = u.Branches[i], u.Branches[0]
	}
	return u
}

func (g *generator) plain(depth int) *Type {
	n := 17
	if depth > 0 {
		n = 22
	}
	switch g.IntN(n) {
	case 0:
		return &Type{Kind: "boolean"}
	case 1:
		return &Type{Kind: "int"}
	case 2, 3:
		return &Type{Kind: "long"}
	case 4:
		return &Type{Kind: "float"}
	case 5:
		return &Type{Kind: "double"}
	case 6, 7:
		return &Type{Kind: "string"}
	case 8:
		return &Type{Kind: "bytes"}
	case 9:
		t := &Type{Kind: "enum", Name: g.name("E")}
		for i := range 1 + g.IntN(12) {
			t.Symbols = append(t.Symbols, fmt.Sprintf("S%d", i))
		}
		return t
	case 10:
		return &Type{Kind: "fixed", Name: g.name("F"), Size: 1 + g.IntN(20)}
	case 11:
		p := 1 + g.IntN(45)
		return &Type{Kind: "bytes", Logical: "decimal", Precision: p, Scale: g.IntN(p + 1)}
	case 12:
		p := 1 + g.IntN(45)
		return &Type{Kind: "fixed", Name: g.name("F"), Logical: "decimal", Precision: p, Scale: g.IntN(p + 1), Size: record.DecimalSize(p) + g.IntN(3)}
	case 13:
		return &Type{Kind: "int", Logical: []string{"date", "time-millis"}[g.IntN(2)]}
	case 14:
		return &Type{Kind: "long", Logical: []string{"time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos"}[g.IntN(4)]}
	case 15:
		return &Type{Kind: "long", Logical: []string{"local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos"}[g.IntN(3)]}
	case 16:
		if g.IntN(2) == 0 {
			return &Type{Kind: "string", Logical: "uuid"}
		}
		return &Type{Kind: "fixed", Name: g.name("U"), Size: 16, Logical: "uuid"}
	case 17, 18:
		return &Type{Kind: "array", Elem: g.typ(depth - 1)}
	case 19:
		return &Type{Kind: "map", Elem: g.typ(depth - 1)}
	default:
		return g.record(depth - 1)
	}
}

// Avro is the schema's JSON; without logical types if plain.
func (t *Type) Avro(plain bool) []byte {
	b, err := json.Marshal(t.avro(plain))
	if err != nil {
		panic(err)
	}
	return b
}

func (t *Type) avro(plain bool) any {
	m := map[string]any{"type": t.Kind}
	switch t.Kind {
	case "union":
		var b []any
		for _, t := range t.Branches {
			b = append(b, t.avro(plain))
		}
		return b
	case "record":
		f := []any{}
		for _, in := range t.Fields {
			f = append(f, map[string]any{"name": in.Name, "type": in.Type.avro(plain)})
		}
		m["fields"] = f
	case "array":
		m["items"] = t.Elem.avro(plain)
	case "map":
		m["values"] = t.Elem.avro(plain)
	case "enum":
		m["symbols"] = t.Symbols
	case "fixed":
		m["size"] = t.Size
	}
	if t.Name != "" {
		m["name"] = t.Name
	}
	if t.Logical != "" && !plain {
		m["logicalType"] = t.Logical
		if t.Logical == "decimal" {
			m["precision"], m["scale"] = t.Precision, t.Scale
		}
	}
	if len(m) == 1 {
		return t.Kind
	}
	return m
}

// Schema is what the rows of a record must look like.
func (t *Type) Schema() *record.Schema {
	in := t.record("")
	return &record.Schema{Name: in.Name, Fields: in.Fields}
}

// fullName is the name of a type within a namespace.
func (t *Type) fullName(namespace string) string {
	if t.Name == "" || namespace == "" || strings.Contains(t.Name, ".") {
		return t.Name
	}
	return namespace + "." + t.Name
}

func (t *Type) record(namespace string) record.Type {
	out := record.Type{Kind: record.Struct, Name: t.fullName(namespace)}
	namespace = out.Name[:max(strings.LastIndexByte(out.Name, '.'), 0)]
	for _, f := range t.Fields {
		if f.Type.Kind != "null" {
			out.Fields = append(out.Fields, f.Type.field(f.Name, namespace))
		}
	}
	return out
}

// nullable splits a union of null and one type into that; of any other type it is the type itself.
func (t *Type) nullable() (*Type, bool) {
	if t.Kind == "union" && len(t.Branches) == 2 {
		for i, b := range t.Branches {
			if b.Kind == "null" {
				return t.Branches[1-i], true
			}
		}
	}
	return t, false
}

func (t *Type) field(name, namespace string) record.Field {
	f := record.Field{Name: name}
	t, f.Nullable = t.nullable()
	switch t.Kind {
	case "union":
		f.Type = record.Type{Kind: record.Struct, Union: true}
		for _, b := range t.Branches {
			if b.Kind == "null" {
				f.Nullable = true
				continue
			}
			m := b.field(fmt.Sprint("member", len(f.Type.Fields)), namespace)
			m.Nullable = true
			f.Type.Fields = append(f.Type.Fields, m)
		}
	case "record":
		f.Type = t.record(namespace)
	case "array":
		e := t.Elem.field("element", namespace)
		f.Type = record.Type{Kind: record.List, Elem: &e}
	case "map":
		e := t.Elem.field("value", namespace)
		f.Type = record.Type{Kind: record.Map, Elem: &e}
	default:
		f.Type = t.leaf()
		f.Type.Name = t.fullName(namespace)
	}
	return f
}

func (t *Type) leaf() record.Type {
	switch {
	case t.Logical == "decimal":
		return record.Type{Kind: record.Decimal, Size: t.Size, Precision: t.Precision, Scale: t.Scale}
	case t.Logical != "":
		return record.Type{Kind: record.Kind(t.Logical)}
	}
	switch t.Kind {
	case "int":
		return record.Type{Kind: record.Int32}
	case "long":
		return record.Type{Kind: record.Int64}
	case "fixed":
		return record.Type{Kind: record.Fixed, Size: t.Size}
	case "enum":
		return record.Type{Kind: record.Enum, Symbols: t.Symbols}
	}
	return record.Type{Kind: record.Kind(t.Kind)}
}
