package testbed_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"shadoof/record"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
	"shadoof/writers"
	"shadoof/writers/parquet"
	"shadoof/writers/sample"
)

func TestParquetFilesOfRandomSchemasAreReadAlike(t *testing.T) {
	t.Parallel()
	compareParquet(t, 0, 100)
}

// compareParquet writes files of random schemas, one for each seed of [from, to), and reads each with all readers: every value, and the
// statistics.
func compareParquet(t *testing.T, from, to uint64) {
	t.Helper()
	env := servers.Readers(t)
	s := seen{counts: make(map[string]int)}
	var g errgroup.Group
	g.SetLimit(2 * runtime.GOMAXPROCS(0)) // one of them waits for Python
	for seed := from; seed < to; seed++ {
		g.Go(func() error {
			r := rand.New(rand.NewPCG(seed, 26))
			folder := t.TempDir()
			f := writeShaped(t, filepath.Join(folder, "file.parquet"), r, shapedSchema(r, seed), parquetCompressions[seed%4])
			compareFile(t, env, fmt.Sprint("seed ", seed), f, &s)
			return os.RemoveAll(folder)
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("seeds %d to %d: columns of row groups with %v", from, to-1, s.counts)
	for _, what := range []string{"several pages", "several pages of a list", "no values", "dictionary", "no dictionary", "value over 256 KiB",
		"eight levels of lists and maps", "bounds", "NaN"} {
		if s.counts[what] == 0 {
			t.Errorf("no file has: %s", what)
		}
	}
}

func TestParquetFilesOfEveryTypeAreReadAlike(t *testing.T) {
	t.Parallel()
	for _, compression := range parquetCompressions {
		f := writeShaped(t, filepath.Join(t.TempDir(), "file.parquet"), rand.New(rand.NewPCG(1, 26)), sample.Every(), compression)
		compareFile(t, servers.Readers(t), "every type, "+compression, f, &seen{counts: make(map[string]int)})
	}
}

// A page of small values ends by its rows. Files have two row groups of several such pages, with lists whose rows differ in length, with and without
// a dictionary.
func TestParquetPagesOfManyRowsAreReadAlike(t *testing.T) {
	t.Parallel()
	kind := func(k record.Kind) record.Type { return record.Type{Kind: k} }
	schema := (&record.Schema{Fields: []record.Field{
		{Name: "up", Type: kind(record.Int32)},
		{Name: "down", Type: kind(record.Double)},
		{Name: "amount", Type: record.Type{Kind: record.Decimal, Precision: 4, Scale: 2}}, // the first page has only numbers below zero
		{Name: "word", Type: kind(record.String), Nullable: true},
		{Name: "list", Type: record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: kind(record.Int64), Nullable: true}}, Nullable: true},
	}}).WithKafkaColumns()
	f := shapedFile{path: filepath.Join(t.TempDir(), "file.parquet"), schema: schema}
	r := rand.New(rand.NewPCG(4, 26))
	offset := int64(0)
	for _, n := range []int{22_000, 20_001} {
		c := record.NewColumns(schema)
		for range n {
			amount := []byte{0xFF, byte(1 + r.IntN(255))}
			if offset > 20_000 {
				amount[0] = 0
			}
			row := sample.Row{int32(offset / 2), float64(-offset) / 8, amount, fmt.Sprint("word ", r.IntN(300)), nil}
			if offset < 20_500 || r.IntN(4) == 0 {
				row[3] = nil
			}
			if k := r.IntN(4); k > 0 {
				row[4] = sample.List{r.Int64(), nil, r.Int64()}[:k]
			}
			sample.Append(c, row)
			c.AppendKafka(7, offset, sample.Timestamp(offset))
			c.EndRow()
			f.rows = append(f.rows, object(schema.Fields, append(row, int32(7), offset, sample.Timestamp(offset))))
			offset++
		}
		f.groups = append(f.groups, c)
	}
	f.write(t, "zstd")
	s := seen{counts: make(map[string]int)}
	compareFile(t, servers.Readers(t), "many rows", f, &s)
	if s.counts["several pages"] < 8 || s.counts["pages of nulls beside others"] == 0 {
		t.Errorf("columns of row groups with %v", s.counts)
	}
}

// As deep as docs/format.md promises.
func TestParquetTwentyLevelsAreReadAlike(t *testing.T) {
	t.Parallel()
	at, v := record.Type{Kind: record.Int32}, any(int32(5))
	for i := range 20 {
		elem := &record.Field{Name: "element", Type: at, Nullable: true}
		if i%2 == 0 {
			at, v = record.Type{Kind: record.List, Elem: elem}, sample.List{nil, v}
			continue
		}
		elem.Name = "value"
		at, v = record.Type{Kind: record.Map, Elem: elem}, sample.Map{{Key: "k", Value: v}}
	}
	schema := (&record.Schema{Fields: []record.Field{{Name: "deep", Type: at, Nullable: true}}}).WithKafkaColumns()
	f := shapedFile{path: filepath.Join(t.TempDir(), "file.parquet"), schema: schema, groups: []*record.Columns{record.NewColumns(schema)}}
	for i, row := range []sample.Row{{v}, {nil}, {sample.Map{}}} {
		sample.Append(f.groups[0], row)
		f.groups[0].AppendKafka(7, int64(i), 0)
		f.groups[0].EndRow()
		f.rows = append(f.rows, object(schema.Fields, append(row, int32(7), int64(i), int64(0))))
	}
	f.write(t, "zstd")
	compareFile(t, servers.Readers(t), "deep", f, &seen{counts: make(map[string]int)})
}

// compareFile reads a file, which is alone in its folder, with all readers.
func compareFile(t *testing.T, env *readers.Env, name string, f shapedFile, s *seen) {
	t.Helper()
	checkStatistics(t, name, f, s)
	got, err := readParquetGo(f.path)
	report(t, name+": parquet-go", f.rows, got, err)
	got, numbers, err := seekParquetGo(f.path)
	var want []map[string]any
	for _, i := range numbers {
		want = append(want, f.rows[i])
	}
	report(t, name+": parquet-go, rows by their numbers", want, got, err)
	got, err = readArrowGo(t.Context(), f.path)
	report(t, name+": arrow-go", f.rows, got, err)
	for _, reader := range readers.Parquet {
		compareRows(t, env, name, reader, filepath.Dir(f.path), f.schema, f.rows)
	}
}

// report tells of the first row that differs.
func report(t *testing.T, what string, want, got []map[string]any, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if len(want) != len(got) {
		t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
	}
	for i := range min(len(want), len(got)) {
		if diff := difference(want[i], got[i]); diff != "" {
			t.Errorf("%s: row %d%s", what, i, diff)
			return
		}
	}
}

//go:embed testdata/parquet.py
var script string

// ask runs a question of the script about a file.
func ask(t *testing.T, question, path string, answer any) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), servers.Readers(t).Python(), "-c", script, question, path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatal(err)
	}
}

