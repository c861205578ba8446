package jsonschema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/json"
	"shadoof/record/jsonschema"
)

// sketch writes fields as people do: a int64, b [string?], c? {x double, y date?}, m <json>. A question mark: it may be null.
func sketch(fields []record.Field) string {
	var s []string
	for _, f := range fields {
		s = append(s, f.Name+" "+sketchField(f))
	}
	return strings.Join(s, ", ")
}

func sketchField(f record.Field) string {
	s := ""
	switch t := f.Type; t.Kind {
	case record.Struct:
		s = "{" + sketch(t.Fields) + "}"
	case record.List:
		s = "[" + sketchField(*t.Elem) + "]"
	case record.Map:
		s = "<" + sketchField(*t.Elem) + ">"
	case record.Decimal:
		s = fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	default:
		s = string(t.Kind)
	}
	if f.Nullable {
		s += "?"
	}
	if f.Default != nil {
		s += " = " + string(f.Default)
	}
	if f.Doc != "" {
		s += " // " + f.Doc
	}
	return s
}

func parse(t *testing.T, schema string, references ...record.Reference) (*record.Schema, []jsonschema.Note, error) {
	t.Helper()
	s, notes, err := jsonschema.Parse(&record.SchemaText{Format: "json", Text: schema, References: references})
	if err == nil {
		if _, err := json.NewDecoder(s); err != nil {
			t.Errorf("%s: no decoder: %v", schema, err)
		}
	}
	return s, notes, err
}

