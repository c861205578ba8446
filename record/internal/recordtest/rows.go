// Package recordtest is what the tests of record and of the packages below it share: random schemas, random rows, and slow plain
// code that says what columns must look like. Only tests import it.
//
// A row is a slice with a value per field: nil for null, bool, int32, int64, float32, float64, a string for all that is stored as
// bytes, []any for a struct or a list, []Entry for a map.
package recordtest

import (
	"fmt"

	"shadoof/record"
)

// An Entry of a map.
type Entry struct {
	Key   string
	Value any
}

// Shred appends a row to columns, and ends it: the plain reading of what definition and repetition levels mean.
func Shred(c *record.Columns, row []any) {
	s := shredder{c: c}
	for i, f := range c.Schema.Fields {
		s.field(f, row[i], true, 0, 0, 0)
	}
	c.EndRow()
}

type shredder struct {
	c    *record.Columns
	leaf int
}

// field appends v, or a null at the level def when an ancestor is not there; depth is the number of lists around it.
func (s *shredder) field(f record.Field, v any, there bool, def, rep, depth uint8) {
	if there && f.Nullable {
		if v == nil {
			there = false
		} else {
			def++
		}
	}
	switch f.Type.Kind {
	case record.Struct:
		for i, m := range f.Type.Fields {
			var in any
			if there {
				in = v.([]any)[i]
			}
			s.field(m, in, there, def, rep, depth)
		}
	case record.List:
		var list []any
		if there {
			list = v.([]any)
		}
		first := s.leaf
		if len(list) == 0 {
			s.field(*f.Type.Elem, nil, false, def, rep, depth+1)
		}
		for i, e := range list {
			s.leaf = first
			r := rep
			if i > 0 {
				r = depth + 1
			}
			s.field(*f.Type.Elem, e, true, def+1, r, depth+1)
		}
	case record.Map:
		key := record.Field{Type: record.Type{Kind: record.String}}
		var entries []Entry
		if there {
			entries = v.([]Entry)
		}
		first := s.leaf
		if len(entries) == 0 {
			s.field(key, nil, false, def, rep, depth+1)
			s.field(*f.Type.Elem, nil, false, def, rep, depth+1)
		}
		for i, e := range entries {
			s.leaf = first
			r := rep
			if i > 0 {
				r = depth + 1
			}
			s.field(key, e.Key, true, def+1, r, depth+1)
			s.field(*f.Type.Elem, e.Value, true, def+1, r, depth+1)
		}
	default:
		l := &s.c.Leaves[s.leaf]
		s.leaf++
		l.AppendLevels(def, rep)
		if there {
			appendValue(l, v)
		}
	}
}

func appendValue(l *record.Column, v any) {
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
		if l.Physical == record.PhysFixedArray {
			l.Data = append(l.Data, v...)
		} else {
			l.AppendString(v)
		}
	default:
		panic(fmt.Sprintf("a value of type %T", v))
	}
}

// Rows puts the rows of columns together again, from the levels alone. It shares nothing with Shred.
func Rows(c *record.Columns) ([][]any, error) {
	a := assembler{c: c, at: make([]int, len(c.Leaves)), val: make([]int, len(c.Leaves))}
	var rows [][]any
	for range c.Rows() {
		a.leaf = 0
		row := make([]any, len(c.Schema.Fields))
		for i, f := range c.Schema.Fields {
			v, err := a.field(f, 0, 0)
			if err != nil {
				return nil, fmt.Errorf("row %d, field %s: %w", len(rows), f.Name, err)
			}
			row[i] = v
		}
		rows = append(rows, row)
	}
	for i := range c.Leaves {
		l := &c.Leaves[i]
		if a.at[i] != l.Levels() || a.val[i] != l.Values() || l.MaxRep > 0 && len(l.Rep) != len(l.Def) || l.MaxRep == 0 && len(l.Rep) != 0 {
			return nil, fmt.Errorf("leaf %v: used %d of %d levels, %d of %d values, %d repetition levels", l.Path, a.at[i], l.Levels(), a.val[i], l.Values(), len(l.Rep))
		}
	}
	return rows, nil
}

