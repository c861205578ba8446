package avro_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
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

func datums(t interface{ Fatalf(string, ...any) }, p *avro.Parsed, field string) *avro.DatumDecoder {
	dec, ok := avro.NewDatumDecoder(p, field)
	if !ok {
		t.Fatalf("no decoder of datums for %s", p.Text)
	}
	return dec
}

// plainFields are the dotted paths of all fields that have a single value per row.
func plainFields(fields []record.Field, prefix string) (paths []string) {
	for _, f := range fields {
		switch f.Type.Kind {
		case record.Struct:
			paths = append(paths, plainFields(f.Type.Fields, prefix+f.Name+".")...)
		case record.List, record.Map:
		default:
			paths = append(paths, prefix+f.Name)
		}
	}
	return paths
}

// A sameVerdict decodes each value both ways, and fails where they differ: in the verdict, its words, or the captured leaf.
type sameVerdict struct {
	columns      *avro.Decoder
	datums       *avro.DatumDecoder
	got, want    *record.Columns
	leaf         int // of the captured field where rows are taken apart; -1 for none
	accepted     [][]byte
	kept, denied int
}

func newSameVerdict(t interface{ Fatalf(string, ...any) }, p *avro.Parsed, field string) *sameVerdict {
	v := &sameVerdict{columns: avro.NewDecoder(p), datums: datums(t, p, field), leaf: -1}
	v.got, v.want = record.NewColumns(v.datums.Schema().WithKafkaColumns()), record.NewColumns(p.Schema.WithKafkaColumns())
	if leaf, _, ok := p.Schema.Leaf(field); ok {
		v.leaf = leaf
	}
	return v
}

func (v *sameVerdict) decode(t interface{ Fatalf(string, ...any) }, value []byte) {
	r := &record.Raw{Value: value}
	before := v.got.Bytes()
	err, wantErr := v.datums.Decode(v.got, r), v.columns.Decode(v.want, r)
	if wantErr != nil {
		var bad *record.BadRecord
		if err == nil || err.Error() != wantErr.Error() || !errors.As(err, &bad) {
			t.Fatalf("%x: %v\nwant %v", value, err, wantErr)
		}
		if v.got.Bytes() != before {
			t.Fatalf("%x: a refused record left a trace", value)
		}
		v.denied++
		return
	}
	if err != nil {
		t.Fatalf("%x: %v\nwant it taken", value, err)
	}
	v.got.AppendKafka(3, int64(v.kept), -5)
	v.want.AppendKafka(3, int64(v.kept), -5)
	v.got.EndRow()
	v.want.EndRow()
	v.kept++
	v.accepted = append(v.accepted, value)
}

// check compares what was kept of all that was taken.
func (v *sameVerdict) check(t interface{ Fatalf(string, ...any) }) {
	data := &v.got.Leaves[0]
	if v.got.Rows() != v.kept || data.Values() != v.kept {
		t.Fatalf("%d rows, %d datums, want %d", v.got.Rows(), data.Values(), v.kept)
	}
	for i, value := range v.accepted {
		if want := append(bytes.Clone(value), kafkaFields(3, int64(i), -5)...); !bytes.Equal(data.Value(i), want) {
			t.Fatalf("datum %d: %x, want %x", i, data.Value(i), want)
		}
	}
	if v.leaf < 0 {
		if len(v.got.Leaves) != 1 {
			t.Fatalf("%d leaves", len(v.got.Leaves))
		}
		return
	}
	if d := cmp.Diff(v.got.Leaves[1], v.want.Leaves[v.leaf], cmp.AllowUnexported(record.Column{}), sameEmpty, sameBits); d != "" {
		t.Fatalf("captured leaf: -got +want\n%s", d)
	}
}

var sameEmpty = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type().Kind().String() == "slice" },
	cmp.FilterValues(func(a, b any) bool { return emptySlice(a) && emptySlice(b) }, cmp.Ignore()))

// A flipped bit may make a float NaN, which is equal to nothing: what was decoded is compared by its bits.
var sameBits = cmp.Options{
	cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }),
	cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }),
}

