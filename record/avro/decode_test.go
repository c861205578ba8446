package avro_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	twmb "github.com/twmb/avro"
	"pgregory.net/rapid"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/internal/recordtest"
)

// drawn is a source of numbers that rapid shrinks.
type drawn struct{ t *rapid.T }

func (d drawn) IntN(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "n") }

func parse(t interface{ Fatalf(string, ...any) }, schema []byte) *avro.Parsed {
	p, err := avro.Parse(schema)
	if err != nil {
		t.Fatalf("%s\n%v", schema, err)
	}
	return p
}

// Random rows of random schemas come out as the levels' definition says, assemble to what went in, and agree with the generic decoder
// of the library.
func TestDecodeAgreesWithPlainDecoders(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawn{t}
		typ := recordtest.RandomRecord(r, 3)
		p := parse(t, typ.Avro(false))
		if d := cmp.Diff(p.Schema, typ.Schema()); d != "" {
			t.Fatalf("schema of %s: -got +want\n%s", typ.Avro(false), d)
		}
		generic := twmb.MustParse(string(typ.Avro(true)))
		got, want := record.NewColumns(p.Schema), record.NewColumns(p.Schema)
		dec := avro.NewDecoder(p)
		var rows [][]any
		for range 1 + r.IntN(4) {
			row := recordtest.RandomRow(r, typ)
			wire := recordtest.AppendAvro(nil, r, typ, row)
			var v any
			if rest, err := generic.Decode(wire, &v, twmb.TaggedUnions()); err != nil || len(rest) > 0 {
				t.Fatalf("generic decoder: %v, %d bytes left", err, len(rest))
			}
			if d := recordtest.DiffRows(fromGeneric(typ, v), unordered(row)); d != "" {
				t.Fatalf("generic decoder: -got +want\n%s", d)
			}
			if err := dec.Decode(got, &record.Raw{Value: wire}); err != nil {
				t.Fatalf("%v\n%s", err, typ.Avro(false))
			}
			got.EndRow()
			recordtest.Shred(want, row)
			rows = append(rows, row)
		}
		if d := recordtest.DiffColumns(got, want); d != "" {
			t.Fatalf("columns of %s: -got +want\n%s", typ.Avro(false), d)
		}
		back, err := recordtest.Rows(got)
		if err != nil {
			t.Fatal(err)
		}
		if d := recordtest.DiffRows(back, rows); d != "" {
			t.Fatalf("rows: -got +want\n%s", d)
		}
	})
}

// A record that ends early, or has a flipped bit or bytes to spare, leaves no trace when it is refused.
func TestRefusedRecordLeavesNoTrace(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	refused := 0
	for range 60 {
		typ := recordtest.RandomRecord(r, 3)
		p := parse(t, typ.Avro(false))
		schema := p.Schema.WithKafkaColumns()
		got, want := record.NewColumns(schema), record.NewColumns(schema)
		dec := avro.NewDecoder(p)
		offset := int64(0)
		add := func(c *record.Columns, wire []byte) error {
			if err := dec.Decode(c, &record.Raw{Value: wire}); err != nil {
				return err
			}
			c.AppendKafka(3, offset, offset*1000)
			c.EndRow()
			return nil
		}
		for range 4 {
			wire := recordtest.AppendAvro(nil, r, typ, recordtest.RandomRow(r, typ))
			bad := [][]byte{append(bytes.Clone(wire), 0)}
			for i := range wire {
				bad = append(bad, wire[:i:i])
				if i < 500 {
					flipped := bytes.Clone(wire)
					flipped[i] ^= 1 << r.IntN(8)
					bad = append(bad, flipped)
				}
			}
			for _, b := range bad {
				err := add(got, b)
				if err == nil { // another row that happens to be valid
					if err := add(want, b); err != nil {
						t.Fatal(err)
					}
					continue
				}
				refused++
				var rec *record.BadRecord
				if !errors.As(err, &rec) || rec.Reason != record.Undecodable && rec.Reason != record.Unfit {
					t.Fatalf("error %v (%T)", err, err)
				}
			}
			for _, c := range []*record.Columns{got, want} {
				if err := add(c, wire); err != nil {
					t.Fatal(err)
				}
			}
			offset++
		}
		if d := recordtest.DiffColumns(got, want); d != "" {
			t.Fatalf("columns of %s: -got +want\n%s", typ.Avro(false), d)
		}
		if _, err := recordtest.Rows(got); err != nil {
			t.Fatalf("columns of %s: %v", typ.Avro(false), err)
		}
	}
	if refused < 100 {
		t.Fatalf("only %d records were refused", refused)
	}
}