func TestKeywords(t *testing.T) {
	t.Parallel()
	// Each is the schema of the one property, p, which is not required.
	for _, c := range []struct{ schema, want, note string }{
		{`{"type":"integer"}`, "int64?", ""},
		{`{"type":"integer","minimum":0,"maximum":100}`, "int64?", ""},
		{`{"type":"number"}`, "double?", ""},
		{`{"type":"string"}`, "string?", ""},
		{`{"type":"boolean"}`, "boolean?", ""},
		{`{"type":"null"}`, "-", "never has a value"},
		{`false`, "-", "never has a value"},
		{`true`, "json?", "it takes anything"},
		{`{}`, "json?", "it takes anything"},
		{`{"description":"the d","type":"string"}`, "string? // the d", ""},
		{`{"type":["null","string"]}`, "string?", ""},
		{`{"type":["integer","number"]}`, "double?", ""},
		{`{"type":["string","integer"]}`, "json?", "it takes integer or string"},
		{`{"type":"integer","nullable":true}`, "int64?", ""},

		{`{"type":"string","format":"date-time"}`, "timestamp-micros?", ""},
		{`{"type":"string","format":"date"}`, "date?", ""},
		{`{"type":"string","format":"time"}`, "string?", ""},
		{`{"type":"string","format":"uuid"}`, "uuid?", ""},
		{`{"type":"string","format":"email"}`, "string?", ""},
		{`{"type":"string","contentEncoding":"base64"}`, "bytes?", ""},
		{`{"type":"string","contentEncoding":"base64url"}`, "string?", ""},
		{`{"type":"string","enum":["A","B"]}`, "string?", ""},
		{`{"enum":["A","B"]}`, "string?", ""},
		{`{"enum":["A",null]}`, "string?", ""},
		{`{"enum":[1,2.0,3e2]}`, "int64?", ""},
		{`{"enum":[1,2.5]}`, "double?", ""},
		{`{"enum":["A",1]}`, "json?", "it takes integer or string"},
		{`{"type":"string","enum":["A",1]}`, "string?", ""},
		{`{"const":"A"}`, "string?", ""},
		{`{"const":null}`, "-", "never has a value"},
		{`{"const":{"a":1}}`, "json?", "an object of which nothing is said"},
		{`{"enum":["2026-01-01"],"format":"date"}`, "string?", ""},

		{`{"minimum":3}`, "double?", ""},
		{`{"pattern":"x"}`, "string?", ""},
		{`{"format":"date"}`, "date?", ""},
		{`{"properties":{"x":{"type":"integer"}}}`, "{x int64?}?", ""},
		{`{"items":{"type":"integer"}}`, "[int64]?", ""},

		{`{"type":"array","items":{"type":["null","integer"]}}`, "[int64?]?", ""},
		{`{"type":"array","items":{"type":"object","properties":{"x":{"type":"string"}},"required":["x"]}}`, "[{x string}]?", ""},
		{`{"type":"array"}`, "json?", "an array of anything"},
		{`{"type":"array","items":{}}`, "json?", "an array of anything"},
		{`{"type":"array","items":[{"type":"integer"}]}`, "json?", "the place tells the type"},
		{`{"type":"array","prefixItems":[{"type":"integer"}],"items":false}`, "json?", "the place tells the type"},
		{`{"type":"array","items":false}`, "json?", "an array without values"},
		{`{"type":"array","items":{"type":["string","integer"]}}`, "[json]?", "p[]: a column of JSON: it takes integer or string"},

		{`{"type":"object"}`, "json?", "an object of which nothing is said"},
		{`{"type":"object","additionalProperties":true}`, "json?", "an object of which nothing is said"},
		{`{"type":"object","additionalProperties":{"type":"integer"}}`, "<int64>?", ""},
		{`{"type":"object","additionalProperties":{"type":["integer","null"]}}`, "<int64?>?", ""},
		{`{"type":"object","patternProperties":{"^a":{"type":"integer"}},"additionalProperties":false}`, "<int64>?", ""},
		{`{"type":"object","patternProperties":{"^a":{"type":"integer"},"^b":{"type":"number"}},"additionalProperties":{"type":"integer"}}`, "<double>?", ""},
		{`{"type":"object","patternProperties":{"^a":{"type":"integer"}}}`, "json?", "by patterns of names"},
		{`{"type":"object","patternProperties":{".*":{"type":"integer"}}}`, "<int64>?", ""},
		{`{"type":"object","properties":{"x":{"type":"integer"}},"additionalProperties":{"type":"string"}}`, "json?", "properties of its own and others"},
		{`{"type":"object","properties":{"x":{"type":"integer"}},"additionalProperties":true}`, "{x int64?}?", ""},
		{`{"type":"object","properties":{"x":{"type":["integer","null"]},"y":{"type":"integer"},"z":{"type":"null"}},"required":["x","y","z"]}`, "{x int64?, y int64}?", "p.z: never has a value"},
		{`{"type":"object","properties":{"x":{"type":"integer"}},"required":["x","y"]}`, "{x int64, y json}?", "p.y: a column of JSON: it is required, and nothing is said of it"},
		{`{"type":"object","properties":{"":{"type":"integer"}}}`, "json?", "a property without a name"},
		{`{"type":"object","properties":{"x":false}}`, "json?", "without any that has values"},

		{`{"anyOf":[{"type":"null"},{"type":"integer","description":"in"}]}`, "int64? // in", ""},
		{`{"oneOf":[{"type":"integer"},{"type":"null"}],"description":"out"}`, "int64? // out", ""},
		{`{"oneOf":[{"type":"integer"},{"type":"number"}]}`, "double?", ""},
		{`{"oneOf":[{"type":"integer"},{"type":"string"}]}`, "json?", "it takes integer or string"},
		{`{"oneOf":[{"type":"string","format":"date"},{"type":"string","format":"date-time"}]}`, "string?", ""},
		{`{"oneOf":[{"type":"string","format":"date"},{"type":"string","format":"date"}]}`, "date?", ""},
		{`{"type":"string","oneOf":[{"format":"date"},{"maxLength":0}]}`, "string?", ""},
		{`{"type":"string","oneOf":[{"format":"date"},{}]}`, "string?", ""},
		{`{"oneOf":[{"type":"integer"},{}]}`, "json?", "it takes anything"},
		{`{"oneOf":[{"type":"integer"},false]}`, "int64?", ""},
		{`{"oneOf":[{"type":"array","items":{"type":"integer"}},{"type":"array","items":{"type":"number"}}]}`, "[double]?", ""},
		{`{"oneOf":[{"type":"array","items":{"type":"integer"}},{"type":"array"}]}`, "json?", "an array of anything"},
		{`{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"x":{"type":"integer"}},"required":["k","x"]},
		            {"type":"object","properties":{"k":{"const":"b"},"y":{"type":"string"}},"required":["k"]}]}`, "{k string, x int64?, y string?}?", "one of several objects"},
		{`{"oneOf":[{"type":"object","properties":{"x":{"type":"integer"}}},{"type":"object","properties":{"x":{"type":"string"}}}]}`, "{x json?}?", "p.x: a column of JSON: it takes integer or string"},
		{`{"oneOf":[{"type":"object","properties":{"x":{"type":"integer"}}},{"type":"object"}]}`, "json?", "some have any properties"},
		{`{"oneOf":[{"type":"object","properties":{"x":{"type":"integer"}}},{"type":"object","additionalProperties":{"type":"integer"}}]}`, "json?", "properties of its own and others"},
		{`{"oneOf":[{"type":"object","additionalProperties":{"type":"integer"}},{"type":"object","additionalProperties":{"type":"number"}}]}`, "<double>?", ""},
		{`{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"integer"}},"oneOf":[{"required":["x"]},{"required":["y"]}]}`, "{x int64?, y int64?}?", ""},
		{`{"type":"object","properties":{"x":{"type":["integer","string"]}},"oneOf":[{"properties":{"x":{"type":"integer"}}},{"properties":{"y":{"type":"boolean"}}}]}`, "{x json?, y boolean?}?", "p.x"},

		{`{"allOf":[{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]},{"properties":{"y":{"type":"string"}},"required":["y"]}]}`, "{x int64, y string}?", ""},
		{`{"properties":{"x":{"type":"integer"}},"allOf":[{"required":["x"]}]}`, "{x int64}?", ""},
		{`{"allOf":[{"type":["integer","null"]},{"type":["number"]}]}`, "int64?", ""},
		{`{"allOf":[{"type":"string"},{"format":"date"}]}`, "date?", ""},
		{`{"allOf":[{"type":"integer"},{"type":"string"}]}`, "-", "never has a value"},
		{`{"allOf":[{"type":"array","items":{"type":"number"}},{"items":{"type":"integer"}}]}`, "[int64]?", ""},
		{`{"type":"object","properties":{"k":{"type":"string"}},"required":["k"],"if":{"properties":{"k":{"const":"a"}}},"then":{"properties":{"x":{"type":"integer"}},"required":["x"]},"else":{"properties":{"k":{"const":"b"},"y":{"type":"string"}}}}`,
			"{k string, x int64?, y string?}?", ""},
		{`{"type":"object","properties":{"k":{"type":"string"}},"dependentSchemas":{"k":{"properties":{"x":{"type":"integer"}}}}}`, "{k string?, x int64?}?", ""},
		{`{"type":"object","properties":{"k":{"type":"string"}},"dependencies":{"k":["z"],"z":{"properties":{"x":{"type":"integer"}}}}}`, "{k string?, x int64?}?", ""},
		{`{"type":"string","not":{"const":"x"},"x-anything":{"$ref":"#/nowhere"}}`, "string?", ""},

		{`{"type":"integer","default":7}`, "int64? = 7", ""},
		{`{"type":"integer","default":"7"}`, "int64?", `p: its default "7" does not fit`},
		{`{"type":"string","default":"a\u0022\u003c"}`, `string? = "a\"<"`, ""},
		{`{"type":["string","null"],"default":null}`, "string? = null", ""},
		{`{"type":"number","default":1e3}`, "double? = 1e3", ""},
		{`{"type":"number","default":1e999}`, "double?", "does not fit"},
		{`{"type":"string","format":"date","default":"2026-02-29"}`, "date?", "does not fit"},
		{`{"type":"string","format":"date-time","default":"2026-02-28T00:00:00Z"}`, `timestamp-micros? = "2026-02-28T00:00:00Z"`, ""},
		{`{"type":"string","contentEncoding":"base64","default":"AA"}`, "bytes?", "does not fit"},
		{`{"type":"array","items":{"type":"integer"},"default":[]}`, "[int64]? = []", ""},
		{`{"type":"array","items":{"type":"integer"},"default":[null]}`, "[int64]?", "does not fit"},
		{`{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"],"default":{"x":1}}`, `{x int64}? = {"x":1}`, ""},
		{`{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"],"default":{}}`, `{x int64}?`, "does not fit"},
		{`{"anyOf":[{"type":"integer"},{"type":"null"}],"default":null}`, "int64? = null", ""},

		{`{"type":"number","title":"org.apache.kafka.connect.data.Decimal","connect.type":"bytes","connect.parameters":{"scale":"2"}}`, "decimal(38,2)?", ""},
		{`{"type":"number","title":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2","connect.decimal.precision":"10"}}`, "decimal(10,2)?", ""},
		{`{"type":"number","title":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"-2"}}`, "double?", ""},
		{`{"oneOf":[{"type":"null"},{"type":"number","title":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2"},"default":1.25}],"default":1.25}`, "decimal(38,2)? = 1.25", ""},
		{`{"type":"string","title":"org.apache.kafka.connect.data.Decimal","connect.type":"bytes","connect.parameters":{"scale":"2"}}`, "bytes?", ""},
		{`{"type":"integer","title":"org.apache.kafka.connect.data.Date","connect.type":"int32"}`, "date?", ""},
		{`{"type":"integer","title":"org.apache.kafka.connect.data.Timestamp","connect.type":"int64"}`, "timestamp-millis?", ""},
		{`{"type":"integer","title":"io.debezium.time.MicroTimestamp"}`, "local-timestamp-micros?", ""},
		{`{"type":"string","title":"io.debezium.time.ZonedTimestamp"}`, "timestamp-micros?", ""},
		{`{"oneOf":[{"type":"integer","title":"org.apache.kafka.connect.data.Date"},{"type":"integer"}]}`, "int64?", ""},
		{`{"oneOf":[{"type":"number","title":"org.apache.kafka.connect.data.Decimal"},{"type":"number"}]}`, "json?", "its numbers are of several kinds"},
	} {
		s, notes, err := parse(t, `{"type":"object","properties":{"last":{"type":"integer"},"p":`+c.schema+`}}`)
		if err != nil {
			t.Errorf("%s: %v", c.schema, err)
			continue
		}
		got := strings.TrimPrefix(strings.TrimPrefix(sketch(s.Fields), "last int64?"), ", p ")
		if got == "" {
			got = "-"
		}
		if got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.schema, got, c.want)
		}
		if said := fmt.Sprint(notes); c.note == "" && len(notes) > 0 || !strings.Contains(said, c.note) {
			t.Errorf("%s: notes %s, want %s", c.schema, said, c.note)
		}
	}
}

