package parquet_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pqformat "github.com/parquet-go/parquet-go/format"

	"shadoof/record"
	"shadoof/writers/sample"
)

func columns(t testing.TB, fields []record.Field, rows ...sample.Row) *record.Columns {
	t.Helper()
	s := &record.Schema{Fields: fields}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	c := record.NewColumns(s)
	for _, row := range rows {
		sample.Append(c, row)
		c.EndRow()
	}
	return c
}

func one(k record.Kind) []record.Field {
	return []record.Field{{Name: "v", Type: record.Type{Kind: k, Precision: 5, Scale: 2, Size: sizeOf(k)}, Nullable: true}}
}

func sizeOf(k record.Kind) int {
	switch k {
	case record.Fixed:
		return 16
	case record.Decimal:
		return 7
	}
	return 0
}

func TestStatisticsOfRowGroups(t *testing.T) {
	t.Parallel()
	i32 := func(v int32) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(v))) }
	i64 := func(v int64) string { return string(binary.LittleEndian.AppendUint64(nil, uint64(v))) }
	f64 := func(v float64) string { return i64(int64(math.Float64bits(v))) }
	nan, negative := math.NaN(), math.Copysign(0, -1)
	const none = "none"
	for _, c := range []struct {
		name     string
		kind     record.Kind
		values   []any
		min, max string
		nulls    int64
	}{
		{"booleans", record.Boolean, []any{true, nil, true}, "\x01", "\x01", 1},
		{"int32", record.Int32, []any{int32(3), int32(-1), nil}, i32(-1), i32(3), 1},
		{"timestamps", record.TimestampMillis, []any{int64(math.MinInt64), int64(5)}, i64(math.MinInt64), i64(5), 0},
		{"doubles", record.Double, []any{1.5, -2.5}, f64(-2.5), f64(1.5), 0},
		{"doubles with NaN", record.Double, []any{1.0, nan, 2.0}, none, none, 0},
		{"the sign of the least zero", record.Double, []any{0.0, 1.0}, f64(negative), f64(1), 0},
		{"the sign of the greatest zero", record.Double, []any{negative, -1.0}, f64(-1), f64(0), 0},
		{"nulls", record.String, []any{nil, nil}, none, none, 2},
		{"strings", record.String, []any{"b", "", "ä"}, "", "ä", 0},
		{"long strings", record.String, []any{strings.Repeat("a", 100)}, strings.Repeat("a", 64), strings.Repeat("a", 63) + "b", 0},
		{"a rune is not cut", record.String, []any{strings.Repeat("ä", 31) + "漢字"}, strings.Repeat("ä", 31), strings.Repeat("ä", 30) + "å", 0},
		{"the last rune of all", record.String, []any{"a" + strings.Repeat("\U0010FFFF", 20)}, "a" + strings.Repeat("\U0010FFFF", 15), "b", 0},
		{"nothing is greater", record.String, []any{strings.Repeat("\U0010FFFF", 20)}, none, none, 0},
		{"decimals", record.Decimal, []any{[]byte{0, 0, 0, 0, 0, 0, 5}, []byte{255, 255, 255, 255, 255, 255, 251}}, "\xff\xff\xfb", "\x00\x00\x05", 0},
		{"bytes", record.Bytes, []any{[]byte("a")}, none, none, 0},
		{"fixed", record.Fixed, []any{[]byte("0123456789abcdef"), nil}, none, none, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var rows []sample.Row
			for _, v := range c.values {
				rows = append(rows, sample.Row{v})
			}
			cols := columns(t, one(c.kind), rows...)
			meta := open(t, encode(t, newFormat(t, "none"), nil, cols)).Metadata()
			s := meta.RowGroups[0].Columns[0].MetaData.Statistics
			show := func(b []byte) string {
				if b == nil {
					return none
				}
				return string(b)
			}
			if got := show(s.MinValue); got != c.min {
				t.Errorf("min %q, want %q", got, c.min)
			}
			if got := show(s.MaxValue); got != c.max {
				t.Errorf("max %q, want %q", got, c.max)
			}
			if s.NullCount != c.nulls {
				t.Errorf("%d nulls, want %d", s.NullCount, c.nulls)
			}
			if s.Min != nil || s.Max != nil {
				t.Errorf("deprecated bounds %q, %q", s.Min, s.Max)
			}
		})
	}
}