// What a filter finds does not depend on statistics. Row groups are small, so that readers skip most of them.
func TestParquetFiltersBelieveStatistics(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file.parquet")
	write(t, path, rand.New(rand.NewPCG(2, 26)), sample.Every(), "snappy", 60, 3)
	var filters struct {
		Asked int
		Wrong []string
	}
	ask(t, "filters", path, &filters)
	if filters.Asked < 300 {
		t.Errorf("only %d filters", filters.Asked)
	}
	for _, w := range filters.Wrong {
		t.Error(w)
	}
	var statistics struct {
		RowGroups int `json:"row_groups"`
		Left      int
		Without   []string
	}
	ask(t, "statistics", path, &statistics)
	if statistics.RowGroups != 60 || statistics.Left != 1 {
		t.Errorf("of %d row groups a filter on an offset leaves %d", statistics.RowGroups, statistics.Left)
	}
	t.Log("without statistics:", statistics.Without)
}

// compareRows reads a folder with one reader.
func compareRows(t *testing.T, env *readers.Env, name, reader, folder string, s *record.Schema, want []map[string]any) {
	t.Helper()
	lines, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: folder})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	var got []map[string]any
	for _, line := range lines {
		got = append(got, parse(t, s, line))
	}
	report(t, name+": "+reader, want, got, nil)
}

func write(t *testing.T, path string, r *rand.Rand, s *record.Schema, compression string, groups, rows int) []map[string]any {
	t.Helper()
	format, err := parquet.New(parquet.Options{Compression: compression})
	if err != nil {
		t.Fatal(err)
	}
	return writeAs(t, format, path, r, s, groups, rows)
}

// writeAs writes a file of so many row groups of so many rows, and returns these in their comparable form.
func writeAs(t *testing.T, format writers.Format, path string, r *rand.Rand, s *record.Schema, groups, rows int) []map[string]any {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	encoder, err := format.NewEncoder(file, s, map[string]string{"shadoof.topic": "orders"})
	if err != nil {
		t.Fatal(err)
	}
	var want []map[string]any
	for group := range groups {
		c := record.NewColumns(s)
		first := int64(rows * group)
		for i, row := range sample.Rows(r, c, rows, 7, first) {
			offset := first + int64(i)
			row = append(row, int32(7), offset, sample.Timestamp(offset))
			want = append(want, object(s.Fields, row))
		}
		if err := encoder.WriteRows(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}
	return want
}
