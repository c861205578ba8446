package fallback_test

import (
	stdjson "encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/record/internal/fallback"
	"shadoof/record/internal/recordtest"
	"shadoof/record/json"
)

// made is a row of which the one field is its default, as it comes out alone and in the second entry of a list.
func made(f record.Field) (*record.Columns, error) {
	s := &record.Schema{Fields: []record.Field{f}}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	v, err := fallback.NewMaker(s).Make(f, 0, 0, 0)
	if err != nil {
		return nil, err
	}
	c := record.NewColumns(s)
	for range 2 {
		v.Append(c.Leaves, 0)
		c.EndRow()
	}
	return c, nil
}

// byJSON is what record/json makes of a row that lacks the field.
func byJSON(f record.Field) (*record.Columns, error) {
	dec, err := json.NewDecoder(&record.Schema{Fields: []record.Field{f}})
	if err != nil {
		return nil, err
	}
	c := record.NewColumns(dec.Schema())
	for range 2 {
		if err := dec.Decode(c, &record.Raw{Value: []byte("{}")}); err != nil {
			return nil, err
		}
		c.EndRow()
	}
	return c, nil
}

// Defaults of random types are what record/json makes of them.
func TestDefaultsAreThoseOfJSON(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		typ := recordtest.RandomRecord(r, 3)
		s := typ.Schema()
		f := record.Field{Name: "a", Type: record.Type{Kind: record.Struct, Fields: s.Fields}, Nullable: r.IntN(2) == 0}
		f.Default = recordtest.AppendJSON(nil, nil, s, recordtest.RandomRow(r, typ))
		want, err := byJSON(f)
		if err != nil {
			t.Fatalf("%s: %v", f.Default, err)
		}
		got, err := made(f)
		if err != nil {
			t.Fatalf("%s of %s: %v", f.Default, typ.Avro(false), err)
		}
		if d := recordtest.DiffColumns(sortedMaps(t, got), sortedMaps(t, want)); d != "" {
			t.Fatalf("%s of %s: -got +want\n%s", f.Default, typ.Avro(false), d)
		}
	}
}

// sortedMaps is the columns with the entries of maps sorted: in JSON they have no order.
func sortedMaps(t *testing.T, c *record.Columns) *record.Columns {
	rows, err := recordtest.Rows(c)
	if err != nil {
		t.Fatal(err)
	}
	out := record.NewColumns(c.Schema)
	for _, row := range rows {
		recordtest.Shred(out, sorted(row).([]any))
	}
	return out
}

func sorted(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = sorted(v[i])
		}
	case []recordtest.Entry:
		for i := range v {
			v[i].Value = sorted(v[i].Value)
		}
		slices.SortFunc(v, func(a, b recordtest.Entry) int { return strings.Compare(a.Key, b.Key) })
	}
	return v
}

var kinds = []record.Type{
	{Kind: record.Boolean}, {Kind: record.Int32}, {Kind: record.Int64}, {Kind: record.Float}, {Kind: record.Double}, {Kind: record.Bytes}, {Kind: record.String}, {Kind: record.UUID}, {Kind: record.JSON},
	{Kind: record.Enum, Symbols: []string{"A", "5"}}, {Kind: record.Fixed, Size: 2}, {Kind: record.Decimal, Precision: 4, Scale: 2}, {Kind: record.Decimal, Precision: 4, Scale: 2, Size: 9},
	{Kind: record.Date}, {Kind: record.TimeMillis}, {Kind: record.TimeMicros}, {Kind: record.TimestampMillis}, {Kind: record.TimestampMicros}, {Kind: record.TimestampNanos},
	{Kind: record.LocalMillis}, {Kind: record.LocalMicros}, {Kind: record.LocalNanos},
	{Kind: record.List, Elem: &record.Field{Name: "element", Type: record.Type{Kind: record.Int32}}},
	{Kind: record.Map, Elem: &record.Field{Name: "value", Type: record.Type{Kind: record.Double}, Nullable: true}},
	{Kind: record.Struct, Fields: []record.Field{{Name: "a", Type: record.Type{Kind: record.Int32}}, {Name: "b", Type: record.Type{Kind: record.String}, Nullable: true}, {Name: "c", Type: record.Type{Kind: record.Int64}, Default: stdjson.RawMessage("7")}}},
	{Kind: record.Struct, Union: true, Fields: []record.Field{{Name: "member0", Type: record.Type{Kind: record.Double}, Nullable: true}, {Name: "member1", Type: record.Type{Kind: record.Int32}, Nullable: true},
		{Name: "member2", Type: record.Type{Kind: record.Date}, Nullable: true}, {Name: "member3", Type: record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: record.Type{Kind: record.String}}}, Nullable: true}}},
}

