package recordtest

import (
	"bytes"
	"math"
	"reflect"
	"slices"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
)

// DiffColumns compares what columns hold, byte for byte; the schemas are taken for equal.
func DiffColumns(got, want *record.Columns) string {
	if sameColumns(got, want) {
		return ""
	}
	return cmp.Diff(contents(got), contents(want), floats)
}

// sameColumns is the quick answer: fuzzers ask it thousands of times a second.
func sameColumns(a, b *record.Columns) bool {
	return a.Rows() == b.Rows() && slices.EqualFunc(a.Leaves, b.Leaves, func(a, b record.Column) bool {
		return slices.Equal(a.Path, b.Path) && reflect.DeepEqual(a.Type, b.Type) && bytes.Equal(a.Def, b.Def) && bytes.Equal(a.Rep, b.Rep) &&
			slices.Equal(a.Bools, b.Bools) && slices.Equal(a.Int32s, b.Int32s) && slices.Equal(a.Int64s, b.Int64s) && slices.EqualFunc(a.Floats, b.Floats, sameFloat) &&
			slices.EqualFunc(a.Doubles, b.Doubles, sameDouble) && bytes.Equal(a.Data, b.Data) && slices.Equal(a.Ends, b.Ends)
	})
}

func sameFloat(a, b float32) bool  { return math.Float32bits(a) == math.Float32bits(b) }
func sameDouble(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

// DiffRows compares rows; floating-point numbers by their bits.
func DiffRows(got, want any) string {
	if sameRow(got, want) {
		return ""
	}
	return cmp.Diff(got, want, floats)
}

// sameRow is the quick answer.
func sameRow(a, b any) bool {
	switch a := a.(type) {
	case nil, bool, string, int32, int64:
		return a == b
	case float32:
		b, ok := b.(float32)
		return ok && sameFloat(a, b)
	case float64:
		b, ok := b.(float64)
		return ok && sameDouble(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && (a == nil) == (b == nil) && slices.EqualFunc(a, b, sameRow)
	case []Entry:
		b, ok := b.([]Entry)
		return ok && (a == nil) == (b == nil) && slices.EqualFunc(a, b, func(a, b Entry) bool { return a.Key == b.Key && sameRow(a.Value, b.Value) })
	}
	return cmp.Equal(a, b, floats)
}

var floats = cmp.Options{cmp.Comparer(sameFloat), cmp.Comparer(sameDouble)}

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
