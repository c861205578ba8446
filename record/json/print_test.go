package json_test

import (
	"testing"

	"pgregory.net/rapid"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
)

// What a Printer writes is plain JSON by the rules of this package: it is decoded to the same columns. Unions are not: their
// members are named.
func TestPrintedRowsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawn{t}
		typ := recordtest.RandomRecord(r, 3)
		withoutUnions(typ)
		s := typ.Schema()
		want := record.NewColumns(s)
		for range 1 + r.IntN(4) {
			recordtest.Shred(want, recordtest.RandomRow(r, typ))
		}
		comeBack(t, s, want)
	})
}

// comeBack prints all rows, decodes them, and compares.
func comeBack(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, s *record.Schema, want *record.Columns) {
	dec, got, p := decoder(t, s), record.NewColumns(s), record.NewPrinter(want)
	for range want.Rows() {
		text := p.Next(nil, -1)
		if err := dec.Decode(got, &record.Raw{Value: text}); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		got.EndRow()
	}
	if d := recordtest.DiffColumns(got, want); d != "" {
		t.Fatalf("what was printed reads as other columns (-read +printed):\n%s", d)
	}
}

func FuzzPrint(f *testing.F) {
	s := everything()
	s.Fields = s.Fields[:len(s.Fields)-1] // without the union
	f.Add([]byte(`{"s":"te\u0000xt","u":null,"b":true,"i":1,"l":2,"f":1.5,"d":1e-3,"y":"AAE=","x":"AAEC","e":"B","p":"12.5","q":1234567890.123456789,"day":"2026-11-20","tm":"13:07:00.25","tu":5,"t3":"2026-11-20T13:07:00.25+01:00","t6":1,"t9":"2026-11-20T13:07:00Z","l3":-9223372036854775808,"ll":[[1,null],[]],"m":{"a":{"x":1},"b":null}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if hugeExponent.Match(text) {
			t.Skip()
		}
		c := record.NewColumns(s)
		if decoder(t, s).Decode(c, &record.Raw{Value: text}) != nil {
			return
		}
		c.EndRow()
		comeBack(t, s, c)
	})
}
