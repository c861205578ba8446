package testbed_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// readArrowGo reads a file with arrow-go: its rows in their comparable form.
func readArrowGo(ctx context.Context, path string) ([]map[string]any, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reader, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	table, err := reader.ReadTable(ctx)
	if err != nil {
		return nil, err
	}
	defer table.Release()
	rows := make([]map[string]any, table.NumRows())
	for i := range rows {
		rows[i] = make(map[string]any)
	}
	for c := range int(table.NumCols()) {
		column := table.Column(c)
		row := 0
		for _, chunk := range column.Data().Chunks() {
			for i := range chunk.Len() {
				rows[row][column.Name()] = arrowValue(chunk, i)
				row++
			}
		}
		if row != len(rows) {
			return nil, fmt.Errorf("column %s has %d rows of %d", column.Name(), row, len(rows))
		}
	}
	return rows, nil
}

// arrowTypes are the types of a file's columns as arrow-go has them.
func arrowTypes(path string) (map[string]string, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reader, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	schema, err := reader.Schema()
	if err != nil {
		return nil, err
	}
	types := make(map[string]string)
	for _, f := range schema.Fields() {
		types[f.Name] = f.Type.String()
	}
	return types, nil
}

func arrowValue(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Struct:
		object := make(map[string]any)
		for m, f := range a.DataType().(*arrow.StructType).Fields() {
			object[f.Name] = arrowValue(a.Field(m), i)
		}
		return object
	case *array.Map:
		list := []any{}
		from, to := a.ValueOffsets(i)
		for e := from; e < to; e++ {
			list = append(list, []any{arrowValue(a.Keys(), int(e)), arrowValue(a.Items(), int(e))})
		}
		return list
	case *array.List:
		list := []any{}
		from, to := a.ValueOffsets(i)
		for e := from; e < to; e++ {
			list = append(list, arrowValue(a.ListValues(), int(e)))
		}
		return list
	}
	return arrowPlain(a, i)
}

func arrowPlain(a arrow.Array, i int) any {
	switch a := a.(type) {
	case *array.Boolean:
		return strconv.FormatBool(a.Value(i))
	case *array.Int32:
		return strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.Int64:
		return strconv.FormatInt(a.Value(i), 10)
	case *array.Float32:
		return double(float64(a.Value(i)))
	case *array.Float64:
		return double(a.Value(i))
	case *array.String:
		return a.Value(i)
	case *array.Binary:
		return base64.StdEncoding.EncodeToString(a.Value(i))
	case *array.FixedSizeBinary:
		return base64.StdEncoding.EncodeToString(a.Value(i))
	case *array.Decimal128:
		return fixedPoint(a.Value(i).BigInt(), int(a.DataType().(*arrow.Decimal128Type).Scale))
	case *array.Date32:
		return strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.Time32:
		return arrowTime(int64(a.Value(i)), a.DataType())
	case *array.Time64:
		return arrowTime(int64(a.Value(i)), a.DataType())
	case *array.Timestamp:
		return arrowTime(int64(a.Value(i)), a.DataType())
	}
	return fmt.Sprintf("no comparable form for %T", a)
}

func arrowTime(v int64, t arrow.DataType) string {
	return times(v, int64(t.(arrow.TemporalWithUnit).TimeUnit().Multiplier()))
}
