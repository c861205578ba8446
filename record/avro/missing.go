package avro

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"shadoof/record"
)

// missing makes one node of the fields that the writer lacks: it reads their defaults, encoded by the target's schema.
func (r *resolver) missing(t slot, slots []slot, fields []int) (node, error) {
	n := node{op: opMissing, path: t.at.path, other: &difference{}}
	for _, i := range fields {
		s, f := slots[i], &t.Fields[i]
		if !f.HasDefault {
			return n, fmt.Errorf("field %s: the writer has no such field, and the target no default for it", s.at.path)
		}
		if s.Type == "null" {
			continue
		}
		c := &compiler{named: t.schema.named, leaves: s.leaf}
		_, nodes, err := c.field(f.Name, &f.Type, s.at)
		if err != nil {
			return n, err
		}
		value, err := appendDefault(nil, s.typ, f.Default)
		if err == nil {
			err = r.try(nodes, value)
		}
		if err != nil {
			return n, fmt.Errorf("field %s: its default: %w", s.at.path, err)
		}
		n.kids = append(n.kids, nodes...)
		n.other.value = append(n.other.value, value...)
	}
	return n, nil
}

// try decodes a default, so that it cannot fail when it is wanted.
func (r *resolver) try(nodes []node, value []byte) error {
	if r.scratch == nil {
		r.scratch = record.NewColumns(r.target.Schema)
	}
	defer r.scratch.Reset()
	d := &Decoder{b: value, leaves: r.scratch.Leaves, room: record.MaxEntries}
	if p := d.fields(nodes, 0, 0); p < 0 {
		return d.err
	}
	return nil
}

// appendDefault encodes a default as the library gives it: by Go types that tell the branch of a union, but for those that hold others.
func appendDefault(dst []byte, t typ, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		if t.Type == "null" {
			return dst, nil
		}
	case bool:
		if t.Type == "boolean" && v {
			return append(dst, 1), nil
		}
		if t.Type == "boolean" {
			return append(dst, 0), nil
		}
	case int32:
		if t.Type == "int" {
			return binary.AppendVarint(dst, int64(v)), nil
		}
	case int64:
		if t.Type == "long" {
			return binary.AppendVarint(dst, v), nil
		}
	case float32:
		if t.Type == "float" {
			return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v)), nil
		}
	case float64:
		if t.Type == "double" {
			return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v)), nil
		}
	case string:
		if t.Type == "string" {
			return append(binary.AppendVarint(dst, int64(len(v))), v...), nil
		}
		if i := slices.Index(t.Symbols, v); t.Type == "enum" && i >= 0 {
			return binary.AppendVarint(dst, int64(i)), nil
		}
	case []byte:
		if t.Type == "bytes" {
			return append(binary.AppendVarint(dst, int64(len(v))), v...), nil
		}
		if t.Type == "fixed" && t.Size == len(v) {
			return append(dst, v...), nil
		}
	case []any:
		if t.Type == "array" {
			return appendDefaultList(dst, t, v)
		}
	case map[string]any:
		switch t.kind() {
		case "map":
			return appendDefaultMap(dst, t, v)
		case "record":
			return appendDefaultRecord(dst, t, v)
		}
	}
	if t.Type == "union" {
		return appendDefaultUnion(dst, t, v)
	}
	return nil, fmt.Errorf("%v is no %s", v, t)
}

func appendDefaultUnion(dst []byte, t typ, v any) ([]byte, error) {
	for i := range t.Branches {
		if out, err := appendDefault(binary.AppendVarint(dst, int64(i)), t.inner(&t.Branches[i]), v); err == nil {
			return out, nil
		}
	}
	return nil, errors.New("it is of no type of its union")
}

func appendDefaultList(dst []byte, t typ, v []any) (_ []byte, err error) {
	if len(v) > 0 {
		dst = binary.AppendVarint(dst, int64(len(v)))
	}
	for _, e := range v {
		if dst, err = appendDefault(dst, t.inner(t.Items), e); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}

func appendDefaultMap(dst []byte, t typ, v map[string]any) (_ []byte, err error) {
	if len(v) > 0 {
		dst = binary.AppendVarint(dst, int64(len(v)))
	}
	for _, k := range slices.Sorted(maps.Keys(v)) {
		dst = append(binary.AppendVarint(dst, int64(len(k))), k...)
		if dst, err = appendDefault(dst, t.inner(t.Values), v[k]); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}

// appendDefaultRecord takes the default of a field that the record's own default leaves out.
func appendDefaultRecord(dst []byte, t typ, v map[string]any) (_ []byte, err error) {
	for i := range t.Fields {
		f := &t.Fields[i]
		in, ok := v[f.Name]
		if !ok {
			if !f.HasDefault {
				return nil, fmt.Errorf("it has no field %s", f.Name)
			}
			in = f.Default
		}
		if dst, err = appendDefault(dst, t.inner(&f.Type), in); err != nil {
			return nil, err
		}
	}
	return dst, nil
}
