package avro_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/avro"
)

func TestParse(t *testing.T) {
	t.Parallel()
	got := parse(t, []byte(`{"type":"record","name":"R","namespace":"com.example","fields":[
		{"name":"id","type":{"type":"fixed","name":"Id","size":16,"logicalType":"uuid"},"doc":"who"},
		{"name":"nothing","type":"null"},
		{"name":"again","type":["Id","null"]},
		{"name":"at","type":"long","logicalType":"timestamp-millis"},
		{"name":"strange","type":{"type":"string","logicalType":"date"}},
		{"name":"took","type":{"type":"fixed","name":"Took","size":12,"logicalType":"duration"}},
		{"name":"price","type":[{"type":"bytes","logicalType":"decimal","precision":5,"scale":2},"null"],"default":"\u0000\u0001"},
		{"name":"either","type":["float","null","string"],"default":42},
		{"name":"alone","type":["int"],"default":7},
		{"name":"raw","type":"bytes","default":"\u00ff"},
		{"name":"in","type":{"type":"record","name":"In","namespace":"","fields":[{"name":"a","type":["null","int"],"default":null},{"name":"b","type":"int","default":3}]},"default":{"a":null,"b":4}},
		{"name":"m","type":{"type":"map","values":"double"},"default":{"y":1,"x":0.5}}
	]}`)).Schema
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	typ := func(k record.Kind) record.Type { return record.Type{Kind: k} }
	want := &record.Schema{Name: "com.example.R", Fields: []record.Field{
		{Name: "id", Type: record.Type{Kind: record.UUID, Name: "com.example.Id"}, Doc: "who"},
		{Name: "again", Type: record.Type{Kind: record.UUID, Name: "com.example.Id"}, Nullable: true},
		{Name: "at", Type: typ(record.Int64)},
		{Name: "strange", Type: typ(record.String)},
		{Name: "took", Type: record.Type{Kind: record.Fixed, Size: 12, Name: "com.example.Took"}},
		{Name: "price", Type: record.Type{Kind: record.Decimal, Precision: 5, Scale: 2}, Nullable: true, Default: raw("0.01")},
		{Name: "either", Nullable: true, Default: raw("42.0"), Type: record.Type{Kind: record.Struct, Union: true, Fields: []record.Field{
			{Name: "member0", Type: typ(record.Float), Nullable: true}, {Name: "member1", Type: typ(record.String), Nullable: true}}}},
		{Name: "alone", Default: raw("7"), Type: record.Type{Kind: record.Struct, Union: true, Fields: []record.Field{{Name: "member0", Type: typ(record.Int32), Nullable: true}}}},
		{Name: "raw", Type: typ(record.Bytes), Default: raw(`"/w=="`)},
		{Name: "in", Default: raw(`{"a":null,"b":4}`), Type: record.Type{Kind: record.Struct, Name: "In", Fields: []record.Field{
			{Name: "a", Type: typ(record.Int32), Nullable: true, Default: raw("null")}, {Name: "b", Type: typ(record.Int32), Default: raw("3")}}}},
		{Name: "m", Default: raw(`{"x":0.5,"y":1.0}`), Type: record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Type: typ(record.Double)}}},
	}}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("-got +want\n%s", d)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	field := func(typ string) string {
		return `{"type":"record","name":"R","fields":[{"name":"a","type":` + typ + `}]}`
	}
	doubling := `{"type":"record","name":"D0","fields":[{"name":"x","type":"int"}]}`
	for i := range 20 {
		n := string(rune('A' + i))
		doubling = `{"type":"record","name":"` + n + `","fields":[{"name":"l","type":` + doubling + `},{"name":"r","type":"` + []string{"D0", string(rune('A' + i - 1))}[min(i, 1)] + `"}]}`
	}
	deep := `"int"`
	for range 120 {
		deep = `{"type":"array","items":` + deep + `}`
	}
	for _, c := range []struct{ name, schema, want string }{
		{"not JSON", `{`, "avro schema: "},
		{"no record", `"string"`, "avro schema: it is of type string; rows need a record at the top"},
		{"no fields", `{"type":"record","name":"R","fields":[]}`, "avro schema R: record R has no fields"},
		{"only null", field(`"null"`), "avro schema R: record R has no fields"},
		{"inner without fields", field(`{"type":"record","name":"S","fields":[]}`), "avro schema R: record S has no fields"},
		{"null alone in a union", field(`["null"]`), "avro schema R: field a: a union without a type besides null"},
		{"list of null", field(`{"type":"array","items":"null"}`), "avro schema R: field a[]: of type null"},
		{"map of null", field(`{"type":"map","values":"null"}`), "avro schema R: field a{}: of type null"},
		{"fixed of nothing", field(`{"type":"fixed","name":"F","size":0}`), "avro schema R: field a: fixed of 0 bytes"},
		{"recursive", field(`{"type":"array","items":{"type":"record","name":"N","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","N"]}]}}`),
			"avro schema R: field a[].next: the schema is recursive: N contains itself (R > N > N)"},
		{"doubling", doubling, "more than 10000 columns"},
		{"deep", field(deep), "nested deeper than 100 levels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := avro.Parse([]byte(c.schema))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
}

// A name without a namespace is looked for in that of the record around it, and only then in none.
func TestReferencesByName(t *testing.T) {
	t.Parallel()
	p := parse(t, []byte(`{"type":"record","name":"a.R","fields":[
		{"name":"x","type":{"type":"enum","name":"E","symbols":["IN"]}},
		{"name":"s","type":{"type":"record","name":"b.S","fields":[{"name":"y","type":{"type":"enum","name":"E","symbols":["OTHER"]}},{"name":"z","type":"E"}]}},
		{"name":"w","type":"E"},{"name":"v","type":"b.E"}]}`))
	symbol := func(path string) string {
		_, f, ok := p.Schema.Leaf(path)
		if !ok {
			return "no leaf"
		}
		return f.Type.Symbols[0]
	}
	got := []string{symbol("x"), symbol("s.y"), symbol("s.z"), symbol("w"), symbol("v")}
	if d := cmp.Diff(got, []string{"IN", "OTHER", "OTHER", "IN", "OTHER"}); d != "" {
		t.Errorf("-got +want\n%s", d)
	}
}
