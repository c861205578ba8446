package protobuf

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
)

// symbolsOf are the names of an enum, in their order; of those for one number the first.
func symbolsOf(e protoreflect.EnumDescriptor) []string {
	var names []string
	for i := range e.Values().Len() {
		if v := e.Values().Get(i); e.Values().ByNumber(v.Number()) == v {
			names = append(names, string(v.Name()))
		}
	}
	return names
}

// symbolOf is the name of a number, or the number.
func symbolOf(e protoreflect.EnumDescriptor, n protoreflect.EnumNumber) string {
	if v := e.Values().ByNumber(n); v != nil {
		return string(v.Name())
	}
	return strconv.Itoa(int(n))
}

// An enum is how the numbers of an enum are written into a column.
type enum struct {
	names  []string // of small numbers; "" where there is none
	others map[int32]string
	closed bool // a number without a name is an unknown field

	only     map[string]bool // symbols of the target; nil when it takes any text
	fallback string          // the target's symbol for those that it has not got
}

const smallEnum = 256

func newEnum(e protoreflect.EnumDescriptor, t record.Type) *enum {
	out := &enum{others: map[int32]string{}, closed: e.IsClosed(), fallback: t.Symbol}
	if t.Kind == record.Enum {
		out.only = map[string]bool{}
		for _, s := range t.Symbols {
			out.only[s] = true
		}
	}
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		n := int32(v.Number())
		switch _, had := out.name(n); {
		case had:
		case n < 0 || n >= smallEnum:
			out.others[n] = string(v.Name())
		default:
			out.names = append(out.names, slices.Repeat([]string{""}, max(int(n)+1-len(out.names), 0))...)
			out.names[n] = string(v.Name())
		}
	}
	return out
}

// name is the name of a number, if it has one.
func (e *enum) name(n int32) (string, bool) {
	if uint32(n) < uint32(len(e.names)) {
		return e.names[n], e.names[n] != ""
	}
	s, ok := e.others[n]
	return s, ok
}

// append appends the text of a number to a column, without its levels; nothing, and what it is called, when the target cannot hold it.
func (e *enum) append(c *record.Column, n int32) (refused string) {
	s, ok := e.name(n)
	if e.only != nil && (!ok || !e.only[s]) {
		if e.fallback == "" {
			if !ok {
				s = strconv.Itoa(int(n))
			}
			return s
		}
		s, ok = e.fallback, true
	}
	if ok {
		c.AppendString(s)
		return ""
	}
	c.Data = strconv.AppendInt(c.Data, int64(n), 10)
	c.Ends = append(c.Ends, uint32(len(c.Data)))
	return ""
}
