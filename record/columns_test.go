package record_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
)

func kind(k record.Kind) record.Type { return record.Type{Kind: k} }

func nested() *record.Schema {
	return &record.Schema{Fields: []record.Field{
		{Name: "id", Type: kind(record.Int64)},
		{Name: "h", Nullable: true, Type: record.Type{Kind: record.Struct, Fields: []record.Field{
			{Name: "t", Type: kind(record.TimestampMillis)},
			{Name: "n", Type: kind(record.String), Nullable: true},
		}}},
		{Name: "ll", Type: record.Type{Kind: record.List, Elem: &record.Field{Name: "x", Type: record.Type{Kind: record.List, Elem: &record.Field{Nullable: true, Type: kind(record.Int32)}}}}},
		{Name: "m", Nullable: true, Type: record.Type{Kind: record.Map, Elem: &record.Field{Nullable: true, Type: record.Type{Kind: record.Struct, Fields: []record.Field{
			{Name: "d", Type: record.Type{Kind: record.Decimal, Precision: 10}},
		}}}}},
		{Name: "day", Type: kind(record.Date), Nullable: true},
	}}
}

func TestLeavesHaveParquetsNamesAndLevels(t *testing.T) {
	t.Parallel()
	var got []string
	for _, l := range record.NewColumns(nested().WithKafkaColumns()).Leaves {
		got = append(got, fmt.Sprintf("%s %s %d def %d rep %d size %d", strings.Join(l.Path, "."), l.Type.Kind, l.Physical, l.MaxDef, l.MaxRep, l.Type.Size))
	}
	want := []string{
		"id int64 2 def 0 rep 0 size 0",
		"h.t timestamp-millis 2 def 1 rep 0 size 0",
		"h.n string 5 def 2 rep 0 size 0",
		"ll.list.element.list.element int32 1 def 3 rep 2 size 0",
		"m.key_value.key string 5 def 2 rep 1 size 0",
		"m.key_value.value.d decimal 6 def 3 rep 1 size 5",
		"day date 1 def 1 rep 0 size 0",
		"_kafka_partition int32 1 def 0 rep 0 size 0",
		"_kafka_offset int64 2 def 0 rep 0 size 0",
		"_kafka_timestamp timestamp-millis 2 def 0 rep 0 size 0",
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("-got +want\n%s", d)
	}
}

// Rows that are shredded and put together again by two pieces of code that share nothing are the same: the tests of the decoders
// stand on that.
func TestShredAndAssemble(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		typ := recordtest.RandomRecord(r, 4)
		s := typ.Schema()
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		c := record.NewColumns(s)
		if len(c.Leaves) != s.Leaves() {
			t.Fatalf("%d leaves, want %d", len(c.Leaves), s.Leaves())
		}
		var rows [][]any
		for range r.IntN(6) {
			rows = append(rows, recordtest.RandomRow(r, typ))
			recordtest.Shred(c, rows[len(rows)-1])
		}
		got, err := recordtest.Rows(c)
		if err != nil {
			t.Fatal(err)
		}
		if d := recordtest.DiffRows(got, rows); d != "" {
			t.Fatalf("-got +want\n%s", d)
		}
	}
}

// Wherever a row breaks off, Rollback leaves the rows before it: also when the bytes of a value were begun.
func TestRollbackAtEveryPlace(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 15 {
		typ := recordtest.RandomRecord(r, 3)
		s := typ.Schema()
		want, whole := record.NewColumns(s), record.NewColumns(s)
		for range r.IntN(3) {
			recordtest.Shred(want, recordtest.RandomRow(r, typ))
		}
		recordtest.Shred(whole, recordtest.RandomRow(r, typ))
		for leaf := range s.Leaves() {
			for entries := range whole.Leaves[leaf].Levels() + 1 {
				got := copyOf(want)
				for i := range leaf {
					appendEntries(&got.Leaves[i], &whole.Leaves[i], whole.Leaves[i].Levels())
				}
				appendEntries(&got.Leaves[leaf], &whole.Leaves[leaf], entries)
				if p := got.Leaves[leaf].Physical; p == record.PhysByteArray || p == record.PhysFixedArray && got.Leaves[leaf].Type.Size > 1 {
					got.Leaves[leaf].Data = append(got.Leaves[leaf].Data, 'x')
				}
				got.Rollback()
				if d := recordtest.DiffColumns(got, want); d != "" {
					t.Fatalf("leaf %d after %d entries: -got +want\n%s", leaf, entries, d)
				}
				got.Rollback()
				if d := recordtest.DiffColumns(got, want); d != "" {
					t.Fatalf("a second time: -got +want\n%s", d)
				}
			}
		}
	}
}

