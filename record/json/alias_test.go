package json_test

import (
	stdjson "encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
	"shadoof/record/json"
)

// A field is read by its name, else by the first of its aliases that the object has; what else is there is unknown.
func TestAliases(t *testing.T) {
	t.Parallel()
	s := &record.Schema{Fields: []record.Field{
		{Name: "a", Type: kind(record.Int64), Aliases: []string{"old", "older"}},
		{Name: "b", Type: list(record.Field{Type: kind(record.String)}), Nullable: true, Aliases: []string{"a", "é"}, Default: stdjson.RawMessage(`["d"]`)},
		{Name: "c", Type: kind(record.Boolean), Nullable: true, Aliases: []string{"old", "C"}},
	}}
	for _, c := range []struct {
		text    string
		want    []any
		unknown int64
		err     string
	}{
		{`{"a":1}`, []any{int64(1), []any{"d"}, nil}, 0, ""},
		{`{"old":1}`, []any{int64(1), []any{"d"}, nil}, 0, ""},
		{`{"older":2,"old":1}`, []any{int64(1), []any{"d"}, nil}, 1, ""},
		{`{"older":2}`, []any{int64(2), []any{"d"}, nil}, 0, ""},
		{`{"old":"x","a":3,"older":{}}`, []any{int64(3), []any{"d"}, nil}, 2, ""},
		{`{"\u00e9":["x"],"C":true,"a":3,"z":0}`, []any{int64(3), []any{"x"}, true}, 1, ""},
		{`{"é":null,"a":3}`, []any{int64(3), nil, nil}, 0, ""},
		{`{"old":1,"old":1}`, nil, 0, `undecodable: byte 9 of 17: found "\"old\":1}", expected a name that the object does not have yet`},
		{`{"a":1,"old":1,"old":1}`, nil, 0, "undecodable"},
		{`{"old":"x"}`, nil, 0, `unfit: a: found "x", expected an integer of 64 bits`},
		{`{"C":true}`, nil, 0, "unfit: a: missing"},
		{`{"a":1,"é":[1]}`, nil, 0, "unfit: b[]: found 1"},
		{`{"a":1,"é":["x",]}`, nil, 0, "undecodable"},
	} {
		d, cols := decoder(t, s), record.NewColumns(s)
		for range 2 { // what a record left behind does not count for the next
			cols.Reset()
			before := d.UnknownFields()
			err := d.Decode(cols, &record.Raw{Value: []byte(c.text)})
			if c.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), c.err) {
					t.Errorf("%s: error %v, want %s", c.text, err, c.err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.text, err)
				continue
			}
			cols.EndRow()
			rows, err := recordtest.Rows(cols)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]any{c.want}, rows); diff != "" || d.UnknownFields()-before != c.unknown {
				t.Errorf("%s: %d unknown fields, -want +got\n%s", c.text, d.UnknownFields()-before, diff)
			}
		}
	}
}

// A symbol stands for those that an enum has not got, in a union only when nothing else takes the text.
func TestSymbolForUnknownSymbols(t *testing.T) {
	t.Parallel()
	enum := record.Type{Kind: record.Enum, Symbols: []string{"A", "B"}, Symbol: "B"}
	for _, c := range []struct {
		typ  record.Type
		text string
		want any
	}{
		{enum, `"A"`, "A"},
		{enum, `"C"`, "B"},
		{enum, `""`, "B"},
		{union(enum, kind(record.String)), `"A"`, []any{"A", nil}},
		{union(enum, kind(record.String)), `"C"`, []any{nil, "C"}},
		{union(kind(record.Int32), enum), `"C"`, []any{nil, "B"}},
		{union(kind(record.Int32), enum), `7`, []any{int32(7), nil}},
		{union(enum, kind(record.Date)), `"2026-11-20"`, []any{nil, int32(20777)}},
		{union(enum, kind(record.Date)), `"2026"`, []any{"B", nil}},
	} {
		got, err := value(one(record.Field{Type: c.typ}), `{"a":`+c.text+`}`)
		if d := cmp.Diff(c.want, got); d != "" || err != nil {
			t.Errorf("%s: error %v, -want +got\n%s", c.text, err, d)
		}
	}
	if _, err := value(one(record.Field{Type: enum}), `{"a":7}`); err == nil || !strings.HasPrefix(err.Error(), "unfit: a: found 7, expected one of A, B") {
		t.Errorf("a number: %v", err)
	}
	enum.Symbol = "C"
	if _, err := json.NewDecoder(one(record.Field{Type: enum})); err == nil || err.Error() != "field a: C, which stands for unknown symbols, is none of its own" {
		t.Errorf("a symbol that it has not got: %v", err)
	}
}

// A column of JSON keeps any value as its text stands there; a field that is missing has none.
func TestJSONColumns(t *testing.T) {
	t.Parallel()
	s := &record.Schema{Fields: []record.Field{{Name: "in", Type: record.Type{Kind: record.Struct, Fields: []record.Field{
		{Name: "j", Type: kind(record.JSON), Nullable: true}, {Name: "k", Type: kind(record.JSON)}}}}}}
	for text, want := range map[string]any{
		`{"k":1.50}`:                          []any{nil, "1.50"},
		`{"j": null ,"k":{"a" : [1, 2e400]}}`: []any{"null", `{"a" : [1, 2e400]}`},
		`{"k":null,"j":"\u0041"}`:             []any{`"\u0041"`, "null"},
	} {
		got, err := value(s, `{"in":`+text+`}`)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: error %v, -want +got\n%s", text, err, d)
		}
	}
	if _, err := value(s, `{"in":{"j":1}}`); err == nil || err.Error() != "unfit: in.k: missing, expected JSON" {
		t.Errorf("a missing value: %v", err)
	}
}
