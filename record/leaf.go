package record

import "strings"

// Leaf finds the leaf at a dotted path of field names (header.time), down through structs only: a leaf within a list or map has no
// single value per row. index is its place in Columns.Leaves; f is the innermost field. Where rows are datums only the one field that
// has a leaf of its own is found.
func (s *Schema) Leaf(path string) (index int, f Field, ok bool) {
	index, f, ok = findLeaf(s.Fields, path)
	if s.Datum != nil {
		return datumFieldLeaf, f, ok && path == s.Datum.Field
	}
	return index, f, ok
}

func findLeaf(fields []Field, path string) (index int, f Field, ok bool) {
	name, rest, nested := strings.Cut(path, ".")
	for _, f := range fields {
		if f.Name != name {
			index += f.Type.Leaves()
			continue
		}
		switch {
		case f.Type.Kind == Struct && nested:
			i, in, ok := findLeaf(f.Type.Fields, rest)
			return index + i, in, ok
		case f.Type.Kind == Struct, f.Type.Kind == List, f.Type.Kind == Map, nested:
			return 0, Field{}, false
		}
		return index, f, true
	}
	return 0, Field{}, false
}

// Leaves is the number of leaf columns of the schema's fields.
func (s *Schema) Leaves() int {
	n := 0
	for _, f := range s.Fields {
		n += f.Type.Leaves()
	}
	return n
}

// Leaves is the number of leaf columns of the type: 1 for a plain one; the key of a map is a leaf too.
func (t Type) Leaves() int {
	switch t.Kind {
	case Struct:
		n := 0
		for _, f := range t.Fields {
			n += f.Type.Leaves()
		}
		return n
	case List:
		return t.Elem.Type.Leaves()
	case Map:
		return 1 + t.Elem.Type.Leaves()
	}
	return 1
}
