package record_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
)

func rowsOf(t *testing.T, c *record.Columns) [][]any {
	t.Helper()
	rows, err := recordtest.Rows(c)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

var records = []record.Raw{
	{Partition: 1, Offset: 5, Timestamp: 100, Key: []byte("k"), Value: []byte("größe"), Headers: []record.Header{{Key: "a", Value: []byte{0xff}}, {Key: "a"}, {Key: "", Value: []byte{}}}},
	{Partition: 1, Offset: 6, Timestamp: 101},
	{Partition: 1, Offset: 7, Timestamp: 102, Key: []byte{}, Value: []byte{}},
}

func TestPlainFormats(t *testing.T) {
	t.Parallel()
	want := [][]any{
		{"k", "größe", []any{[]any{"a", "\xff"}, []any{"a", nil}, []any{"", ""}}, int32(1), int64(5), int64(100)},
		{nil, nil, []any{}, int32(1), int64(6), int64(101)},
		{"", "", []any{}, int32(1), int64(7), int64(102)},
	}
	for name, dec := range map[string]record.Decoder{"string": record.NewStringDecoder(), "bytes": record.NewBytesDecoder()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := record.NewColumns(dec.Schema().WithKafkaColumns())
			for i := range records {
				if err := dec.Decode(c, &records[i]); err != nil {
					t.Fatal(err)
				}
				c.AppendKafka(records[i].Partition, records[i].Offset, records[i].Timestamp)
				c.EndRow()
			}
			if d := cmp.Diff(rowsOf(t, c), want); d != "" {
				t.Errorf("-got +want\n%s", d)
			}
		})
	}
}

func TestPlainFormatsRefuse(t *testing.T) {
	t.Parallel()
	bad := []byte("a\xff")
	for _, c := range []struct {
		name        string
		r           record.Raw
		text, bytes bool
	}{
		{"key", record.Raw{Key: bad}, false, true},
		{"value", record.Raw{Value: bad}, false, true},
		{"header's value", record.Raw{Headers: []record.Header{{Key: "k", Value: bad}}}, true, true},
		{"header's key", record.Raw{Headers: []record.Header{{Key: string(bad)}}}, false, false},
	} {
		for _, f := range []struct {
			dec   record.Decoder
			taken bool
		}{{record.NewStringDecoder(), c.text}, {record.NewBytesDecoder(), c.bytes}} {
			cols := record.NewColumns(f.dec.Schema())
			err := f.dec.Decode(cols, &c.r)
			var rec *record.BadRecord
			switch {
			case f.taken && err != nil:
				t.Errorf("%s: %v", c.name, err)
			case !f.taken && (!errors.As(err, &rec) || rec.Reason != record.Undecodable || !strings.Contains(rec.Detail, `"a\xff"`)):
				t.Errorf("%s: %v", c.name, err)
			case !f.taken && cols.Bytes() != 0:
				t.Errorf("%s: %d bytes are left", c.name, cols.Bytes())
			}
		}
	}
}

// number is a decoder of values that are one digit.
type number struct{ schema *record.Schema }

func (n number) Schema() *record.Schema { return n.schema }

func (n number) Decode(c *record.Columns, r *record.Raw) error {
	if len(r.Value) != 1 {
		return &record.BadRecord{Reason: record.Undecodable, Detail: "no digit"}
	}
	for i := range n.schema.Leaves() {
		c.Leaves[i].Int64s = append(c.Leaves[i].Int64s, int64(r.Value[0]-'0'))
	}
	return nil
}

func numbers(name string) number {
	return number{&record.Schema{Name: "N", Fields: []record.Field{{Name: name, Type: kind(record.Int64)}}}}
}

func TestWithKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		format  record.Kind
		headers bool
		columns []string
		want    [][]any
	}{
		{"string", true, []string{"n", "key", "headers"}, [][]any{{int64(1), "k", []any{[]any{"h", nil}}, int32(2), int64(9), int64(8)}, {int64(2), nil, []any{}, int32(2), int64(9), int64(8)}}},
		{"bytes", false, []string{"n", "key"}, [][]any{{int64(1), "k", int32(2), int64(9), int64(8)}, {int64(2), nil, int32(2), int64(9), int64(8)}}},
		{"", true, []string{"n", "headers"}, [][]any{{int64(1), []any{[]any{"h", nil}}, int32(2), int64(9), int64(8)}, {int64(2), []any{}, int32(2), int64(9), int64(8)}}},
		{"", false, []string{"n"}, [][]any{{int64(1), int32(2), int64(9), int64(8)}, {int64(2), int32(2), int64(9), int64(8)}}},
	} {
		dec, err := record.WithKey(numbers("n"), record.KeyFormat{Kind: c.format}, c.headers)
		if err != nil {
			t.Fatal(err)
		}
		var columns []string
		for _, f := range dec.Schema().Fields {
			columns = append(columns, f.Name)
		}
		if d := cmp.Diff(columns, c.columns); d != "" || dec.Schema().Name != "N" {
			t.Errorf("%s: columns %s", c.format, d)
		}
		cols := record.NewColumns(dec.Schema().WithKafkaColumns())
		for _, r := range []record.Raw{{Key: []byte("k"), Value: []byte("1"), Headers: []record.Header{{Key: "h"}}}, {Value: []byte("x1")}, {Value: []byte("2")}} {
			if err := dec.Decode(cols, &r); err != nil {
				continue
			}
			cols.AppendKafka(2, 9, 8)
			cols.EndRow()
		}
		if d := cmp.Diff(rowsOf(t, cols), c.want); d != "" {
			t.Errorf("%s: -got +want\n%s", c.format, d)
		}
	}
}