func TestErrorsSayWhereAndWhat(t *testing.T) {
	t.Parallel()
	num := func(v ...int64) (b []byte) {
		for _, v := range v {
			b = binary.AppendVarint(b, v)
		}
		return b
	}
	const decimal = `{"type":"bytes","logicalType":"decimal","precision":3,"scale":1}`
	for _, c := range []struct {
		name, typ string
		value     []byte
		want      string
	}{
		{"end of a long", `"long"`, []byte{0x80}, "undecodable: a: byte 0 of 1: found the end of the data, expected a long"},
		{"long of 65 bits", `"long"`, bytes.Repeat([]byte{0xff}, 11), "undecodable: a: byte 0 of 11: found a number of more than 64 bits, expected a long"},
		{"long of 64 bits and one", `"long"`, append(bytes.Repeat([]byte{0xff}, 9), 2), "undecodable: a: byte 0 of 10: found a number of more than 64 bits, expected a long"},
		{"int of 33 bits", `"int"`, num(1 << 31), "undecodable: a: byte 0 of 5: found 2147483648, expected an int of 32 bits"},
		{"milliseconds after the last microsecond", `{"type":"long","logicalType":"timestamp-millis"}`, num(9223372036854776), "unfit: a: byte 0 of 8: found 9223372036854776, expected milliseconds since 1970 that are a time in microseconds, too"},
		{"string too long", `"string"`, num(9), "undecodable: a: byte 0 of 1: found the length 9, expected a string in the 0 bytes left"},
		{"negative length", `"bytes"`, num(-1), "undecodable: a: byte 0 of 1: found the length -1, expected bytes in the 0 bytes left"},
		{"not UTF-8", `"string"`, append(num(2), 0xff, 'a'), `undecodable: a: byte 1 of 3: found "\xffa", expected UTF-8`},
		{"boolean 2", `"boolean"`, []byte{2}, "undecodable: a: byte 0 of 1: found the byte 0x2, expected 0 or 1, a boolean"},
		{"short double", `"double"`, make([]byte, 7), "undecodable: a: byte 0 of 7: found the end of the data, expected a double"},
		{"short fixed", `{"type":"fixed","name":"F","size":3}`, make([]byte, 2), "undecodable: a: byte 0 of 2: found the end of the data, expected a fixed"},
		{"symbol", `{"type":"enum","name":"E","symbols":["X"]}`, num(1), "undecodable: a: byte 0 of 1: found the index 1 of a symbol, expected one below 1"},
		{"branch", `["null","int"]`, num(2), "undecodable: a: byte 0 of 1: found the branch byte 0x4, expected 0 or 2, a union of null and a type"},
		{"branch of three", `["int","null","string"]`, num(3), "undecodable: a: byte 0 of 1: found the index 3 of a branch, expected one below 3"},
		{"too many entries", `{"type":"array","items":"int"}`, num(5, 1), "undecodable: a: byte 0 of 2: found a block of 5 entries in 1 bytes, expected less"},
		{"least count", `{"type":"array","items":"int"}`, num(-1<<63, 0, 0), "undecodable: a: byte 0 of 12: found a block of 9223372036854775808 entries in 1 bytes, expected less"},
		{"size of a block", `{"type":"array","items":"int"}`, num(-1, 2, 1, 0), "undecodable: a: byte 0 of 4: found a block that ends at byte 3, expected byte 4 by its size"},
		{"within a list", `{"type":"map","values":{"type":"record","name":"S","fields":[{"name":"b","type":"int"}]}}`, append(num(1, 1), 'x', 0x80), "undecodable: a{}.b: byte 3 of 4: found the end"},
		{"trailing bytes", `"int"`, num(1, 1), "undecodable: byte 1 of 2: found 1 bytes after the end of the record, expected none"},
		{"digits", decimal, append(num(2), 0x03, 0xe8), "unfit: a: byte 1 of 3: found the unscaled value 0x03e8, expected at most 3 digits"},
		{"negative digits", decimal, append(num(2), 0xfc, 0x18), "unfit: a: byte 1 of 3: found the unscaled value 0xfc18, expected at most 3 digits"},
		{"long decimal", decimal, append(num(3), 1, 0, 0), "unfit: a: byte 1 of 4: found the unscaled value 0x010000, expected at most 3 digits"},
		{"empty decimal", decimal, num(0), "undecodable: a: byte 0 of 1: found the length 0, expected a decimal in the 0 bytes left"},
		{"24:00", `{"type":"int","logicalType":"time-millis"}`, num(86_400_000), "unfit: a: byte 0 of 4: found 86400000, expected a time of day, from 0 to 86399999"},
		{"before midnight", `{"type":"long","logicalType":"time-micros"}`, num(-1), "unfit: a: byte 0 of 1: found -1, expected a time of day, from 0 to 86399999999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := parse(t, []byte(`{"type":"record","name":"R","fields":[{"name":"a","type":`+c.typ+`}]}`))
			cols := record.NewColumns(p.Schema)
			err := avro.NewDecoder(p).Decode(cols, &record.Raw{Value: c.value})
			if err == nil || !strings.Contains(err.Error()+"\n", c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
			newSameVerdict(t, p, "").decode(t, c.value)
		})
	}
}

// A few bytes must not become gigabytes: 4 MB of entries with thousands of null leaves each.
func TestEntriesOfOneRecordAreBounded(t *testing.T) {
	t.Parallel()
	var fields []string
	for i := range 1000 {
		fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":"int"}`, i))
	}
	p := parse(t, []byte(`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":["null",{"type":"record","name":"S","fields":[`+strings.Join(fields, ",")+`]}]}}]}`))
	value := append(binary.AppendVarint(nil, 1<<20), make([]byte, 1<<20+1)...)
	c := record.NewColumns(p.Schema)
	err := avro.NewDecoder(p).Decode(c, &record.Raw{Value: value})
	if err == nil || !strings.Contains(err.Error(), "unfit: a: ") {
		t.Errorf("error %v", err)
	}
}

func TestTombstoneIsNoRow(t *testing.T) {
	t.Parallel()
	p := parse(t, []byte(`{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`))
	var bad *record.BadRecord
	if err := avro.NewDecoder(p).Decode(record.NewColumns(p.Schema), &record.Raw{}); !errors.As(err, &bad) || bad.Reason != record.Tombstone {
		t.Errorf("tombstone: %v", err)
	}
}
