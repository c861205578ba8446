package infer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/infer"
	"shadoof/record/json"
)

func sample(t *testing.T, o infer.Options, docs ...string) infer.Proposal {
	t.Helper()
	s := infer.New(o)
	for _, d := range docs {
		if err := s.Add([]byte(d)); err != nil {
			t.Errorf("%s: %v", d, err)
		}
	}
	return s.Propose()
}

// readBack decodes all documents by the proposal, as the text of an Avro schema.
func readBack(t *testing.T, p infer.Proposal, docs ...string) {
	t.Helper()
	parsed, err := avro.Parse(p.Avro())
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Avro())
	}
	dec, err := json.NewDecoder(parsed.Schema)
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Avro())
	}
	c := record.NewColumns(parsed.Schema)
	for _, d := range docs {
		if err := dec.Decode(c, &record.Raw{Value: []byte(d)}); err != nil {
			t.Fatalf("%v\n%s\n%s", err, d, p.Avro())
		}
		c.EndRow()
	}
	if n := dec.UnknownFields(); n > 0 {
		t.Fatalf("%d fields are left out\n%s", n, p.Avro())
	}
}

// sketch writes fields as people do: a int64, b [string?], c? {x double}, m <json>. A question mark: it may be null.
func sketch(fields []record.Field) string {
	var s []string
	for _, f := range fields {
		s = append(s, strings.Join(append([]string{f.Name}, f.Aliases...), "|")+" "+sketchField(f))
	}
	return strings.Join(s, ", ")
}

func sketchField(f record.Field) string {
	s := string(f.Type.Kind)
	switch t := f.Type; t.Kind {
	case record.Struct:
		s = "{" + sketch(t.Fields) + "}"
	case record.List:
		s = "[" + sketchField(*t.Elem) + "]"
	case record.Map:
		s = "<" + sketchField(*t.Elem) + ">"
	case record.Decimal:
		s = fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	}
	if f.Nullable {
		s += "?"
	}
	return s
}

// objects is one object for each value, under the name a; "-" is an object without it.
func objectsOf(values ...string) []string {
	var docs []string
	for _, v := range values {
		if v == "-" {
			docs = append(docs, `{"z":0}`)
		} else {
			docs = append(docs, `{"z":0,"a":`+v+`}`)
		}
	}
	return docs
}

func repeat(n int, format string) []string {
	var docs []string
	for i := range n {
		docs = append(docs, strings.ReplaceAll(format, "%", fmt.Sprint(i)))
	}
	return docs
}

