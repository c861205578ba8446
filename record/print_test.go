package record_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
)

// printed is a row of a schema with one field, without the field's name.
func printed(f record.Field, v any) string {
	f.Name = "f"
	c := record.NewColumns(&record.Schema{Fields: []record.Field{f}})
	recordtest.Shred(c, []any{v})
	return strings.TrimSuffix(strings.TrimPrefix(string(record.NewPrinter(c).Next(nil, -1)), `{"f":`), "}")
}

func TestValuesArePrintedExactly(t *testing.T) {
	t.Parallel()
	list := func(e record.Field) record.Type { return record.Type{Kind: record.List, Elem: &e} }
	decimal := record.Type{Kind: record.Decimal, Precision: 20, Scale: 3}
	two := func(s string) string { return recordtest.TwosComplement(bigInt(s), record.DecimalSize(20)) }
	for _, c := range []struct {
		t    record.Type
		v    any
		want string
	}{
		{kind(record.Boolean), true, `true`},
		{kind(record.Int32), int32(math.MinInt32), `-2147483648`},
		{kind(record.Int64), int64(math.MaxInt64), `9223372036854775807`},
		{kind(record.Float), float32(0.1), `0.1`},
		{kind(record.Double), 1e21, `1e+21`},
		{kind(record.Double), math.NaN(), `"NaN"`},
		{kind(record.Float), float32(math.Inf(1)), `"Infinity"`},
		{kind(record.Double), math.Inf(-1), `"-Infinity"`},
		{kind(record.String), "a\"\\\n\t\x01\x7f\u0085\u2028ü😀<", `"a\"\\\n\t\u0001\u007f\u0085\u2028ü😀<"`},
		{kind(record.Bytes), "\x00\xff", `"AP8="`},
		{record.Type{Kind: record.Fixed, Size: 2}, "ab", `"YWI="`},
		{kind(record.JSON), "{ \"a\" :\n [1, 2.50] }", `{"a":[1,2.50]}`},
		{kind(record.JSON), "{broken", `"{broken"`},
		{decimal, two("-5"), `"-0.005"`},
		{decimal, two("12345678901234567890"), `"12345678901234567.890"`},
		{decimal, two("0"), `"0.000"`},
		{record.Type{Kind: record.Decimal, Precision: 3}, recordtest.TwosComplement(bigInt("-120"), 2), `"-120"`},
		{kind(record.Date), int32(20777), `"2026-11-20"`},
		{kind(record.Date), int32(math.MaxInt32), `2147483647`},
		{kind(record.Date), int32(-719528), `"0000-01-01"`},
		{kind(record.TimeMillis), int32(47220250), `"13:07:00.250"`},
		{kind(record.TimeMillis), int32(86400000), `86400000`},
		{kind(record.TimeMicros), int64(1), `"00:00:00.000001"`},
		{kind(record.TimeMicros), int64(-1), `-1`},
		{kind(record.TimestampMillis), int64(1795180020250), `"2026-11-20T13:07:00.250Z"`},
		{kind(record.TimestampMillis), int64(-1), `"1969-12-31T23:59:59.999Z"`},
		{kind(record.TimestampMillis), int64(math.MinInt64), `-9223372036854775808`},
		{kind(record.TimestampMicros), int64(-62167219200000000), `"0000-01-01T00:00:00.000000Z"`},
		{kind(record.TimestampNanos), int64(math.MaxInt64), `"2262-04-11T23:47:16.854775807Z"`},
		{kind(record.LocalMicros), int64(7), `"1970-01-01T00:00:00.000007"`},
		{list(record.Field{Type: kind(record.Int32), Nullable: true}), []any{int32(1), nil, int32(2)}, `[1,null,2]`},
		{list(record.Field{Type: list(record.Field{Type: kind(record.Int32)})}), []any{[]any{}, []any{int32(1), int32(2)}, []any{}}, `[[],[1,2],[]]`},
		{record.Type{Kind: record.Map, Elem: &record.Field{Type: kind(record.Int32), Nullable: true}}, []recordtest.Entry{{Key: "a", Value: nil}, {Key: "b", Value: int32(1)}}, `{"a":null,"b":1}`},
		{record.Type{Kind: record.Struct, Union: true, Fields: []record.Field{{Name: "member0", Type: kind(record.Int32), Nullable: true}, {Name: "member1", Type: kind(record.String), Nullable: true}}}, []any{nil, "x"}, `{"member1":"x"}`},
	} {
		for _, nullable := range []bool{false, true} {
			if got := printed(record.Field{Type: c.t, Nullable: nullable}, c.v); got != c.want {
				t.Errorf("%s %#v (nullable %t) is printed as %s, want %s", c.t.Kind, c.v, nullable, got, c.want)
			}
		}
		if got := printed(record.Field{Type: c.t, Nullable: true}, nil); got != "null" {
			t.Errorf("a null %s is printed as %s", c.t.Kind, got)
		}
	}
}

func TestRowsArePrintedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s := nested()
	c := record.NewColumns(s)
	rows := [][]any{
		{int64(1), nil, []any{}, nil, nil},
		{int64(2), []any{int64(0), nil}, []any{[]any{nil}, []any{int32(4)}}, []recordtest.Entry{{Key: "k", Value: nil}, {Key: "l", Value: []any{recordtest.TwosComplement(bigInt("7"), 5)}}}, int32(0)},
		{int64(3), []any{int64(0), "n"}, []any{[]any{}}, []recordtest.Entry{}, nil},
	}
	for _, r := range rows {
		recordtest.Shred(c, r)
	}
	want := []string{
		`{"id":1,"h":null,"ll":[],"m":null,"day":null}`,
		`{"id":2,"h":{"t":"1970-01-01T00:00:00.000Z","n":null},"ll":[[null],[4]],"m":{"k":null,"l":{"d":"7"}},"day":"1970-01-01"}`,
		`{"id":3,"h":{"t":"1970-01-01T00:00:00.000Z","n":"n"},"ll":[[]],"m":{},"day":null}`,
	}
	for fields := -1; fields <= len(s.Fields); fields++ {
		p := record.NewPrinter(c)
		for i := range rows {
			got := string(p.Next(nil, fields))
			if fields < 0 {
				if d := cmp.Diff(want[i], got); d != "" {
					t.Errorf("row %d (-want +got):\n%s", i, d)
				}
				continue
			}
			var all, some map[string]any
			if json.Unmarshal([]byte(want[i]), &all) != nil || json.Unmarshal([]byte(got), &some) != nil {
				t.Fatalf("row %d, %d fields: %s", i, fields, got)
			}
			for _, f := range s.Fields[fields:] {
				delete(all, f.Name)
			}
			if d := cmp.Diff(all, some); d != "" {
				t.Errorf("row %d, the first %d fields (-want +got):\n%s", i, fields, d)
			}
		}
	}
}

func bigInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic(s)
	}
	return n
}
