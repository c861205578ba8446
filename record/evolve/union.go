package evolve

import (
	"fmt"
	"slices"

	"shadoof/record"
)

// Union is the schema of rows that hold what rows of both hold. Columns keep their place: old's come first, in old's order, and what
// only new has stands at the end of the struct that it is in. It is a *ConflictError where no type holds both without loss.
//
// Fields are the same if their names are; aliases do not count. A renamed field is a second column: files that are there keep the
// old name, and readers find columns by their names. Otherwise it would depend on which of two writers came first what a column is
// called. The aliases stay, for decoders: a writer's field goes to the column of its name before it goes to one that has an alias.
//
// A field that one side lacks may be null, also where it has a default. Files from before have no such column, and readers show null
// for it; so "not null" would be wrong for the folder as a whole, and it would depend on the order in which schemas came. The default
// stays: decoders put it where a record from now on lacks the field, as its author wanted, and null where there is none.
//
// Types become what holds both: see join. Where both sides say something of which there can be one only (a default, a doc, the name
// of a type), it is old's, and a type's other name becomes an alias of it. So a schema whose rows are held already changes nothing:
// Union(Union(a, b), b) and Union(Union(a, b), a) are Union(a, b), and Union(a, a) is a. In which order schemas come makes
// no difference but for the order of columns, members and symbols, and for what is old's.
//
// Rows that are datums are taken apart: the result has no Datum.
func Union(old, new *record.Schema) (*record.Schema, error) {
	j := &joiner{}
	s := &record.Schema{Fields: j.fields("", old.Fields, new.Fields)}
	s.Name, s.Aliases = called(old.Name, old.Aliases, new.Name, new.Aliases)
	if len(j.conflicts) > 0 {
		return nil, &ConflictError{j.conflicts}
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("rows that hold both schemas: %w", err)
	}
	return s, nil
}

// A joiner walks two schemas at once, and notes all conflicts.
type joiner struct{ conflicts []*record.MisfitError }

// fields are those of a struct, or of the rows.
func (j *joiner) fields(path string, old, new []record.Field) []record.Field {
	at := make(map[string]int, len(new))
	for i := range new {
		at[new[i].Name] = i
	}
	out := make([]record.Field, 0, max(len(old), len(new)))
	for i := range old {
		f := &old[i]
		if k, ok := at[f.Name]; ok {
			out = append(out, j.field(within(path, f.Name), f, &new[k]))
			delete(at, f.Name)
			continue
		}
		out = append(out, lacking(f))
	}
	for i := range new {
		if k, left := at[new[i].Name]; left && k == i {
			out = append(out, lacking(&new[i]))
		}
	}
	return out
}

// lacking is a field that one side has not got.
func lacking(f *record.Field) record.Field {
	out := *f
	out.Nullable = true
	return out
}

func (j *joiner) field(path string, old, new *record.Field) record.Field {
	out := *old
	out.Type = j.join(path, &old.Type, &new.Type)
	out.Nullable = old.Nullable || new.Nullable
	if out.Default == nil {
		out.Default = new.Default
	}
	out.Aliases = merged(old.Aliases, new.Aliases)
	return out
}

// called is what two names become: one name, and the other as one more alias, so that decoders that go by names read both.
func called(name string, aliases []string, new string, others []string) (string, []string) {
	if name == "" {
		name = new
	}
	if new != "" && new != name {
		others = append([]string{new}, others...)
	}
	if slices.Contains(others, name) {
		others = slices.DeleteFunc(slices.Clone(others), func(s string) bool { return s == name && !slices.Contains(aliases, s) })
	}
	return name, merged(aliases, others)
}

// merged are the texts of both, each once, a's first. What is only a is a as it is.
func merged(a, b []string) []string {
	out := a[:len(a):len(a)]
	if len(b) > namedFew {
		have := make(map[string]bool, len(a))
		for _, s := range a {
			have[s] = true
		}
		for _, s := range b {
			if !have[s] {
				have[s] = true
				out = append(out, s)
			}
		}
		return out
	}
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// namedFew are so few texts that looking through them is quicker than a map.
const namedFew = 8

// Paths are those of Schema.Validate: header.id, items[].price, tags{}.

func within(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func inElem(path string, k record.Kind) string {
	if k == record.Map {
		return path + "{}"
	}
	return path + "[]"
}
