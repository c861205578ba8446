// Package fallback makes what stands for a field that a record lacks: its default, plain JSON by the rules of record/json, in the form
// of columns.
package fallback

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"shadoof/record"
)

// A Value is a default in the form of columns. It is immutable.
type Value struct {
	Size   int // bytes, about: what it adds to columns
	leaves []record.Column
}

// Append appends the default to the leaves of its field. rep is the repetition level of what is appended first to each.
func (v *Value) Append(leaves []record.Column, rep uint8) {
	for i := range v.leaves {
		from, to := &v.leaves[i], &leaves[i]
		if to.MaxDef > 0 {
			at := len(to.Rep)
			to.Def = append(to.Def, from.Def...)
			if to.MaxRep > 0 {
				to.Rep = append(to.Rep, from.Rep...)
				to.Rep[at] = rep
			}
		}
		switch to.Physical {
		case record.PhysBool:
			to.Bools = append(to.Bools, from.Bools...)
		case record.PhysInt32:
			to.Int32s = append(to.Int32s, from.Int32s...)
		case record.PhysInt64:
			to.Int64s = append(to.Int64s, from.Int64s...)
		case record.PhysFloat:
			to.Floats = append(to.Floats, from.Floats...)
		case record.PhysDouble:
			to.Doubles = append(to.Doubles, from.Doubles...)
		default:
			base := uint32(len(to.Data))
			to.Data = append(to.Data, from.Data...)
			for _, end := range from.Ends {
				to.Ends = append(to.Ends, base+end)
			}
		}
	}
}

// A Maker makes the defaults of one schema. It is not safe for concurrent use.
type Maker struct{ columns *record.Columns }

// NewMaker is for a schema that [record.Schema.Validate] accepts.
func NewMaker(s *record.Schema) *Maker { return &Maker{record.NewColumns(s)} }

// Make makes the default of a field, which has one, or may be null. leaf is its first; def and rep are the levels of what is around it.
func (m *Maker) Make(f record.Field, leaf int, def, rep uint8) (*Value, error) {
	defer m.columns.Reset()
	text := f.Default
	if text == nil {
		text = null
	}
	if err := m.field(&f, leaf, text, levels{def, 0, rep}); err != nil {
		return nil, err
	}
	v := &Value{}
	for _, l := range m.columns.Leaves[leaf : leaf+f.Type.Leaves()] {
		l.Def, l.Rep = slices.Clone(l.Def), slices.Clone(l.Rep)
		l.Bools, l.Int32s, l.Int64s, l.Floats, l.Doubles = slices.Clone(l.Bools), slices.Clone(l.Int32s), slices.Clone(l.Int64s), slices.Clone(l.Floats), slices.Clone(l.Doubles)
		l.Data, l.Ends = slices.Clone(l.Data), slices.Clone(l.Ends)
		v.leaves = append(v.leaves, l)
		v.Size += len(l.Def) + len(l.Rep) + len(l.Bools) + 4*(len(l.Int32s)+len(l.Floats)+len(l.Ends)) + 8*(len(l.Int64s)+len(l.Doubles)) + len(l.Data)
	}
	return v, nil
}

var null = json.RawMessage("null")

func isNull(text json.RawMessage) bool { return string(bytes.TrimSpace(text)) == "null" }

// levels are those of a place: how many definition levels are there around it, what is appended first repeats, and lists around it.
type levels struct{ def, rep, depth uint8 }

// field appends a value of a field whose leaves begin at one.
func (m *Maker) field(f *record.Field, leaf int, text json.RawMessage, at levels) error {
	if isNull(text) {
		switch {
		case f.Nullable:
			m.nulls(f.Type, leaf, at)
			return nil
		case f.Default == nil || isNull(f.Default):
			return fmt.Errorf("%s is null, and may not be", f.Name)
		}
		text = f.Default
	}
	if f.Nullable {
		at.def++
	}
	switch f.Type.Kind {
	case record.Struct:
		if f.Type.Union {
			return m.union(f, leaf, text, at)
		}
		return m.object(f, leaf, text, at)
	case record.List, record.Map:
		return m.entries(f, leaf, text, at)
	}
	c := &m.columns.Leaves[leaf]
	if err := appendValue(c, text); err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	c.AppendLevels(at.def, at.rep)
	return nil
}

