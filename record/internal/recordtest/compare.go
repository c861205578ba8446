package recordtest

import (
	"math"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
)

// DiffColumns compares what columns hold, byte for byte; the schemas are taken for equal.
func DiffColumns(got, want *record.Columns) string {
	return cmp.Diff(contents(got), contents(want), floats)
}

// DiffRows compares rows; floating-point numbers by their bits.
func DiffRows(got, want any) string { return cmp.Diff(got, want, floats) }

var floats = cmp.Options{
	cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }),
	cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }),
}

type column struct {
	Path     []string
	Type     record.Type
	Def, Rep string
	Bools    []bool
	Int32s   []int32
	Int64s   []int64
	Floats   []float32
	Doubles  []float64
	Data     string
	Ends     []uint32
}

type table struct {
	Rows   int
	Leaves []column
}

// contents copies columns without what differs between equal ones: capacity, nil or empty.
func contents(c *record.Columns) table {
	t := table{Rows: c.Rows()}
	for _, l := range c.Leaves {
		t.Leaves = append(t.Leaves, column{l.Path, l.Type, string(l.Def), string(l.Rep), append([]bool(nil), l.Bools...), append([]int32(nil), l.Int32s...),
			append([]int64(nil), l.Int64s...), append([]float32(nil), l.Floats...), append([]float64(nil), l.Doubles...), string(l.Data), append([]uint32(nil), l.Ends...)})
	}
	return t
}
