package jsonschema

import (
	"errors"
	"fmt"
	"slices"

	"shadoof/record"
)

// rows turns shapes into fields.
type rows struct{ notes []Note }

func (w *rows) note(path, format string, args ...any) {
	w.notes = append(w.notes, Note{Path: path, Text: fmt.Sprintf(format, args...)})
}

// top is the fields of the whole.
func (w *rows) top(s *shape) ([]record.Field, error) {
	k := s.kinds &^ null
	switch {
	case s.json != "":
		return nil, fmt.Errorf("it has no type for the whole value (%s); rows need an object with properties at the top", s.json)
	case s.open():
		return nil, errors.New("it takes anything; rows need an object with properties at the top")
	case s.soft && k&^object != 0, !s.soft && k != object:
		return nil, fmt.Errorf("it takes %s; rows need an object at the top", k)
	case len(s.props) == 0 && len(s.required) == 0, s.free:
		return nil, errors.New("its objects have no properties of their own; rows need an object with properties at the top")
	}
	if s.extra != nil || s.loose {
		w.note("", "what it says of other properties by patterns of names or by additionalProperties is left out")
	}
	if s.merged {
		w.note("", "one of several objects: rows have the fields of all of them")
	}
	fields := w.fields(s, "")
	if i := slices.IndexFunc(fields, func(f record.Field) bool { return f.Name == "" }); i >= 0 {
		w.note("", "the property without a name is left out")
		fields = slices.Delete(fields, i, i+1)
	}
	if len(fields) == 0 {
		return nil, errors.New("none of its properties has values; rows need one that has")
	}
	return fields, nil
}

// fields are those of a struct. A property that has no values but null has none.
func (w *rows) fields(s *shape, path string) []record.Field {
	var fields []record.Field
	for _, p := range s.props {
		at := join(path, p.name)
		if p.shape.json == "" && !p.shape.soft && p.shape.kinds&^null == 0 {
			w.note(at, "never has a value: there is no column for it")
			continue
		}
		f := w.field(p.name, p.shape, at)
		if p.weak || !slices.Contains(s.required, p.name) {
			f.Nullable = true
		}
		w.fallback(&f, p.shape.def, at)
		fields = append(fields, f)
	}
	for _, name := range s.required {
		if s.prop(name) < 0 {
			at := join(path, name)
			fields = append(fields, w.column(record.Field{Name: name}, at, "it is required, and nothing is said of it"))
		}
	}
	return fields
}

func (w *rows) fallback(f *record.Field, v *value, path string) {
	switch {
	case v == nil:
	case fits(f, v):
		f.Default = v.Append(nil)
	default:
		w.note(path, "its default %s does not fit its type and is left out", short(string(v.Append(nil))))
	}
}

// column makes a field a column of JSON, and says why.
func (w *rows) column(f record.Field, path, format string, args ...any) record.Field {
	w.note(path, "a column of JSON: "+format, args...)
	f.Type = record.Type{Kind: record.JSON}
	return f
}

// field is the field of a shape. It may be null where its value may.
func (w *rows) field(name string, s *shape, path string) record.Field {
	f := record.Field{Name: name, Doc: s.doc, Nullable: s.soft || s.kinds&null != 0}
	if s.json != "" {
		f.Nullable = false
		return w.column(f, path, "%s", s.json)
	}
	switch k := s.kinds &^ null; {
	case k == 0 && s.soft, k == all&^null:
		return w.column(f, path, "it takes anything")
	case k == boolean:
		f.Type.Kind = record.Boolean
	case k == whole:
		if f.Type = s.number; f.Type.Kind == "" || f.Type.Kind == record.Decimal {
			f.Type = record.Type{Kind: record.Int64}
		}
	case k&^number == 0 && k != 0:
		if f.Type = s.number; f.Type.Kind != record.Decimal {
			f.Type = record.Type{Kind: record.Double}
		}
	case k == text:
		if f.Type = s.text; f.Type.Kind == "" {
			f.Type.Kind = record.String
		}
	case k == array:
		return w.list(f, s, path)
	case k == object:
		return w.object(f, s, path)
	default:
		return w.column(f, path, "it takes %s", k)
	}
	return f
}

func (w *rows) list(f record.Field, s *shape, path string) record.Field {
	switch {
	case s.tuple:
		return w.column(f, path, "an array in which the place tells the type")
	case s.item == nil:
		return w.column(f, path, "an array of anything")
	case s.item.valueless():
		return w.column(f, path, "an array without values")
	}
	elem := w.field("element", s.item, path+"[]")
	elem.Doc = ""
	f.Type = record.Type{Kind: record.List, Elem: &elem}
	return f
}

// valueless says whether there is nothing to keep but null.
func (s *shape) valueless() bool { return s.json == "" && !s.soft && s.kinds&^null == 0 }

func (w *rows) object(f record.Field, s *shape, path string) record.Field {
	switch {
	case len(s.props) == 0 && s.extra != nil && !s.loose:
		if s.extra.valueless() {
			return w.column(f, path, "an object without values")
		}
		elem := w.field("value", s.extra, path+"{}")
		elem.Doc = ""
		f.Type = record.Type{Kind: record.Map, Elem: &elem}
		return f
	case s.extra != nil || s.loose:
		return w.column(f, path, "an object with properties of its own and others, by patterns of names or additionalProperties")
	case s.free:
		return w.column(f, path, "one of several objects, of which some have any properties")
	case len(s.props) == 0:
		return w.column(f, path, "an object of which nothing is said")
	}
	mark := len(w.notes)
	fields := w.fields(s, path)
	if len(fields) == 0 || slices.ContainsFunc(fields, func(f record.Field) bool { return f.Name == "" }) {
		w.notes = w.notes[:mark]
		return w.column(f, path, "an object with a property without a name, or without any that has values")
	}
	if s.merged {
		w.note(path, "one of several objects: it has the fields of all of them")
	}
	f.Type = record.Type{Kind: record.Struct, Fields: fields}
	return f
}