func (m *Maker) nulls(t record.Type, leaf int, at levels) {
	for i := range t.Leaves() {
		m.columns.Leaves[leaf+i].AppendLevels(at.def, at.rep)
	}
}

func (m *Maker) object(f *record.Field, leaf int, text json.RawMessage, at levels) error {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(text, &o); err != nil {
		return fmt.Errorf("%s: found %s, expected an object", f.Name, text)
	}
	for i := range f.Type.Fields {
		in := &f.Type.Fields[i]
		v, ok := o[in.Name]
		if !ok {
			v = in.Default
		}
		switch {
		case v == nil && in.Nullable:
			v = null
		case v == nil:
			return fmt.Errorf("%s has no field %s", f.Name, in.Name)
		}
		if err := m.field(in, leaf, v, at); err != nil {
			return err
		}
		leaf += in.Type.Leaves()
	}
	return nil
}

// entries appends the entries of a list or of a map.
func (m *Maker) entries(f *record.Field, leaf int, text json.RawMessage, at levels) error {
	var values []json.RawMessage
	var keys []string
	if f.Type.Kind == record.Map {
		var o map[string]json.RawMessage
		if err := json.Unmarshal(text, &o); err != nil {
			return fmt.Errorf("%s: found %s, expected an object", f.Name, text)
		}
		keys = slices.Sorted(maps.Keys(o))
		for _, k := range keys {
			values = append(values, o[k])
		}
	} else if err := json.Unmarshal(text, &values); err != nil {
		return fmt.Errorf("%s: found %s, expected an array", f.Name, text)
	}
	if len(values) == 0 {
		m.nulls(f.Type, leaf, at)
	}
	first := leaf
	at.def++
	at.depth++
	for i, v := range values {
		if i > 0 {
			at.rep = at.depth
		}
		leaf = first
		if keys != nil {
			c := &m.columns.Leaves[leaf]
			c.AppendString(keys[i])
			c.AppendLevels(at.def, at.rep)
			leaf++
		}
		if err := m.field(f.Type.Elem, leaf, v, at); err != nil {
			return err
		}
	}
	return nil
}

// union appends to the first member that takes the value. One written as an integer is first tried as one.
func (m *Maker) union(f *record.Field, leaf int, text json.RawMessage, at levels) error {
	for round := range 2 {
		in := leaf
		for i := range f.Type.Fields {
			member := &f.Type.Fields[i]
			if (round == 0) == suits(member.Type.Kind, text) && m.try(member, in, text, at) {
				other := leaf
				for j := range f.Type.Fields {
					if j != i {
						m.nulls(f.Type.Fields[j].Type, other, at)
					}
					other += f.Type.Fields[j].Type.Leaves()
				}
				return nil
			}
			in += member.Type.Leaves()
		}
	}
	return fmt.Errorf("%s: %s is of no type of the union", f.Name, text)
}

// suits says whether a value is tried in the first round: a number in a kind of numbers that are written so.
func suits(k record.Kind, text json.RawMessage) bool {
	if c := bytes.TrimSpace(text)[0]; c != '-' && (c < '0' || c > '9') {
		return true
	}
	fraction := k == record.Float || k == record.Double || k == record.Decimal
	return fraction == bytes.ContainsAny(text, ".eE")
}

// try appends to a member of a union, or leaves no trace. Within a union each leaf has levels.
func (m *Maker) try(f *record.Field, leaf int, text json.RawMessage, at levels) bool {
	leaves := m.columns.Leaves[leaf : leaf+f.Type.Leaves()]
	marks := make([]int, len(leaves))
	for i := range leaves {
		marks[i] = len(leaves[i].Def)
	}
	if m.field(f, leaf, text, at) == nil {
		return true
	}
	for i := range leaves {
		leaves[i].Truncate(marks[i])
	}
	return false
}