func TestTypes(t *testing.T) {
	t.Parallel()
	const uuid, instant = `"00000000-0000-0000-0000-00000000000a"`, `"2026-11-20T13:07:00.25Z"`
	for _, c := range []struct {
		values []string
		want   string // with three values being enough
		note   string
	}{
		{[]string{"1", "2", "3"}, "int64", ""},
		{[]string{"1", "2"}, "int64?", ""},
		{[]string{"1", "2", "3", "-"}, "int64?", ""},
		{[]string{"1", "2", "3", "null"}, "int64?", ""},
		{[]string{"true", "false", "true"}, "boolean", ""},
		{[]string{"9223372036854775807", "-9223372036854775808", "-0"}, "int64", ""},
		{[]string{"9223372036854775808", "1", "2"}, "decimal(38,0)", "1 of 3 integers have more than 64 bits: a decimal holds them exactly"},
		{[]string{strings.Repeat("9", 38), "1", "2"}, "decimal(38,0)", "1 of 3"},
		{[]string{strings.Repeat("9", 39), "1", "2"}, "json", "38 digits do not hold all of them"},
		{[]string{"1.0", "2.0", "1e3"}, "double", ""},
		{[]string{"1", "2.5", "3"}, "double", ""},
		{[]string{"0.1", "1e300", "-5e-324"}, "double", ""},
		{[]string{"0.10000000000000001", "2.2204460492503131e-16", "0"}, "double", ""},
		{[]string{"9007199254740993", "0.5", "3"}, "decimal(38,1)", "a double would change 1 of 3 numbers"},
		{[]string{"3.14159265358979323846", "0.5", "3"}, "decimal(38,20)", "at most 18 digits before the point and 20 behind it"},
		{[]string{"1e400", "0.5", "3"}, "json", "a double would change 1 of 3 numbers, and 38 digits"},
		{[]string{"1e-400", "0.5", "3"}, "json", "a double would change"},
		{[]string{"0e999999999", "0.5", "3"}, "double", ""},
		{[]string{"12.50", "0.5", "3"}, "double", "if these are amounts, a decimal of scale 2 keeps them exactly"},
		{[]string{`"x"`, `""`, `"2026-11-20"`}, "string", ""},
		{[]string{`"2026-11-20"`, `"2024-02-29"`, `"0001-01-01"`}, "date", ""},
		{[]string{`"2026-11-20"`, `"2024-02-29"`, `"2023-02-29"`}, "string", ""},
		{[]string{`"2026-11-20"`, `"2024-02-29"`}, "string?", "all strings are dates, and there are only 2"},
		{[]string{instant, instant, `"2026-11-20 13:07:00z"`}, "timestamp-micros", ""},
		{[]string{instant, instant, `"2026-11-20T13:07:00+01:00"`}, "timestamp-micros", "1 of 3 times have a zone other than UTC"},
		{[]string{instant, instant, `"2026-11-20T13:07:60Z"`}, "string", ""},
		{[]string{instant, instant, `"2026-11-20T13:07:00.1234567Z"`}, "string", "1 are finer than microseconds"},
		{[]string{instant, instant, `"2026-11-20T13:07:00.123456000Z"`}, "timestamp-micros", ""},
		{[]string{instant, instant, `"2026-11-20"`}, "string", ""},
		{[]string{`"2026-11-20T13:07:00"`, `"2026-11-20T13:07:00.5"`, `"2026-11-20 13:07:00"`}, "local-timestamp-micros", ""},
		{[]string{uuid, uuid, uuid}, "uuid", ""},
		{[]string{uuid, uuid, `"x"`}, "string", ""},
		{[]string{"null", "null", "null"}, "json?", "it was null each time"},
		{[]string{"1", `"x"`, "true"}, "json", "it was boolean (1), integer (1), string (1)"},
		{[]string{"1", `"x"`, "1"}, "json", "it was integer (2), string (1)"},
		{[]string{"[1]", "[]", "[2,3]"}, "[int64]", ""},
		{[]string{"[1]", "[null]", "[2,3.5]"}, "[double?]", ""},
		{[]string{"[1]", "[]", `["x",1]`}, "[json]", "a[]: a column of JSON: it was integer (2), string (1)"},
		{[]string{"[]", "[]", "[]"}, "json", "an array that was empty each time"},
		{[]string{"[[1,2],[]]", "[]", "[[3]]"}, "[[int64]]", ""},
		{[]string{"{}", "{}", "{}"}, "json", "an object that was empty each time"},
		{[]string{`{"x":1,"y":"s"}`, `{"x":2}`, `{"x":3,"y":null}`}, "{x int64, y string?}", ""},
		{[]string{`[{"x":1},{"y":2}]`, "[]", `[{"x":3}]`}, "[{x int64?, y int64?}]", ""},
		{[]string{`{"1":1,"2":1}`, `{"3":1}`, `{"4":1,"5":2}`}, "<int64>", "a map: its names look like data (5 entries in 3 objects)"},
		{[]string{`{"1":1,"2":1}`, `{"3":1}`, `{"4":1,"5":"x"}`}, "{_1|1 int64?, _2|2 int64?, _3|3 int64?, _4|4 int64?, _5|5 string?}", "a.1: the column is called _1"},
		{[]string{`{"2026-11-01":{"n":1},"2026-11-02":{"n":1},"2026-11-03":{"n":1},"2026-11-04":{"n":1},"2026-11-05":{}}`}, "<{n int64?}>?", "a map"},
	} {
		docs := objectsOf(c.values...)
		p := sample(t, infer.Options{Enough: 3}, docs...)
		_, got, _ := strings.Cut(sketch(p.Schema.Fields), ", a ")
		if got != c.want {
			t.Errorf("%v\ngot  %s\nwant %s", c.values, got, c.want)
		}
		var notes []string
		for _, n := range p.Notes {
			if n.Path != "" {
				notes = append(notes, n.String())
			}
		}
		if said := fmt.Sprint(notes); c.note == "" && len(notes) > 0 || !strings.Contains(said, c.note) {
			t.Errorf("%v: notes %s, want %s", c.values, said, c.note)
		}
		readBack(t, p, docs...)
	}
}

