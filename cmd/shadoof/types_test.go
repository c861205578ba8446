package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"
	pqformat "github.com/parquet-go/parquet-go/format"

	"shadoof/jobs"
	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/jsonschema"
	"shadoof/record/protobuf"
)

// The tables of types in docs/format.md say what parsers and writers do: they are made by them, between these lines.
const (
	typesDoc   = "../../docs/format.md"
	typesBegin = "<!-- types: go test ./cmd/shadoof -run TestTypesInDocs -update -->\n"
	typesEnd   = "<!-- end of types -->\n"
)

func TestTypesInDocs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, s := range sourceFormats() {
		fmt.Fprintf(&b, "\n**%s.** %s\n\n| %s | column | Parquet | Avro file |\n| --- | --- | --- | --- |\n", s.name, s.note, s.name)
		for _, text := range s.types {
			rows, err := s.rows(text)
			fmt.Fprintf(&b, "| %s | %s |\n", cell(text), typesOf(t, rows, err))
		}
	}
	b.WriteString("\n")

	doc, err := os.ReadFile(typesDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), typesBegin)
	old, after, ended := strings.Cut(rest, typesEnd)
	if !ok || !ended {
		t.Fatalf("%s lacks the lines around the tables of types: %s and %s", typesDoc, typesBegin, typesEnd)
	}
	if *update {
		if err := os.WriteFile(typesDoc, []byte(before+typesBegin+b.String()+typesEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(old, b.String()); diff != "" {
		t.Errorf("%s (-is +should be; -update writes it):\n%s", typesDoc, diff)
	}
}

// A sourceFormat is one of the formats that records come in, with the types that it has.
type sourceFormat struct {
	name, note string
	types      []string
	rows       func(text string) (*record.Schema, error)
}

func sourceFormats() []sourceFormat {
	return []sourceFormat{
		{"Avro", "The type of a field.", avroTypes, rowsOfAvro},
		{"Protobuf", "A field, in proto3 unless it says otherwise. `E` is an enum of `A` and `B`, `M` a message with a field `x`.", protobufTypes, rowsOfProtobuf},
		{"JSON Schema", "A property, which is required.", jsonTypes, rowsOfJSONSchema},
	}
}

var avroTypes = []string{
	`"boolean"`, `"int"`, `"long"`, `"float"`, `"double"`, `"bytes"`, `"string"`, `"null"`,
	`{"type":"enum","name":"E","symbols":["A","B"]}`,
	`{"type":"fixed","name":"F","size":20}`,
	`{"type":"array","items":"long"}`,
	`{"type":"array","items":["null","long"]}`,
	`{"type":"map","values":"long"}`,
	`{"type":"record","name":"R","fields":[{"name":"x","type":"int"}]}`,
	`["null","long"]`,
	`["long","null"]`,
	`["int","string"]`,
	`["null","int","string"]`,
	`{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}`,
	`{"type":"fixed","name":"D","size":8,"logicalType":"decimal","precision":10,"scale":2}`,
	`{"type":"string","logicalType":"uuid"}`,
	`{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}`,
	`{"type":"int","logicalType":"date"}`,
	`{"type":"int","logicalType":"time-millis"}`,
	`{"type":"long","logicalType":"time-micros"}`,
	`{"type":"long","logicalType":"timestamp-millis"}`,
	`{"type":"long","logicalType":"timestamp-micros"}`,
	`{"type":"long","logicalType":"timestamp-nanos"}`,
	`{"type":"long","logicalType":"local-timestamp-millis"}`,
	`{"type":"long","logicalType":"local-timestamp-micros"}`,
	`{"type":"long","logicalType":"local-timestamp-nanos"}`,
	`{"type":"fixed","name":"P","size":12,"logicalType":"duration"}`,
	`{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}`,
}

// fieldName is what the field is called whose type is looked at; a type that needs more than one names them all.
const fieldName = "f"

func rowsOfAvro(text string) (*record.Schema, error) {
	schema := `{"type":"record","name":"Row","fields":[{"name":"` + fieldName + `","type":` + text + `},{"name":"z","type":"int"}]}`
	w, err := avro.ParseWriter(&record.SchemaText{Format: "avro", Text: schema}, record.ReadOptions{})
	if err != nil {
		return nil, err
	}
	return w.Rows(), nil
}

var protobufTypes = []string{
	`bool f = 1`, `int32 f = 1`, `sint32 f = 1`, `sfixed32 f = 1`, `uint32 f = 1`, `fixed32 f = 1`, `int64 f = 1`, `sint64 f = 1`, `sfixed64 f = 1`, `uint64 f = 1`, `fixed64 f = 1`,
	`float f = 1`, `double f = 1`, `string f = 1`, `bytes f = 1`, `E f = 1`, `proto2: optional E f = 1`, `M f = 1`, `optional int64 f = 1`, `proto2: optional int64 f = 1`, `proto2: required int64 f = 1`,
	`repeated int64 f = 1`, `repeated M f = 1`, `map<string, int64> f = 1`, `map<int32, M> f = 1`, `oneof f {int32 a = 1; string b = 2;}`,
	`google.protobuf.Timestamp f = 1`, `google.protobuf.Duration f = 1`, `google.protobuf.Int64Value f = 1`, `google.protobuf.StringValue f = 1`,
	`google.protobuf.Struct f = 1`, `google.protobuf.Value f = 1`, `google.protobuf.ListValue f = 1`, `google.protobuf.Empty f = 1`, `google.protobuf.Any f = 1`, `google.protobuf.FieldMask f = 1`,
	`Row f = 1`,
}

func rowsOfProtobuf(text string) (*record.Schema, error) {
	syntax, semicolon := "proto3", ";"
	if rest, ok := strings.CutPrefix(text, "proto2: "); ok {
		syntax, text = "proto2", rest
	}
	if strings.HasSuffix(text, "}") {
		semicolon = ""
	}
	label := ""
	if syntax == "proto2" {
		label = "optional "
	}
	imports := ""
	for _, name := range []string{"timestamp", "duration", "wrappers", "struct", "empty", "any", "field_mask"} {
		imports += `import "google/protobuf/` + name + `.proto";`
	}
	file := `syntax = "` + syntax + `";` + imports + `message Row {` + text + semicolon + label + `int32 z = 15;} enum E {A = 0; B = 1;} message M {` + label + `int32 x = 1;}`
	w, err := protobuf.Parse(&record.SchemaText{Format: "protobuf", Text: file}, record.ReadOptions{})
	if err != nil {
		return nil, err
	}
	return w.Rows(), nil
}

var jsonTypes = []string{
	`{"type":"boolean"}`, `{"type":"integer"}`, `{"type":"number"}`, `{"type":"string"}`, `{"type":"null"}`,
	`{"type":["integer","null"]}`, `{"type":["integer","string"]}`, `{"oneOf":[{"type":"null"},{"type":"string"}]}`,
	`{"type":"string","format":"date-time"}`, `{"type":"string","format":"date"}`, `{"type":"string","format":"time"}`, `{"type":"string","format":"uuid"}`,
	`{"type":"string","contentEncoding":"base64"}`, `{"enum":["A","B"]}`, `{"const":1}`,
	`{"type":"array","items":{"type":"integer"}}`, `{"type":"array"}`,
	`{"type":"object","properties":{"x":{"type":"integer"}}}`, `{"type":"object","additionalProperties":{"type":"integer"}}`, `{"type":"object"}`,
	`{"oneOf":[{"type":"object","properties":{"x":{"type":"integer"}}},{"type":"object","properties":{"y":{"type":"string"}}}]}`,
	`{"title":"org.apache.kafka.connect.data.Timestamp","type":"integer"}`, `{"$ref":"#"}`, `true`,
}

func rowsOfJSONSchema(text string) (*record.Schema, error) {
	rows, _, err := jsonschema.Parse(&record.SchemaText{Format: "json",
		Text: `{"type":"object","properties":{"` + fieldName + `":` + text + `,"z":{"type":"integer"}},"required":["` + fieldName + `"]}`})
	return rows, err
}

// typesOf are the cells for what a type becomes.
func typesOf(t *testing.T, rows *record.Schema, err error) string {
	if err != nil {
		for in := err; in != nil; in = errors.Unwrap(in) {
			err = in // the innermost says why
		}
		return "refused: " + strings.ReplaceAll(err.Error(), "|", `\|`) + " | | "
	}
	rows = &record.Schema{Fields: rows.Fields[:len(rows.Fields)-1]} // without z
	if len(rows.Fields) == 0 {
		return "none | | "
	}
	var columns []string
	for _, f := range rows.Fields {
		name := record.TypeName(f.Type)
		if f.Nullable {
			name += "?"
		}
		columns = append(columns, cell(called(rows, f.Name, name)))
	}
	return strings.Join(columns, ", ") + " | " + parquetTypes(t, rows) + " | " + avroTypesOf(t, rows)
}

// called puts a column's name before what it is, where there are several.
func called(rows *record.Schema, name, what string) string {
	if len(rows.Fields) == 1 {
		return what
	}
	return name + ": " + what
}

func cell(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }

// file is a file of one row with nothing in it.
func file(t *testing.T, rows *record.Schema, o jobs.OutputSettings) []byte {
	t.Helper()
	f, err := newFormat(o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	e, err := f.NewEncoder(&b, rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// parquetTypes are the types of a Parquet file's columns, from its footer.
func parquetTypes(t *testing.T, rows *record.Schema) string {
	data := file(t, rows, jobs.OutputSettings{Format: "parquet", Compression: "none"})
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	elements := f.Metadata().Schema[1:]
	var types []string
	for len(elements) > 0 {
		name := elements[0].Name
		var text string
		text, elements = parquetType(elements)
		types = append(types, cell(called(rows, name, text)))
	}
	return strings.Join(types, ", ")
}

// parquetType is the type of the first element, and the elements after what lies in it.
func parquetType(elements []pqformat.SchemaElement) (string, []pqformat.SchemaElement) {
	e := elements[0]
	elements = elements[1:]
	text := ""
	if e.RepetitionType.Valid && e.RepetitionType.V != pqformat.Required {
		text = strings.ToLower(e.RepetitionType.V.String()) + " "
	}
	if e.NumChildren.Valid {
		text += "group"
	} else {
		text += e.Type.V.String()
	}
	if e.TypeLength.Valid {
		text += fmt.Sprintf("(%d)", e.TypeLength.V)
	}
	if e.LogicalType.Value != nil {
		text += " " + e.LogicalType.Value.String()
	}
	if !e.NumChildren.Valid {
		return text, elements
	}
	var children []string
	for range e.NumChildren.V {
		name := elements[0].Name
		var child string
		child, elements = parquetType(elements)
		children = append(children, name+": "+child)
	}
	return text + " {" + strings.Join(children, ", ") + "}", elements
}

// avroTypesOf are the types of an Avro file's fields, from its header.
func avroTypesOf(t *testing.T, rows *record.Schema) string {
	data := file(t, rows, jobs.OutputSettings{Format: "avro", Compression: "none"})[len("Obj\x01"):]
	number := func() int64 {
		v, n := binary.Varint(data)
		data = data[max(n, 0):]
		return v
	}
	text := func() string {
		n := number()
		s := string(data[:n])
		data = data[n:]
		return s
	}
	header := map[string]string{}
	for range number() {
		key := text()
		header[key] = text()
	}
	var schema struct {
		Fields []struct {
			Name string
			Type json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(header["avro.schema"]), &schema); err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, f := range schema.Fields {
		types = append(types, cell(called(rows, f.Name, string(f.Type))))
	}
	return strings.Join(types, ", ")
}