func emptySlice(v any) bool {
	switch v := v.(type) {
	case []byte:
		return len(v) == 0
	case []bool:
		return len(v) == 0
	case []int32:
		return len(v) == 0
	case []int64:
		return len(v) == 0
	case []float32:
		return len(v) == 0
	case []float64:
		return len(v) == 0
	}
	return false
}

func kafkaFields(partition int32, offset, timestamp int64) []byte {
	b, err := twmb.MustParse(`{"type":"record","name":"K","fields":[{"name":"p","type":"int"},{"name":"o","type":"long"},{"name":"t","type":"long"}]}`).
		Encode(map[string]any{"p": partition, "o": offset, "t": timestamp})
	if err != nil {
		panic(err)
	}
	return b
}

// Datums of random schemas, whole and broken: the same ones are taken as where rows are taken apart, and the others are refused with the
// same words. The captured field has the same leaf.
func TestDatumsAreTakenAndRefusedAsColumnsAre(t *testing.T) {
	t.Parallel()
	kept, denied := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		r := drawn{t}
		typ := recordtest.RandomRecord(r, 3)
		p := parse(t, typ.Avro(false))
		field := ""
		if all := plainFields(p.Schema.Fields, ""); len(all) > 0 && r.IntN(4) > 0 {
			field = all[r.IntN(len(all))]
		}
		v := newSameVerdict(t, p, field)
		for range 1 + r.IntN(4) {
			wire := recordtest.AppendAvro(nil, r, typ, recordtest.RandomRow(r, typ))
			v.decode(t, wire)
			for range 6 {
				v.decode(t, broken(r, wire))
			}
		}
		v.decode(t, nil)
		v.decode(t, []byte{})
		v.check(t)
		kept, denied = kept+v.kept, denied+v.denied
	})
	t.Logf("%d taken, %d refused", kept, denied)
	if kept < 50 || denied < 50 {
		t.Errorf("%d taken, %d refused: too few to say anything", kept, denied)
	}
}

// broken cuts a value off, flips a bit of it, puts in a byte, or adds one.
func broken(r recordtest.Rand, wire []byte) []byte {
	b := bytes.Clone(wire)
	at := r.IntN(len(b) + 1)
	switch r.IntN(5) {
	case 0:
		return b[:at:at]
	case 1:
		return append(b[:at:at], append([]byte{byte(r.IntN(256))}, wire[at:]...)...)
	case 2:
		return append(b, byte(r.IntN(256)))
	}
	if at < len(b) {
		b[at] ^= 1 << r.IntN(8)
	}
	return b
}

// Every prefix and every flipped bit of many datums.
func TestEveryBrokenDatumIsJudgedTheSame(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 15 {
		typ := recordtest.RandomRecord(r, 3)
		p := parse(t, typ.Avro(false))
		field := ""
		if all := plainFields(p.Schema.Fields, ""); len(all) > 0 {
			field = all[r.IntN(len(all))]
		}
		v := newSameVerdict(t, p, field)
		wire := recordtest.AppendAvro(nil, r, typ, recordtest.RandomRow(r, typ))
		for i := range wire[:min(len(wire), 300)] {
			v.decode(t, wire[:i:i])
			for bit := range 8 {
				flipped := bytes.Clone(wire)
				flipped[i] ^= 1 << bit
				v.decode(t, flipped)
			}
		}
		v.decode(t, wire)
		v.check(t)
	}
}

// What one record can make out of few bytes is bounded for datums, too: they are refused where columns would be.
func TestEntriesOfOneDatumAreBounded(t *testing.T) {
	t.Parallel()
	var fields []string
	for i := range 1000 {
		fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":"int"}`, i))
	}
	p := parse(t, []byte(`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":["null",{"type":"record","name":"S","fields":[`+strings.Join(fields, ",")+`]}]}}]}`))
	most := record.MaxEntries / 1000
	v := newSameVerdict(t, p, "")
	for _, n := range []int{most, most + 1} {
		v.decode(t, append(binary.AppendVarint(nil, int64(n)), make([]byte, n+1)...))
	}
	if v.kept != 1 || v.denied != 1 {
		t.Errorf("%d kept, %d denied", v.kept, v.denied)
	}
}

