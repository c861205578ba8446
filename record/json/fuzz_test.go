package json_test

import (
	stdjson "encoding/json"
	"math/rand/v2"
	"regexp"
	"testing"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
)

// everything has each kind, in each place.
func everything() *record.Schema {
	point := record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "x", Type: kind(record.Int32)}, {Name: "y", Type: list(record.Field{Type: kind(record.Int64), Nullable: true}), Default: stdjson.RawMessage("[1,null]")}}}
	fields := []record.Field{
		{Name: "s", Type: kind(record.String)}, {Name: "u", Type: kind(record.UUID), Nullable: true}, {Name: "b", Type: kind(record.Boolean)}, {Name: "i", Type: kind(record.Int32)},
		{Name: "l", Type: kind(record.Int64), Nullable: true}, {Name: "f", Type: kind(record.Float)}, {Name: "d", Type: kind(record.Double), Nullable: true},
		{Name: "y", Type: kind(record.Bytes)}, {Name: "x", Type: record.Type{Kind: record.Fixed, Size: 3}}, {Name: "e", Type: record.Type{Kind: record.Enum, Symbols: []string{"A", "B"}}},
		{Name: "p", Type: record.Type{Kind: record.Decimal, Precision: 7, Scale: 2}}, {Name: "q", Type: record.Type{Kind: record.Decimal, Precision: 38, Scale: 9}, Nullable: true},
		{Name: "day", Type: kind(record.Date)}, {Name: "tm", Type: kind(record.TimeMillis)}, {Name: "tu", Type: kind(record.TimeMicros)},
		{Name: "t3", Type: kind(record.TimestampMillis)}, {Name: "t6", Type: kind(record.TimestampMicros)}, {Name: "t9", Type: kind(record.TimestampNanos)}, {Name: "l3", Type: kind(record.LocalMillis)},
		{Name: "l6", Type: kind(record.LocalMicros)}, {Name: "l9", Type: kind(record.LocalNanos)}, {Name: "z", Type: kind(record.Int32), Default: stdjson.RawMessage("7"), Aliases: []string{"Z", "é", "s"}},
		{Name: "o", Type: record.Type{Kind: record.Enum, Symbols: []string{"A", "B"}, Symbol: "B"}, Nullable: true, Aliases: []string{"Z", "O"}},
		{Name: "ll", Type: list(record.Field{Type: list(record.Field{Type: kind(record.Int32), Nullable: true})})},
		{Name: "m", Type: record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Type: point, Nullable: true}}, Nullable: true},
		{Name: "un", Type: union(kind(record.Double), kind(record.Int64), kind(record.TimestampMillis), kind(record.String), point, record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Type: kind(record.String)}}), Nullable: true},
	}
	return &record.Schema{Fields: fields}
}

// hugeExponent is what would keep the oracle's rationals busy for hours.
var hugeExponent = regexp.MustCompile(`[eE][-+]?[0-9]{4,}`)

func FuzzDecode(f *testing.F) {
	s := everything()
	const plain = `{"s":"text","u":null,"b":true,"i":1,"l":2,"f":1.5,"d":1e-3,"y":"AAE=","x":"AAEC","e":"B","p":"12.5","q":1234567890.123456789,"day":"2026-11-20","tm":"13:07:00.25","tu":5,"t3":"2026-11-20T13:07:00.25+01:00","t6":1,"t9":"2026-11-20T13:07:00Z","l3":"2026-11-20T13:07:00","l6":"2026-11-20T13:07:00.5","l9":-1,"ll":[[1,null],[]],"m":{"a":{"x":1},"b":null},"un":{"x":1}}`
	f.Add([]byte(plain))
	f.Add([]byte(`{"z":-0,` + plain[1:]))
	f.Add([]byte(`{"Z":8,"O":"C","\u00e9":9,` + plain[1:]))
	for _, in := range []string{`{"x":"y"}`, `1.5`, `"\ud83d\ude00"`, `{"s":1}`} {
		f.Add([]byte(plain[:len(plain)-len(`{"x":1}}`)] + in + "}"))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		typ := recordtest.RandomRecord(r, 2)
		f.Add(recordtest.AppendJSON(nil, r, typ.Schema(), recordtest.RandomRow(r, typ)))
	}
	// Compiled once: it takes longer than to decode.
	dec, got, want := decoder(f, s), record.NewColumns(s), record.NewColumns(s)
	good, ok := check(f, s, dec, got, []byte(plain))
	if !ok {
		f.Fatal("the plain text is refused")
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if hugeExponent.Match(text) {
			t.Skip()
		}
		got.Reset()
		want.Reset()
		recordtest.Shred(want, good)
		if err := dec.Decode(got, &record.Raw{Value: []byte(plain)}); err != nil {
			t.Fatal(err)
		}
		got.EndRow()
		if row, ok := check(t, s, dec, got, text); ok {
			got.EndRow()
			recordtest.Shred(want, row)
		}
		if err := dec.Decode(got, &record.Raw{Value: []byte(plain)}); err != nil {
			t.Fatal(err)
		}
		got.EndRow()
		recordtest.Shred(want, good)
		if d := recordtest.DiffColumns(got, want); d != "" {
			t.Fatalf("-got +want\n%s", d)
		}
	})
}
