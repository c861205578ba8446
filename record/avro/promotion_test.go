package avro_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/record/avro"
)

// Every plain type against every other, alone, in a list, in unions of either side, and for a field that may be null: what the table of the
// specification has is read, and nothing else.
func TestAllPairsOfPlainTypes(t *testing.T) {
	t.Parallel()
	types := []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
	promotions := map[string][]string{"int": {"long", "float", "double"}, "long": {"float", "double"}, "float": {"double"}, "string": {"bytes"}, "bytes": {"string"}}
	values := map[string][]byte{"boolean": {1}, "int": wire(7), "long": wire(7), "float": wire(float32(7)), "double": wire(7.0), "bytes": wire("7"), "string": wire("7")}
	texts := map[string]string{"boolean": "true", "int": "7", "long": "7", "float": "7", "double": "7", "bytes": `"Nw=="`, "string": `"7"`}
	quote := func(s string) string { return `"` + s + `"` }
	list := func(s string) string { return `{"type":"array","items":` + s + `}` }
	union := func(s, other string) string { return `["` + other + `",` + s + `]` }
	for _, from := range types {
		for _, to := range types {
			if to == "null" {
				continue // no column
			}
			fits := from == to || slices.Contains(promotions[from], to)
			check := func(name, writer, target string, value []byte, fits bool, want string) {
				got, err := resolved(t, oneField(writer), oneField(target), value)
				if fits != (err == nil) || fits && got != `{"a":`+want+`}` {
					t.Errorf("%s to %s, %s: %s, %v", from, to, name, got, err)
				}
				if misfit := (*record.MisfitError)(nil); err != nil && (!errors.As(err, &misfit) || !strings.HasPrefix(misfit.Path, "a")) {
					t.Errorf("%s to %s, %s: %v", from, to, name, err)
				}
			}
			if from == "null" { // a row needs a column
				check("alone", `"null"},{"name":"z","type":"boolean"`, quote(to), []byte{1}, false, "")
				check("to a nullable", `"null"},{"name":"z","type":"boolean"`, union(quote(to), "null"), []byte{1}, true, "null")
				continue
			}
			check("alone", quote(from), quote(to), values[from], fits, texts[to])
			check("to a nullable", quote(from), union(quote(to), "null"), values[from], fits, texts[to])
			check("in a list", list(quote(from)), list(quote(to)), append(append(wire(1), values[from]...), 0), fits, "["+texts[to]+"]")
			check("from a nullable", union(quote(from), "null"), union(quote(to), "null"), append(wire(1), values[from]...), fits, texts[to])
			check("from a union to one", union(quote(from), "null"), quote(to), append(wire(1), values[from]...), fits, texts[to])
			if from != "boolean" && to != "boolean" {
				check("to a union", quote(from), union(quote(to), "boolean"), values[from], fits, `{"member1":`+texts[to]+`}`)
			}
		}
	}
}

