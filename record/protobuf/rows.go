package protobuf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
)

// paths are dotted paths of fields.
type paths map[string]bool

// pathSet takes paths with or without the marks of lists and maps.
func pathSet(list []string) paths {
	p := paths{}
	for _, s := range list {
		p[plainPath(s)] = true
	}
	return p
}

var marks = strings.NewReplacer("[]", "", "{}", "")

func plainPath(path string) string { return marks.Replace(path) }

// has says whether a field is to be one column of JSON.
func (p paths) has(path string) bool { return len(p) > 0 && p[plainPath(path)] }

// join is the path of a field within another.
func join(path string, name protoreflect.Name) string {
	if path == "" {
		return string(name)
	}
	return path + "." + string(name)
}

// rowsOf is the schema of rows that keep all that a message has.
func rowsOf(m protoreflect.MessageDescriptor, o record.ReadOptions) (*record.Schema, error) {
	if m.Fields().Len() == 0 {
		return nil, errors.New("it has no fields: a column file cannot hold that")
	}
	r := &rowSchema{asJSON: pathSet(o.AsJSON)}
	t, err := r.message(m, "", 1)
	if err == nil && len(r.recursive) > 0 && o.ElseJSON {
		for _, c := range r.recursive {
			r.asJSON[c.path] = true
		}
		r.recursive, r.leaves = nil, 0
		t, err = r.message(m, "", 1)
	}
	if err != nil {
		return nil, err
	}
	if len(r.recursive) > 0 {
		return nil, r.refuseRecursion()
	}
	s := &record.Schema{Name: string(m.FullName()), Fields: t.Fields}
	return s, s.Validate()
}

type rowSchema struct {
	asJSON    paths
	open      []protoreflect.FullName // messages around the place, outermost first
	leaves    int
	recursive []recursion
}

type recursion struct {
	path  string
	cycle []protoreflect.FullName
}

func (r *rowSchema) message(m protoreflect.MessageDescriptor, path string, depth int) (record.Type, error) {
	t := record.Type{Kind: record.Struct}
	if depth > record.MaxDepth {
		return t, fmt.Errorf("field %s: nested deeper than %d levels", path, record.MaxDepth)
	}
	r.open = append(r.open, m.FullName())
	defer func() { r.open = r.open[:len(r.open)-1] }()
	for i := range m.Fields().Len() {
		fd := m.Fields().Get(i)
		f, err := r.field(fd, join(path, fd.Name()), depth)
		if err != nil {
			return t, err
		}
		t.Fields = append(t.Fields, f)
	}
	return t, nil
}

// field is the column of a field. What is never null has a default: its zero, which absence means on the wire, too.
func (r *rowSchema) field(fd protoreflect.FieldDescriptor, path string, depth int) (f record.Field, err error) {
	f.Name = string(fd.Name())
	switch {
	case r.asJSON.has(path):
		f.Type = record.Type{Kind: record.JSON}
		err = r.count()
	case fd.IsMap():
		f.Type.Kind = record.Map
		if err = r.count(); err == nil {
			f.Type.Elem = &record.Field{Name: "value"}
			f.Type.Elem.Type, err = r.value(fd.MapValue(), path+"{}", depth+1)
		}
	case fd.IsList():
		f.Type.Kind = record.List
		f.Type.Elem = &record.Field{Name: "element"}
		f.Type.Elem.Type, err = r.value(fd, path+"[]", depth+1)
	default:
		f.Type, err = r.value(fd, path, depth)
	}
	switch {
	case fd.IsMap():
		f.Default = []byte("{}")
	case fd.IsList():
		f.Default = []byte("[]")
	case fd.Cardinality() == protoreflect.Required:
	case fd.HasPresence():
		f.Nullable = true
	default:
		f.Default = zeroJSON(fd)
	}
	return f, err
}

// value is the type of one value of a field.
func (r *rowSchema) value(fd protoreflect.FieldDescriptor, path string, depth int) (record.Type, error) {
	if fd.Message() == nil {
		return leafType(fd), r.count()
	}
	switch m := fd.Message(); shapeOf(m) {
	case shapeTimestamp:
		return record.Type{Kind: record.TimestampMicros}, r.count()
	case shapeDuration:
		return record.Type{Kind: record.Decimal, Precision: durationDigits, Scale: 9}, r.count()
	case shapeWrapper:
		return leafType(m.Fields().Get(0)), r.count()
	case shapeJSON:
		return record.Type{Kind: record.JSON}, r.count()
	case shapeEmpty:
		return record.Type{Kind: record.Boolean}, r.count()
	default:
		if i := slices.Index(r.open, m.FullName()); i >= 0 {
			r.recursive = append(r.recursive, recursion{plainPath(path), append(slices.Clone(r.open[i:]), m.FullName())})
			return record.Type{Kind: record.JSON}, r.count()
		}
		return r.message(m, path, depth+1)
	}
}

// count counts a leaf, so that a schema that refers to itself in many ways without being recursive ends early.
func (r *rowSchema) count() error {
	if r.leaves++; r.leaves > record.MaxLeaves {
		return fmt.Errorf("more than %d columns", record.MaxLeaves)
	}
	return nil
}

func (r *rowSchema) refuseRecursion() error {
	first := r.recursive[0]
	names := make([]string, len(first.cycle))
	for i, n := range first.cycle {
		names[i] = string(n)
	}
	var paths []string
	for _, c := range r.recursive {
		paths = append(paths, c.path)
	}
	return fmt.Errorf("field %s: the schema is recursive: %s contains itself (%s), and a row has a fixed depth; value.as_json: [%s] makes one column of JSON of it",
		first.path, names[0], strings.Join(names, " > "), listed(paths))
}

// leafType is the column of a field that is no message.
func leafType(fd protoreflect.FieldDescriptor) record.Type {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return record.Type{Kind: record.Boolean}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return record.Type{Kind: record.Int32}
	case protoreflect.FloatKind:
		return record.Type{Kind: record.Float}
	case protoreflect.DoubleKind:
		return record.Type{Kind: record.Double}
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return record.Type{Kind: record.Decimal, Precision: unsignedDigits}
	case protoreflect.StringKind:
		return record.Type{Kind: record.String}
	case protoreflect.BytesKind:
		return record.Type{Kind: record.Bytes}
	case protoreflect.EnumKind:
		if fd.Enum().IsClosed() {
			return record.Type{Kind: record.Enum, Symbols: symbolsOf(fd.Enum())}
		}
		return record.Type{Kind: record.String}
	}
	return record.Type{Kind: record.Int64}
}

const (
	unsignedDigits = 20 // of a number of 64 bits without a sign
	durationDigits = 21 // of a Duration: 10,000 years in nanoseconds
)

// zeroJSON is the value of a field without presence that is absent.
func zeroJSON(fd protoreflect.FieldDescriptor) []byte {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return []byte("false")
	case protoreflect.StringKind, protoreflect.BytesKind:
		return []byte(`""`)
	case protoreflect.EnumKind:
		return []byte(`"` + symbolOf(fd.Enum(), 0) + `"`)
	}
	return []byte("0")
}