func TestWholeSchemas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, schema, want string
		refs               []record.Reference
	}{
		{"the order is that of the text", `{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"integer"},"m":{"type":"number"}},"required":["a"]}`, "z string?, a int64, m double?", nil},
		{"no type at the top", `{"properties":{"a":{"type":"integer"}}}`, "a int64?", nil},
		{"null at the top", `{"type":["object","null"],"properties":{"a":{"type":"integer"}}}`, "a int64?", nil},
		{"a reference at the top", `{"$ref":"#/definitions/R","definitions":{"R":{"type":"object","properties":{"a":{"type":"integer"}}}}}`, "a int64?", nil},
		{"definitions", `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"$ref":"#/definitions/x%20y~1z"},"b":{"$ref":"#/definitions/x%20y~1z/properties/d"}},"definitions":{"x y/z":{"type":"object","properties":{"d":{"type":"string","format":"date"}}}}}`,
			"a {d date?}?, b date?", nil},
		{"in draft 7 nothing counts beside a reference but words", `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"$ref":"#/definitions/d","type":"integer","description":"D","default":"x"}},"definitions":{"d":{"type":"string"}}}`,
			`a string? = "x" // D`, nil},
		{"later drafts take both", `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"a":{"$ref":"#/$defs/d","properties":{"y":{"type":"integer"}}}},"$defs":{"d":{"type":"object","properties":{"x":{"type":"string"}}}}}`,
			"a {y int64?, x string?}?", nil},
		{"anchors", `{"type":"object","properties":{"a":{"$ref":"#here"},"b":{"$ref":"#old"}},"$defs":{"x":{"$anchor":"here","type":"integer"},"y":{"$id":"#old","type":"string"}}}`, "a int64?, b string?", nil},
		{"identifiers within", `{"$id":"http://example.com/root.json","type":"object","properties":{"a":{"$ref":"item.json"},"b":{"$ref":"http://example.com/dir/part.json#/$defs/q"},"c":{"$ref":"#/$defs/part/$defs/q"}},
			"$defs":{"item":{"$id":"item.json","type":"integer"},"part":{"$id":"dir/part.json","type":"object","properties":{"z":{"$ref":"#/$defs/q"}},"$defs":{"q":{"type":"boolean"}}},"q":{"type":"string"}}}`,
			"a int64?, b boolean?, c boolean?", nil},
		{"draft 4 calls them id", `{"$schema":"http://json-schema.org/draft-04/schema#","id":"http://example.com/root.json","type":"object","properties":{"id":{"type":"integer"},"a":{"$ref":"other.json"}},"definitions":{"o":{"id":"other.json","type":"string"}}}`, "id int64?, a string?", nil},
		{"references by name", `{"type":"object","properties":{"a":{"$ref":"money.json"},"b":{"$ref":"my money#/definitions/cents"}}}`, "a {cents int64?}?, b int64?", []record.Reference{
			{Name: "my money", Text: `{"definitions":{"cents":{"type":"integer"}}}`},
			{Name: "money.json", Text: `{"type":"object","properties":{"cents":{"$ref":"my money#/definitions/cents"}}}`},
		}},
		{"references by their own identifiers", `{"$id":"https://example.com/a/order.json","type":"object","properties":{"a":{"$ref":"money.json"},"b":{"$ref":"/b.json#/definitions/x"},"c":{"$ref":"https://example.com/a/named"}}}`, "a int64?, b {in int64?}?, c string?", []record.Reference{
			{Name: "whatever", Text: `{"$id":"https://example.com/a/money.json","type":"integer"}`},
			{Name: "https://example.com/b.json", Text: `{"definitions":{"x":{"properties":{"in":{"$ref":"#/definitions/y"}}},"y":{"$ref":"a/money.json"}}}`},
			{Name: "named", Text: `{"type":"string"}`},
		}},
		{"a reference elsewhere", `{"type":"object","properties":{"a":{"$ref":"http://example.com/missing.json#/x"},"b":{"type":"integer"}}}`, "a json?, b int64?", nil},
		{"recursion closes as JSON", `{"type":"object","properties":{"v":{"type":"integer"},"left":{"$ref":"#"},"kids":{"type":"array","items":{"$ref":"#"}}},"required":["v"]}`, "v int64, left json?, kids [json]?", nil},
		{"at the place where it closes", `{"type":"object","properties":{"root":{"$ref":"#/$defs/node"}},"$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/node"}}}}}`, "root {v int64?, next json?}?", nil},
		{"what goes round is anything", `{"type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"$ref":"#/$defs/c"},"c":{"$ref":"#/$defs/b"}}}`, "a json?", nil},
		{"the same twice is not recursive", `{"type":"object","properties":{"a":{"$ref":"#/$defs/d"},"b":{"allOf":[{"$ref":"#/$defs/d"},{"$ref":"#/$defs/d"}]}},"$defs":{"d":{"type":"string"}}}`, "a string?, b string?", nil},
		{"properties that are called like keywords", `{"type":"object","properties":{"$id":{"type":"integer"},"enum":{"$id":"e.json","type":"string"},"default":{"$ref":"e.json"},"properties":{"type":"boolean"},"$ref":{"type":"number"}}}`, "$id int64?, enum string?, default string?, properties boolean?, $ref double?", nil},
		{"variants at the top", `{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"],"oneOf":[{"properties":{"x":{"type":"integer"}},"required":["x"]},{"properties":{"y":{"type":"string"}}}]}`, "id int64, x int64?, y string?", nil},
	} {
		s, _, err := parse(t, c.schema, c.refs...)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := sketch(s.Fields); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Notes stand in the order of the columns, and say where and why.
func TestNotes(t *testing.T) {
	t.Parallel()
	_, notes, err := parse(t, `{"type":"object","additionalProperties":{"type":"string"},"properties":{"a":{"type":"array","items":{"$ref":"#"}},"b":{"$ref":"x.json"},"m":{"type":"object","additionalProperties":{"type":["string","integer"]}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []jsonschema.Note{
		{Text: "what it says of other properties by patterns of names or by additionalProperties is left out"},
		{Path: "a[]", Text: "a column of JSON: the schema is recursive here, and a row has a fixed depth"},
		{Path: "b", Text: "a column of JSON: $ref x.json: no reference of the schema has that name, and nothing is fetched"},
		{Path: "m{}", Text: "a column of JSON: it takes integer or string"},
	}
	if d := cmp.Diff(want, notes); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestFieldsAsJSON(t *testing.T) {
	t.Parallel()
	s, _, err := jsonschema.Parse(&record.SchemaText{Format: "json", Text: `{"type":"object","properties":{"a":{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"string"}}},"l":{"type":"array","items":{"type":"object","properties":{"x":{"$ref":"#/nowhere"},"y":{"type":"string"}}}}}}`}, "a", "l.x")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sketch(s.Fields), "a json?, l [{x json?, y string?}]?"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestRefusedSchemas(t *testing.T) {
	t.Parallel()
	wide := `{"type":"object","properties":{"a":{"$ref":"#/$defs/d0"}},"$defs":{`
	for i := range 40 {
		wide += fmt.Sprintf(`"d%d":{"type":"object","properties":{"a":{"$ref":"#/$defs/d%d"},"b":{"$ref":"#/$defs/d%d"}}},`, i, i+1, i+1)
	}
	wide += `"d40":{"type":"string"}}}`
	many := `{"type":"object","properties":{"a":{"type":"integer"}`
	for i := range record.MaxLeaves {
		many += fmt.Sprintf(`,"f%d":{"type":"integer"}`, i)
	}
	for _, c := range []struct{ schema, want string }{
		{`{`, "json schema: byte 1: unexpected EOF"},
		{``, "json schema: byte 0: unexpected EOF"},
		{`{} {}`, "json schema: byte 4: something follows the value"},
		{`"x"`, "json schema: it is neither an object nor true or false"},
		{`true`, "json schema: it takes anything; rows need an object with properties at the top"},
		{`{"type":"string"}`, "json schema: it takes string; rows need an object at the top"},
		{`{"type":["object","array"],"properties":{"a":{"type":"integer"}}}`, "json schema: it takes array or object; rows need an object at the top"},
		{`{"type":"object"}`, "json schema: its objects have no properties of their own"},
		{`{"type":"object","additionalProperties":{"type":"integer"}}`, "json schema: its objects have no properties of their own"},
		{`{"type":"object","properties":{"a":false}}`, "json schema: none of its properties has values"},
		{`{"$ref":"http://example.com/x"}`, "json schema: it has no type for the whole value ($ref http://example.com/x: no reference"},
		{`{"type":"object","properties":{"a":{"$ref":"#/definitions/x"}}}`, "json schema: field a: $ref #/definitions/x leads nowhere"},
		{`{"type":"object","properties":{"a":{"$ref":"#x"}}}`, "json schema: field a: $ref #x: there is no such anchor"},
		{`{"type":"object","properties":{"a":{"items":{"properties":{"b":7}}}}}`, "json schema: field a[].b: its schema is neither an object nor true or false"},
		{wide, "json schema: with its references resolved it has more than 100000 places; name fields"},
		{many + "}}", "json schema: the schema has 10001 columns, more than 10000"},
		{strings.Repeat(`{"properties":{"a":`, 300) + "{}" + strings.Repeat("}}", 300), "json schema: byte"},
		{strings.Repeat(`{"properties":{"a":`, 200) + "{}" + strings.Repeat("}}", 200), "json schema: field a.a.a"},
		{strings.Repeat(" ", 17<<20), "json schema: it has 17825792 bytes, the most is 16777216"},
	} {
		_, _, err := parse(t, c.schema)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%.60s: error %v\nwant %s", c.schema, err, c.want)
		}
	}
	if _, _, err := parse(t, `{"$ref":"r"}`, record.Reference{Name: "r", Text: "{"}); err == nil || err.Error() != "json schema: reference r: byte 1: unexpected EOF" {
		t.Errorf("a reference that is not JSON: %v", err)
	}
}
