package avro_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	oracle "github.com/twmb/avro"

	"shadoof/record"
	"shadoof/writers/sample"
)

var update = flag.Bool("update", false, "write the golden files")

// schemaOf is the schema that a file says it has.
func schemaOf(t testing.TB, s *record.Schema) string {
	t.Helper()
	file := encode(t, newFormat(t, "none"), nil, record.NewColumns(s))
	return string(open(t, file).Metadata()["avro.schema"])
}

// everyType has each kind once, and each way to nest them.
func everyType() *record.Schema {
	s := &record.Schema{Name: "com.example.Event"}
	add := func(name string, t record.Type, nullable bool) {
		s.Fields = append(s.Fields, record.Field{Name: name, Type: t, Nullable: nullable})
	}
	for _, k := range sample.Kinds {
		t := record.Type{Kind: k}
		switch k {
		case record.Fixed:
			t.Size = 20
		case record.Decimal:
			t.Precision, t.Scale = 19, 4
		case record.Enum:
			t.Symbols = []string{"CLUBS", "HEARTS"}
		}
		add(strings.ReplaceAll(string(k), "-", "_"), t, false)
	}
	add("fixed_decimal", record.Type{Kind: record.Decimal, Precision: 5, Scale: 2, Size: 4}, false)
	add("enum_of_others", record.Type{Kind: record.Enum, Symbols: []string{"a b", "c"}}, false)
	add("text_or_null", record.Type{Kind: record.String}, true)
	list := func(e record.Field) record.Type { return record.Type{Kind: record.List, Elem: &e} }
	mapOf := func(e record.Field) record.Type { return record.Type{Kind: record.Map, Elem: &e} }
	point := record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "x", Type: record.Type{Kind: record.Double}}, {Name: "id", Type: record.Type{Kind: record.Fixed, Size: 8}, Nullable: true}}}
	add("struct", point, true)
	add("list", list(record.Field{Type: list(record.Field{Type: point}), Nullable: true}), false)
	add("map", mapOf(record.Field{Type: mapOf(record.Field{Type: point}), Nullable: true}), true)
	add("union", record.Type{Kind: record.Struct, Union: true, Fields: []record.Field{
		{Name: "member0", Type: record.Type{Kind: record.Int64}, Nullable: true}, {Name: "member1", Type: point, Nullable: true}}}, false)
	return s.WithKafkaColumns()
}

func TestSchema(t *testing.T) {
	t.Parallel()
	text := schemaOf(t, everyType())
	if _, err := oracle.Parse(text); err != nil {
		t.Error(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, []byte(text), "", " "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	golden := filepath.Join("testdata", "schema.avsc")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("schema (-want +got; -update writes it):\n%s", diff)
	}
}

var naming = regexp.MustCompile(`"name(space)?":"[^"]*",?`)

// docs/format.md has a table of types; each of its rows is what is written.
func TestTypesAreWhatTheDocumentationSays(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "format.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "\n### Avro files\n")
	if !ok {
		t.Fatal("docs/format.md has no section Avro files")
	}
	section, _, _ = strings.Cut(section, "\n### ")
	documented := map[string]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) < 2 || !strings.HasPrefix(cells[0], "| `") {
			continue
		}
		for kind := range strings.SplitSeq(strings.TrimPrefix(cells[0], "| "), ", ") {
			_, text, _ := strings.Cut(cells[1], "`")
			text, _, _ = strings.Cut(text, "`") // and what else is to be said of it
			documented[strings.Trim(kind, "`")] = text
		}
	}
	var schema struct {
		Fields []struct {
			Name string
			Type json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(schemaOf(t, everyType())), &schema); err != nil {
		t.Fatal(err)
	}
	written := map[string]string{}
	for i, k := range append(slices.Clone(sample.Kinds), "decimal in a fixed") {
		text := naming.ReplaceAllString(string(schema.Fields[i].Type), "")
		written[string(k)] = strings.NewReplacer(`:20`, `:n`, `:19`, `:p`, `"scale":4`, `"scale":s`, `["CLUBS","HEARTS"]`, "[...]",
			`"size":4`, `"size":n`, `"precision":5`, `"precision":p`, `"scale":2`, `"scale":s`).Replace(text)
	}
	for k, want := range written {
		if got := documented[k]; got != want {
			t.Errorf("docs/format.md says of %s: %s, and it is written as %s", k, got, want)
		}
	}
}

