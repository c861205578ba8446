package json_test

import (
	"bytes"
	stdjson "encoding/json"
	"testing"
	"unicode/utf8"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
	"shadoof/record/json"
)

// JSON that is kept as it is, by the raw decoder and in columns of the kind JSON, is what encoding/json takes for JSON, byte for byte;
// only half of a surrogate pair is no text here.
func FuzzKeep(f *testing.F) {
	s := &record.Schema{Fields: []record.Field{
		{Name: "j", Type: kind(record.JSON)}, {Name: "l", Type: list(record.Field{Type: kind(record.JSON), Nullable: true})}, {Name: "u", Type: union(kind(record.Int32), kind(record.JSON)), Nullable: true},
	}}
	for _, v := range []string{`null`, ` true `, `-1.5e3`, `"\u0041\ud83d\ude00"`, `{"a":[{},[],{"b":[true,false,null]}]}`, "[1 ,\n2]", `7`, `{"a":1,}`, "\"\xff\"", `nul`, ``} {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		raw := json.NewRaw()
		c := record.NewColumns(raw.Schema())
		kept := stdjson.Valid(text) && utf8.Valid(text)
		err := raw.Decode(c, &record.Raw{Value: text})
		half := bytes.Contains(bytes.ToLower(text), []byte(`\ud`))
		if text != nil && err == nil != kept && !(kept && half) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil || text == nil {
			return
		}
		c.EndRow()
		value := string(c.Leaves[0].Value(0))

		dec, c := decoder(t, s), record.NewColumns(s)
		row := []byte(`{"j":` + value + `,"l":[` + value + `, null ,` + value + `],"u":` + value + `}`)
		if err := dec.Decode(c, &record.Raw{Value: row}); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		c.EndRow()
		rows, err := recordtest.Rows(c)
		if err != nil {
			t.Fatal(err)
		}
		if rows[0][0] != value || rows[0][1].([]any)[0] != value {
			t.Fatalf("%q became %q", value, rows[0])
		}
	})
}