func TestFooter(t *testing.T) {
	t.Parallel()
	c := record.NewColumns(sample.Every())
	sample.Rows(newRand(1), c, 100, 0, 0)
	f := open(t, encode(t, newFormat(t, "zstd"), map[string]string{"shadoof.topic": "orders", "shadoof.schema": "{}"}, c, c))
	meta := f.Metadata()
	if !strings.HasPrefix(meta.CreatedBy, "shadoof version ") {
		t.Errorf("created by %q", meta.CreatedBy)
	}
	if meta.NumRows != 200 || len(meta.RowGroups) != 2 {
		t.Errorf("%d rows in %d row groups", meta.NumRows, len(meta.RowGroups))
	}
	if len(meta.ColumnOrders) != len(c.Leaves) {
		t.Errorf("%d column orders of %d", len(meta.ColumnOrders), len(c.Leaves))
	}
	for i, o := range meta.ColumnOrders {
		if _, ok := o.Value.(*pqformat.TypeDefinedOrder); !ok {
			t.Errorf("column order %d is %v", i, o)
		}
	}
	if v, _ := f.Lookup("shadoof.topic"); v != "orders" {
		t.Errorf("metadata %v", meta.KeyValueMetadata)
	}
	for g, group := range meta.RowGroups {
		for i, chunk := range group.Columns {
			if chunk.OffsetIndexOffset == 0 {
				t.Errorf("column %v of row group %d has no offset index", c.Leaves[i].Path, g)
			}
			blob := c.Leaves[i].Type.Kind == record.Bytes || c.Leaves[i].Type.Kind == record.Fixed
			float := c.Leaves[i].Type.Kind == record.Double || c.Leaves[i].Type.Kind == record.Float
			if !float && blob != (chunk.ColumnIndexOffset == 0) {
				t.Errorf("column %v of row group %d has its column index at %d", c.Leaves[i].Path, g, chunk.ColumnIndexOffset)
			}
		}
	}
	// The page index stands where the footer says, and fits the pages.
	for i, index := range f.ColumnIndexes() {
		pages := len(f.OffsetIndexes()[i].PageLocations)
		if len(index.NullPages) != 0 && (len(index.NullPages) != pages || len(index.MinValues) != pages || len(index.MaxValues) != pages) {
			t.Errorf("column index %d has %d, %d, %d entries for %d pages", i, len(index.NullPages), len(index.MinValues), len(index.MaxValues), pages)
		}
	}
}