// copyOf makes columns with the same rows.
func copyOf(c *record.Columns) *record.Columns {
	rows, err := recordtest.Rows(c)
	if err != nil {
		panic(err)
	}
	out := record.NewColumns(c.Schema)
	for _, row := range rows {
		recordtest.Shred(out, row)
	}
	return out
}

// appendEntries appends the first n level entries of another column.
func appendEntries(to, from *record.Column, n int) {
	values := n
	if from.MaxDef > 0 {
		values = strings.Count(string(from.Def[:n]), string([]byte{from.MaxDef}))
		to.Def = append(to.Def, from.Def[:n]...)
		if from.MaxRep > 0 {
			to.Rep = append(to.Rep, from.Rep[:n]...)
		}
	}
	for i := range values {
		switch from.Physical {
		case record.PhysBool:
			to.Bools = append(to.Bools, from.Bools[i])
		case record.PhysInt32:
			to.Int32s = append(to.Int32s, from.Int32s[i])
		case record.PhysInt64:
			to.Int64s = append(to.Int64s, from.Int64s[i])
		case record.PhysFloat:
			to.Floats = append(to.Floats, from.Floats[i])
		case record.PhysDouble:
			to.Doubles = append(to.Doubles, from.Doubles[i])
		case record.PhysFixedArray:
			to.Data = append(to.Data, from.Value(i)...)
		default:
			to.AppendBytes(from.Value(i))
		}
	}
}

func TestResetReleaseAndSizes(t *testing.T) {
	t.Parallel()
	typ := recordtest.EventType()
	s := typ.Schema().WithKafkaColumns()
	c := record.NewColumns(s)
	if c.Bytes() != 0 || c.Allocated() != 0 {
		t.Errorf("empty: %d bytes, %d allocated", c.Bytes(), c.Allocated())
	}
	fill := func() {
		for i, row := range recordtest.Events(100) {
			recordtest.Shred(c, append(row, int32(1), int64(i), int64(i)))
		}
	}
	fill()
	want := copyOf(c)
	bytes, allocated := c.Bytes(), c.Allocated()
	if raw := int64(100) * recordtest.Size(recordtest.EventsAvro(100)); bytes < raw*7/10 || bytes > raw*3/2 || allocated < bytes {
		t.Errorf("%d bytes, %d allocated for %d of Avro", bytes, allocated, raw)
	}
	c.Reset()
	if c.Rows() != 0 || c.Bytes() != 0 || c.Allocated() != allocated {
		t.Errorf("after Reset: %d rows, %d bytes, %d allocated", c.Rows(), c.Bytes(), c.Allocated())
	}
	fill()
	if d := recordtest.DiffColumns(c, want); d != "" {
		t.Errorf("after Reset: -got +want\n%s", d)
	}
	c.Release()
	if c.Rows() != 0 || c.Allocated() != 0 {
		t.Errorf("after Release: %d rows, %d allocated", c.Rows(), c.Allocated())
	}
	fill()
	if d := recordtest.DiffColumns(c, want); d != "" {
		t.Errorf("after Release: -got +want\n%s", d)
	}
}

