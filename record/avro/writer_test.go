package avro_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/evolve"
	"shadoof/record/internal/recordtest"
)

func writer(t testing.TB, o record.ReadOptions, text string, references ...record.Reference) *avro.Writer {
	t.Helper()
	w, err := avro.ParseWriter(&record.SchemaText{Format: "avro", Text: text, References: references}, o)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return w
}

// readAs decodes one value into rows of a target, and prints the row.
func readAs(w *avro.Writer, target *record.Schema, value []byte) (string, error) {
	dec, err := w.Decoder(target)
	if err != nil {
		return "", err
	}
	c := record.NewColumns(target)
	if err := dec.Decode(c, &record.Raw{Value: value}); err != nil {
		return "", err
	}
	c.EndRow()
	return string(record.NewPrinter(c).Next(nil, -1)), nil
}

func TestReferences(t *testing.T) {
	t.Parallel()
	references := []record.Reference{
		{Name: "a.Id", Text: `{"type":"fixed","name":"a.Id","size":2}`},
		{Name: "a.User", Text: `{"type":"record","name":"User","namespace":"a","fields":[{"name":"id","type":"Id"},{"name":"boss","type":["null","a.Id"]}]}`},
	}
	const text = `{"type":"record","name":"b.Order","fields":[{"name":"by","type":"a.User"},{"name":"of","type":{"type":"array","items":"a.Id"}}]}`
	w := writer(t, record.ReadOptions{}, text, references...)
	got, err := readAs(w, w.Rows(), []byte("xy\x02zz\x02ab\x00"))
	if want := `{"by":{"id":"eHk=","boss":"eno="},"of":["YWI="]}`; got != want || err != nil {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}
	for _, c := range []struct {
		references []record.Reference
		want       string
	}{
		{nil, `a.User`},
		{references[1:], `the schema a.User, which it refers to: `},
		{references[:1], `a.User`},
	} {
		_, err := avro.ParseWriter(&record.SchemaText{Text: text, References: c.references}, record.ReadOptions{})
		if err == nil || !strings.HasPrefix(err.Error(), "avro schema: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

func TestAnyTypeAtTheTop(t *testing.T) {
	t.Parallel()
	references := []record.Reference{
		{Name: "x.A", Text: `{"type":"record","name":"x.A","fields":[{"name":"a","type":"int"}]}`},
		{Name: "x.B", Text: `{"type":"record","name":"x.B","fields":[{"name":"b","type":"x.A"}]}`},
	}
	for _, c := range []struct {
		text  string
		value []byte
		want  string
	}{
		{`"string"`, wire("x"), `{"value":"x"}`},
		{`{"type":"string"}`, wire("x"), `{"value":"x"}`},
		{`{"type":"long","logicalType":"timestamp-millis"}`, wire(1), `{"value":"1970-01-01T00:00:00.001Z"}`},
		{`["null","long"]`, wire(1, 7), `{"value":7}`},
		{`["null","long"]`, wire(0), `{"value":null}`},
		{`{"type":"array","items":"int"}`, wire(1, 7, 0), `{"value":[7]}`},
		{`["x.A","x.B"]`, wire(1, 7), `{"value":{"member1":{"b":{"a":7}}}}`},
		{`["x.A","null","x.B"]`, wire(1), `{"value":null}`},
		{`"x.B"`, wire(7), `{"b":{"a":7}}`},
		{`{"type":"x.B"}`, wire(7), `{"b":{"a":7}}`},
	} {
		w := writer(t, record.ReadOptions{}, c.text, references...)
		if got, err := readAs(w, w.Rows(), c.value); got != c.want || err != nil {
			t.Errorf("%s: %s, %v\nwant %s", c.text, got, err, c.want)
		}
	}
	if _, err := avro.ParseWriter(&record.SchemaText{Text: `"null"`}, record.ReadOptions{}); err == nil {
		t.Error("rows of nothing")
	}
	_, err := writer(t, record.ReadOptions{}, `"string"`).Decoder(parse(t, []byte(`{"type":"record","name":"R","fields":[{"name":"a","type":["null","int"],"default":null}]}`)).Schema)
	var misfit *record.MisfitError
	if !errors.As(err, &misfit) || misfit.Error() != "the writer has string, the target record R" {
		t.Errorf("error %v", err)
	}
}

const tree = `{"type":"record","name":"t.Tree","fields":[{"name":"at","type":"int"},{"name":"children","type":{"type":"array","items":"Tree"}},{"name":"next","type":["null",{"type":"map","values":["long","Tree"]}]}]}`

func TestRecursiveSchemas(t *testing.T) {
	t.Parallel()
	field := func(f string) string {
		return `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},` + f + `,{"name":"z","type":"int"}]}`
	}
	for _, c := range []struct {
		text string
		o    record.ReadOptions
		want string // of the error
	}{
		{tree, record.ReadOptions{}, "avro schema t.Tree: field children[]: the schema is recursive: t.Tree contains itself (t.Tree > t.Tree), and a row has a fixed depth; value.as_json: [children] keeps the field as one column of JSON"},
		{tree, record.ReadOptions{AsJSON: []string{"children"}}, "avro schema t.Tree: field next{}: the schema is recursive: t.Tree contains itself (t.Tree > t.Tree), and a row has a fixed depth; value.as_json: [next] keeps"},
		{field(`{"name":"l","type":{"type":"map","values":` + tree + `}}`), record.ReadOptions{}, "field l{}.children[]: the schema is recursive: t.Tree contains itself (R > t.Tree > t.Tree), and a row has a fixed depth; value.as_json: [l.children] "},
		{field(`{"name":"l","type":` + tree + `}`), record.ReadOptions{AsJSON: []string{"l.next", "l.children"}}, ""},
		{field(`{"name":"l","type":{"type":"array","items":` + tree + `}}`), record.ReadOptions{AsJSON: []string{"l.next", "l.children"}}, ""},
		{field(`{"name":"l","type":["int",` + tree + `]}`), record.ReadOptions{AsJSON: []string{"l.member1.next", "l.member1.children"}}, ""},
		{field(`{"name":"l","type":["int",` + tree + `]}`), record.ReadOptions{AsJSON: []string{"l"}}, ""},
		{field(`{"name":"l","type":{"type":"array","items":` + tree + `}}`), record.ReadOptions{AsJSON: []string{"l"}}, ""},
		{tree, record.ReadOptions{AsJSON: []string{"children", "next"}}, ""},
		{tree, record.ReadOptions{ElseJSON: true}, ""},
		{`["null",` + tree + `]`, record.ReadOptions{AsJSON: []string{"value"}}, ""},
		{field(`{"name":"e","type":{"type":"record","name":"E","fields":[]}}`), record.ReadOptions{}, "record E has no fields"},
		{field(`{"name":"e","type":{"type":"record","name":"E","fields":[]}}`), record.ReadOptions{ElseJSON: true}, ""},
		{field(`{"name":"e","type":{"type":"record","name":"E","fields":[]}}`), record.ReadOptions{AsJSON: []string{"e"}}, ""},
	} {
		w, err := avro.ParseWriter(&record.SchemaText{Text: c.text}, c.o)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s\nerror %v\nwant  %s", c.text, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if err := w.Rows().Validate(); err != nil {
			t.Error(err)
		}
	}
}

// A tree of three: its child 2 is in the list, its child 3 in the map.
var treeValue = wire(1, 1, 2, 0, 0, 0, 1, 2, "k", 1, 3, 0, 0, "n", 0, 9, 0)

func TestRecursiveFieldsAsJSON(t *testing.T) {
	t.Parallel()
	const list, mapped = `[{"at":2,"children":[],"next":null}]`, `{"k":{"at":3,"children":[],"next":null},"n":9}`
	both := writer(t, record.ReadOptions{AsJSON: []string{"children", "next"}}, tree)
	loose := writer(t, record.ReadOptions{ElseJSON: true}, tree)
	one := parse(t, []byte(`{"type":"record","name":"Tree","fields":[{"name":"at","type":"long"}]}`)).Schema
	text := func(nullable bool) *record.Schema {
		f := record.Field{Name: "children", Type: record.Type{Kind: record.JSON}, Nullable: nullable}
		return &record.Schema{Fields: []record.Field{{Name: "next", Type: record.Type{Kind: record.JSON}, Nullable: true}, f}}
	}
	for _, c := range []struct {
		name   string
		w      *avro.Writer
		target *record.Schema
		value  []byte
		want   string
	}{
		{"by name", both, both.Rows(), treeValue, `{"at":1,"children":` + list + `,"next":` + mapped + `}`},
		{"by name, null", both, both.Rows(), wire(1, 0, 0), `{"at":1,"children":[],"next":null}`},
		{"by name, cut", both, both.Rows(), treeValue[:len(treeValue)-3], "undecodable: next"},
		{"of another order", both, text(false), treeValue, `{"next":` + mapped + `,"children":` + list + `}`},
		{"nullable", both, text(true), treeValue, `{"next":` + mapped + `,"children":` + list + `}`},
		{"dropped", both, one, treeValue, `{"at":1}`},
		{"dropped, and not asked for", loose, one, treeValue, `{"at":1}`},
		{"dropped, cut", loose, one, treeValue[:len(treeValue)-1], "undecodable: next"},
		{"not asked for", loose, loose.Rows(), treeValue, `{"at":1,"children":[{"at":2,"children":[],"next":null}],"next":` + mapped + `}`},
	} {
		got, err := readAs(c.w, c.target, c.value)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// A type within itself may be as deep as the data says, and the stack is not.
func TestDepthOfRecursiveDataIsBounded(t *testing.T) {
	t.Parallel()
	const chain = `{"type":"record","name":"C","fields":[{"name":"a","type":"int"},{"name":"next","type":["null","C"]}]}`
	one := parse(t, []byte(`{"type":"record","name":"C","fields":[{"name":"a","type":"int"}]}`)).Schema
	w := writer(t, record.ReadOptions{AsJSON: []string{"next"}}, chain)
	value := func(links int) (b []byte) {
		for range links {
			b = append(b, 2, 2)
		}
		return append(b, 2, 0)
	}
	for _, target := range []*record.Schema{w.Rows(), one} {
		if _, err := readAs(w, target, value(record.MaxDepth)); err != nil {
			t.Error(err)
		}
		for _, links := range []int{record.MaxDepth + 1, 1 << 22} {
			_, err := readAs(w, target, value(links))
			var bad *record.BadRecord
			if !errors.As(err, &bad) || bad.Reason != record.Unfit || !strings.Contains(bad.Detail, "more than 100 levels") {
				t.Errorf("error %v", err)
			}
		}
	}
}

// Few bytes must not become gigabytes of JSON.
func TestJSONOfOneRecordIsBounded(t *testing.T) {
	t.Parallel()
	text := `{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":{"type":"record","name":"S","fields":[{"name":"` + strings.Repeat("x", 1000) + `","type":"int"}]}}}]}`
	w := writer(t, record.ReadOptions{AsJSON: []string{"a"}}, text)
	_, err := readAs(w, w.Rows(), append(append(wire(1<<20), make([]byte, 1<<20)...), 0))
	var bad *record.BadRecord
	if !errors.As(err, &bad) || bad.Reason != record.Unfit || !strings.Contains(bad.Detail, "found more than") {
		t.Errorf("error %v", err)
	}
}

// Decoders of one writer are made for many targets at once.
func TestDecodersAreMadeSideBySide(t *testing.T) {
	t.Parallel()
	const text = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"string"}]}`
	w := writer(t, record.ReadOptions{}, text)
	targets := []*record.Schema{
		w.Rows(),
		parse(t, []byte(text)).Schema,
		parse(t, []byte(`{"type":"record","name":"R","fields":[{"name":"a","type":"double"}]}`)).Schema,
		parse(t, []byte(`{"type":"record","name":"R","fields":[{"name":"c","type":"string"}]}`)).Schema,
	}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			target := targets[i%len(targets)]
			got, err := readAs(w, target, wire(7, "x"))
			want := []string{`{"a":7,"b":"x"}`, `{"a":7,"b":"x"}`, `{"a":7}`, ""}[i%len(targets)]
			var misfit *record.MisfitError
			if got != want || want == "" && (!errors.As(err, &misfit) || misfit.Path != "c") {
				t.Errorf("%d: %s, %v", i, got, err)
			}
			if dec, err := w.Decoder(target); err == nil && dec.Schema() != target {
				t.Error("another schema than the target")
			}
		})
	}
	wg.Wait()
}

// Rows of all kinds of formats are targets.
func TestTargetsThatAreNoAvroSchemas(t *testing.T) {
	t.Parallel()
	kind := func(k record.Kind) record.Type { return record.Type{Kind: k} }
	one := func(f record.Field) *record.Schema { f.Name = "a"; return &record.Schema{Fields: []record.Field{f}} }
	inner := record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "x", Type: kind(record.Int64)}}}
	const rec = `{"type":"record","name":"n.S","fields":[{"name":"x","type":"int"}]}`
	for _, c := range []struct {
		name, writer string
		target       *record.Schema
		value        []byte
		want         string
	}{
		{"JSON from a string", `"string"`, one(record.Field{Type: kind(record.JSON)}), wire(`{"b":[1]}`), `{"a":{"b":[1]}}`},
		{"JSON from bytes", `"bytes"`, one(record.Field{Type: kind(record.JSON)}), wire(`7`), `{"a":7}`},
		{"JSON from a record", rec, one(record.Field{Type: kind(record.JSON)}), nil, `field a: the writer has record n.S, the target json in string; value.as_json: [a] keeps anything as JSON`},
		{"a struct without a name", rec, one(record.Field{Type: inner}), wire(7), `{"a":{"x":7}}`},
		{"a struct without a name in a union", `["null","string",` + rec + `]`, one(record.Field{Nullable: true, Type: record.Type{Kind: record.Struct, Union: true, Fields: []record.Field{
			{Name: "member0", Type: inner, Nullable: true}, {Name: "member1", Type: kind(record.String), Nullable: true}}}}), wire(2, 7), `{"a":{"member0":{"x":7}}}`},
		{"an enum without a name", `{"type":"enum","name":"E","symbols":["A"]}`, one(record.Field{Type: record.Type{Kind: record.Enum, Symbols: []string{"B"}, Symbol: "B"}}), wire(0), `{"a":"B"}`},
		{"a fixed without a name", `{"type":"fixed","name":"F","size":2}`, one(record.Field{Type: record.Type{Kind: record.Fixed, Size: 2}}), []byte("xy"), `{"a":"eHk="}`},
		{"nullable, plain", `"int"`, one(record.Field{Type: kind(record.Int32), Nullable: true}), wire(7), `{"a":7}`},
		{"nullable, a record", rec, one(record.Field{Type: inner, Nullable: true}), wire(7), `{"a":{"x":7}}`},
		{"nullable union", `["int","string"]`, one(record.Field{Nullable: true, Type: record.Type{Kind: record.Struct, Union: true, Fields: []record.Field{
			{Name: "member0", Type: kind(record.Int32), Nullable: true}, {Name: "member1", Type: kind(record.String), Nullable: true}}}}), wire(1, "x"), `{"a":{"member1":"x"}}`},
		{"a kind of its own in a union", `{"type":"int","logicalType":"date"}`, one(record.Field{Type: record.Type{Kind: record.Struct, Union: true, Fields: []record.Field{
			{Name: "member0", Type: kind(record.Int32), Nullable: true}, {Name: "member1", Type: kind(record.Date), Nullable: true}}}}), wire(1), `{"a":{"member1":"1970-01-02"}}`},
	} {
		got, err := readAs(writer(t, record.ReadOptions{}, oneField(c.writer)), c.target, c.value)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Rows that grew by two schemas are read from both, also where all fields may be null: what a field had before it still has.
func TestGrownRowsAreReadFromEachSchema(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	pairs, same, conflicts := 0, 0, 0
	for pairs < 300 {
		wt := recordtest.RandomRecord(r, 3)
		tt, e := changedBy(r, wt)
		after, err := avro.ParseWriter(&record.SchemaText{Text: string(e.schema(tt, false))}, record.ReadOptions{})
		if err != nil {
			continue
		}
		before := writer(t, record.ReadOptions{}, string(wt.Avro(false)))
		grown, err := evolve.Union(before.Rows(), after.Rows())
		if err != nil {
			conflicts++
			continue
		}
		if r.IntN(2) == 0 {
			grown = evolve.Nullable(grown)
		}
		pairs++
		for i, w := range []*avro.Writer{before, after} {
			typ := []*recordtest.Type{wt, tt}[i]
			var rows [2][][]any
			for k, target := range []*record.Schema{w.Rows(), grown} {
				dec, err := w.Decoder(target)
				if err != nil {
					t.Fatalf("schema %d of\n%s\n%s: %v", i, wt.Avro(false), e.schema(tt, false), err)
				}
				c, r := record.NewColumns(target), rand.New(rand.NewPCG(seed, uint64(pairs)))
				for range 3 {
					if err := dec.Decode(c, &record.Raw{Value: recordtest.AppendAvro(nil, r, typ, recordtest.RandomRow(r, typ))}); err != nil {
						t.Fatalf("schema %d of\n%s\n%s: %v", i, wt.Avro(false), e.schema(tt, false), err)
					}
					c.EndRow()
				}
				if rows[k], err = recordtest.Rows(c); err != nil {
					t.Fatal(err)
				}
			}
			for k, f := range w.Rows().Fields {
				for l, g := range grown.Fields {
					if f.Name != g.Name || !cmp.Equal(f.Type, g.Type) {
						continue
					}
					for n := range rows[0] {
						same++
						if d := recordtest.DiffRows(rows[1][n][l], rows[0][n][k]); d != "" {
							t.Fatalf("field %s of schema %d of\n%s\n%s: -got +want\n%s", f.Name, i, wt.Avro(false), e.schema(tt, false), d)
						}
					}
				}
			}
		}
	}
	t.Logf("%d pairs, %d conflicts, %d values compared", pairs, conflicts, same)
}
