package generations_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

var avroFormat = format{
	name: "avro", kind: "AVRO",
	shared: "shop.Money", sharedTexts: [2]string{
		`{"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "cents", "type": "long"}, {"name": "currency", "type": "string"}]}`,
		`{"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "cents", "type": "long"}, {"name": "currency", "type": "string"},
			{"name": "scale", "type": "int", "default": 2}]}`,
	},
	texts: [newest]string{
		`{"type": "record", "name": "Order", "namespace": "shop", "fields": [
			{"name": "id", "type": "int"}, {"name": "ratio", "type": "float"},
			{"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}},
			{"name": "customer", "type": {"type": "record", "name": "Customer", "fields": [{"name": "name", "type": "string"}, {"name": "visits", "type": "int"}]}},
			{"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [{"name": "sku", "type": "string"}, {"name": "count", "type": "int"}]}}},
			{"name": "tags", "type": {"type": "map", "values": {"type": "record", "name": "Tag", "fields": [{"name": "weight", "type": "int"}]}}},
			{"name": "title", "type": "string"}, {"name": "legacy", "type": "long"},
			{"name": "note", "type": ["null", "string"], "default": null}, {"name": "code", "type": "string"},
			{"name": "total", "type": "shop.Money"}, {"name": "made", "type": {"type": "long", "logicalType": "timestamp-millis"}}, {"name": "raw", "type": "bytes"}]}`,
		`{"type": "record", "name": "Order", "namespace": "shop", "fields": [
			{"name": "id", "type": "long"}, {"name": "ratio", "type": "double"},
			{"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID", "SHIPPED"], "default": "NEW"}},
			{"name": "customer", "type": {"type": "record", "name": "Customer", "fields": [{"name": "name", "type": "string"}, {"name": "visits", "type": "long"},
				{"name": "email", "type": ["null", "string"], "default": null}]}},
			{"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [{"name": "sku", "type": "string"}, {"name": "count", "type": "long"},
				{"name": "price", "type": "double", "default": 1.5}]}}},
			{"name": "tags", "type": {"type": "map", "values": {"type": "record", "name": "Tag", "fields": [{"name": "weight", "type": "long"},
				{"name": "kind", "type": "string", "default": "plain"}]}}},
			{"name": "heading", "type": "string", "aliases": ["title"]},
			{"name": "note", "type": ["null", "string"], "default": null}, {"name": "code", "type": "string", "default": "none"},
			{"name": "region", "type": "string", "default": "eu"}, {"name": "memo", "type": ["null", "string"], "default": null},
			{"name": "payment", "type": ["null", {"type": "record", "name": "Card", "fields": [{"name": "number", "type": "string"}]}, "string"], "default": null},
			{"name": "total", "type": "Money"}, {"name": "made", "type": {"type": "long", "logicalType": "timestamp-millis"}}, {"name": "raw", "type": ["null", "bytes"]}]}`,
		`{"type": "record", "name": "Order", "namespace": "shop", "fields": [
			{"name": "id", "type": "long"}, {"name": "ratio", "type": "double"},
			{"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID", "SHIPPED", "RETURNED"], "default": "NEW"}},
			{"name": "customer", "type": {"type": "record", "name": "Customer", "fields": [{"name": "name", "type": "string"}, {"name": "visits", "type": "long"},
				{"name": "email", "type": ["null", "string"], "default": null},
				{"name": "address", "type": ["null", {"type": "record", "name": "Address", "fields": [{"name": "street", "type": "string"}, {"name": "zip", "type": ["null", "string"]}]}], "default": null}]}},
			{"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [{"name": "sku", "type": "string"}, {"name": "count", "type": "long"},
				{"name": "price", "type": "double", "default": 1.5}, {"name": "options", "type": {"type": "array", "items": "string"}, "default": []}]}}},
			{"name": "tags", "type": {"type": "map", "values": {"type": "record", "name": "Tag", "fields": [{"name": "weight", "type": "long"},
				{"name": "kind", "type": "string", "default": "plain"}]}}},
			{"name": "heading", "type": "string", "aliases": ["title"]},
			{"name": "region", "type": "string", "default": "eu"}, {"name": "memo", "type": ["null", "string"], "default": null},
			{"name": "payment", "type": ["null", {"type": "record", "name": "Card", "fields": [{"name": "number", "type": "string"}]}, "string", "boolean"], "default": null},
			{"name": "score", "type": ["null", "double"], "default": null},
			{"name": "total", "type": "Money"}, {"name": "made", "type": {"type": "long", "logicalType": "timestamp-millis"}}, {"name": "raw", "type": ["null", "bytes"]}]}`,
	},
	columns: []column{
		{name: "id"}, {name: "ratio"}, {name: "status"},
		{name: "customer", of: []column{{name: "name"}, {name: "visits"}, {name: "email", first: 2}, {name: "address", first: 3, of: []column{{name: "street"}, {name: "zip"}}}}},
		{name: "lines", of: []column{{name: "sku"}, {name: "count"}, {name: "price", first: 2, lacks: 1.5}, {name: "options", first: 3, lacks: []any{}}}},
		{name: "tags", of: []column{{name: "weight"}, {name: "kind", first: 2, lacks: "plain"}}},
		{name: "title", last: 1}, {name: "heading", first: 2, was: "title"},
		{name: "legacy", last: 1}, {name: "note", last: 2}, {name: "code", last: 2, lacks: "none"},
		{name: "region", first: 2, lacks: "eu"}, {name: "memo", first: 2},
		{name: "payment", first: 2, of: []column{{name: "member0", of: []column{{name: "number"}}}, {name: "member1"}, {name: "member2", first: 3}}},
		{name: "score", first: 3},
		{name: "total", of: []column{{name: "cents"}, {name: "currency"}, {name: "scale", first: 3, lacks: int64(2)}}}, {name: "made"}, {name: "raw"},
	},
	order: func(generation, n int) document {
		o := order(generation, n)
		o["payment"] = []any{nil, document{"member0": document{"number": fmt.Sprint("card ", n)}}, document{"member1": fmt.Sprint("iban ", n)}, document{"member2": n%2 == 0}}[n/3%(generation+1)]
		return o
	},
	encode: func(f *format, generation int, d document) []byte {
		e := &avroEncoder{names: map[string]any{}}
		e.parse(f.sharedTexts[sharedBy[generation-1]-1])
		return e.append(nil, e.parse(f.texts[generation-1]), d)
	},
	// What the schema of one generation cannot say of a record of another.
	narrow: func(target int, d document) bool {
		if payment, _ := d["payment"].(document); payment["member2"] != nil && target < 3 {
			return false
		}
		if d["status"] == "RETURNED" && target < 3 || d["status"] == "SHIPPED" && target < 2 {
			d["status"] = "NEW" // the default of the enum
		}
		return true
	},
}

