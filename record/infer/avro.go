package infer

import (
	"fmt"
	"strconv"
	"strings"

	"shadoof/record"
	"shadoof/record/internal/jsonvalue"
)

// Avro is the proposal as an Avro schema, indented text that ends with a new line, for people to edit; nil where there is none. The same
// sample makes the same text. A column of JSON is a string with the logical type json; what a field is called in documents, where its
// column has another name, is its alias.
func (p Proposal) Avro() []byte {
	if p.Schema == nil {
		return nil
	}
	w := avroWriter{taken: map[string]bool{}}
	w.record("Row", p.Schema.Fields, 0)
	return []byte(w.b.String() + "\n")
}

type avroWriter struct {
	b     strings.Builder
	taken map[string]bool // names of records
}

func (w *avroWriter) line(depth int, format string, args ...any) {
	fmt.Fprintf(&w.b, "\n%s"+format, append([]any{strings.Repeat("  ", depth)}, args...)...)
}

// record writes a record of fields. Its name is made of those of the fields around it.
func (w *avroWriter) record(name string, fields []record.Field, depth int) {
	base := name
	for i := 2; w.taken[name]; i++ {
		name = base + "_" + strconv.Itoa(i)
	}
	w.taken[name] = true
	fmt.Fprintf(&w.b, `{"type": "record", "name": %q, "fields": [`, name)
	for i, f := range fields {
		if i > 0 {
			w.b.WriteByte(',')
		}
		w.line(depth+1, `{"name": %q, "type": `, f.Name)
		w.nullable(name+"_"+f.Name, f, depth+1)
		if f.Nullable {
			w.b.WriteString(`, "default": null`)
		}
		for i, a := range f.Aliases {
			sep := ", "
			if i == 0 {
				sep = `, "aliases": [`
			}
			w.b.WriteString(sep + quote(a))
		}
		if len(f.Aliases) > 0 {
			w.b.WriteByte(']')
		}
		w.b.WriteByte('}')
	}
	w.line(depth, "]}")
}

func (w *avroWriter) nullable(name string, f record.Field, depth int) {
	if !f.Nullable {
		w.typ(name, f.Type, depth)
		return
	}
	w.b.WriteString(`["null", `)
	w.typ(name, f.Type, depth)
	w.b.WriteByte(']')
}

// avroTypes are the types of Avro for the kinds that are proposed.
var avroTypes = map[record.Kind]string{
	record.Boolean:         `"boolean"`,
	record.Int64:           `"long"`,
	record.Double:          `"double"`,
	record.String:          `"string"`,
	record.UUID:            `{"type": "string", "logicalType": "uuid"}`,
	record.JSON:            `{"type": "string", "logicalType": "json"}`,
	record.Date:            `{"type": "int", "logicalType": "date"}`,
	record.TimestampMicros: `{"type": "long", "logicalType": "timestamp-micros"}`,
	record.LocalMicros:     `{"type": "long", "logicalType": "local-timestamp-micros"}`,
}

func (w *avroWriter) typ(name string, t record.Type, depth int) {
	switch t.Kind {
	case record.Struct:
		w.record(name, t.Fields, depth)
	case record.List:
		w.b.WriteString(`{"type": "array", "items": `)
		w.nullable(name+"_element", *t.Elem, depth)
		w.b.WriteByte('}')
	case record.Map:
		w.b.WriteString(`{"type": "map", "values": `)
		w.nullable(name+"_value", *t.Elem, depth)
		w.b.WriteByte('}')
	case record.Decimal:
		fmt.Fprintf(&w.b, `{"type": "bytes", "logicalType": "decimal", "precision": %d, "scale": %d}`, t.Precision, t.Scale)
	default:
		w.b.WriteString(avroTypes[t.Kind])
	}
}

func quote(s string) string { return string(jsonvalue.AppendString(nil, s)) }