func TestLeafByPath(t *testing.T) {
	t.Parallel()
	s := nested().WithKafkaColumns()
	c := record.NewColumns(s)
	for path, want := range map[string]string{
		"id": "id", "h.t": "h.t", "h.n": "h.n", "day": "day", "_kafka_offset": "_kafka_offset",
		"h": "", "ll": "", "m": "", "m.key": "", "ll.list.element": "", "h.x": "", "x": "", "id.x": "", "": "", "h.": "",
	} {
		i, f, ok := s.Leaf(path)
		got := ""
		if ok {
			got = strings.Join(c.Leaves[i].Path, ".")
			if d := cmp.Diff(f.Type, c.Leaves[i].Type); d != "" {
				t.Errorf("%s: type: %s", path, d)
			}
		}
		if got != want {
			t.Errorf("%q is leaf %q, want %q", path, got, want)
		}
	}
}

func TestLastValue(t *testing.T) {
	t.Parallel()
	s := nested()
	c := record.NewColumns(s)
	empty := []any{}
	m := []recordtest.Entry{}
	last := func(path string) (v int64, null bool) {
		i, _, ok := s.Leaf(path)
		if !ok {
			t.Fatal(path)
		}
		return c.LastInt64(i)
	}
	if _, null := last("h.t"); !null {
		t.Error("h.t before the first row is not null")
	}
	recordtest.Shred(c, []any{int64(7), []any{int64(1_000), "x"}, empty, m, int32(20_000)})
	for path, want := range map[string]int64{"id": 7, "h.t": 1000, "day": 20_000} {
		if v, null := last(path); v != want || null {
			t.Errorf("%s: %d, null %v; want %d", path, v, null, want)
		}
	}
	name, _, _ := s.Leaf("h.n")
	if v, null := c.LastBytes(name); string(v) != "x" || null {
		t.Errorf("h.n: %q, %v", v, null)
	}
	recordtest.Shred(c, []any{int64(8), []any{int64(2_000), nil}, empty, m, nil})
	if _, null := last("day"); !null {
		t.Error("day is not null")
	}
	if _, null := c.LastBytes(name); !null {
		t.Error("h.n is not null")
	}
	recordtest.Shred(c, []any{int64(8), nil, empty, m, nil})
	if _, null := last("h.t"); !null {
		t.Error("h.t in a null struct is not null")
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	if err := nested().WithKafkaColumns().Validate(); err != nil {
		t.Error(err)
	}
	if err := record.QuarantineSchema().Validate(); err != nil {
		t.Error(err)
	}
	deep := kind(record.Int32)
	for range record.MaxDepth + 1 {
		deep = record.Type{Kind: record.List, Elem: &record.Field{Type: deep}}
	}
	wide := record.Type{Kind: record.Struct}
	for i := range record.MaxLeaves + 1 {
		wide.Fields = append(wide.Fields, record.Field{Name: fmt.Sprint("f", i), Type: kind(record.Int32)})
	}
	one := func(t record.Type) []record.Field { return []record.Field{{Name: "a", Type: t}} }
	for want, s := range map[string]*record.Schema{
		"the schema has no fields":                              {},
		"field a has no fields":                                 {Fields: one(kind(record.Struct))},
		"field a: the name is used twice":                       {Fields: append(one(kind(record.Int32)), one(kind(record.Bytes))...)},
		"has a field without a name":                            {Fields: []record.Field{{Type: kind(record.Int32)}}},
		"field _kafka_offset: a column of that name says where": (&record.Schema{Fields: []record.Field{{Name: record.OffsetColumn, Type: kind(record.Int64)}}}).WithKafkaColumns(),
		"field a: fixed of 0 bytes":                             {Fields: one(kind(record.Fixed))},
		"field a: decimal(0,0)":                                 {Fields: one(kind(record.Decimal))},
		"field a: 2 bytes do not hold decimal(5,0)":             {Fields: one(record.Type{Kind: record.Decimal, Precision: 5, Size: 2})},
		"field a: an enum without symbols":                      {Fields: one(kind(record.Enum))},
		`field a: unknown kind "number"`:                        {Fields: one(kind("number"))},
		"field a: a list without a type":                        {Fields: one(kind(record.List))},
		"nested deeper than 100 levels":                         {Fields: one(deep)},
		"the schema has 10001 columns":                          {Fields: wide.Fields},
		"field a: its default is not JSON":                      {Fields: []record.Field{{Name: "a", Type: kind(record.Int32), Default: []byte("{")}}},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
