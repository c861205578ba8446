package testbed_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"shadoof/record"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
	"shadoof/writers"
	"shadoof/writers/avro"
	"shadoof/writers/sample"
)

var avroCompressions = []string{"zstd", "snappy", "gzip", "none"}

func TestAvroFilesOfRandomSchemasAreReadAlike(t *testing.T) {
	t.Parallel()
	compareAvro(t, 0, 100)
}

// compareAvro writes and reads files of random schemas, one for each seed of [from, to).
func compareAvro(t *testing.T, from, to uint64) {
	t.Helper()
	env := servers.Readers(t)
	for seed := from; seed < to; seed++ {
		r := rand.New(rand.NewPCG(seed, 27))
		s := sample.Schema(r, 8, int(seed%6))
		compareAvroFile(t, env, fmt.Sprint("seed ", seed), r, s, avroCompressions[seed%4])
	}
}

func TestAvroFilesOfEveryTypeAreReadAlike(t *testing.T) {
	t.Parallel()
	env := servers.Readers(t)
	for _, compression := range avroCompressions {
		compareAvroFile(t, env, "every type, "+compression, rand.New(rand.NewPCG(1, 27)), sample.Named(sample.Every()), compression)
	}
}

// compareAvroFile writes a file of two row groups and reads it with fastavro, and a file of what Polars knows with Polars.
func compareAvroFile(t *testing.T, env *readers.Env, name string, r *rand.Rand, s *record.Schema, compression string) {
	t.Helper()
	format := avroFormat(t, compression)
	folder := t.TempDir()
	want := writeAs(t, format, filepath.Join(folder, "file.avro"), r, s, 2, 100)
	compareRows(t, env, name, readers.FastAvro, folder, s, want)
	if compression == "zstd" {
		return
	}
	folder = t.TempDir()
	s = &record.Schema{Name: s.Name, Fields: forPolars(s.Fields)}
	want = writeAs(t, format, filepath.Join(folder, "file.avro"), r, s, 2, 100)
	compareRows(t, env, name, readers.PolarsAvro, folder, s, want)
}

func avroFormat(t *testing.T, compression string) writers.Format {
	t.Helper()
	format, err := avro.New(avro.Options{Compression: compression})
	if err != nil {
		t.Fatal(err)
	}
	return format
}

// forPolars makes structs of maps, strings of enums, and bytes of decimals in a fixed of more than 16 bytes.
func forPolars(fields []record.Field) []record.Field {
	var known []record.Field
	for _, f := range fields {
		f.Type = forPolarsType(f.Type)
		known = append(known, f)
	}
	return known
}

func forPolarsType(t record.Type) record.Type {
	switch t.Kind {
	case record.Enum:
		return record.Type{Kind: record.String}
	case record.Decimal:
		if t.Size > 16 {
			t.Size = 0
		}
	case record.Map:
		return record.Type{Kind: record.Struct, Fields: forPolars([]record.Field{*t.Elem})}
	case record.List:
		elem := forPolars([]record.Field{*t.Elem})[0]
		return record.Type{Kind: record.List, Elem: &elem}
	case record.Struct:
		t.Fields = forPolars(t.Fields)
	}
	return t
}