// Objects with many names that are rare each are maps; those with many stable names are not.
func TestMaps(t *testing.T) {
	t.Parallel()
	scores := repeat(200, `{"id":%,"scores":{"u%":1,"v%":2.5}}`)
	p := sample(t, infer.Options{}, scores...)
	if got, want := sketch(p.Schema.Fields), "id int64, scores <double>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	readBack(t, p, scores...)

	var wide, mixed []string
	for i := range 100 {
		var in []string
		for j := range 60 {
			if (i+j)%3 > 0 {
				in = append(in, fmt.Sprintf(`"f%d":%d`, j, i))
			}
		}
		wide = append(wide, `{"a":{`+strings.Join(in, ",")+`}}`)
		mixed = append(mixed, fmt.Sprintf(`{"a":{"k%d":1,"l%d":"x"}}`, i, i))
	}
	p = sample(t, infer.Options{}, wide...)
	if got := p.Schema.Fields[0].Type; got.Kind != record.Struct || len(got.Fields) != 60 {
		t.Errorf("a wide object became %s with %d fields", got.Kind, len(got.Fields))
	}
	readBack(t, p, wide...)
	p = sample(t, infer.Options{}, mixed...)
	if got := p.Schema.Fields[0].Type; got.Kind != record.Struct {
		t.Errorf("many names of several kinds became %s", got.Kind)
	}
	readBack(t, p, mixed...)
}

// Beyond some hundred names an object is a map at once, or JSON.
func TestObjectsOfVeryManyNames(t *testing.T) {
	t.Parallel()
	docs := repeat(2000, `{"a":{"k%":{"x":%}},"b":{"k%":1,"l%":"s"}}`)
	p := sample(t, infer.Options{}, docs...)
	if got, want := sketch(p.Schema.Fields), "a <{x int64}>, b json"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	readBack(t, p, docs...)
}

// A sample keeps no more places than it may, whatever the documents.
func TestSampleIsBounded(t *testing.T) {
	t.Parallel()
	docs := repeat(300, `{"f%":{"g%":[{"h%":1}]},"all":{"x":1}}`)
	p := sample(t, infer.Options{MaxPaths: 100}, docs...)
	if len(p.Fields) > 100 || !strings.Contains(fmt.Sprint(p.Notes), "documents had more than 100 fields") {
		t.Errorf("%d findings, notes %s", len(p.Fields), p.Notes[:3])
	}
	long := strings.Repeat("n", 201)
	p = sample(t, infer.Options{Enough: 1}, `{"a":{"`+long+`":1}}`)
	if got, want := sketch(p.Schema.Fields), "a json"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	deep := `{"a":` + strings.Repeat(`{"a":`, 30) + "[1]" + strings.Repeat("}", 31)
	p = sample(t, infer.Options{Enough: 1}, deep)
	if got, want := sketch(p.Schema.Fields), strings.Repeat("a {", 18)+"a json"+strings.Repeat("}", 18); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	readBack(t, p, deep)
}

// Names that Avro or readers refuse are replaced; documents are read by the old ones.
func TestNames(t *testing.T) {
	t.Parallel()
	doc := `{"user-id":1,"user_id":2,"Id":3,"id":4,"1st":5,"":6,"é":7,"_kafka_offset":8,"in":{"_kafka_offset":9,"a b":[{"c.d":1}]},"ID":10,"user id":"\u0000\"<"}`
	p := sample(t, infer.Options{Enough: 1}, doc)
	want := "user_id_2|user-id int64, user_id int64, Id int64, id_2|id int64, _1st|1st int64, _| int64, __2|é int64, _kafka_offset_2|_kafka_offset int64, " +
		"in {_kafka_offset int64, a_b|a b [{c_d|c.d int64}]}, ID_3|ID int64, user_id_3|user id string"
	if got := sketch(p.Schema.Fields); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	readBack(t, p, doc)
	if err := p.Schema.WithKafkaColumns().Validate(); err != nil {
		t.Error(err)
	}
}

