package avro_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	twmb "github.com/twmb/avro"
	"github.com/twmb/avro/ocf"
	"pgregory.net/rapid"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/internal/recordtest"
	"shadoof/writers"
	avrofile "shadoof/writers/avro"
)

// datumFile writes what a run would write of values, and says which were taken. Offsets are the values' places.
func datumFile(t interface{ Fatalf(string, ...any) }, p *avro.Parsed, compression string, values [][]byte, groups int) (file []byte, taken []int) {
	format, err := avrofile.New(avrofile.Options{Compression: compression})
	if err != nil {
		t.Fatalf("%v", err)
	}
	dec := datums(t, p, "")
	schema := dec.Schema().WithKafkaColumns()
	var b bytes.Buffer
	e, err := format.NewEncoder(&b, schema, map[string]string{"shadoof.topic": "orders"})
	if err != nil {
		t.Fatalf("%v", err)
	}
	c := record.NewColumns(schema)
	flush := func() {
		if err := e.WriteRows(c); err != nil {
			t.Fatalf("%v", err)
		}
		c.Reset()
	}
	for i, v := range values {
		err := dec.Decode(c, &record.Raw{Value: v})
		var bad *record.BadRecord
		if err != nil && !errors.As(err, &bad) {
			t.Fatalf("%v", err)
		}
		if err == nil {
			c.AppendKafka(7, int64(i), int64(1000+i))
			c.EndRow()
			taken = append(taken, i)
		}
		if i%(len(values)/groups+1) == 0 {
			flush()
		}
	}
	flush()
	if err := e.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	return b.Bytes(), taken
}

var kafkaInSchema = `,{"name":"_kafka_partition","type":"int"},{"name":"_kafka_offset","type":"long"},{"name":"_kafka_timestamp","type":"long"}`

// Good and broken data of random schemas: another reader finds the good ones in the file, value for value, with the Kafka columns, and so
// does ours. A broken one in between does no harm.
func TestFilesOfDatumsAreReadBack(t *testing.T) {
	t.Parallel()
	compressions := []string{"zstd", "snappy", "gzip", "none"}
	rapid.Check(t, func(t *rapid.T) {
		r := drawn{t}
		typ := recordtest.RandomRecord(r, 3)
		p := parse(t, typ.Avro(false))
		var values [][]byte
		var rows [][]any
		for range 1 + r.IntN(12) {
			row := recordtest.RandomRow(r, typ)
			wire := recordtest.AppendAvro(nil, r, typ, row)
			values, rows = append(values, wire), append(rows, row)
			if r.IntN(3) == 0 {
				values, rows = append(values, wire[:len(wire)-1]), append(rows, nil)
			}
		}
		compression := compressions[r.IntN(4)]
		file, taken := datumFile(t, p, compression, values, 1+r.IntN(3))
		again, _ := datumFile(t, p, compression, values, 1)
		if once, _ := datumFile(t, p, compression, values, 1); !bytes.Equal(again, once) {
			t.Fatalf("two files of the same rows differ")
		}
		var want [][]any
		for _, i := range taken {
			if rows[i] == nil {
				t.Fatalf("value %d is cut off, and was taken", i)
			}
			want = append(want, append(slices.Clone(rows[i]), int32(7), int64(i), int64(1000+i)))
		}
		if d := recordtest.DiffRows(genericFile(t, typ, file), unorderedRows(want)); d != "" {
			t.Fatalf("rows of %s: -got +want\n%s", p.Text, d)
		}
		id, err := avrofile.NewReader().Identity(t.Context(), bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatalf("identity: %v", err)
		}
		var digest record.Digest
		for _, i := range taken {
			digest.Add(7, int64(i))
		}
		if id.Rows != int64(len(taken)) || id.Digest != digest || !id.HasKafkaColumns || id.Meta["shadoof.topic"] != "orders" {
			t.Fatalf("identity %+v", id)
		}
	})
}

func unorderedRows(rows [][]any) (out [][]any) {
	for _, row := range rows {
		out = append(out, unordered(row).([]any))
	}
	return out
}

// genericFile lists the rows that the library finds in a file.
func genericFile(t interface{ Fatalf(string, ...any) }, typ *recordtest.Type, file []byte) (rows [][]any) {
	plain := string(typ.Avro(true))
	end := strings.LastIndex(plain, `],"name":"`+typ.Name)
	if end < 0 {
		t.Fatalf("schema %s", plain)
	}
	schema, err := twmb.Parse(plain[:end] + kafkaInSchema + plain[end:])
	if err != nil {
		t.Fatalf("%v", err)
	}
	r, err := ocf.NewReader(bytes.NewReader(file), ocf.WithReaderSchema(schema), ocf.WithDecodeOpts(twmb.TaggedUnions()))
	if err != nil {
		t.Fatalf("%v", err)
	}
	for {
		var v any
		err := r.Decode(&v)
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatalf("row %d: %v", len(rows), err)
		}
		m := v.(map[string]any)
		rows = append(rows, append(fromGeneric(typ, v), m["_kafka_partition"], m["_kafka_offset"], m["_kafka_timestamp"]))
	}
}

// Names, namespaces, docs, defaults, aliases and types that stand twice: the schema of the file is the author's.
func TestFilesOfDatumsKeepTheSchema(t *testing.T) {
	t.Parallel()
	const before, after = `{"type":"record","name":"R","namespace":"a.b","doc":"a row","aliases":["Old"],"fields":[` +
		`{"name":"s","type":{"type":"record","name":"S","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}},{"name":"none","type":"null"}]},"doc":"x","order":"ignore"},` +
		`{"name":"u","type":["long","null",{"type":"fixed","name":"c.D","size":2},"E",{"type":"map","values":"S"}],"default":3},` +
		`{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}},` +
		`{"name":"z","type":["null","a.b.S"],"aliases":["y"]},{"name":"n","type":"null"}`, `],"mine":[1, {}]}`
	text := before + after
	p := parse(t, []byte(text))
	values := [][]byte{
		{2, 0, 6, 2, 5, 0},
		{0, 2, 2, 5, 0},
		{0, 4, 'x', 'y', 2, 5, 2, 2},
		{0, 8, 2, 2, 'k', 2, 0, 2, 5, 0},
		{0, 6, 0, 4, 5, 5, 2, 2},
	}
	file, taken := datumFile(t, p, "none", values, 1)
	if len(taken) != len(values) {
		t.Fatalf("%d of %d taken", len(taken), len(values))
	}
	r, err := ocf.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := before + `,{"name":"_kafka_partition","type":"int"},{"name":"_kafka_offset","type":"long"},{"name":"_kafka_timestamp","type":{"type":"long","logicalType":"timestamp-millis"}}` +
		strings.ReplaceAll(after, " ", "")
	if d := cmp.Diff(want, string(r.Metadata()["avro.schema"])); d != "" {
		t.Errorf("schema: -want +got\n%s", d)
	}
	rows := 0
	for ; ; rows++ {
		var v any
		if err := r.Decode(&v); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	id, err := avrofile.NewReader().Identity(t.Context(), bytes.NewReader(file), int64(len(file)))
	if err != nil || id.Rows != 5 || rows != 5 {
		t.Errorf("%d rows, identity %+v: %v", rows, id, err)
	}
	found, known, err := avrofile.NewReader().(writers.Finder).Find(t.Context(), bytes.NewReader(file), int64(len(file)), 7, 4)
	if !found || !known || err != nil {
		t.Errorf("found %t, known %t, %v", found, known, err)
	}
}