// A half row is taken back exactly, before and after the Kafka columns were appended.
func TestHalfADatumIsTakenBack(t *testing.T) {
	t.Parallel()
	p := parse(t, []byte(`{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"]},{"name":"b","type":"long"}]}`))
	for _, kafka := range []bool{false, true} {
		dec := datums(t, p, "a")
		s := dec.Schema()
		if kafka {
			s = s.WithKafkaColumns()
		}
		c := record.NewColumns(s)
		for i := range 20 {
			value := []byte{2, 4, 'x', byte('a' + i), 2}
			if i%3 == 0 {
				value = []byte{0, 8}
			}
			for step := range 4 { // the last of them stays
				if err := dec.Decode(c, &record.Raw{Value: value}); err != nil {
					t.Fatal(err)
				}
				if step > 0 {
					c.AppendKafka(1, int64(i), 7)
				}
				if step < 3 {
					c.Rollback()
				}
			}
			c.EndRow()
			c.Rollback() // no row is open
			want := value
			if kafka {
				want = append(bytes.Clone(value), kafkaFields(1, int64(i), 7)...)
			}
			if got := c.Leaves[0].Value(i); !bytes.Equal(got, want) || c.Leaves[0].Values() != i+1 || c.Leaves[1].Levels() != i+1 {
				t.Fatalf("row %d: %x of %d, want %x", i, got, c.Leaves[0].Values(), want)
			}
			if b, null := c.LastBytes(1); null != (i%3 == 0) || !null && string(b) != string(value[2:4]) {
				t.Fatalf("row %d: captured %q, null %t", i, b, null)
			}
		}
		c.Reset()
		if c.Rows() != 0 || c.Bytes() != 0 {
			t.Errorf("%d rows after Reset", c.Rows())
		}
	}
}

func TestLeafOfDatums(t *testing.T) {
	t.Parallel()
	p := parse(t, []byte(`{"type":"record","name":"R","fields":[{"name":"l","type":{"type":"array","items":"int"}},
		{"name":"h","type":["null",{"type":"record","name":"H","fields":[{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}]}]},{"name":"b","type":"long"}]}`))
	s := datums(t, p, "h.at").Schema().WithKafkaColumns()
	if i, f, ok := s.Leaf("h.at"); i != 1 || f.Type.Kind != record.TimestampMillis || !ok {
		t.Errorf("leaf %d, %v, %t", i, f, ok)
	}
	if _, _, ok := s.Leaf("b"); ok {
		t.Error("a field that was not asked for has a leaf")
	}
	want, _, _ := p.Schema.Leaf("h.at")
	if d := cmp.Diff(record.NewColumns(s).Leaves[1], record.NewColumns(p.Schema).Leaves[want], cmp.AllowUnexported(record.Column{})); d != "" {
		t.Errorf("-got +want\n%s", d)
	}
	for _, field := range []string{"l", "h", "nowhere", "b.c"} {
		s := datums(t, p, field).Schema()
		if _, _, ok := s.Leaf(field); ok || len(record.NewColumns(s).Leaves) != 1 {
			t.Errorf("%s has a leaf", field)
		}
	}
	other := datums(t, p, "b").Schema().WithKafkaColumns()
	if s.Fingerprint() == other.Fingerprint() {
		t.Error("columns with other leaves have the same fingerprint")
	}
	if plain := p.Schema.WithKafkaColumns(); s.Fingerprint() == plain.Fingerprint() {
		t.Error("datums and columns have the same fingerprint")
	}
	if _, err := record.WithKey(datums(t, p, ""), record.KeyFormat{Kind: record.String}, false); err == nil {
		t.Error("a key beside datums")
	}
}

