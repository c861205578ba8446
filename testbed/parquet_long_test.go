//go:build long

package testbed_test

import (
	"errors"
	"fmt"

	"math/rand/v2"
	"path/filepath"

	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/testbed/spark"
	"shadoof/writers/sample"
)

func TestParquetFilesOfManyRandomSchemasAreReadAlike(t *testing.T) {
	t.Parallel()
	compareParquet(t, 100, 2000)
}

// One session of Spark for all.
func TestSpark(t *testing.T) {
	t.Parallel()
	s, err := spark.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(t.Failed()); err != nil {
			t.Error(err)
		}
		for _, log := range s.Logs() {
			if t.Failed() {
				t.Logf("see %s", log)
			}
		}
	})
	t.Run("reads the same", func(t *testing.T) { sparkReadsTheSame(t, s) })
	t.Run("believes statistics", func(t *testing.T) { sparkBelievesStatistics(t, s) })
	t.Run("has types", func(t *testing.T) { sparkHasTypes(t, s) })
}

// Files of random schemas, the types that Spark refuses left out, are read in batches of columns, which is its way, and row by row.
func sparkReadsTheSame(t *testing.T, s *spark.Session) {
	compare := func(what string, f shapedFile, o spark.Options) {
		lines, err := s.Rows(t.Context(), f.path, o)
		var got []map[string]any
		for _, line := range lines {
			got = append(got, parse(t, f.schema, line))
		}
		report(t, "spark: "+what, f.rows, got, err)
	}
	compare("ends", endsFile(t, forSpark(allKinds())), spark.Options{NanosAsLong: true})
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 29))
		schema := shapedSchema(r, seed)
		if seed == 0 {
			schema = sample.Every()
		}
		schema.Fields = forSpark(schema.Fields)
		f := writeShaped(t, filepath.Join(t.TempDir(), "file.parquet"), r, schema, parquetCompressions[seed%4])
		compare(fmt.Sprint("seed ", seed), f, spark.Options{NanosAsLong: true, RowByRow: seed%3 == 2})
	}
}

func sparkBelievesStatistics(t *testing.T, s *spark.Session) {
	path := filepath.Join(t.TempDir(), "file.parquet")
	schema := (&record.Schema{Fields: forSpark(allKinds())}).WithKafkaColumns()
	write(t, path, rand.New(rand.NewPCG(2, 26)), schema, "snappy", 20, 3)
	asked, wrong, err := s.Filters(t.Context(), path, spark.Options{NanosAsLong: true})
	if err != nil {
		t.Fatal(err)
	}
	if asked < 100 {
		t.Errorf("only %d filters", asked)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

// A file with a column that Spark refuses is refused whole, unless the columns to read are named.
func sparkHasTypes(t *testing.T, s *spark.Session) {
	const refused = "refused"
	got := make(map[record.Kind]string)
	for _, f := range allKinds() {
		path := filepath.Join(t.TempDir(), "file.parquet")
		rows := write(t, path, rand.New(rand.NewPCG(3, 26)), (&record.Schema{Fields: []record.Field{f}}).WithKafkaColumns(), "zstd", 1, 10)
		types, err := s.Types(t.Context(), path, spark.Options{})
		switch {
		case errors.Is(err, spark.ErrRefused):
			got[f.Type.Kind] = refused
			lines, err := s.Rows(t.Context(), path, spark.Options{KafkaColumns: true})
			if err != nil || len(lines) != len(rows) {
				t.Errorf("%s: %d rows of Kafka columns, %v", f.Name, len(lines), err)
			}
		case err != nil:
			t.Fatal(err)
		default:
			got[f.Type.Kind] = types[f.Name]
		}
		if f.Type.Kind != record.TimestampNanos && f.Type.Kind != record.LocalNanos {
			continue
		}
		if types, err := s.Types(t.Context(), path, spark.Options{NanosAsLong: true}); err != nil || types[f.Name] != "bigint" {
			t.Errorf("%s as a number: %v, %v", f.Name, types, err)
		}
	}
	if diff := cmp.Diff(shownAs(t)["Spark"], got); diff != "" {
		t.Errorf("types by Spark: -docs/format.md +found\n%s", diff)
	}
}

// forSpark makes numbers of times of day.
func forSpark(fields []record.Field) []record.Field {
	var known []record.Field
	for _, f := range fields {
		switch f.Type.Kind {
		case record.TimeMillis:
			f.Type.Kind = record.Int32
		case record.TimeMicros:
			f.Type.Kind = record.Int64
		case record.Struct:
			f.Type.Fields = forSpark(f.Type.Fields)
		case record.List, record.Map:
			f.Type.Elem = &forSpark([]record.Field{*f.Type.Elem})[0]
		}
		known = append(known, f)
	}
	return known
}