func TestBadDocuments(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		``:                       "undecodable: byte 0: unexpected EOF",
		`{`:                      "undecodable",
		`[1]`:                    "unfit: found array, expected an object",
		`null`:                   "unfit: found null, expected an object",
		`{"a":1} x`:              "undecodable",
		`{"a":1,"a":2}`:          `undecodable: the name "a" stands twice in an object`,
		`{"x":[{"a":1,"a":2}]}`:  "undecodable: the name",
		`{"a":"\ud800"}`:         "undecodable: it has half of a surrogate pair",
		`{"a":"\udc00\ud800"}`:   "undecodable: it has half",
		`{"a":"\\\ud83d\u0041"}`: "undecodable: it has half",
		"{\"a\":\"\xff\"}":       "undecodable: it is not UTF-8",
		`{"a":` + strings.Repeat("[", 512) + strings.Repeat("]", 512) + "}": "undecodable: byte 517: nested deeper than 512 levels",
	} {
		s := infer.New(infer.Options{})
		if err := s.Add([]byte(doc)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40s: error %v, want %s", doc, err, want)
		}
		if p := s.Propose(); p.Seen != 1 || p.Bad != 1 || p.Schema != nil || p.Avro() != nil {
			t.Errorf("%.40s: %+v", doc, p)
		}
	}
	s := infer.New(infer.Options{})
	if err := s.Add(nil); err == nil || err.Error() != "tombstone: the record has no value" {
		t.Errorf("no value: %v", err)
	}
	if err := s.Add([]byte(`{"a":"\ud83d\ude00\\ud800"}`)); err != nil {
		t.Errorf("a pair: %v", err)
	}
}

// What varied comes as data, and the schema as text for people.
func TestProposal(t *testing.T) {
	t.Parallel()
	p := sample(t, infer.Options{Enough: 2},
		`{"id":17,"at":"2026-11-20T13:07:00Z","price":1.5,"tags":["a","b"],"who":{"e-mail":"x@example.com","age":null},"any":1}`,
		`{"id":5,"at":"2026-11-21T13:07:00Z","price":12345678901234567890.5,"tags":[],"any":"x"}`,
		`{"id":6,"at":"2026-11-19T13:07:00Z","price":2,"who":{"e-mail":"`+strings.Repeat("y", 70)+`"}}`)
	want := []infer.Finding{
		{Path: "id", Kind: "int64", Of: 3, Present: 3, Types: []infer.Count{{"integer", 3}}, Min: "5", Max: "17", Example: "17"},
		{Path: "at", Kind: "timestamp-micros", Of: 3, Present: 3, Types: []infer.Count{{"string", 3}}, Min: "2026-11-19T13:07:00Z", Max: "2026-11-21T13:07:00Z", Example: `"2026-11-20T13:07:00Z"`},
		{Path: "price", Kind: "decimal", Of: 3, Present: 3, Types: []infer.Count{{"number", 2}, {"integer", 1}}, Min: "1.5", Max: "12345678901234567890.5", Example: "1.5"},
		{Path: "tags", Kind: "list", Nullable: true, Of: 3, Present: 2, Types: []infer.Count{{"array", 2}}, Example: `["a","b"]`},
		{Path: "tags[]", Kind: "string", Of: 2, Present: 2, Types: []infer.Count{{"string", 2}}, Min: "a", Max: "b", Example: `"a"`},
		{Path: "who", Kind: "struct", Nullable: true, Of: 3, Present: 2, Types: []infer.Count{{"object", 2}}, Example: `{"e-mail":"x@example.com","age":null}`},
		{Path: "who.e-mail", Column: "e_mail", Kind: "string", Of: 2, Present: 2, Types: []infer.Count{{"string", 2}}, Min: "x@example.com", Max: strings.Repeat("y", 40) + "…", Example: `"x@example.com"`},
		{Path: "who.age", Kind: "json", Nullable: true, Of: 2, Present: 1, Types: []infer.Count{{"null", 1}}},
		{Path: "any", Kind: "json", Nullable: true, Of: 3, Present: 2, Types: []infer.Count{{"integer", 1}, {"string", 1}}, Min: "1", Max: "1", Example: "1"},
	}
	if d := cmp.Diff(want, p.Fields); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if got := p.Fields[3].Percent(); got < 66 || got > 67 {
		t.Errorf("%v percent have tags", got)
	}
	const text = `{"type": "record", "name": "Row", "fields": [
  {"name": "id", "type": "long"},
  {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
  {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 1}},
  {"name": "tags", "type": ["null", {"type": "array", "items": "string"}], "default": null},
  {"name": "who", "type": ["null", {"type": "record", "name": "Row_who", "fields": [
    {"name": "e_mail", "type": "string", "aliases": ["e-mail"]},
    {"name": "age", "type": ["null", {"type": "string", "logicalType": "json"}], "default": null}
  ]}], "default": null},
  {"name": "any", "type": ["null", {"type": "string", "logicalType": "json"}], "default": null}
]}
`
	if d := cmp.Diff(text, string(p.Avro())); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	parsed, err := avro.Parse(p.Avro())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sketch(parsed.Schema.Fields), sketch(p.Schema.Fields); got != want {
		t.Errorf("the text says %s\nthe schema   %s", got, want)
	}
}
