package generations_test

import (
	"slices"
	"strings"
)

// A column says what becomes of a field: the oracle of these tests. It knows nothing of schemas but in which generations a field is there.
type column struct {
	name  string
	first int      // generation that has it; 0 for 1
	last  int      // generation that has it; 0 for the newest
	of    []column // of a record, of the records in a list or a map
	lacks any      // what stands in a row where the record lacks it
	was   string   // the name by which a generation before had it, where the format keeps such
}

// newest is the number of generations.
const newest = 3

func (c column) in(generation int) bool {
	last := c.last
	if last == 0 {
		last = newest
	}
	return max(c.first, 1) <= generation && generation <= last
}

// since are the columns that any of these generations has.
func since(columns []column, generations ...int) []column {
	var out []column
	for _, c := range columns {
		if slices.ContainsFunc(generations, c.in) {
			c.of = since(c.of, generations...)
			out = append(out, c)
		}
	}
	return out
}

// written is what a generation writes of a document that has everything.
func written(columns []column, generation int, all document) document {
	return pick(since(columns, generation), all, func(c column, from document) (any, bool) {
		v, ok := from[c.name]
		return v, ok
	})
}

// row is what a record becomes in these columns.
func row(columns []column, record document) document {
	return pick(columns, record, func(c column, from document) (any, bool) {
		if v, ok := from[c.name]; ok {
			return v, true
		}
		if v, ok := from[c.was]; ok && !slices.ContainsFunc(columns, func(o column) bool { return o.name == c.was }) {
			return v, true
		}
		return c.lacks, true
	})
}

// united is a row as readers show it that make one table of files with more columns and with fewer: what a file lacks is null.
func united(columns []column, row document) document {
	return pick(columns, row, func(c column, from document) (any, bool) { return from[c.name], true })
}

func pick(columns []column, from document, value func(c column, from document) (any, bool)) document {
	out := document{}
	for _, c := range columns {
		if v, ok := value(c, from); ok {
			out[c.name] = inside(c, v, value)
		}
	}
	return out
}

func inside(c column, v any, value func(c column, from document) (any, bool)) any {
	if c.of == nil {
		return v
	}
	switch v := v.(type) {
	case document:
		return pick(c.of, v, value)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = inside(c, e, value)
		}
		return out
	case table:
		out := table{}
		for name, e := range v {
			out[name] = inside(c, e, value)
		}
		return out
	}
	return v
}

// lost are the paths of what a generation has and the columns of a target have not.
func lost(path string, columns []column, generation int, target []column) (out []string) {
	for _, c := range since(columns, generation) {
		if strings.HasPrefix(c.name, "member") { // of unions: nothing is said of them
			continue
		}
		at := slices.IndexFunc(target, func(o column) bool { return o.name == c.name })
		if at < 0 {
			at = slices.IndexFunc(target, func(o column) bool { return o.was == c.name })
		}
		if at < 0 {
			out = append(out, path+c.name)
			continue
		}
		out = append(out, lost(path+c.name+c.mark()+".", c.of, generation, target[at].of)...)
	}
	return out
}

// mark is what stands behind the path of a list or a map.
func (c column) mark() string {
	return map[string]string{"lines": "[]", "tags": "{}"}[c.name]
}
