package avro_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/internal/recordtest"
)

// changed reads what everything wrote in each way that there is: promoted, dropped, missing, by other symbols, through other unions.
const changed = `{"type":"record","name":"R","fields":[
	{"name":"un","type":["null","long","bytes",{"type":"record","name":"S","fields":[{"name":"t","type":{"type":"array","items":"boolean"}},{"name":"new","type":{"type":"map","values":"int"},"default":{"a":1,"b":2}}]}]},
	{"name":"i","type":"double"},{"name":"l","type":"float"},{"name":"f","type":["string","double"]},{"name":"d","type":["null","double"]},
	{"name":"s","type":["null","int","bytes"]},{"name":"y","type":["string","null"]},{"name":"e","type":{"type":"enum","name":"E","symbols":["C","A"]}},
	{"name":"tm","type":"long"},{"name":"tu","type":"double"},
	{"name":"ll","type":{"type":"array","items":{"type":"array","items":["long","string","null"]}}},
	{"name":"ms","type":["null",{"type":"map","values":"S"}]},
	{"name":"more","type":["null","string"],"default":null},{"name":"point","type":{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]},"default":{"x":7}}]}`

const (
	// one keeps of everything a single field.
	one = `{"type":"record","name":"R","fields":[{"name":"i","type":"int"}]}`

	// The ways that are left: promotions by themselves, a null of the writer, unions of one side.
	written = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"},{"name":"c","type":"int"},{"name":"d","type":"long"},{"name":"e","type":"long"},
		{"name":"f","type":"float"},{"name":"g","type":"bytes"},{"name":"h","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"i","type":"null"},{"name":"j","type":"int"},{"name":"k","type":["int","long"]},
		{"name":"l","type":["int","null"]},{"name":"m","type":{"type":"array","items":{"type":"record","name":"T","fields":[{"name":"x","type":"int"}]}}}]}`
	wanted = `{"type":"record","name":"R","fields":[{"name":"a","type":"long"},{"name":"b","type":"float"},{"name":"c","type":"double"},{"name":"d","type":"float"},{"name":"e","type":"double"},
		{"name":"f","type":"double"},{"name":"g","type":"string"},{"name":"h","type":{"type":"enum","name":"E","symbols":["B","C"],"default":"C"}},{"name":"i","type":["null","int"]},{"name":"j","type":{"type":"long","logicalType":"time-micros"}},
		{"name":"k","type":"long"},{"name":"l","type":"double"},{"name":"m","type":{"type":"array","items":{"type":"record","name":"T","fields":[{"name":"y","type":"string","default":"z"},{"name":"x","type":["int","string"]}]}}}]}`
)

func FuzzResolve(f *testing.F) {
	pairs := [][2]string{{everything, changed}, {everything, one}, {written, wanted}}
	types := []*recordtest.Type{everythingType(), everythingType(), writtenType()}
	for i := range pairs {
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), make([]byte, 64))
		r := rand.New(rand.NewPCG(1, 2))
		for range 30 {
			f.Add(uint8(i), recordtest.AppendAvro(nil, r, types[i], recordtest.RandomRow(r, types[i])))
		}
	}
	var resolutions []*avro.Resolution
	for _, p := range pairs {
		res, err := avro.Resolve(parse(f, []byte(p[0])), parse(f, []byte(p[1])).Schema)
		if err != nil {
			f.Fatal(err)
		}
		resolutions = append(resolutions, res)
	}
	f.Fuzz(func(t *testing.T, pair uint8, value []byte) {
		decodeTwice(t, resolutions[int(pair)%len(resolutions)], value)
	})
}

// FuzzResolveSchemas is for schemas that nobody thought of.
func FuzzResolveSchemas(f *testing.F) {
	f.Add(everything, changed, make([]byte, 64))
	f.Add(written, wanted, make([]byte, 64))
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		wt := recordtest.RandomRecord(r, 3)
		tt, e := changedBy(r, wt)
		f.Add(string(wt.Avro(false)), string(e.schema(tt, false)), recordtest.AppendAvro(nil, r, wt, recordtest.RandomRow(r, wt)))
	}
	f.Fuzz(func(t *testing.T, writer, target string, value []byte) {
		w, err := avro.Parse([]byte(writer))
		if err != nil {
			return
		}
		p, err := avro.Parse([]byte(target))
		if err != nil {
			return
		}
		if res, err := avro.Resolve(w, p.Schema); err == nil {
			decodeTwice(t, res, value)
		}
		if _, err := avro.Resolve(p, p.Schema); err != nil {
			t.Fatalf("a schema does not fit itself: %v", err)
		}
	})
}

// FuzzWriter is for schemas with references, of which fields become JSON, that are read as other schemas.
func FuzzWriter(f *testing.F) {
	f.Add(tree, "", "children", `"int"`, treeValue)
	f.Add(tree, "", "next", tree, treeValue)
	f.Add(`{"type":"record","name":"R","fields":[{"name":"t","type":"t.Tree"}]}`, tree, "t", `{"type":"record","name":"R","fields":[]}`, treeValue)
	f.Add(`["null","t.Tree"]`, tree, "value", `["null","string"]`, append([]byte{2}, treeValue...))
	f.Add(everything, `{"type":"enum","name":"Z","symbols":["A"]}`, "un", changed, make([]byte, 64))
	f.Add(everything, "", "ms", written, make([]byte, 64))
	r := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		wt := recordtest.RandomRecord(r, 3)
		tt, e := changedBy(r, wt)
		f.Add(string(wt.Avro(false)), "", wt.Fields[0].Name, string(e.schema(tt, false)), recordtest.AppendAvro(nil, r, wt, recordtest.RandomRow(r, wt)))
	}
	f.Fuzz(func(t *testing.T, text, reference, asJSON, target string, value []byte) {
		schema := &record.SchemaText{Text: text}
		if reference != "" {
			schema.References = []record.Reference{{Text: reference}}
		}
		if _, err := avro.ParseWriter(schema, record.ReadOptions{ElseJSON: true}); err != nil {
			if _, err := avro.ParseWriter(schema, record.ReadOptions{}); err == nil {
				t.Fatal("a schema that can be rows cannot where anything may be JSON")
			}
		}
		w, err := avro.ParseWriter(schema, record.ReadOptions{AsJSON: []string{asJSON}, ElseJSON: len(value)%2 == 0})
		if err != nil {
			return
		}
		targets := []*record.Schema{w.Rows()}
		if other, err := avro.ParseWriter(&record.SchemaText{Text: target}, record.ReadOptions{AsJSON: []string{asJSON}}); err == nil {
			targets = append(targets, other.Rows())
		}
		for i, target := range targets {
			dec, err := w.Decoder(target)
			if err != nil {
				if i == 0 {
					t.Fatalf("a schema does not fit its own rows: %v", err)
				}
				continue
			}
			twice(t, dec, value)
		}
	})
}

// decodeTwice decodes a value again and again into the same columns: a refused one leaves no trace, a row is what it is alone.
func decodeTwice(t *testing.T, res *avro.Resolution, value []byte) { twice(t, res.NewDecoder(), value) }

func twice(t *testing.T, dec record.Decoder, value []byte) {
	got := record.NewColumns(dec.Schema())
	var rows [][]any
	for range 2 {
		for _, v := range [][]byte{value, value[: len(value)/2 : len(value)/2]} {
			err := dec.Decode(got, &record.Raw{Value: v})
			var bad *record.BadRecord
			if err != nil && (!errors.As(err, &bad) || bad.Reason != record.Undecodable && bad.Reason != record.Unfit && (v != nil || bad.Reason != record.Tombstone)) {
				t.Fatal(err)
			}
			if err != nil {
				continue
			}
			got.EndRow()
			alone := record.NewColumns(dec.Schema())
			if err := dec.Decode(alone, &record.Raw{Value: v}); err != nil {
				t.Fatal(err)
			}
			alone.EndRow()
			row, err := recordtest.Rows(alone)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row...)
		}
	}
	all, err := recordtest.Rows(got)
	if err != nil {
		t.Fatal(err)
	}
	if d := recordtest.DiffRows(all, rows); d != "" {
		t.Fatalf("-got +want\n%s", d)
	}
}

// writtenType is the type of written.
func writtenType() *recordtest.Type {
	t := func(kind string) *recordtest.Type { return &recordtest.Type{Kind: kind} }
	return &recordtest.Type{Kind: "record", Name: "R", Fields: []recordtest.Field{
		{Name: "a", Type: t("int")}, {Name: "b", Type: t("int")}, {Name: "c", Type: t("int")}, {Name: "d", Type: t("long")}, {Name: "e", Type: t("long")},
		{Name: "f", Type: t("float")}, {Name: "g", Type: t("bytes")}, {Name: "h", Type: &recordtest.Type{Kind: "enum", Name: "E", Symbols: []string{"A", "B"}}},
		{Name: "i", Type: t("null")}, {Name: "j", Type: &recordtest.Type{Kind: "int", Logical: "time-millis"}}, // of numbers that fit the target
		{Name: "k", Type: &recordtest.Type{Kind: "union", Branches: []*recordtest.Type{t("int"), t("long")}}},
		{Name: "l", Type: &recordtest.Type{Kind: "union", Branches: []*recordtest.Type{t("int"), t("null")}}},
		{Name: "m", Type: &recordtest.Type{Kind: "array", Elem: &recordtest.Type{Kind: "record", Name: "T", Fields: []recordtest.Field{{Name: "x", Type: t("int")}}}}},
	}}
}