// The schema as it stands in the footer is a contract with readers.
func TestSchemaInTheFooter(t *testing.T) {
	t.Parallel()
	list := func(k record.Kind) record.Type {
		return record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: record.Type{Kind: k}, Nullable: true}}
	}
	fields := []record.Field{
		{Name: "z", Type: record.Type{Kind: record.String}},
		{Name: "uuid", Type: record.Type{Kind: record.UUID}, Nullable: true},
		{Name: "utc", Type: record.Type{Kind: record.TimestampMicros}},
		{Name: "local", Type: record.Type{Kind: record.LocalMillis}},
		{Name: "nanos", Type: record.Type{Kind: record.TimestampNanos}},
		{Name: "time", Type: record.Type{Kind: record.TimeMicros}},
		{Name: "date", Type: record.Type{Kind: record.Date}},
		{Name: "decimal", Type: record.Type{Kind: record.Decimal, Precision: 18, Scale: 2}},
		{Name: "list", Type: list(record.Int32), Nullable: true},
		{Name: "map", Type: record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Type: list(record.Enum), Nullable: true}}},
		{Name: "a", Type: record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "y", Type: record.Type{Kind: record.Bytes}}, {Name: "x", Type: record.Type{Kind: record.Fixed, Size: 3}}}}},
	}
	for i := range fields {
		if fields[i].Type.Elem != nil && fields[i].Type.Elem.Type.Elem != nil {
			fields[i].Type.Elem.Type.Elem.Type.Symbols = []string{"A"}
		}
	}
	c := columns(t, fields)
	meta := open(t, encode(t, newFormat(t, "none"), nil, c)).Metadata()
	var got []string
	for _, e := range meta.Schema {
		line := e.Name
		if e.RepetitionType.Valid {
			line += " " + e.RepetitionType.V.String()
		}
		if e.Type.Valid {
			line += " " + e.Type.V.String()
		}
		if e.TypeLength.Valid {
			line += fmt.Sprintf("(%d)", e.TypeLength.V)
		}
		if e.LogicalType.Value != nil {
			line += fmt.Sprintf(" %v", e.LogicalType.Value)
		}
		if e.ConvertedType.Valid {
			line += fmt.Sprintf(" c%d", e.ConvertedType.V)
		}
		if e.NumChildren.Valid {
			line += fmt.Sprintf(" {%d}", e.NumChildren.V)
		}
		got = append(got, line)
	}
	// c0 UTF8, c1 MAP, c3 LIST, c5 DECIMAL, c6 DATE, c10 TIMESTAMP_MICROS
	want := []string{
		"schema {11}",
		"z REQUIRED BYTE_ARRAY STRING c0",
		"uuid OPTIONAL BYTE_ARRAY STRING c0",
		"utc REQUIRED INT64 TIMESTAMP(isAdjustedToUTC=true,unit=MICROS) c10",
		"local REQUIRED INT64 TIMESTAMP(isAdjustedToUTC=false,unit=MILLIS)",
		"nanos REQUIRED INT64 TIMESTAMP(isAdjustedToUTC=true,unit=NANOS)",
		"time REQUIRED INT64 TIME(isAdjustedToUTC=false,unit=MICROS)",
		"date REQUIRED INT32 DATE c6",
		"decimal REQUIRED FIXED_LEN_BYTE_ARRAY(8) DECIMAL(18,2) c5",
		"list OPTIONAL LIST c3 {1}",
		"list REPEATED {1}",
		"element OPTIONAL INT32",
		"map REQUIRED MAP c1 {1}",
		"key_value REPEATED {2}",
		"key REQUIRED BYTE_ARRAY STRING c0",
		"value OPTIONAL LIST c3 {1}",
		"list REPEATED {1}",
		"element OPTIONAL BYTE_ARRAY STRING c0",
		"a REQUIRED {2}",
		"y REQUIRED BYTE_ARRAY",
		"x REQUIRED FIXED_LEN_BYTE_ARRAY(3)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every page has a checksum, is a data page of version 1, and plain or with a dictionary.
func TestPagesAreWhatEveryReaderTakes(t *testing.T) {
	t.Parallel()
	c := record.NewColumns(sample.Every())
	sample.Rows(newRand(2), c, 300, 0, 0)
	meta := open(t, encode(t, newFormat(t, "snappy"), nil, c)).Metadata()
	dictionaries := 0
	for _, chunk := range meta.RowGroups[0].Columns {
		for _, s := range chunk.MetaData.EncodingStats {
			switch {
			case s.PageType == pqformat.DataPage && s.Encoding == pqformat.RLEDictionary, s.PageType == pqformat.DictionaryPage && s.Encoding == pqformat.Plain:
				dictionaries++
			case s.PageType == pqformat.DataPage && s.Encoding == pqformat.Plain:
			default:
				t.Errorf("%v: %v pages in %v", chunk.MetaData.PathInSchema, s.PageType, s.Encoding)
			}
		}
		if chunk.MetaData.Codec != pqformat.Snappy {
			t.Errorf("%v: codec %v", chunk.MetaData.PathInSchema, chunk.MetaData.Codec)
		}
	}
	if dictionaries == 0 {
		t.Error("no column has a dictionary")
	}
}
