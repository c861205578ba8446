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
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
	"shadoof/writers"
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

// How each reader shows each kind. Where a type is another than the file's, the reader has none that is closer: DuckDB and Polars
// have one type for times of day, and no bytes of fixed length; DuckDB has no milliseconds.
var shownAs = map[record.Kind]struct{ pyarrow, duckdb, polars string }{
	record.Boolean:         {"bool", "BOOLEAN", "Boolean"},
	record.Int32:           {"int32", "INTEGER", "Int32"},
	record.Int64:           {"int64", "BIGINT", "Int64"},
	record.Float:           {"float", "FLOAT", "Float32"},
	record.Double:          {"double", "DOUBLE", "Float64"},
	record.Bytes:           {"binary", "BLOB", "Binary"},
	record.String:          {"string", "VARCHAR", "String"},
	record.Enum:            {"string", "VARCHAR", "String"},
	record.UUID:            {"string", "VARCHAR", "String"},
	record.JSON:            {"string", "VARCHAR", "String"},
	record.Fixed:           {"fixed_size_binary[20]", "BLOB", "Binary"},
	record.Decimal:         {"decimal128(19, 9)", "DECIMAL(19,9)", "Decimal(precision=19, scale=9)"},
	record.Date:            {"date32[day]", "DATE", "Date"},
	record.TimeMillis:      {"time32[ms]", "TIME", "Time"},
	record.TimeMicros:      {"time64[us]", "TIME", "Time"},
	record.TimestampMillis: {"timestamp[ms, tz=UTC]", "TIMESTAMP WITH TIME ZONE", "Datetime(time_unit='ms', time_zone='UTC')"},
	record.TimestampMicros: {"timestamp[us, tz=UTC]", "TIMESTAMP WITH TIME ZONE", "Datetime(time_unit='us', time_zone='UTC')"},
	record.TimestampNanos:  {"timestamp[ns, tz=UTC]", "TIMESTAMPTZ_NS", "Datetime(time_unit='ns', time_zone='UTC')"},
	record.LocalMillis:     {"timestamp[ms]", "TIMESTAMP", "Datetime(time_unit='ms', time_zone=None)"},
	record.LocalMicros:     {"timestamp[us]", "TIMESTAMP", "Datetime(time_unit='us', time_zone=None)"},
	record.LocalNanos:      {"timestamp[ns]", "TIMESTAMP_NS", "Datetime(time_unit='ns', time_zone=None)"},
	record.Struct:          {"struct<y: int64, x: double not null>", "STRUCT(y BIGINT, x DOUBLE)", "Struct({'y': Int64, 'x': Float64})"},
	record.List:            {"list<element: string>", "VARCHAR[]", "List(String)"},
	record.Map:             {"map<string, string ('f_map')>", "MAP(VARCHAR, VARCHAR)", "Map(String, String)"},
}

func TestParquetTypesAreWhatReadersHave(t *testing.T) {
	t.Parallel()
	text := &record.Field{Type: record.Type{Kind: record.String}, Nullable: true}
	point := []record.Field{{Name: "y", Type: record.Type{Kind: record.Int64}, Nullable: true}, {Name: "x", Type: record.Type{Kind: record.Double}}}
	s := &record.Schema{}
	want := map[string]map[string]string{"pyarrow": {}, "duckdb": {}, "polars": {}}
	for _, k := range append(slices.Clone(sample.Kinds), record.Struct, record.List, record.Map) {
		field := record.Field{Name: "f_" + string(k), Type: record.Type{Kind: k}}
		switch k {
		case record.Fixed:
			field.Type.Size = 20
		case record.Decimal:
			field.Type.Precision, field.Type.Scale, field.Type.Size = 19, 9, 12
		case record.Enum:
			field.Type.Symbols = []string{"A", "B"}
		case record.Struct:
			field.Type.Fields = point
		case record.List, record.Map:
			field.Type.Elem = text
		}
		s.Fields = append(s.Fields, field)
		shown, ok := shownAs[k]
		if !ok {
			t.Errorf("nothing is known of %s", k)
		}
		want["pyarrow"][field.Name], want["duckdb"][field.Name], want["polars"][field.Name] = shown.pyarrow, shown.duckdb, shown.polars
	}
	path := filepath.Join(t.TempDir(), "file.parquet")
	write(t, path, rand.New(rand.NewPCG(3, 26)), s.WithKafkaColumns(), "zstd", 1, 10)
	var got map[string]map[string]string
	ask(t, "types", path, &got)
	for _, types := range got {
		for _, name := range []string{record.PartitionColumn, record.OffsetColumn, record.TimestampColumn} {
			delete(types, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types by reader (-want +got):\n%s", diff)
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
		compareRows(t, env, name, reader, folder, s, want)
	}
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
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s (-want +got):\n%s", name, reader, diff)
	}
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
