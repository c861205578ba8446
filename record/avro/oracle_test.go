package avro_test

import (
	"fmt"
	"slices"
	"strings"

	"shadoof/record/internal/recordtest"

	"shadoof/record"
)

// fromGeneric turns what the library decodes, without logical types, into a row; the entries of maps are sorted.
func fromGeneric(t *recordtest.Type, v any) []any {
	m := v.(map[string]any)
	row := []any{}
	for _, f := range t.Fields {
		if f.Type.Kind != "null" {
			row = append(row, genericValue(f.Type, m[f.Name]))
		}
	}
	return row
}

func genericValue(t *recordtest.Type, v any) any {
	switch t.Kind {
	case "union":
		if v == nil {
			return nil
		}
		return genericUnion(t, v)
	case "record":
		return fromGeneric(t, v)
	case "array":
		out := []any{}
		for _, e := range v.([]any) {
			out = append(out, genericValue(t.Elem, e))
		}
		return out
	case "map":
		out := []recordtest.Entry{}
		for k, e := range v.(map[string]any) {
			out = append(out, recordtest.Entry{Key: k, Value: genericValue(t.Elem, e)})
		}
		return sorted(out)
	}
	b, ok := v.([]byte)
	if !ok {
		return v
	}
	switch s := string(b); t.Logical {
	case "uuid":
		h := fmt.Sprintf("%x", s)
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	case "decimal":
		size := t.Size
		if size == 0 {
			size = record.DecimalSize(t.Precision)
		}
		return recordtest.TwosComplement(recordtest.FromTwosComplement(s), size)
	default:
		return s
	}
}

// genericUnion finds the branch by the name that the library tags the value with.
func genericUnion(t *recordtest.Type, v any) any {
	tagged := v.(map[string]any)
	if len(tagged) != 1 {
		panic(fmt.Sprintf("%d names for one value", len(tagged)))
	}
	var members []any
	for _, b := range t.Branches {
		if b.Kind == "null" {
			continue
		}
		name := b.Kind
		if b.Name != "" {
			name = local(b.Name)
		}
		var member any
		for tag, in := range tagged {
			if local(tag) == name {
				member = genericValue(b, in)
			}
		}
		members = append(members, member)
	}
	if len(members) == 1 && len(t.Branches) == 2 {
		return members[0]
	}
	return members
}

// local is a name without its namespace: the random schemas do not use one twice.
func local(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// unordered sorts the entries of all maps in a row.
func unordered(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, unordered(e))
		}
		return out
	case []recordtest.Entry:
		out := []recordtest.Entry{}
		for _, e := range v {
			out = append(out, recordtest.Entry{Key: e.Key, Value: unordered(e.Value)})
		}
		return sorted(out)
	}
	return v
}

func sorted(e []recordtest.Entry) []recordtest.Entry {
	slices.SortFunc(e, func(a, b recordtest.Entry) int { return strings.Compare(a.Key, b.Key) })
	return e
}
