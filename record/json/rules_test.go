package json_test

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/internal/recordtest"
	"shadoof/record/json"
)

func union(types ...record.Type) record.Type {
	t := record.Type{Kind: record.Struct, Union: true}
	for i, m := range types {
		t.Fields = append(t.Fields, record.Field{Name: fmt.Sprint("member", i), Type: m, Nullable: true})
	}
	return t
}

func kind(k record.Kind) record.Type { return record.Type{Kind: k} }

func list(f record.Field) record.Type {
	f.Name = "element"
	return record.Type{Kind: record.List, Elem: &f}
}

// one is a schema with one field, a.
func one(f record.Field) *record.Schema {
	f.Name = "a"
	return &record.Schema{Fields: []record.Field{f}}
}

// value decodes a record with the one field.
func value(s *record.Schema, text string) (any, error) {
	d, err := json.NewDecoder(s)
	if err != nil {
		return nil, err
	}
	c := record.NewColumns(s)
	if err := d.Decode(c, &record.Raw{Value: []byte(text)}); err != nil {
		return nil, err
	}
	c.EndRow()
	rows, err := recordtest.Rows(c)
	if err != nil {
		return nil, err
	}
	return rows[0][0], nil
}

func TestValues(t *testing.T) {
	t.Parallel()
	decimal := func(p, s int) record.Type { return record.Type{Kind: record.Decimal, Precision: p, Scale: s} }
	enum := record.Type{Kind: record.Enum, Symbols: []string{"A", "B"}}
	point := record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "x", Type: kind(record.Int32)}, {Name: "y", Type: kind(record.Int32)}}}
	named := record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "name", Type: kind(record.String)}}}
	texts := record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Type: kind(record.String)}}
	for _, c := range []struct {
		typ  record.Type
		text string
		want any // an error: its text, or a part of it
	}{
		{kind(record.Int64), `9223372036854775807`, int64(1<<63 - 1)},
		{kind(record.Int64), `-9223372036854775808`, int64(-1 << 63)},
		{kind(record.Int64), `9223372036854775808`, errors.New("unfit: a: found 9223372036854775808, expected an integer of 64 bits")},
		{kind(record.Int64), `9007199254740993`, int64(9007199254740993)},
		{kind(record.Int64), `922337203685477580.7e1`, int64(1<<63 - 1)},
		{kind(record.Int64), `1.0`, int64(1)},
		{kind(record.Int64), `1e3`, int64(1000)},
		{kind(record.Int64), `-12300E-2`, int64(-123)},
		{kind(record.Int64), `1.50`, errors.New("unfit: a: found 1.50, expected")},
		{kind(record.Int64), `0e999999999`, int64(0)},
		{kind(record.Int64), `1e999999999`, errors.New("unfit: a: found 1e999999999")},
		{kind(record.Int64), `1e-999999999`, errors.New("unfit")},
		{kind(record.Int64), `1` + strings.Repeat("0", 30) + `e-30`, int64(1)},
		{kind(record.Int64), `0.` + strings.Repeat("0", 30) + `1e31`, int64(1)},
		{kind(record.Int64), `-0`, int64(0)},
		{kind(record.Int64), `01`, errors.New("undecodable: byte 5 of 8: found")},
		{kind(record.Int64), `1.`, errors.New("undecodable")},
		{kind(record.Int64), `.5`, errors.New("undecodable")},
		{kind(record.Int64), `+1`, errors.New("undecodable")},
		{kind(record.Int64), `1e`, errors.New("undecodable")},
		{kind(record.Int64), `--1`, errors.New("undecodable")},
		{kind(record.Int64), `"1"`, errors.New(`unfit: a: found "1", expected an integer of 64 bits`)},
		{kind(record.Int32), `2147483647`, int32(1<<31 - 1)},
		{kind(record.Int32), `-2147483649`, errors.New("unfit: a: found -2147483649, expected an integer of 32 bits")},
		{kind(record.Double), `0.1`, 0.1},
		{kind(record.Double), `5`, 5.0},
		{kind(record.Double), `1.7976931348623157e308`, 1.7976931348623157e308},
		{kind(record.Double), `1e309`, errors.New("unfit: a: found 1e309, expected a number within the range of a double")},
		{kind(record.Double), `1e-400`, 0.0},
		{kind(record.Double), `NaN`, errors.New("undecodable: byte 5")},
		{kind(record.Float), `3.4e38`, float32(3.4e38)},
		{kind(record.Float), `-3.5e38`, errors.New("unfit: a: found -3.5e38, expected a number within the range of a float")},
		{kind(record.Boolean), `true`, true},
		{kind(record.Boolean), `0`, errors.New("unfit: a: found 0, expected true or false")},
		{kind(record.Boolean), `tru`, errors.New("undecodable")},
		{kind(record.String), `"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"`, "é😀\"\\/\b\f\n\r\t"},
		{kind(record.String), `"\ud83d"`, errors.New("undecodable: byte 6 of 14: found")},
		{kind(record.String), `"\ude00\ud83d"`, errors.New("undecodable")},
		{kind(record.String), `"\ud83d\u0041"`, errors.New("undecodable")},
		{kind(record.String), `"\u12g4"`, errors.New("undecodable")},
		{kind(record.String), `"\x41"`, errors.New("undecodable")},
		{kind(record.String), `"\u0000"`, "\x00"},
		{kind(record.String), "\"a\tb\"", errors.New("undecodable")},
		{kind(record.String), "\"\xff\"", errors.New("undecodable: byte 6 of 9: found")},
		{kind(record.String), "\"\xed\xa0\x80\"", errors.New("undecodable")},
		{kind(record.String), `"a`, errors.New("undecodable")},
		{kind(record.String), `'a'`, errors.New("undecodable")},
		{kind(record.String), `17`, errors.New("unfit: a: found 17, expected a string")},
		{kind(record.String), `null`, errors.New("unfit: a: found null, expected a string")},
		{enum, `"B"`, "B"},
		{enum, `"\u0042"`, "B"},
		{enum, `"b"`, errors.New(`unfit: a: found "b", expected one of A, B`)},
		{kind(record.Bytes), `"AP8="`, "\x00\xff"},
		{kind(record.Bytes), `""`, ""},
		{kind(record.Bytes), `"AP8"`, errors.New("unfit")},
		{kind(record.Bytes), `"A\nP8="`, errors.New("unfit")},
		{record.Type{Kind: record.Fixed, Size: 2}, `"AP8="`, "\x00\xff"},
		{record.Type{Kind: record.Fixed, Size: 3}, `"AP8="`, errors.New(`unfit: a: found "AP8=", expected a string of base64 for 3 bytes`)},
		{decimal(5, 2), `123.45`, "\x00\x30\x39"},
		{decimal(5, 2), `"-123.45"`, "\xff\xcf\xc7"},
		{decimal(5, 2), `1.2e1`, "\x00\x04\xb0"},
		{decimal(5, 2), `1.2300000000000000000000000000000`, "\x00\x00\x7b"},
		{decimal(5, 2), `999.99`, "\x01\x86\x9f"},
		{decimal(5, 2), `1000`, errors.New("unfit: a: found 1000, expected a decimal(5,2)")},
		{decimal(5, 2), `1.234`, errors.New("unfit")},
		{decimal(5, 2), `"12,3"`, errors.New("unfit")},
		{decimal(5, 2), `""`, errors.New("unfit")},
		{decimal(5, 2), `1e999999999`, errors.New("unfit")},
		{decimal(38, 0), strings.Repeat("9", 38), "\x4b\x3b\x4c\xa8\x5a\x86\xc4\x7a\x09\x8a\x22\x3f\xff\xff\xff\xff"},
		{decimal(38, 0), "-" + strings.Repeat("9", 38), "\xb4\xc4\xb3\x57\xa5\x79\x3b\x85\xf6\x75\xdd\xc0\x00\x00\x00\x01"},
		{decimal(38, 0), "1" + strings.Repeat("0", 38), errors.New("unfit")},
		{kind(record.Date), `"1970-01-02"`, int32(1)},
		{kind(record.Date), `"0000-01-01"`, int32(-719528)},
		{kind(record.Date), `"2024-02-29"`, int32(19782)},
		{kind(record.Date), `"2023-02-29"`, errors.New(`unfit: a: found "2023-02-29", expected days since 1970 or YYYY-MM-DD`)},
		{kind(record.Date), `-3`, int32(-3)},
		{kind(record.TimeMillis), `"13:07:00.25099"`, int32(47220250)},
		{kind(record.TimeMillis), `86400000`, errors.New("unfit")},
		{kind(record.TimeMicros), `"23:59:59.999999"`, int64(86399999999)},
		{kind(record.TimeMicros), `"24:00:00"`, errors.New("unfit")},
		{kind(record.TimestampMillis), `1795000000000`, int64(1795000000000)},
		{kind(record.TimestampMillis), `"2026-11-18T11:06:40Z"`, int64(1795000000000)},
		{kind(record.TimestampMillis), `"2026-11-18T12:06:40.1239+01:00"`, int64(1795000000123)},
		{kind(record.TimestampMillis), `"2026-11-18T11:06:40"`, errors.New("unfit")},
		{kind(record.TimestampMillis), `"1969-12-31T23:59:59.9999Z"`, int64(-1)},
		{kind(record.TimestampMillis), `9223372036854775`, int64(math.MaxInt64 / 1000)},
		{kind(record.TimestampMillis), `9223372036854776`, errors.New("unfit")},
		{kind(record.LocalMillis), `-9223372036854776`, errors.New("unfit")},
		{kind(record.TimestampNanos), `"1677-09-21T00:12:43.145224192Z"`, int64(-1 << 63)},
		{kind(record.TimestampNanos), `"1677-09-21T00:12:43.145224191Z"`, errors.New("unfit")},
		{kind(record.TimestampNanos), `"2262-04-11T23:47:16.854775807Z"`, int64(1<<63 - 1)},
		{kind(record.TimestampNanos), `"2262-04-11T23:47:16.854775808Z"`, errors.New("unfit")},
		{kind(record.LocalMicros), `"2026-11-18 11:06:40.5"`, int64(1795000000500000)},
		{kind(record.LocalMicros), `"2026-11-18T11:06:40Z"`, errors.New("unfit")},
		{list(record.Field{Type: kind(record.Int32)}), `[ ]`, []any{}},
		{list(record.Field{Type: list(record.Field{Type: kind(record.Int32), Nullable: true})}), `[[],[1,null],[2]]`, []any{[]any{}, []any{int32(1), nil}, []any{int32(2)}}},
		{list(record.Field{Type: kind(record.Int32)}), `[1,]`, errors.New("undecodable")},
		{list(record.Field{Type: kind(record.Int32)}), `[1 2]`, errors.New("undecodable")},
		{list(record.Field{Type: kind(record.Int32)}), `[1,null]`, errors.New("unfit: a[]: found null, expected an integer of 32 bits")},
		{texts, `{"b":"1","a":"2"}`, []recordtest.Entry{{Key: "b", Value: "1"}, {Key: "a", Value: "2"}}},
		{texts, `{"a":"1","\u0061":"2"}`, errors.New("undecodable: byte 14 of 28: found \"\\\"\\\\u0061\\\":\\\"2\\\"}}\", expected a name that is not yet in the map a")},
		{texts, `{"a":null}`, errors.New("unfit: a{}: found null, expected a string")},
		{point, `{"y":2,"x":1}`, []any{int32(1), int32(2)}},
		{point, `{"y":2}`, errors.New("unfit: a.x: missing, expected an integer of 32 bits")},
		{point, `{"y":2,"y":3,"x":1}`, errors.New("undecodable: byte 12 of 25")},
		{point, `[1,2]`, errors.New("unfit: a: found an array, expected an object")},

		{union(kind(record.Int32), kind(record.String)), `5`, []any{int32(5), nil}},
		{union(kind(record.Int32), kind(record.String)), `"5"`, []any{nil, "5"}},
		{union(kind(record.Int32), kind(record.String)), `5.5`, errors.New("unfit: a.member0: found 5.5, expected an integer of 32 bits")},
		{union(kind(record.Int32), kind(record.String)), `true`, errors.New("unfit: a: found true, expected an integer of 32 bits, or a string")},
		{union(kind(record.Double), kind(record.Int64)), `9007199254740993`, []any{nil, int64(9007199254740993)}},
		{union(kind(record.Double), kind(record.Int64)), `9223372036854775808`, []any{9223372036854775808.0, nil}},
		{union(kind(record.Int64), kind(record.Double)), `5.0`, []any{nil, 5.0}},
		{union(kind(record.Int32), kind(record.Int64)), `3000000000`, []any{nil, int64(3000000000)}},
		{union(kind(record.Int32), kind(record.Int64)), `3e9`, []any{nil, int64(3000000000)}},
		{union(enum, kind(record.String)), `"A"`, []any{"A", nil}},
		{union(enum, kind(record.String)), `"C"`, []any{nil, "C"}},
		{union(point, named, texts), `{"name":"n","x":1}`, []any{nil, []any{"n"}, nil}},
		{union(point, named, texts), `{"x":"1"}`, []any{nil, nil, []recordtest.Entry{{Key: "x", Value: "1"}}}},
		{union(point, named, texts), `{"x":1,"y":2,"z":{}}`, []any{[]any{int32(1), int32(2)}, nil, nil}},
		{union(point, named), `{"x":1,"y":}`, errors.New("undecodable")},
	} {
		got, err := value(one(record.Field{Type: c.typ}), `{"a":`+c.text+`}`)
		if want, ok := c.want.(error); ok {
			if err == nil || !strings.HasPrefix(err.Error(), want.Error()) {
				t.Errorf("%s from %s: %v, error %v\nwant %v", c.typ.Kind, c.text, got, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s from %s: %v", c.typ.Kind, c.text, err)
		} else if d := recordtest.DiffRows(got, c.want); d != "" {
			t.Errorf("%s from %s: -got +want\n%s", c.typ.Kind, c.text, d)
		}
	}
}

func TestMissingNullAndDefault(t *testing.T) {
	t.Parallel()
	five := stdjson.RawMessage("5")
	for _, c := range []struct {
		name          string
		f             record.Field
		missing, null any
	}{
		{"neither", record.Field{Type: kind(record.Int32)}, errors.New("unfit: a: missing, expected an integer of 32 bits"), errors.New("unfit: a: found null")},
		{"nullable", record.Field{Type: kind(record.Int32), Nullable: true}, nil, nil},
		{"default", record.Field{Type: kind(record.Int32), Default: five}, int32(5), int32(5)},
		{"both", record.Field{Type: kind(record.Int32), Nullable: true, Default: five}, int32(5), nil},
		{"default null", record.Field{Type: kind(record.Int32), Nullable: true, Default: stdjson.RawMessage("null")}, nil, nil},
		{"a list of lists", record.Field{Type: list(record.Field{Type: list(record.Field{Type: kind(record.String), Nullable: true})}), Default: stdjson.RawMessage(`[["x",null],[],["y"]]`)},
			[]any{[]any{"x", nil}, []any{}, []any{"y"}}, []any{[]any{"x", nil}, []any{}, []any{"y"}}},
	} {
		for _, in := range []struct {
			text string
			want any
		}{{`{}`, c.missing}, {`{"b":1}`, c.missing}, {`{"a":null}`, c.null}} {
			got, err := value(one(c.f), in.text)
			if want, ok := in.want.(error); ok {
				if err == nil || !strings.HasPrefix(err.Error(), want.Error()) {
					t.Errorf("%s, %s: %v, error %v\nwant %v", c.name, in.text, got, err, want)
				}
			} else if d := cmp.Diff(got, in.want); d != "" || err != nil {
				t.Errorf("%s, %s: error %v, -got +want\n%s", c.name, in.text, err, d)
			}
		}
	}
}

// A few bytes must not become gigabytes: a million entries with a thousand nulls each.
func TestEntriesOfOneRecordAreBounded(t *testing.T) {
	t.Parallel()
	wide := record.Type{Kind: record.Struct}
	for i := range 1000 {
		wide.Fields = append(wide.Fields, record.Field{Name: fmt.Sprint("f", i), Type: kind(record.Int32), Nullable: true})
	}
	_, err := value(one(record.Field{Type: list(record.Field{Type: wide})}), `{"a":[`+strings.Repeat("{},", 1<<20)+`{}]}`)
	if err == nil || !strings.HasPrefix(err.Error(), "unfit: a: more than 33554432 values") {
		t.Errorf("error %v", err)
	}
}

// The default of a record within a list stands at the level of its entry, every time.
func TestDefaultWithinLists(t *testing.T) {
	t.Parallel()
	inner := record.Type{Kind: record.Struct, Fields: []record.Field{
		{Name: "n", Type: list(record.Field{Type: kind(record.Int32)}), Default: stdjson.RawMessage(`[1,2]`)},
		{Name: "s", Type: kind(record.String), Default: stdjson.RawMessage(`"d"`)}}}
	got, err := value(one(record.Field{Type: list(record.Field{Type: inner})}), `{"a":[{},{"n":[]},{"s":"x"},{}]}`)
	want := []any{[]any{[]any{int32(1), int32(2)}, "d"}, []any{[]any{}, "d"}, []any{[]any{int32(1), int32(2)}, "x"}, []any{[]any{int32(1), int32(2)}, "d"}}
	if d := cmp.Diff(got, any(want)); d != "" || err != nil {
		t.Errorf("error %v, -got +want\n%s", err, d)
	}
}

func TestNewDecoderRefusesDefaultsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`"x"`: `its default: a: found "x", expected an integer of 32 bits`, `null`: "field a: its default is null, and it may not be null", `{`: "field a: its default is not JSON"} {
		if _, err := json.NewDecoder(one(record.Field{Type: kind(record.Int32), Default: stdjson.RawMessage(text)})); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v\nwant %s", text, err, want)
		}
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	s := &record.Schema{Fields: []record.Field{{Name: "a", Type: kind(record.Int32)}, {Name: "b", Type: kind(record.String), Nullable: true}}}
	d, c := decoder(t, s), record.NewColumns(s)
	deep := func(n int) string {
		return `{"a":1,"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	for _, in := range []struct {
		text, want string
		unknown    int64
	}{
		{"", "undecodable: byte 0 of 0: found the end, expected an object", 0},
		{" \n", "undecodable: byte 2 of 2: found the end, expected an object", 0},
		{"[]", "unfit: the value: found an array, expected an object", 0},
		{"[", "undecodable", 0},
		{"\ufeff{\"a\":1}", "undecodable", 0},
		{`{"a":1}`, "", 0},
		{"\t{ \"a\" : 1 , \"b\" : null }\r\n", "", 0},
		{`{"a":1}}`, "undecodable: byte 7 of 8: found \"}\", expected the end", 0},
		{`{"a":1}{"a":1}`, "undecodable", 0},
		{`{"a":1,}`, "undecodable", 0},
		{`{,"a":1}`, "undecodable", 0},
		{`{"a" 1}`, "undecodable: byte 5 of 7: found \"1}\", expected a colon", 0},
		{`{"a":1`, "undecodable", 0},
		{`{"a":1,"x":{"y":1,"y":2},"z":[]}`, "", 2},
		{`{"a":"1","x":}`, "undecodable", 0}, // what is not JSON is said first, wherever it stands
		{`{"a":"1","x":0}`, "unfit", 0},
		{deep(512), "", 1},
		{deep(513), "undecodable", 0},
		{`{"a":1,"x":"\ud800"}`, "undecodable", 0},
		{`{"a":1,"\ud800":0}`, "undecodable", 0},
		{"{\"a\":1,\"x\":\"\xc0\x80\"}", "undecodable", 0},
		{`{"a":1,"x":[1,2}}`, "undecodable", 0},
		{`{"a":1,"x":{"y"}}`, "undecodable", 0},
		{`{"a":1,"x":00}`, "undecodable", 0},
	} {
		before := d.UnknownFields()
		err := d.Decode(c, &record.Raw{Value: []byte(in.text)})
		switch {
		case err == nil && in.want != "", err != nil && (in.want == "" || !strings.HasPrefix(err.Error(), in.want)):
			t.Errorf("%.40q: error %v, want %s", in.text, err, in.want)
		case d.UnknownFields()-before != in.unknown:
			t.Errorf("%.40q: %d unknown fields, want %d", in.text, d.UnknownFields()-before, in.unknown)
		}
		c.Rollback()
	}
	if c.Bytes() != 0 {
		t.Errorf("%d bytes are left", c.Bytes())
	}
	var bad *record.BadRecord
	if err := d.Decode(c, &record.Raw{}); !errors.As(err, &bad) || bad.Reason != record.Tombstone {
		t.Errorf("tombstone: %v", err)
	}
}

// What a member of a union counted before it failed is not counted.
func TestUnknownFieldsOfTheMemberThatFits(t *testing.T) {
	t.Parallel()
	record1 := func(name string) record.Type {
		return record.Type{Kind: record.Struct, Fields: []record.Field{{Name: name, Type: kind(record.Int32)}}}
	}
	s := one(record.Field{Type: union(record1("x"), record1("y"))})
	d, c := decoder(t, s), record.NewColumns(s)
	if err := d.Decode(c, &record.Raw{Value: []byte(`{"a":{"z":1,"y":2}}`)}); err != nil || d.UnknownFields() != 1 {
		t.Errorf("%d unknown fields, error %v", d.UnknownFields(), err)
	}
}

// A map with many keys finds the one that stands twice, wherever it is, and takes them all when none does.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	s := one(record.Field{Type: record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Type: kind(record.Int32)}}})
	for _, n := range []int{7, 8, 9, 31, 32, 33, 150} {
		for twice := -1; twice < n; twice++ {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, `"k%d":%d,`, i, i)
			}
			last := n
			if twice >= 0 {
				last = twice
			}
			_, err := value(s, fmt.Sprintf(`{"a":{%s"k%d":0}}`, b.String(), last))
			if (err != nil) != (twice >= 0) {
				t.Errorf("%d keys, %d twice: error %v", n, twice, err)
			}
		}
	}
}

func TestRaw(t *testing.T) {
	t.Parallel()
	d := json.NewRaw()
	c := record.NewColumns(d.Schema().WithKafkaColumns())
	for _, text := range []string{" {\"a\" : [1]}\n", "null", `"x"`} {
		if err := d.Decode(c, &record.Raw{Value: []byte(text)}); err != nil {
			t.Fatal(err)
		}
		c.AppendKafka(0, 0, 0)
		c.EndRow()
	}
	var bad *record.BadRecord
	for _, text := range []string{"", "{", "1 2", "\"\xff\""} {
		if err := d.Decode(c, &record.Raw{Value: []byte(text)}); !errors.As(err, &bad) || bad.Reason != record.Undecodable {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := d.Decode(c, &record.Raw{}); err != nil {
		t.Fatal(err)
	}
	c.AppendKafka(0, 0, 0)
	c.EndRow()
	rows, err := recordtest.Rows(c)
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	for _, r := range rows {
		got = append(got, r[0])
	}
	if d := cmp.Diff(got, []any{`{"a" : [1]}`, "null", `"x"`, nil}); d != "" {
		t.Errorf("-got +want\n%s", d)
	}
}

// The defaults of an Avro schema arrive: each type, and unions by the branch that Avro picks.
func TestDefaultsOfAvroSchema(t *testing.T) {
	t.Parallel()
	p, err := avro.Parse([]byte(`{"type":"record","name":"R","fields":[
		{"name":"b","type":"boolean","default":true},{"name":"i","type":"int","default":-1},{"name":"l","type":"long","default":9007199254740993},
		{"name":"f","type":"float","default":1},{"name":"d","type":"double","default":0.1},{"name":"s","type":"string","default":"a\"b"},
		{"name":"y","type":"bytes","default":"\u0000\u00ff"},{"name":"x","type":{"type":"fixed","name":"X","size":2},"default":"\u0001\u00fe"},
		{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]},"default":"B"},
		{"name":"u","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"},"default":"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u000e\u00ff"},
		{"name":"p","type":{"type":"bytes","logicalType":"decimal","precision":20,"scale":4},"default":"\u00ff\u0001"},
		{"name":"t","type":{"type":"long","logicalType":"timestamp-micros"},"default":5},{"name":"day","type":{"type":"int","logicalType":"date"},"default":6},
		{"name":"a","type":{"type":"array","items":["null","int"]},"default":[]},{"name":"m","type":{"type":"map","values":"long"},"default":{"k":1}},
		{"name":"n","type":["null","int"],"default":null},{"name":"o","type":["int","null"],"default":7},
		{"name":"v","type":["double","long","null"],"default":3},{"name":"w","type":["string","bytes"],"default":"c"},{"name":"z","type":["bytes","string"],"default":"c"},
		{"name":"r","type":{"type":"record","name":"In","fields":[{"name":"g","type":"int"},{"name":"h","type":"string","default":"dh"}]},"default":{"g":4}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	d, c := decoder(t, p.Schema), record.NewColumns(p.Schema)
	if err := d.Decode(c, &record.Raw{Value: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	c.EndRow()
	got, err := recordtest.Rows(c)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]any{{true, int32(-1), int64(9007199254740993), float32(1), 0.1, `a"b`, "\x00\xff", "\x01\xfe", "B", "00010203-0405-0607-0809-0a0b0c0d0eff",
		"\xff\xff\xff\xff\xff\xff\xff\xff\x01", int64(5), int32(6), []any{}, []recordtest.Entry{{Key: "k", Value: int64(1)}}, nil, int32(7),
		[]any{3.0, nil}, []any{"c", nil}, []any{"c", nil}, []any{int32(4), "dh"}}}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("-got +want\n%s", d)
	}
}