func TestNamesThatAvroDoesNotAllowAreRefused(t *testing.T) {
	t.Parallel()
	text := record.Type{Kind: record.String}
	inner := func(name string) record.Type {
		return record.Type{Kind: record.List, Elem: &record.Field{Type: record.Type{Kind: record.Struct, Fields: []record.Field{{Name: name, Type: text}}}}}
	}
	for _, s := range []*record.Schema{
		{Fields: []record.Field{{Name: "a-b", Type: text}}},
		{Fields: []record.Field{{Name: "1a", Type: text}}},
		{Fields: []record.Field{{Name: "a.b", Type: text}}},
		{Fields: []record.Field{{Name: "ä", Type: text}}},
		{Fields: []record.Field{{Name: `a"`, Type: text}}},
		{Fields: []record.Field{{Name: "ok", Type: inner("a b")}}},
		{Name: "com.ex-ample.A", Fields: []record.Field{{Name: "ok", Type: text}}},
		{Name: "com..A", Fields: []record.Field{{Name: "ok", Type: text}}},
		{},
	} {
		if _, err := newFormat(t, "none").NewEncoder(io.Discard, s, nil); err == nil || !strings.HasPrefix(err.Error(), "avro: ") {
			t.Errorf("%+v: error %v", s, err)
		} else {
			t.Log(err)
		}
	}
}

// Types whose fields are called like types of Avro, and like what those are called instead.
func TestNamesOfTypesAreUnique(t *testing.T) {
	t.Parallel()
	s := &record.Schema{Name: "string"}
	for _, word := range []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "error", "enum", "array", "map", "union", "fixed", "value"} {
		for i := range 3 {
			s.Fields = append(s.Fields, record.Field{Name: word + strings.Repeat("_", i), Type: record.Type{Kind: record.Struct, Fields: []record.Field{
				{Name: word, Type: record.Type{Kind: record.Fixed, Size: 3}},
				{Name: "list", Type: record.Type{Kind: record.List, Elem: &record.Field{Type: record.Type{Kind: record.Enum, Symbols: []string{"A"}}}}},
			}}})
		}
	}
	c, rows := fill(newRand(1), s, 50, 0)
	if diff := cmp.Diff(rows, readRows(t, s, encode(t, newFormat(t, "none"), nil, c))); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if _, err := oracle.Parse(schemaOf(t, s)); err != nil {
		t.Error(err)
	}
}

func TestEnumsOfManySymbols(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 12, 13, 300} {
		var symbols []string
		for i := range n {
			symbols = append(symbols, fmt.Sprintf("S%d", i))
		}
		s := &record.Schema{Fields: []record.Field{{Name: "e", Type: record.Type{Kind: record.Enum, Symbols: symbols}, Nullable: true}}}
		c := record.NewColumns(s)
		var want []any
		for i := range n {
			sample.Append(c, sample.Row{symbols[n-1-i]})
			c.EndRow()
			want = append(want, map[string]any{"e": symbols[n-1-i]})
		}
		if diff := cmp.Diff(want, readRows(t, s, encode(t, newFormat(t, "none"), nil, c))); diff != "" {
			t.Errorf("%d symbols: rows (-want +got):\n%s", n, diff)
		}
	}
}

// Decimals are written with as few bytes as hold them.
func TestDecimalsAreShort(t *testing.T) {
	t.Parallel()
	s := &record.Schema{Fields: []record.Field{{Name: "d", Type: record.Type{Kind: record.Decimal, Precision: 9, Scale: 0}}}}
	c := record.NewColumns(s)
	var want []byte
	for _, d := range []struct{ column, written []byte }{
		{[]byte{0, 0, 0, 0}, []byte{0}}, {[]byte{0, 0, 0, 0x7f}, []byte{0x7f}}, {[]byte{0, 0, 0, 0x80}, []byte{0, 0x80}},
		{[]byte{0xff, 0xff, 0xff, 0xff}, []byte{0xff}}, {[]byte{0xff, 0xff, 0xff, 0x80}, []byte{0x80}}, {[]byte{0xff, 0xff, 0xff, 0x7f}, []byte{0xff, 0x7f}},
		{[]byte{0x12, 0x34, 0x56, 0x78}, []byte{0x12, 0x34, 0x56, 0x78}},
	} {
		sample.Append(c, sample.Row{d.column})
		c.EndRow()
		want = append(append(want, byte(2*len(d.written))), d.written...)
	}
	file := encode(t, newFormat(t, "none"), nil, c)
	if body := file[len(file)-16-len(want) : len(file)-16]; !bytes.Equal(body, want) {
		t.Errorf("decimals %x, want %x", body, want)
	}
}