type assembler struct {
	c       *record.Columns
	leaf    int
	at, val []int // next level entry and next value of each leaf
}

func (a *assembler) def() uint8 {
	l := &a.c.Leaves[a.leaf]
	if l.MaxDef == 0 {
		return 0
	}
	if a.at[a.leaf] >= len(l.Def) {
		return 255
	}
	return l.Def[a.at[a.leaf]]
}

// more says whether the next entry of the present leaf goes on in the list at level rep.
func (a *assembler) more(rep uint8) bool {
	l := &a.c.Leaves[a.leaf]
	return a.at[a.leaf] < len(l.Rep) && l.Rep[a.at[a.leaf]] == rep
}

// skip consumes one null entry of each leaf below f.
func (a *assembler) skip(f record.Field, def uint8) error {
	for range f.Type.Leaves() {
		if a.def() != def {
			return fmt.Errorf("leaf %v: level %d, want a null at %d", a.c.Leaves[a.leaf].Path, a.def(), def)
		}
		a.at[a.leaf]++
		a.leaf++
	}
	return nil
}

func (a *assembler) field(f record.Field, def, depth uint8) (any, error) {
	if f.Nullable {
		if a.def() == def {
			return nil, a.skip(f, def)
		}
		def++
	}
	switch f.Type.Kind {
	case record.Struct:
		v := make([]any, len(f.Type.Fields))
		for i, m := range f.Type.Fields {
			var err error
			if v[i], err = a.field(m, def, depth); err != nil {
				return nil, err
			}
		}
		return v, nil
	case record.List, record.Map:
		return a.repeated(f, def, depth+1)
	}
	l := &a.c.Leaves[a.leaf]
	if got := a.def(); got != def || def != l.MaxDef {
		return nil, fmt.Errorf("leaf %v: level %d, want a value at %d", l.Path, got, def)
	}
	i := a.val[a.leaf]
	if i >= l.Values() {
		return nil, fmt.Errorf("leaf %v: no value %d", l.Path, i)
	}
	a.at[a.leaf]++
	a.val[a.leaf]++
	a.leaf++
	return valueAt(l, i), nil
}

func (a *assembler) repeated(f record.Field, def, rep uint8) (any, error) {
	list, entries := []any{}, []Entry{}
	first := a.leaf
	if a.def() == def {
		if f.Type.Kind == record.Map {
			if err := a.skip(record.Field{Type: record.Type{Kind: record.String}}, def); err != nil {
				return nil, err
			}
		}
		if err := a.skip(*f.Type.Elem, def); err != nil {
			return nil, err
		}
	} else {
		for again := true; again; {
			a.leaf = first
			var key any
			if f.Type.Kind == record.Map {
				var err error
				if key, err = a.field(record.Field{Type: record.Type{Kind: record.String}}, def+1, rep); err != nil {
					return nil, err
				}
			}
			v, err := a.field(*f.Type.Elem, def+1, rep)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
			if key != nil {
				entries = append(entries, Entry{key.(string), v})
			}
			last := a.leaf
			a.leaf = first
			again = a.more(rep)
			a.leaf = last
		}
	}
	if f.Type.Kind == record.Map {
		return entries, nil
	}
	return list, nil
}

func valueAt(l *record.Column, i int) any {
	switch l.Physical {
	case record.PhysBool:
		return l.Bools[i]
	case record.PhysInt32:
		return l.Int32s[i]
	case record.PhysInt64:
		return l.Int64s[i]
	case record.PhysFloat:
		return l.Floats[i]
	case record.PhysDouble:
		return l.Doubles[i]
	}
	return string(l.Value(i))
}