// The author's text stands in the file, with three fields more.
func TestTextOfDatums(t *testing.T) {
	t.Parallel()
	text := `{ "namespace": "a.b", "doc": "all [of] \"fields\": [] it", "type":"record", "aliases": ["Old"], "name": "R",
		"fields": [ {"name":"fields","type":{"type":"record","name":"S","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}}]},"doc":"x"},
			{"name":"u","type":["null","E","a.b.S",{"type":"map","values":"double"}],"default":null,"aliases":["v"]},
			{"name":"n","type":"null"} ], "mine": {"fields": [1]} }`
	d := datums(t, parse(t, []byte(text)), "").Schema().Datum
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if d.Before+d.After != compact.String() || !strings.HasSuffix(d.Before, `"type":"null"}`) || d.After != `],"mine":{"fields":[1]}}` {
		t.Errorf("text %s\n%s", d.Before, d.After)
	}
	if _, err := twmb.Parse(d.Before + `,{"name":"_kafka_partition","type":"int"}` + d.After); err != nil {
		t.Error(err)
	}
}

// What the parser takes and the specification does not know is no text for a file.
func TestTextsThatOnlySomeReadersTake(t *testing.T) {
	t.Parallel()
	field := func(s string) string { return `{"type":"record","name":"R","fields":[` + s + `]}` }
	for name, c := range map[string]struct {
		schema string
		ok     bool
	}{
		"plain":                    {field(`{"name":"a","type":"int"}`), true},
		"wrapped":                  {field(`{"name":"a","type":{"type":{"type":"int"}}}`), true},
		"by name":                  {field(`{"name":"a","type":{"type":"fixed","name":"x.F","size":2}},{"name":"b","type":"x.F"}`), true},
		"by name in a namespace":   {`{"type":"record","name":"n.R","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":2}},{"name":"b","type":"F"},{"name":"c","type":["null","n.F"]}]}`, true},
		"before its definition":    {field(`{"name":"b","type":"F"},{"name":"a","type":{"type":"fixed","name":"F","size":2}}`), false},
		"beside the type":          {field(`{"name":"a","type":"enum","symbols":["A"]}`), false},
		"size in quotes":           {field(`{"name":"a","type":{"type":"fixed","name":"F","size":"2"}}`), false},
		"an error":                 {`{"type":"error","name":"R","fields":[{"name":"a","type":"int"}]}`, false},
		"a name of Kafka's":        {field(`{"name":"a","type":"int"},{"name":"_kafka_offset","type":"null"}`), false},
		"fields twice":             {`{"type":"record","name":"R","fields":[{"name":"a","type":"int"}],"fields":[{"name":"a","type":"int"}]}`, false},
		"logical type beside type": {field(`{"name":"a","type":"long","logicalType":"timestamp-millis"}`), true},
	} {
		p, err := avro.Parse([]byte(c.schema))
		if err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		if _, ok := avro.NewDatumDecoder(p, ""); ok != c.ok {
			t.Errorf("%s: %t, want %t", name, ok, c.ok)
		}
	}
}

func TestSkippingDoesNotAllocate(t *testing.T) {
	events := recordtest.EventsAvro(500)
	dec := datums(t, parse(t, recordtest.EventType().Avro(false)), "eventTime")
	c := record.NewColumns(dec.Schema().WithKafkaColumns())
	raw := &record.Raw{}
	fill := func() {
		c.Reset()
		for i := range events {
			raw.Value = events[i]
			if err := dec.Decode(c, raw); err != nil {
				t.Fatal(err)
			}
			c.AppendKafka(0, int64(i), 0)
			c.EndRow()
		}
	}
	fill()
	if n := testing.AllocsPerRun(10, fill); n > 0 {
		t.Errorf("%v allocations for %d records", n, len(events))
	}
}

func BenchmarkSkip(b *testing.B) {
	const n = 5000
	events := recordtest.EventsAvro(n)
	p := parse(b, recordtest.EventType().Avro(false))
	for _, field := range []string{"", "eventTime"} {
		name := "captured=" + field
		if field == "" {
			name = "captured=none"
		}
		b.Run(name, func(b *testing.B) {
			dec := datums(b, p, field)
			c := record.NewColumns(dec.Schema().WithKafkaColumns())
			b.SetBytes(recordtest.Size(events))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i == n {
					c.Reset()
					i = 0
				}
				if err := dec.Decode(c, &record.Raw{Value: events[i]}); err != nil {
					b.Fatal(err)
				}
				c.AppendKafka(0, int64(i), 0)
				c.EndRow()
				i++
			}
		})
	}
}
