package partitioning

import (
	"fmt"
	"strings"

	"shadoof/record"
)

// find follows a dotted path through records. absent says why there is no such field, where there is none; the error is about a field
// that is there, and has no single plain value per row.
func find(fields []record.Field, path string) (f record.Field, absent string, _ error) {
	var above []string
	for name := range strings.SplitSeq(path, ".") {
		if len(above) > 0 {
			way := strings.Join(above, ".")
			switch f.Type.Kind {
			case record.Struct:
			case record.List, record.Map:
				return f, "", fmt.Errorf("%s is a %s, which has any number of values in a record: a path leads through records only", way, f.Type.Kind)
			default:
				return f, fmt.Sprintf("%s is of type %s, which has no field %s", way, f.Type.Kind, name), nil
			}
			fields = f.Type.Fields
		}
		i := 0
		for i < len(fields) && fields[i].Name != name {
			i++
		}
		if i == len(fields) {
			where := "the schema"
			if len(above) > 0 {
				where = strings.Join(above, ".")
			}
			return f, fmt.Sprintf("%s has no field %s: it has %s", where, name, fieldNames(fields)), nil
		}
		f = fields[i]
		above = append(above, name)
	}
	switch f.Type.Kind {
	case record.Struct:
		what := "a record"
		if f.Type.Union {
			what = "a union"
		}
		return f, "", fmt.Errorf("it is %s of %s: name one of these fields, with the path before it", what, fieldNames(f.Type.Fields))
	case record.List, record.Map:
		return f, "", fmt.Errorf("it is a %s, which has any number of values in a record: name a field with one", f.Type.Kind)
	}
	return f, "", nil
}

// fieldNames lists fields: the first ten.
func fieldNames(fields []record.Field) string {
	const most = 10
	var names []string
	for i, f := range fields {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(fields)-most))
			break
		}
		names = append(names, f.Name)
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}