var texts = []string{
	"null", "true", "0", "-0", "5", "1.5", "-1.25", "1e3", "1.0", "10e-1", "2147483648", "9223372036854775808", "1e400", "1e999999999", "99.99", "99.999", "100", `"5"`, `"A"`, `""`, `"AAE="`, `"AAE"`, `"AA\nE="`, `"x"`, `"1.50"`,
	`"2026-11-20"`, `"2026-02-30"`, `"0000-01-01"`, `"13:07:00"`, `"13:07:00.25"`, `"23:59:59.999999999"`, `"24:00:00"`, `"2026-11-20T13:07:00.250+01:00"`, `"2026-11-20T13:07:00.123456789Z"`, `"1969-12-31T23:59:59.9999Z"`, `"2026-11-20T13:07:00.25"`, `"2026-11-20T13:07:00"`,
	`"1600-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999Z"`, "86399999", "86400000", "-1", "9223372036854775807",
	"[]", "[1,2]", `["x"]`, "[1,null]", "{}", `{"a":1}`, `{"a":1,"b":null,"c":2,"d":3}`, `{"a":null}`, `{"a":1.5,"b":"x"}`,
}

// Every kind takes, of all the texts, what record/json takes for it, and makes the same of it.
func TestTextsOfAllKinds(t *testing.T) {
	t.Parallel()
	taken := 0
	for _, typ := range kinds {
		for _, nullable := range []bool{false, true} {
			for _, text := range texts {
				f := record.Field{Name: "a", Type: typ, Nullable: nullable, Default: stdjson.RawMessage(text)}
				if text == "null" && !nullable {
					continue
				}
				want, wantErr := byJSON(f)
				got, err := made(f)
				if (err == nil) != (wantErr == nil) {
					t.Errorf("%s, %s: %v, by record/json %v", typ.Kind, text, err, wantErr)
					continue
				}
				if err != nil {
					continue
				}
				taken++
				if d := recordtest.DiffColumns(sortedMaps(t, got), sortedMaps(t, want)); d != "" {
					t.Errorf("%s, %s: -got +want\n%s", typ.Kind, text, d)
				}
			}
		}
	}
	if taken < 200 {
		t.Errorf("only %d were taken", taken)
	}
}

func TestDefaultsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ        record.Type
		text, want string
	}{
		{record.Type{Kind: record.Int32}, "null", "a is null, and may not be"},
		{record.Type{Kind: record.Int32}, `"x"`, `a: found "\"x\"", expected a value of the kind int32`},
		{kinds[len(kinds)-2], `{"b":"x"}`, "a has no field a"},
		{kinds[len(kinds)-2], `[]`, "a: found [], expected an object"},
		{kinds[len(kinds)-1], `{}`, "a: {} is of no type of the union"},
	} {
		f := record.Field{Name: "a", Type: c.typ, Default: stdjson.RawMessage(c.text)}
		_, err := fallback.NewMaker(&record.Schema{Fields: []record.Field{f}}).Make(f, 0, 0, 0)
		if err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// Whatever a default says, it is refused or makes rows that read back, and leaves nothing in the maker.
func FuzzMake(f *testing.F) {
	for i := range kinds {
		for _, s := range texts {
			f.Add(uint8(i), []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, text []byte) {
		if !stdjson.Valid(text) || strings.TrimSpace(string(text)) == "null" {
			return
		}
		field := record.Field{Name: "a", Type: kinds[int(kind)%len(kinds)], Nullable: true, Default: text}
		c, err := made(field)
		if err != nil {
			return
		}
		rows, err := recordtest.Rows(c)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 2 {
			t.Fatalf("%d rows", len(rows))
		}
	})
}