// An avroEncoder writes binary data by the specification. It owes nothing to the product, nor to a library that it has.
type avroEncoder struct{ names map[string]any }

func (e *avroEncoder) parse(text string) any {
	var s any
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		panic(err)
	}
	e.define(s)
	return s
}

// define notes the named types of a schema. All of these tests are of one namespace.
func (e *avroEncoder) define(s any) {
	switch s := s.(type) {
	case []any:
		for _, b := range s {
			e.define(b)
		}
	case map[string]any:
		if name, ok := s["name"].(string); ok {
			e.names[name], e.names["shop."+name] = s, s
		}
		fields, _ := s["fields"].([]any)
		for _, f := range fields {
			e.define(f.(map[string]any)["type"])
		}
		for _, in := range []string{"items", "values", "type"} {
			e.define(s[in])
		}
	}
}

func (e *avroEncoder) append(b []byte, s, v any) []byte {
	switch s := s.(type) {
	case []any:
		i := branch(s, v)
		if d, ok := v.(document); ok && len(s) > 2 {
			v = d[fmt.Sprint("member", i-1)]
		}
		return e.append(binary.AppendVarint(b, int64(i)), s[i], v)
	case map[string]any:
		return e.appendComplex(b, s, v)
	}
	if named, ok := e.names[s.(string)]; ok {
		return e.append(b, named, v)
	}
	switch s.(string) {
	case "null":
		return b
	case "boolean":
		if v.(bool) {
			return append(b, 1)
		}
		return append(b, 0)
	case "int", "long":
		if at, ok := v.(instant); ok {
			v = int64(at)
		}
		if n := v.(int64); s == "int" && n != int64(int32(n)) {
			panic(fmt.Sprint(n, " is no int"))
		}
		return binary.AppendVarint(b, v.(int64))
	case "float":
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(v.(float32)))
	case "double":
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.(float64)))
	case "string":
		return append(binary.AppendVarint(b, int64(len(v.(string)))), v.(string)...)
	case "bytes":
		return append(binary.AppendVarint(b, int64(len(v.([]byte)))), v.([]byte)...)
	}
	panic(fmt.Sprintf("no type %v", s))
}

// branch of a union with null first: of several others that of a document of one member, by its name.
func branch(union []any, v any) int {
	if v == nil {
		return 0
	}
	if d, ok := v.(document); ok && len(union) > 2 {
		for i := range union[1:] {
			if d[fmt.Sprint("member", i)] != nil {
				return i + 1
			}
		}
	}
	return 1
}

func (e *avroEncoder) appendComplex(b []byte, s map[string]any, v any) []byte {
	switch s["type"] {
	case "record":
		for _, f := range s["fields"].([]any) {
			f := f.(map[string]any)
			of, ok := v.(document)[f["name"].(string)]
			if !ok {
				panic(fmt.Sprint("the document lacks ", f["name"]))
			}
			b = e.append(b, f["type"], of)
		}
		return b
	case "enum":
		return binary.AppendVarint(b, int64(slices.Index(s["symbols"].([]any), v)))
	case "array":
		if len(v.([]any)) > 0 {
			b = binary.AppendVarint(b, int64(len(v.([]any))))
		}
		for _, item := range v.([]any) {
			b = e.append(b, s["items"], item)
		}
		return append(b, 0)
	case "map":
		if len(v.(table)) > 0 {
			b = binary.AppendVarint(b, int64(len(v.(table))))
		}
		for name, value := range v.(table) {
			b = e.append(e.append(b, "string", name), s["values"], value)
		}
		return append(b, 0)
	}
	return e.append(b, s["type"], v) // with a logical type
}
