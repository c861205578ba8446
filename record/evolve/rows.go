package evolve

import (
	"slices"
	"strings"

	"shadoof/record"
)

// Nullable is the schema with all fields at the top nullable: rows that a record without a value can be. Rows that are datums are
// taken apart: the result has no Datum.
func Nullable(s *record.Schema) *record.Schema {
	fields := slices.Clone(s.Fields)
	for i := range fields {
		fields[i].Nullable = true
	}
	return &record.Schema{Name: s.Name, Aliases: s.Aliases, Fields: fields}
}

// Lost are the paths of what a writer's rows have and the target has not, in the writer's order: decoders leave it out. Of a struct
// that is not there its own path is the only one. A field that the target has under one of its aliases is not lost. Where types do not
// fit, and for members of unions, nothing is said: such records are misfits, which is seen otherwise.
func Lost(writer, target *record.Schema) []string {
	return lostFields(nil, "", writer.Fields, target.Fields)
}

func lostFields(lost []string, path string, writer, target []record.Field) []string {
	at := fieldsByName(target)
	for i := range writer {
		f := &writer[i]
		p := within(path, f.Name)
		if t, ok := at[f.Name]; ok {
			lost = lostWithin(lost, p, &f.Type, &target[t].Type)
		} else {
			lost = append(lost, p)
		}
	}
	return lost
}

// fieldsByName are the fields that a name goes to. A name goes before an alias, and the first field before the others, as in decoders.
func fieldsByName(fields []record.Field) map[string]int {
	at := make(map[string]int, len(fields))
	for i := range fields {
		at[fields[i].Name] = i
	}
	for i := range fields {
		for _, alias := range fields[i].Aliases {
			if _, taken := at[alias]; !taken {
				at[alias] = i
			}
		}
	}
	return at
}

func lostWithin(lost []string, path string, writer, target *record.Type) []string {
	switch {
	case writer.Kind != target.Kind:
	case writer.Kind == record.List || writer.Kind == record.Map:
		return lostWithin(lost, inElem(path, writer.Kind), &writer.Elem.Type, &target.Elem.Type)
	case writer.Kind != record.Struct || writer.Union != target.Union:
	case !writer.Union:
		return lostFields(lost, path, writer.Fields, target.Fields)
	default:
		at := map[memberKey]int{}
		for i, k := range memberKeys(target.Fields) {
			at[k] = i
		}
		for i, k := range memberKeys(writer.Fields) {
			if t, ok := at[k]; ok {
				lost = lostWithin(lost, within(path, writer.Fields[i].Name), &writer.Fields[i].Type, &target.Fields[t].Type)
			}
		}
	}
	return lost
}

// Has says whether rows have a field at a dotted path, down through structs, and what lists and maps hold.
func Has(s *record.Schema, path string) bool { return has(s.Fields, path) }

func has(fields []record.Field, path string) bool {
	name, rest, nested := strings.Cut(path, ".")
	for _, f := range fields {
		if f.Name != name {
			continue
		}
		t := f.Type
		for t.Elem != nil {
			t = t.Elem.Type
		}
		return !nested || has(t.Fields, rest)
	}
	return false
}