// The columns are found behind those of a value with more leaves than fields.
func TestWithKeyAfterStruct(t *testing.T) {
	t.Parallel()
	in := numbers("n").schema.Fields[0]
	out := in
	out.Name = "m"
	dec, err := record.WithKey(number{&record.Schema{Fields: []record.Field{{Name: "s", Type: record.Type{Kind: record.Struct, Fields: []record.Field{in, out}}}}}}, record.KeyFormat{Kind: record.String}, true)
	if err != nil {
		t.Fatal(err)
	}
	c := record.NewColumns(dec.Schema())
	if err := dec.Decode(c, &record.Raw{Key: []byte("k"), Value: []byte("7"), Headers: []record.Header{{Key: "h"}}}); err != nil {
		t.Fatal(err)
	}
	c.EndRow()
	if d := cmp.Diff(rowsOf(t, c), [][]any{{[]any{int64(7), int64(7)}, "k", []any{[]any{"h", nil}}}}); d != "" {
		t.Errorf("-got +want\n%s", d)
	}
}

func TestWithKeyRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dec     record.Decoder
		format  record.Kind
		headers bool
		want    string
	}{
		{numbers("key"), "string", false, "the value has a field key, and"},
		{numbers("headers"), "", true, "the value has a field headers, and"},
		{record.NewStringDecoder(), "bytes", false, "the value has a field key"},
	} {
		if _, err := record.WithKey(c.dec, record.KeyFormat{Kind: c.format}, c.headers); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	dec, err := record.WithKey(numbers("n"), record.KeyFormat{Kind: record.String}, false)
	if err != nil {
		t.Fatal(err)
	}
	c := record.NewColumns(dec.Schema())
	if err := dec.Decode(c, &record.Raw{Key: []byte{0xff}, Value: []byte("1")}); err == nil || c.Bytes() != 0 {
		t.Errorf("a key that is not UTF-8: %v, %d bytes", err, c.Bytes())
	}
}

func TestQuarantineTakesAnything(t *testing.T) {
	t.Parallel()
	c := record.NewColumns(record.QuarantineSchema())
	r := record.Raw{Partition: 3, Offset: 4, Timestamp: -5, Key: []byte{0xff}, Value: []byte{0}, Headers: []record.Header{{Key: "a\xff", Value: []byte{0xfe}}}}
	record.AppendQuarantine(c, &r, &record.BadRecord{Reason: record.Unfit, Detail: "x\xffy"})
	record.AppendQuarantine(c, &record.Raw{}, &record.BadRecord{Reason: record.Tombstone})
	want := [][]any{
		{int32(3), int64(4), int64(-5), "\xff", "\x00", []any{[]any{"a\uFFFD", "\xfe"}}, "unfit", "x\uFFFDy"},
		{int32(0), int64(0), int64(0), nil, nil, []any{}, "tombstone", ""},
	}
	if d := cmp.Diff(rowsOf(t, c), want); d != "" {
		t.Errorf("-got +want\n%s", d)
	}
}

func TestDecimals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ precision, size int }{{1, 1}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {9, 4}, {10, 5}, {18, 8}, {19, 9}, {38, 16}, {39, 17}} {
		if got := record.DecimalSize(c.precision); got != c.size {
			t.Errorf("precision %d takes %d bytes, want %d", c.precision, got, c.size)
		}
	}
	d := record.NewDecimals(record.Type{Kind: record.Decimal, Precision: 3})
	wide := record.NewDecimals(record.Type{Kind: record.Decimal, Precision: 3, Size: 4})
	for in, want := range map[string]string{
		"\x00": "\x00\x00", "\xff": "\xff\xff", "\x03\xe7": "\x03\xe7", "\xfc\x19": "\xfc\x19", "\x00\x00\x00\x01": "\x00\x01", "\xff\xff\xff\x80": "\xff\x80",
		"": "no", "\x03\xe8": "no", "\xfc\x18": "no", "\x01\x00\x00": "no", "\x00\x80\x00": "no", "\xff\x7f\xff": "no",
	} {
		for _, dec := range []*record.Decimals{d, wide} {
			got, ok := dec.Append([]byte("before"), []byte(in))
			exp := strings.Repeat(string([]byte{byte(int8((want + "\x00")[0]) >> 7)}), dec.Size-2) + want
			if want == "no" && (ok || string(got) != "before") || want != "no" && (!ok || string(got) != "before"+exp) {
				t.Errorf("%x in %d bytes: %x, %v; want %x", in, dec.Size, got, ok, want)
			}
		}
	}
}

func TestValidText(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		ascii := []byte(strings.Repeat("a", n))
		if !record.ValidText(ascii) {
			t.Errorf("%d letters are not text", n)
		}
		for i := range n {
			b := bytes.Clone(ascii)
			b[i] = 0x80
			if record.ValidText(b) {
				t.Errorf("%q is text", b)
			}
			if i+1 < n {
				copy(b[i:], "ü")
				if !record.ValidText(b) {
					t.Errorf("%q is not text", b)
				}
			}
		}
	}
}
