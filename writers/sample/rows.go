package sample

import "shadoof/record"

// A Row is the values of a schema's fields, in order. A null is nil; values are bool, int32, int64, float32, float64, string, []byte
// (bytes, fixed, and decimals as big-endian two's complement), Row (a struct), List or Map.
type Row []any

// A List is the elements of a list.
type List []any

// A Map is the entries of a map, in order.
type Map []Entry

// An Entry is one entry of a map.
type Entry struct {
	Key   string
	Value any
}

// Append appends a row to columns of its schema and leaves it open. It is plain and slow: it goes by the definition of levels.
func Append(c *record.Columns, row Row) {
	leaf := 0
	for i, f := range c.Schema.Fields {
		if i < len(row) {
			leaf = appendField(c, leaf, &f, row[i], level{})
		}
	}
}

// A level is where a value stands: its levels, and the repetition level that further elements of a list below it get.
type level struct{ def, rep, depth uint8 }

// appendField returns the leaf after those of f.
func appendField(c *record.Columns, leaf int, f *record.Field, v any, at level) int {
	if v == nil {
		return appendNull(c, leaf, f.Type.Leaves(), at)
	}
	if f.Nullable {
		at.def++
	}
	switch v := v.(type) {
	case Row:
		for i := range v {
			leaf = appendField(c, leaf, &f.Type.Fields[i], v[i], at)
		}
		return leaf
	case List:
		if len(v) == 0 {
			return appendNull(c, leaf, f.Type.Leaves(), at)
		}
		next := leaf
		for i := range v {
			next = appendField(c, leaf, f.Type.Elem, v[i], at.element(i))
		}
		return next
	case Map:
		if len(v) == 0 {
			return appendNull(c, leaf, f.Type.Leaves(), at)
		}
		next := leaf
		for i := range v {
			in := at.element(i)
			appendValue(&c.Leaves[leaf], v[i].Key, in)
			next = appendField(c, leaf+1, f.Type.Elem, v[i].Value, in)
		}
		return next
	}
	appendValue(&c.Leaves[leaf], v, at)
	return leaf + 1
}

// element is the level of element i of a list at this level.
func (l level) element(i int) level {
	l.def++
	l.depth++
	if i > 0 {
		l.rep = l.depth
	}
	return l
}

func appendNull(c *record.Columns, leaf, n int, at level) int {
	for i := leaf; i < leaf+n; i++ {
		c.Leaves[i].AppendLevels(at.def, at.rep)
	}
	return leaf + n
}

func appendValue(l *record.Column, v any, at level) {
	l.AppendLevels(at.def, at.rep)
	switch v := v.(type) {
	case bool:
		l.Bools = append(l.Bools, v)
	case int32:
		l.Int32s = append(l.Int32s, v)
	case int64:
		l.Int64s = append(l.Int64s, v)
	case float32:
		l.Floats = append(l.Floats, v)
	case float64:
		l.Doubles = append(l.Doubles, v)
	case string:
		l.AppendString(v)
	case []byte:
		if l.Physical == record.PhysFixedArray {
			l.Data = append(l.Data, v...)
		} else {
			l.AppendBytes(v)
		}
	}
}
