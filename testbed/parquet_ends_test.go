package testbed_test

import (
	"math"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/testbed/servers"
	"shadoof/writers/sample"
)

// Values at the ends of what a column can hold are read by all, and their statistics are right. Milliseconds end where microseconds of 64 bits do:
// DuckDB and Spark refuse a whole file for the sake of a later one.
func TestParquetValuesAtTheEndsAreReadAlike(t *testing.T) {
	t.Parallel()
	compareFile(t, servers.Readers(t), "ends", endsFile(t, allKinds()), &seen{counts: make(map[string]int)})
}

// endsFile writes a file with a row group for each sign, of rows that have the n-th value of each field.
func endsFile(t *testing.T, fields []record.Field) shapedFile {
	t.Helper()
	fields = slices.DeleteFunc(fields, func(f record.Field) bool { return f.Type.Leaves() != 1 || f.Type.Kind == record.List })
	for _, precision := range []int{1, 9, 18, 38} {
		fields = append(fields, record.Field{Name: "decimal of " + times(int64(precision), 1), Type: record.Type{Kind: record.Decimal, Precision: precision, Scale: precision}})
	}
	schema := (&record.Schema{Fields: fields}).WithKafkaColumns()
	f := shapedFile{path: filepath.Join(t.TempDir(), "file.parquet"), schema: schema}
	offset := int64(0)
	for part := range 2 {
		c := record.NewColumns(schema)
		for n := range 4 {
			var row sample.Row
			for i := range fields {
				v := ends(&fields[i].Type)
				v = [][]any{v[:len(v)/2], v[len(v)/2:]}[part]
				row = append(row, v[n%len(v)])
			}
			sample.Append(c, row)
			c.AppendKafka(7, offset, 0)
			c.EndRow()
			f.rows = append(f.rows, object(schema.Fields, append(row, int32(7), offset, int64(0))))
			offset++
		}
		f.groups = append(f.groups, c)
	}
	f.write(t, "zstd")
	return f
}

// ends are values of a type, the lower ones first.
func ends(t *record.Type) []any {
	const day = int64(86_400_000)
	switch t.Kind {
	case record.Boolean:
		return []any{false, true}
	case record.Int32, record.Date:
		return []any{int32(math.MinInt32), int32(-1), int32(0), int32(math.MaxInt32)}
	case record.TimeMillis:
		return []any{int32(0), int32(day - 1)}
	case record.TimeMicros:
		return []any{int64(0), 1000*day - 1}
	case record.TimestampMillis, record.LocalMillis:
		return []any{int64(math.MinInt64 / 1000), int64(-1), int64(0), int64(math.MaxInt64 / 1000)}
	case record.Int64, record.TimestampMicros, record.LocalMicros, record.TimestampNanos, record.LocalNanos:
		return []any{int64(math.MinInt64), int64(-1), int64(0), int64(math.MaxInt64)}
	case record.Float:
		return []any{float32(math.Inf(-1)), float32(-math.MaxFloat32), float32(-math.SmallestNonzeroFloat32), float32(math.Copysign(0, -1)),
			float32(0), float32(math.SmallestNonzeroFloat32), float32(math.MaxFloat32), float32(math.Inf(1))}
	case record.Double:
		return []any{math.Inf(-1), -math.MaxFloat64, -math.SmallestNonzeroFloat64, math.Copysign(0, -1), 0.0, math.SmallestNonzeroFloat64, math.MaxFloat64, math.Inf(1)}
	case record.Decimal:
		size := t.Size
		if size == 0 {
			size = record.DecimalSize(t.Precision)
		}
		most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Precision)), nil)
		most.Sub(most, big.NewInt(1))
		least := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(8*size)), most)
		return []any{least.FillBytes(make([]byte, size)), []byte(strings.Repeat("\xff", size)), make([]byte, size), most.FillBytes(make([]byte, size))}
	case record.Fixed:
		return []any{make([]byte, t.Size), []byte(strings.Repeat("\xff", t.Size))}
	case record.Bytes:
		return []any{[]byte{}, []byte{0}, []byte{0xff}, []byte(strings.Repeat("\xff", 300_000))}
	case record.Enum:
		return []any{"A", "B"}
	}
	return []any{"", "\x00", strings.Repeat("\U0010FFFF", 3), strings.Repeat("a", 63) + "\U0010FFFF", strings.Repeat("\uFFFF", 40), strings.Repeat("\U0010FFFF", 40)}
}
