package testbed_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro/ocf"

	"shadoof/record"
	recordavro "shadoof/record/avro"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
	"shadoof/writers/sample"
)

// Datums that are kept as they are, of random schemas and of one with each type, read by others value for value.
func TestAvroFilesOfDatumsAreReadAlike(t *testing.T) {
	t.Parallel()
	env := servers.Readers(t)
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 29))
		s := sample.Schema(r, 8, int(seed%6))
		if seed < 4 {
			s = sample.Named(sample.Every())
		}
		compression := avroCompressions[seed%4]
		folder := t.TempDir()
		want := writeDatums(t, filepath.Join(folder, "file.avro"), r, s, compression)
		compareRows(t, env, fmt.Sprint("seed ", seed), readers.FastAvro, folder, s, want)
		if compression == "zstd" {
			continue
		}
		folder = t.TempDir()
		s = &record.Schema{Name: s.Name, Fields: forPolars(s.Fields)}
		want = writeDatums(t, filepath.Join(folder, "file.avro"), r, s, compression)
		compareRows(t, env, fmt.Sprint("seed ", seed), readers.PolarsAvro, folder, s, want)
	}
}

// writeDatums decodes random rows from Avro data as it would lie in Kafka, writes a file of two row groups, and returns the rows in
// their comparable form. The schema of the data is that of files of the rows' columns.
func writeDatums(t *testing.T, path string, r *rand.Rand, s *record.Schema, compression string) []map[string]any {
	t.Helper()
	plain := record.NewColumns(&record.Schema{Name: s.Name, Fields: s.Fields[:len(s.Fields)-3]})
	empty := avroFile(t, "none", plain)
	dec := datumDecoder(t, schemaIn(t, empty))
	c := record.NewColumns(dec.Schema().WithKafkaColumns())
	var groups []*record.Columns
	var want []map[string]any
	for i := range int64(200) {
		row := sample.Rows(r, plain, 1, 7, i)[0]
		block := avroFile(t, "none", plain)[len(empty)+1:] // behind the number of rows
		plain.Reset()
		_, n := binary.Varint(block)
		if err := dec.Decode(c, &record.Raw{Value: block[n : len(block)-16]}); err != nil {
			t.Fatal(err)
		}
		c.AppendKafka(7, i, sample.Timestamp(i))
		c.EndRow()
		want = append(want, object(s.Fields, append(row, int32(7), i, sample.Timestamp(i))))
		if i%100 == 99 {
			groups = append(groups, c)
			c = record.NewColumns(c.Schema)
		}
	}
	if err := os.WriteFile(path, avroFile(t, compression, groups...), 0o644); err != nil {
		t.Fatal(err)
	}
	return want
}

// avroFile writes these row groups.
func avroFile(t *testing.T, compression string, groups ...*record.Columns) []byte {
	t.Helper()
	var b bytes.Buffer
	e, err := avroFormat(t, compression).NewEncoder(&b, groups[0].Schema, map[string]string{"shadoof.topic": "orders"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range groups {
		if err := e.WriteRows(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func schemaIn(t *testing.T, file []byte) string {
	t.Helper()
	r, err := ocf.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return string(r.Metadata()["avro.schema"])
}

func datumDecoder(t *testing.T, text string) record.Decoder {
	t.Helper()
	p, err := recordavro.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	dec, ok := recordavro.NewDatumDecoder(p, "")
	if !ok {
		t.Fatalf("no datums of %s", text)
	}
	return dec
}

// authorsFile writes five datums of a schema as people write it.
func authorsFile(t *testing.T) string {
	t.Helper()
	dec := datumDecoder(t, `{"type": "record", "name": "R", "namespace": "a.b", "doc": "a row", "aliases": ["Old"], "fields": [
		{"name": "s", "type": {"type": "record", "name": "S", "fields": [{"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"], "default": "A"}}, {"name": "none", "type": "null"}]}, "doc": "x"},
		{"name": "u", "type": ["long", "null", {"type": "fixed", "name": "c.D", "size": 2}, "E", {"type": "map", "values": "S"}], "default": 3},
		{"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}},
		{"name": "z", "type": ["null", "a.b.S"], "aliases": ["y"]}, {"name": "n", "type": "null"}], "mine": {"fields": []}}`)
	schema := dec.Schema().WithKafkaColumns()
	c := record.NewColumns(schema)
	for i, v := range [][]byte{{2, 0, 6, 2, 5, 0}, {0, 2, 2, 5, 0}, {0, 4, 'x', 'y', 2, 5, 2, 2}, {0, 8, 2, 2, 'k', 2, 0, 2, 5, 0}, {0, 6, 0, 4, 5, 5, 2, 2}} {
		if err := dec.Decode(c, &record.Raw{Value: v}); err != nil {
			t.Fatal(err)
		}
		c.AppendKafka(0, int64(i), 5)
		c.EndRow()
	}
	path := filepath.Join(t.TempDir(), "file.avro")
	if err := os.WriteFile(path, avroFile(t, "zstd", c), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A schema as people write it: types by name, namespaces, docs, defaults, aliases, unions, fields of type null.
func TestAvroFilesKeepTheAuthorsSchema(t *testing.T) {
	t.Parallel()
	path := authorsFile(t)
	cmd := exec.CommandContext(t.Context(), servers.Readers(t).Python(), "-c", `import fastavro, sys
for row in fastavro.reader(open(sys.argv[1], "rb")):
    print(row["s"], row["u"], row["d"], row["z"], row["n"], row["_kafka_partition"], row["_kafka_offset"], row["_kafka_timestamp"])
`, path)
	got, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	want := `{'e': 'B', 'none': None} 3 0.05 None None 0 0 1970-01-01 00:00:00.005000+00:00
{'e': 'A', 'none': None} None 0.05 None None 0 1 1970-01-01 00:00:00.005000+00:00
{'e': 'A', 'none': None} b'xy' 0.05 {'e': 'B', 'none': None} None 0 2 1970-01-01 00:00:00.005000+00:00
{'e': 'A', 'none': None} {'k': {'e': 'B', 'none': None}} 0.05 None None 0 3 1970-01-01 00:00:00.005000+00:00
{'e': 'A', 'none': None} A 12.85 {'e': 'B', 'none': None} None 0 4 1970-01-01 00:00:00.005000+00:00
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
