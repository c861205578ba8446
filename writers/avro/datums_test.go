package avro_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/twmb/avro/ocf"

	"shadoof/record"
	"shadoof/writers/sample"
)

// withoutKafka is the schema without its Kafka columns.
func withoutKafka(s *record.Schema) *record.Schema {
	return &record.Schema{Name: s.Name, Fields: s.Fields[:len(s.Fields)-3]}
}

// datumSchema is a schema whose rows are datums, under the text that files of its columns have.
func datumSchema(t testing.TB, s *record.Schema) *record.Schema {
	t.Helper()
	plain := withoutKafka(s)
	text := schemaOf(t, plain)
	end := len(text) - len("]}")
	d := &record.Schema{Name: plain.Name, Fields: plain.Fields, Datum: &record.Datum{Before: text[:end], After: text[end:]}}
	return d.WithKafkaColumns()
}

// datumsOf are the same rows as datums.
func datumsOf(t testing.TB, s *record.Schema, rows []sample.Row, first int64) *record.Columns {
	t.Helper()
	plain, c := record.NewColumns(withoutKafka(s)), record.NewColumns(datumSchema(t, s))
	f := newFormat(t, "none")
	header := len(encode(t, f, nil, plain))
	for i, row := range rows {
		plain.Reset()
		sample.Append(plain, row)
		plain.EndRow()
		block := encode(t, f, nil, plain)[header+1:] // behind the number of rows
		_, n := binary.Varint(block)
		c.Leaves[0].AppendBytes(block[n : len(block)-16])
		c.AppendKafka(7, first+int64(i), sample.Timestamp(first+int64(i)))
		c.EndRow()
	}
	return c
}

// A file of datums is byte for byte that of the columns, where both have the same schema and write values the same way.
func TestFilesOfDatumsAreThoseOfColumns(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		s := sample.Schema(newRand(seed), 6, int(seed%6))
		var columns, datums []*record.Columns
		for g := range int64(1 + seed%3) {
			c := record.NewColumns(s)
			rows := sample.Rows(newRand(seed+uint64(g)), c, int(1+30*seed%100), 7, 1000*g)
			columns, datums = append(columns, c), append(datums, datumsOf(t, s, rows, 1000*g))
		}
		meta := map[string]string{"shadoof.topic": "orders"}
		f := newFormat(t, compressions[seed%4])
		if want, got := encode(t, f, meta, columns...), encode(t, f, meta, datums...); !bytes.Equal(want, got) {
			t.Errorf("seed %d: another file", seed)
		}
	}
}

// trackingDatums are trackingEvents as datums.
func trackingDatums(t testing.TB, n int) *record.Columns {
	events := trackingEvents(n)
	file := encode(t, newFormat(t, "none"), nil, events)
	c := record.NewColumns(datumSchema(t, events.Schema))
	r, err := ocf.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		var v any
		if err := r.Decode(&v); err != nil {
			t.Fatal(err)
		}
		datum, err := r.Schema().Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		c.Leaves[0].AppendBytes(datum) // the Kafka columns are in it
		c.EndRow()
	}
	return c
}

// Blocks of datums end where those of columns do, however large a row is.
func TestBlocksOfDatumsAreOfOneMiB(t *testing.T) {
	t.Parallel()
	c := trackingDatums(t, 10_000)
	file := encode(t, newFormat(t, "none"), nil, c)
	blocks := bytes.Count(file, markerOf(t, file)) - 1
	if least := len(file) / (1<<20 + 2000); blocks < least || blocks > least+1 {
		t.Errorf("%d blocks in %d bytes", blocks, len(file))
	}
	one := &record.Schema{Fields: []record.Field{{Name: "b", Type: record.Type{Kind: record.Bytes}}}}
	var rows []sample.Row
	for i := range 40 {
		size := 10
		if i%10 == 3 {
			size = 3 << 20
		}
		rows = append(rows, sample.Row{bytes.Repeat([]byte{byte(i)}, size)})
	}
	large := datumsOf(t, one.WithKafkaColumns(), rows, 0)
	file = encode(t, newFormat(t, "zstd"), nil, large)
	id, err := identity(t.Context(), file)
	if err != nil || id.Rows != 40 || bytes.Count(file, markerOf(t, file))-1 != 5 {
		t.Errorf("%d rows in %d blocks, %v", id.Rows, bytes.Count(file, markerOf(t, file))-1, err)
	}
}

func TestDatumsThatDoNotFitAreAnError(t *testing.T) {
	t.Parallel()
	s := one(record.Int64).WithKafkaColumns()
	for name, c := range map[string]struct {
		schema *record.Schema // of the file
		damage func(c *record.Columns)
		want   string
	}{
		"an open row":    {nil, func(c *record.Columns) { c.Leaves[0].AppendBytes([]byte{0}) }, "column datum: 3 datums and"},
		"bytes too many": {nil, func(c *record.Columns) { c.Leaves[0].Data = append(c.Leaves[0].Data, 1) }, "column datum: 2 datums and"},
		"columns":        {s, func(*record.Columns) {}, "rows that are datums, for a file of columns"},
	} {
		datums := datumsOf(t, s, []sample.Row{{int64(5)}, {nil}}, 0)
		c.damage(datums)
		schema := c.schema
		if schema == nil {
			schema = datums.Schema
		}
		e, err := newFormat(t, "none").NewEncoder(io.Discard, schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.WriteRows(datums); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if err := e.Close(); err == nil {
			t.Errorf("%s: the file is closed as if nothing was wrong with it", name)
		}
	}
	e, err := newFormat(t, "none").NewEncoder(io.Discard, datumSchema(t, s), nil)
	if err != nil {
		t.Fatal(err)
	}
	columns := record.NewColumns(s)
	sample.Rows(newRand(1), columns, 3, 7, 0)
	if err := e.WriteRows(columns); err == nil || !strings.Contains(err.Error(), "for a file of datums") {
		t.Errorf("columns for a file of datums: %v", err)
	}
}

func TestDatumsCostNoAllocations(t *testing.T) {
	c := trackingDatums(t, 3000)
	for _, compression := range compressions {
		e, err := newFormat(t, compression).NewEncoder(io.Discard, c.Schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		allocations := testing.AllocsPerRun(5, func() {
			if err := e.WriteRows(c); err != nil {
				t.Fatal(err)
			}
		})
		if allocations > 100 {
			t.Errorf("%s: %.0f allocations for %d rows", compression, allocations, c.Rows())
		}
	}
}

// Encoding rows that are datums, beside compressing the same bytes and nothing else.
func BenchmarkEncode(b *testing.B) {
	c := trackingDatums(b, 20_000)
	rows := float64(c.Rows())
	for _, compression := range compressions {
		b.Run("codec="+compression, func(b *testing.B) {
			f := newFormat(b, compression)
			b.SetBytes(int64(len(c.Leaves[0].Data)))
			b.ReportAllocs()
			for b.Loop() {
				e, err := f.NewEncoder(io.Discard, c.Schema, nil)
				if err != nil {
					b.Fatal(err)
				}
				if err := e.WriteRows(c); err != nil {
					b.Fatal(err)
				}
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
