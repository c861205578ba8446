package record

import (
	"fmt"
	"strconv"
	"strings"
)

// How much of a type TypeName shows: what lies deeper, or is one of more, is left out.
const (
	namedDepth = 3
	namedItems = 8
)

// TypeName is a type as people write it: int64, decimal(10,2), list<string?>, map<string, double>, struct<a int32, b string?>,
// enum<NEW, PAID>, union<int32, string>. A question mark is for what may be null. Long ones are cut short; it is for messages, and
// different types may have the same name.
func TypeName(t Type) string { return typeName(&t, 0) }

func typeName(t *Type, depth int) string {
	switch t.Kind {
	case Struct, List, Map:
		if depth == namedDepth {
			if t.Union {
				return "union<…>"
			}
			return string(t.Kind) + "<…>"
		}
	}
	elem := func(f *Field) string {
		if f == nil {
			return "?"
		}
		return typeName(&f.Type, depth+1) + optional(f)
	}
	switch t.Kind {
	case Decimal:
		name := fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
		if t.Size > 0 {
			name += " in " + strconv.Itoa(t.Size) + " bytes"
		}
		return name
	case Fixed:
		return fmt.Sprintf("fixed(%d)", t.Size)
	case Enum:
		return "enum<" + some(len(t.Symbols), func(i int) string { return t.Symbols[i] }) + ">"
	case List:
		return "list<" + elem(t.Elem) + ">"
	case Map:
		return "map<string, " + elem(t.Elem) + ">"
	case Struct:
		if t.Union {
			return "union<" + some(len(t.Fields), func(i int) string { return typeName(&t.Fields[i].Type, depth+1) }) + ">"
		}
		return "struct<" + some(len(t.Fields), func(i int) string { return t.Fields[i].Name + " " + elem(&t.Fields[i]) }) + ">"
	}
	return string(t.Kind)
}

func optional(f *Field) string {
	if f.Nullable {
		return "?"
	}
	return ""
}

// some are the first of n items, and how many the others are.
func some(n int, item func(i int) string) string {
	shown := n
	if n > namedItems {
		shown = namedItems - 1
	}
	parts := make([]string, shown, shown+1)
	for i := range shown {
		parts[i] = item(i)
	}
	if shown < n {
		parts = append(parts, fmt.Sprintf("… %d more", n-shown))
	}
	return strings.Join(parts, ", ")
}
