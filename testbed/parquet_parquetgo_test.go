package testbed_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"shadoof/record"
	"shadoof/writers/sample"
)

// readParquetGo reads a file with parquet-go, which checks the sums of all pages: its rows in their comparable form.
func readParquetGo(path string) ([]map[string]any, error) {
	return parquetGoRows(path, func(group pq.RowGroup, root *pq.Column) (rows []map[string]any, err error) {
		reader := group.Rows()
		defer func() { err = errors.Join(err, reader.Close()) }()
		buffer := make([]pq.Row, 64)
		for {
			n, err := reader.ReadRows(buffer)
			for _, row := range buffer[:n] {
				rows = append(rows, assembledRow(root, row))
			}
			if errors.Is(err, io.EOF) {
				return rows, nil
			}
			if err != nil {
				return rows, err
			}
		}
	})
}

// seekParquetGo reads up to 40 rows of each row group with parquet-go, from the last to the first, each by its number: reader and offset index agree
// on where it is. It returns the rows, and their numbers in the file.
func seekParquetGo(path string) (rows []map[string]any, numbers []int64, err error) {
	first := int64(0)
	rows, err = parquetGoRows(path, func(group pq.RowGroup, root *pq.Column) (rows []map[string]any, err error) {
		reader := group.Rows()
		defer func() { err = errors.Join(err, reader.Close()) }()
		buffer := make([]pq.Row, 1)
		for i := group.NumRows() - 1; i >= 0; i -= max(1, group.NumRows()/40) {
			if err := reader.SeekToRow(i); err != nil {
				return nil, err
			}
			if n, err := reader.ReadRows(buffer); n != 1 {
				return nil, fmt.Errorf("row %d: %w", i, err)
			}
			rows = append(rows, assembledRow(root, buffer[0]))
			numbers = append(numbers, first+i)
		}
		first += group.NumRows()
		return rows, nil
	})
	return rows, numbers, err
}

func parquetGoRows(path string, read func(pq.RowGroup, *pq.Column) ([]map[string]any, error)) ([]map[string]any, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := pq.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	var rows []map[string]any
	for _, group := range f.RowGroups() {
		more, err := read(group, f.Root())
		if err != nil {
			return rows, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func assembledRow(root *pq.Column, row pq.Row) map[string]any {
	leaves := make(map[int][]pq.Value)
	for _, v := range row {
		leaves[v.Column()] = append(leaves[v.Column()], v)
	}
	return assembledGroup(root, leaves, 0, 0)
}

// assembled puts a value together from the levels of its leaves, by the schema that parquet-go found. What is around the value has the levels
// def and rep.
func assembled(c *pq.Column, leaves map[int][]pq.Value, def, rep int) any {
	if c.Optional() {
		if def++; firstOf(c, leaves).DefinitionLevel() < def {
			return nil
		}
	}
	if c.Leaf() {
		if v := leaves[c.Index()]; len(v) != 1 {
			return fmt.Sprintf("%d values in one place", len(v))
		}
		return parquetGoValue(c.Type(), leaves[c.Index()][0])
	}
	logical := c.Type().LogicalType()
	if logical == nil {
		return assembledGroup(c, leaves, def, rep)
	}
	entry := c.Columns()[0]
	list := []any{}
	for _, leaves := range entries(entry, leaves, def+1, rep+1) {
		switch logical.Value.(type) {
		case *format.ListType:
			list = append(list, assembled(entry.Columns()[0], leaves, def+1, rep+1))
		case *format.MapType:
			list = append(list, []any{assembled(entry.Columns()[0], leaves, def+1, rep+1), assembled(entry.Columns()[1], leaves, def+1, rep+1)})
		default:
			return fmt.Sprintf("a group that is %v", logical)
		}
	}
	return list
}

func assembledGroup(c *pq.Column, leaves map[int][]pq.Value, def, rep int) map[string]any {
	object := make(map[string]any)
	for _, member := range c.Columns() {
		object[member.Name()] = assembled(member, leaves, def, rep)
	}
	return object
}

func firstOf(c *pq.Column, leaves map[int][]pq.Value) pq.Value {
	for !c.Leaf() {
		c = c.Columns()[0]
	}
	if v := leaves[c.Index()]; len(v) > 0 {
		return v[0]
	}
	return pq.Value{}
}

// entries splits the leaves of a list or map by its entries: each but the first begins with the entries' repetition level.
func entries(c *pq.Column, leaves map[int][]pq.Value, def, rep int) []map[int][]pq.Value {
	if firstOf(c, leaves).DefinitionLevel() < def {
		return nil
	}
	var list []map[int][]pq.Value
	for leaf, values := range leavesBelow(c, leaves) {
		n := 0
		for i, v := range values {
			if i > 0 && v.RepetitionLevel() == rep {
				n++
			}
			for len(list) <= n {
				list = append(list, make(map[int][]pq.Value))
			}
			list[n][leaf] = append(list[n][leaf], v)
		}
	}
	return list
}

func leavesBelow(c *pq.Column, leaves map[int][]pq.Value) map[int][]pq.Value {
	below := make(map[int][]pq.Value)
	var walk func(*pq.Column)
	walk = func(c *pq.Column) {
		if c.Leaf() {
			below[c.Index()] = leaves[c.Index()]
		}
		for _, member := range c.Columns() {
			walk(member)
		}
	}
	walk(c)
	return below
}

func parquetGoValue(t pq.Type, v pq.Value) any {
	var logical any
	if l := t.LogicalType(); l != nil {
		logical = l.Value
	}
	switch l := logical.(type) {
	case *format.StringType:
		return string(v.ByteArray())
	case *format.DecimalType:
		return fixedPoint(sample.Number(v.ByteArray()), int(l.Scale))
	case *format.TimeType:
		return parquetGoTime(v, l.Unit)
	case *format.TimestampType:
		return parquetGoTime(v, l.Unit)
	}
	switch v.Kind() {
	case pq.Boolean:
		return strconv.FormatBool(v.Boolean())
	case pq.Int32:
		return strconv.FormatInt(int64(v.Int32()), 10)
	case pq.Int64:
		return strconv.FormatInt(v.Int64(), 10)
	case pq.Float:
		return double(float64(v.Float()))
	case pq.Double:
		return double(v.Double())
	}
	return base64.StdEncoding.EncodeToString(v.ByteArray())
}

func parquetGoTime(v pq.Value, unit format.TimeUnit) any {
	n := v.Int64()
	if v.Kind() == pq.Int32 {
		n = int64(v.Int32())
	}
	switch unit.Value.(type) {
	case *format.MilliSeconds:
		return times(n, nanos(record.TimestampMillis))
	case *format.MicroSeconds:
		return times(n, nanos(record.TimestampMicros))
	}
	return times(n, 1)
}
