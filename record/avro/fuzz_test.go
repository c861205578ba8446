package avro_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/internal/recordtest"
)

// everything has each type and logical type, in each place.
const everything = `{"type":"record","name":"R","fields":[
	{"name":"b","type":"boolean"},{"name":"i","type":"int"},{"name":"l","type":["null","long"]},{"name":"f","type":["float","null"]},{"name":"d","type":"double"},
	{"name":"s","type":"string"},{"name":"y","type":["null","bytes"]},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B","C"]}},
	{"name":"x","type":{"type":"fixed","name":"X","size":3}},{"name":"u","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}},
	{"name":"p","type":{"type":"bytes","logicalType":"decimal","precision":7,"scale":2}},{"name":"q","type":{"type":"fixed","name":"Q","size":5,"logicalType":"decimal","precision":9}},
	{"name":"tm","type":{"type":"int","logicalType":"time-millis"}},{"name":"tu","type":{"type":"long","logicalType":"time-micros"}},
	{"name":"ll","type":{"type":"array","items":{"type":"array","items":["null","int"]}}},
	{"name":"ms","type":["null",{"type":"map","values":{"type":"record","name":"S","fields":[{"name":"a","type":["null","string"]},{"name":"t","type":{"type":"array","items":"boolean"}}]}}]},
	{"name":"un","type":["null","int","string","S",{"type":"map","values":"E"}]}]}`

func FuzzDecode(f *testing.F) {
	p := parse(f, []byte(everything))
	f.Add([]byte{})
	f.Add(make([]byte, 64))
	r := rand.New(rand.NewPCG(1, 2))
	typ := everythingType()
	for range 30 {
		f.Add(recordtest.AppendAvro(nil, r, typ, recordtest.RandomRow(r, typ)))
	}
	good := recordtest.AppendAvro(nil, r, typ, recordtest.RandomRow(r, typ))
	f.Fuzz(func(t *testing.T, value []byte) {
		got, want := record.NewColumns(p.Schema), record.NewColumns(p.Schema)
		dec := avro.NewDecoder(p)
		for i, v := range [][]byte{good, value, good} {
			err := dec.Decode(got, &record.Raw{Value: v})
			var bad *record.BadRecord
			if err != nil && (i != 1 || !errors.As(err, &bad) || bad.Reason != record.Undecodable && bad.Reason != record.Unfit && (v != nil || bad.Reason != record.Tombstone)) {
				t.Fatal(err)
			}
			if err == nil {
				got.EndRow()
				if err := avro.NewDecoder(p).Decode(want, &record.Raw{Value: v}); err != nil {
					t.Fatal(err)
				}
				want.EndRow()
			}
		}
		if d := recordtest.DiffColumns(got, want); d != "" {
			t.Fatalf("-got +want\n%s", d)
		}
		if _, err := recordtest.Rows(got); err != nil {
			t.Fatal(err)
		}
	})
}

func everythingType() *recordtest.Type {
	t := func(kind string) *recordtest.Type { return &recordtest.Type{Kind: kind} }
	union := func(b ...*recordtest.Type) *recordtest.Type { return &recordtest.Type{Kind: "union", Branches: b} }
	enum := &recordtest.Type{Kind: "enum", Name: "E", Symbols: []string{"A", "B", "C"}}
	s := &recordtest.Type{Kind: "record", Name: "S", Fields: []recordtest.Field{
		{Name: "a", Type: union(t("null"), t("string"))}, {Name: "t", Type: &recordtest.Type{Kind: "array", Elem: t("boolean")}}}}
	return &recordtest.Type{Kind: "record", Name: "R", Fields: []recordtest.Field{
		{Name: "b", Type: t("boolean")}, {Name: "i", Type: t("int")}, {Name: "l", Type: union(t("null"), t("long"))}, {Name: "f", Type: union(t("float"), t("null"))}, {Name: "d", Type: t("double")},
		{Name: "s", Type: t("string")}, {Name: "y", Type: union(t("null"), t("bytes"))}, {Name: "e", Type: enum},
		{Name: "x", Type: &recordtest.Type{Kind: "fixed", Name: "X", Size: 3}}, {Name: "u", Type: &recordtest.Type{Kind: "fixed", Name: "U", Size: 16, Logical: "uuid"}},
		{Name: "p", Type: &recordtest.Type{Kind: "bytes", Logical: "decimal", Precision: 7, Scale: 2}}, {Name: "q", Type: &recordtest.Type{Kind: "fixed", Name: "Q", Size: 5, Logical: "decimal", Precision: 9}},
		{Name: "tm", Type: &recordtest.Type{Kind: "int", Logical: "time-millis"}}, {Name: "tu", Type: &recordtest.Type{Kind: "long", Logical: "time-micros"}},
		{Name: "ll", Type: &recordtest.Type{Kind: "array", Elem: &recordtest.Type{Kind: "array", Elem: union(t("null"), t("int"))}}},
		{Name: "ms", Type: union(t("null"), &recordtest.Type{Kind: "map", Elem: s})},
		{Name: "un", Type: union(t("null"), t("int"), t("string"), s, &recordtest.Type{Kind: "map", Elem: enum})},
	}}
}

// Datums are taken and refused as columns are, with the same words, and the captured leaf is the same.
func FuzzSkip(f *testing.F) {
	p := parse(f, []byte(everything))
	fields := append(plainFields(p.Schema.Fields, ""), "")
	f.Add([]byte{}, uint8(0))
	f.Add(make([]byte, 64), uint8(1))
	r := rand.New(rand.NewPCG(1, 2))
	typ := everythingType()
	for i := range 30 {
		f.Add(recordtest.AppendAvro(nil, r, typ, recordtest.RandomRow(r, typ)), uint8(i))
	}
	good := recordtest.AppendAvro(nil, r, typ, recordtest.RandomRow(r, typ))
	f.Fuzz(func(t *testing.T, value []byte, field uint8) {
		v := newSameVerdict(t, p, fields[int(field)%len(fields)])
		for _, b := range [][]byte{good, value[:len(value):len(value)], good} {
			v.decode(t, b)
		}
		v.check(t)
	})
}
