package testbed_test

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
	"shadoof/writers/parquet"
	"shadoof/writers/sample"
)

func TestParquetFilesOfRandomSchemasAreReadAlike(t *testing.T) {
	t.Parallel()
	const schemas = 30
	for seed := range uint64(schemas) {
		r := rand.New(rand.NewPCG(seed, 26))
		compare(t, fmt.Sprint("seed ", seed), r, sample.Schema(r, 8, int(seed%5)), []string{"zstd", "snappy", "gzip", "none"}[seed%4])
	}
}

func TestParquetFilesOfEveryTypeAreReadAlike(t *testing.T) {
	t.Parallel()
	compare(t, "every type", rand.New(rand.NewPCG(1, 26)), sample.Every(), "zstd")
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

// compare writes a file of two row groups and reads it with all readers.
func compare(t *testing.T, name string, r *rand.Rand, s *record.Schema, compression string) {
	t.Helper()
	env := servers.Readers(t)
	folder := t.TempDir()
	want := write(t, filepath.Join(folder, "file.parquet"), r, s, compression, 2, 100)
	for _, reader := range readers.Parquet {
		lines, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: folder})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []map[string]any
		for _, line := range lines {
			got = append(got, parse(t, s, line))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, reader, diff)
		}
	}
}

func write(t *testing.T, path string, r *rand.Rand, s *record.Schema, compression string, groups, rows int) []map[string]any {
	t.Helper()
	format, err := parquet.New(parquet.Options{Compression: compression})
	if err != nil {
		t.Fatal(err)
	}
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

// A value in its comparable form is nil, a string, a list of values, or an object of them; the entries of a map are a list.

func object(fields []record.Field, row sample.Row) map[string]any {
	o := make(map[string]any)
	for i, f := range fields {
		o[f.Name] = value(f.Type, row[i])
	}
	return o
}

func value(t record.Type, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case sample.Row:
		return object(t.Fields, v)
	case sample.List:
		list := []any{}
		for _, e := range v {
			list = append(list, value(t.Elem.Type, e))
		}
		return list
	case sample.Map:
		list := []any{}
		for _, e := range v {
			list = append(list, []any{e.Key, value(t.Elem.Type, e.Value)})
		}
		return list
	case float32:
		return double(float64(v))
	case float64:
		return double(v)
	case []byte:
		if t.Kind == record.Decimal {
			return fixedPoint(sample.Number(v), t.Scale)
		}
		return base64.StdEncoding.EncodeToString(v)
	case int32:
		return strconv.FormatInt(int64(v)*nanos(t.Kind), 10)
	case int64:
		return strconv.FormatInt(v*nanos(t.Kind), 10)
	}
	return fmt.Sprint(v)
}

func nanos(k record.Kind) int64 {
	switch k {
	case record.TimeMillis, record.TimestampMillis, record.LocalMillis:
		return 1_000_000
	case record.TimeMicros, record.TimestampMicros, record.LocalMicros:
		return 1000
	}
	return 1
}

func double(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func fixedPoint(v *big.Int, scale int) string {
	digits := new(big.Int).Abs(v).String()
	digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
	sign := ""
	if v.Sign() < 0 {
		sign = "-"
	}
	if scale == 0 {
		return sign + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// parse reads a row as the readers show it.
func parse(t *testing.T, s *record.Schema, line string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return parsedObject(s.Fields, v)
}

func parsedObject(fields []record.Field, v map[string]any) map[string]any {
	o := maps.Clone(v)
	for _, f := range fields {
		if e, ok := v[f.Name]; ok {
			o[f.Name] = parsed(f.Type, e)
		}
	}
	return o
}

func parsed(t record.Type, v any) any {
	switch v := v.(type) {
	case map[string]any:
		return parsedObject(t.Fields, v)
	case []any:
		list := []any{}
		for _, e := range v {
			if t.Kind == record.Map {
				pair := e.([]any)
				list = append(list, []any{pair[0], parsed(t.Elem.Type, pair[1])})
			} else if t.Elem != nil {
				list = append(list, parsed(t.Elem.Type, e))
			}
		}
		return list
	case json.Number:
		if f, err := v.Float64(); err == nil && (t.Kind == record.Float || t.Kind == record.Double) {
			return double(f)
		}
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return v
}
