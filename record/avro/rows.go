package avro

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"shadoof/record"
)

// A builder makes the types of rows.
type builder struct {
	asJSON   map[string]bool
	elseJSON bool     // what cannot be columns is added to asJSON
	open     []string // records around the place, outermost first
	leaves   int
}

// A recursionError says that a type is within itself.
type recursionError struct{ path, names string }

func (e *recursionError) Error() string {
	return fmt.Sprintf("field %s: the schema is recursive: %s, and a row has a fixed depth; value.as_json: [%s] keeps the field as one column of JSON", e.path, e.names, plainPath(e.path))
}

// plainPath is a path without the signs of lists and maps, as people write it.
func plainPath(path string) string { return signs.Replace(path) }

var signs = strings.NewReplacer("[]", "", "{}", "")

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (b *builder) record(t typ, path string, depth int) (record.Type, error) {
	name := t.name()
	out := record.Type{Kind: record.Struct, Name: name, Aliases: t.aliases()}
	if slices.Contains(b.open, name) {
		return out, &recursionError{names: fmt.Sprintf("%s contains itself (%s)", name, strings.Join(append(b.open, name), " > "))}
	}
	if depth++; depth > record.MaxDepth {
		return out, tooDeep(path)
	}
	b.open = append(b.open, name)
	defer func() { b.open = b.open[:len(b.open)-1] }()
	for i := range t.Fields {
		in := &t.Fields[i]
		ft := t.inner(&in.Type)
		if ft.Type == "null" {
			continue // nothing on the wire, nothing in a column
		}
		f, err := b.field(in.Name, ft, join(path, in.Name), depth)
		if err != nil {
			return out, err
		}
		f.Doc, f.Aliases = in.Doc, slices.Clone(in.Aliases)
		if in.HasDefault {
			if f.Default, err = defaultJSON(ft, in.Default); err != nil {
				return out, fmt.Errorf("field %s: its default: %w", join(path, in.Name), err)
			}
		}
		out.Fields = append(out.Fields, f)
	}
	if len(out.Fields) == 0 {
		return out, fmt.Errorf("record %s has no fields: a column file cannot hold that", name)
	}
	return out, nil
}

func tooDeep(path string) error {
	return fmt.Errorf("field %s: nested deeper than %d levels", path, record.MaxDepth)
}

// field makes a field that may be null.
func (b *builder) field(name string, t typ, path string, depth int) (record.Field, error) {
	if !b.asJSON[plainPath(path)] {
		leaves := b.leaves
		f, err := b.columns(name, t, path, depth)
		if r := (*recursionError)(nil); errors.As(err, &r) && r.path == "" {
			r.path = path
		}
		if err == nil || !b.elseJSON {
			return f, err
		}
		b.asJSON[plainPath(path)], b.leaves = true, leaves
	}
	null, _ := t.branches()
	return record.Field{Name: name, Type: record.Type{Kind: record.JSON}, Nullable: null || t.Type == "null"}, b.leaf()
}

func (b *builder) leaf() error {
	if b.leaves++; b.leaves > record.MaxLeaves {
		return fmt.Errorf("more than %d columns", record.MaxLeaves)
	}
	return nil
}

// columns makes a field of the columns that its type has.
func (b *builder) columns(name string, t typ, path string, depth int) (record.Field, error) {
	null, others := t.branches()
	f := record.Field{Name: name, Nullable: null}
	var err error
	switch {
	case len(others) == 0:
		err = fmt.Errorf("field %s: a union without a type besides null", path)
	case len(others) == 1 && (null || t.Type != "union"):
		f.Type, err = b.value(others[0], path, depth)
	default:
		f.Type, err = b.union(others, path, depth)
	}
	return f, err
}

// union makes a struct of nullable members.
func (b *builder) union(members []typ, path string, depth int) (record.Type, error) {
	t := record.Type{Kind: record.Struct, Union: true}
	if depth++; depth > record.MaxDepth {
		return t, tooDeep(path)
	}
	for i, m := range members {
		name := "member" + strconv.Itoa(i)
		in, err := b.value(m, join(path, name), depth)
		if err != nil {
			return t, err
		}
		t.Fields = append(t.Fields, record.Field{Name: name, Type: in, Nullable: true})
	}
	return t, nil
}

// value makes a type that is not a union.
func (b *builder) value(t typ, path string, depth int) (record.Type, error) {
	switch t.kind() {
	case "record":
		return b.record(t, path, depth)
	case "array":
		return b.repeated(record.List, "element", t.inner(t.Items), path+"[]", depth)
	case "map":
		if err := b.leaf(); err != nil { // the key
			return record.Type{}, err
		}
		return b.repeated(record.Map, "value", t.inner(t.Values), path+"{}", depth)
	case "null":
		return record.Type{}, fmt.Errorf("field %s: of type null: there is nothing to keep", path)
	}
	l, _, err := t.leaf()
	if err != nil {
		return l, fmt.Errorf("field %s: %w", path, err)
	}
	return l, b.leaf()
}

func (b *builder) repeated(kind record.Kind, name string, elem typ, path string, depth int) (record.Type, error) {
	if depth++; depth > record.MaxDepth {
		return record.Type{}, tooDeep(path)
	}
	f, err := b.field(name, elem, path, depth)
	return record.Type{Kind: kind, Elem: &f}, err
}