// Names and aliases at every depth.
func TestAliasesWithinTypes(t *testing.T) {
	t.Parallel()
	rec := func(name, more, fields string) string {
		return `{"type":"record","name":"` + name + `"` + more + `,"fields":[` + fields + `]}`
	}
	for _, c := range []struct {
		name, writer, target string
		value                []byte
		want                 string
	}{
		{"a field in a record", rec("S", "", `{"name":"x","type":"int"}`), rec("S", "", `{"name":"y","aliases":["w","x"],"type":"long"}`), wire(7), `{"a":{"y":7}}`},
		{"a record and its field", rec("S", "", `{"name":"x","type":"int"}`), rec("T", `,"aliases":["Q","S"]`, `{"name":"y","aliases":["x"],"type":"int"}`), wire(7), `{"a":{"y":7}}`},
		{"a name and an alias", rec("S", "", `{"name":"x","type":"int"},{"name":"y","type":"int"}`), rec("S", "", `{"name":"y","type":"int"},{"name":"z","aliases":["x"],"type":"int"}`), wire(7, 8), `{"a":{"y":8,"z":7}}`},
		{"an enum in a list", `{"type":"array","items":{"type":"enum","name":"n.E","symbols":["A"]}}`, `{"type":"array","items":{"type":"enum","name":"n.F","aliases":["E"],"symbols":["A"]}}`, wire(1, 0, 0), `{"a":["A"]}`},
		{"a fixed in a map", `{"type":"map","values":{"type":"fixed","name":"F","size":1}}`, `{"type":"map","values":{"type":"fixed","name":"n.G","aliases":["F","m.F"],"size":1}}`, nil,
			`field a{}: the writer has fixed F of 1 bytes, the target fixed n.G of 1 bytes; if they are the same, the target needs an alias`},
		{"a decimal in a fixed", `{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":3}`, `{"type":"fixed","name":"G","aliases":["F"],"size":2,"logicalType":"decimal","precision":3}`, []byte{0, 7}, `{"a":"7"}`},
		{"a UUID in a fixed", `{"type":"fixed","name":"F","size":16,"logicalType":"uuid"}`, `{"type":"fixed","name":"G","aliases":["F"],"size":16,"logicalType":"uuid"}`, make([]byte, 16), `{"a":"00000000-0000-0000-0000-000000000000"}`},
		{"a type that stands for another twice", `[` + rec("S", "", `{"name":"x","type":"int"}`) + `,` + rec("T", "", `{"name":"y","type":"int"}`) + `]`,
			`[` + rec("T", "", `{"name":"y","type":"int"}`) + `,` + rec("U", `,"aliases":["S"]`, `{"name":"x","type":"int"}`) + `]`, wire(0, 7), `{"a":{"member1":{"x":7}}}`},
		{"an enum's default under an alias", `{"type":"enum","name":"E","symbols":["A","B"]}`, `{"type":"enum","name":"F","aliases":["E"],"symbols":["B","C"],"default":"C"}`, wire(0), `{"a":"C"}`},
	} {
		got, err := resolved(t, oneField(c.writer), oneField(c.target), c.value)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Rows say all that their schema said: kept as JSON and read back they resolve as before.
func TestRowsKeepWhatAReaderNeeds(t *testing.T) {
	t.Parallel()
	p := parse(t, []byte(`{"type":"record","name":"R","namespace":"n","aliases":["Old","m.Older"],"fields":[
		{"name":"e","aliases":["f"],"type":{"type":"enum","name":"E","aliases":["F"],"symbols":["A","B"],"default":"A"}},
		{"name":"s","type":["null",{"type":"record","name":"o.S","aliases":["T"],"fields":[{"name":"x","type":{"type":"fixed","name":"X","size":4,"logicalType":"decimal","precision":5}}]}]},
		{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":5}}]}`))
	want := &record.Schema{Name: "n.R", Aliases: []string{"n.Old", "m.Older"}, Fields: []record.Field{
		{Name: "e", Aliases: []string{"f"}, Type: record.Type{Kind: record.Enum, Name: "n.E", Aliases: []string{"n.F"}, Symbols: []string{"A", "B"}, Symbol: "A"}},
		{Name: "s", Nullable: true, Type: record.Type{Kind: record.Struct, Name: "o.S", Aliases: []string{"o.T"}, Fields: []record.Field{
			{Name: "x", Type: record.Type{Kind: record.Decimal, Name: "o.X", Size: 4, Precision: 5}}}}},
		{Name: "d", Type: record.Type{Kind: record.Decimal, Precision: 5}},
	}}
	if got, want := p.Schema.Fingerprint(), want.Fingerprint(); got != want {
		t.Errorf("got %+v", p.Schema)
	}
	const old = `{"type":"record","name":"m.Older","fields":[{"name":"f","type":{"type":"enum","name":"n.F","symbols":["C"]}},{"name":"s","type":{"type":"record","name":"S","fields":[{"name":"x","type":{"type":"fixed","name":"X","size":4}}]}},{"name":"d","type":"bytes"}]}`
	w, err := avro.ParseWriter(&record.SchemaText{Text: old}, record.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAs(w, p.Schema, append(append(wire(0), 0, 0, 0, 9), wire("\x07")...))
	if want := `{"e":"A","s":{"x":"9"},"d":"7"}`; got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}
