package avro

import (
	"fmt"
	"slices"
	"strings"

	"shadoof/record"
)

// A grade says how well what was written fits the target. By the letter of the specification the first type of a union that fits at
// all is taken; as in Java and in the library, a better one goes first here. Else an int of a union of double and int would be read as
// a double by the same union, but only once another field of the schema has changed.
type grade uint8

const (
	unfit     grade = iota
	converted       // see converts
	promoted        // by a promotion
	named           // a type of the same name in another namespace
	alias           // a type under its alias
	exact           // the same type of Avro
	same            // and the same kind of rows: in rows that grew a union may have two kinds of one type
)

// promotions are what a type may be read as.
var promotions = map[string][]string{
	"int": {"long", "float", "double"}, "long": {"float", "double"}, "float": {"double"}, "string": {"bytes"}, "bytes": {"string"},
}

// grade says how well w, which was written and is not null, fits a type of the target.
func (w typ) grade(t record.Type) grade {
	g := w.specified(t)
	switch l, _, err := w.leaf(); {
	case err != nil:
	case g == unfit && w.converts(l, t):
		return converted
	case g == exact && l.Kind == t.Kind:
		return same
	}
	return g
}

// converts says whether a plain type fits beyond the specification, without loss. Rows that grew by several schemas need that: what was
// an enum and is a string is a column of strings, what were decimals of two kinds is one of the wider.
func (w typ) converts(l, t record.Type) bool {
	switch l.Kind {
	case record.Enum:
		return t.Kind == record.String
	case record.UUID:
		return t.Kind == record.UUID || t.Kind == record.String
	case record.String:
		return t.Kind == record.UUID
	case record.Decimal:
		return t.Kind == record.Decimal && t.Scale >= l.Scale && t.Precision-t.Scale >= l.Precision-l.Scale
	}
	return false
}

// specified is grade by the specification. A union fits as a union; its branches are looked at when it is read.
func (w typ) specified(t record.Type) grade {
	to := carrierOf(t).kind
	switch {
	case w.kind() == "union" || t.Union:
		return exact
	case t.Kind == record.JSON && w.Type != "string":
		return promoted // if it is asked for
	case w.kind() != to && slices.Contains(promotions[w.kind()], to) && w.means(t):
		return promoted
	case w.kind() != to:
		return unfit
	}
	switch to {
	case "array":
		return w.inner(w.Items).gradeElem(t.Elem)
	case "map":
		return w.inner(w.Values).gradeElem(t.Elem)
	case "record", "enum":
		return w.gradeName(t.Name, t.Aliases)
	case "fixed":
		if w.Size != fixedSize(t) || !w.means(t) {
			return unfit
		}
		return w.gradeName(t.Name, t.Aliases)
	}
	if !w.means(t) {
		return unfit
	}
	return exact
}

func (w typ) gradeElem(f *record.Field) grade {
	switch {
	case f.Nullable:
		return exact
	case w.Type == "null":
		return unfit
	}
	return w.grade(f.Type)
}

// gradeName compares full names. What came from another format may have none, which is any.
func (w typ) gradeName(wanted string, aliases []string) grade {
	written := w.name()
	switch {
	case written == wanted:
		return exact
	case slices.Contains(aliases, written):
		return alias
	case unqualified(written) == unqualified(wanted) || written == "" || wanted == "":
		return named
	}
	return unfit
}

func unqualified(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// means says whether a value of w means as a value of t what it meant. A logical type only one side knows is the target's to give or to
// take; two that differ are not: milliseconds read as microseconds are wrong dates. An instant and a wall clock of one unit are the same
// number. A decimal is no text, and the other way round.
func (w typ) means(t record.Type) bool {
	l, _, err := w.leaf()
	if err != nil {
		return false
	}
	to := carrierOf(t).kind
	switch {
	case w.Type != to && (l.Kind == record.Decimal || t.Kind == record.Decimal):
		return false
	case l.Kind == kinds[w.Type].kind || t.Kind == kinds[to].kind || t.Kind == record.JSON:
		return true
	case l.Kind == record.Decimal && t.Kind == record.Decimal:
		return l.Precision == t.Precision && l.Scale == t.Scale
	}
	return instants(l.Kind) == instants(t.Kind)
}

// instants is the kind itself, or that of instants for a wall clock of their unit.
func instants(k record.Kind) record.Kind {
	switch k {
	case record.LocalMillis:
		return record.TimestampMillis
	case record.LocalMicros:
		return record.TimestampMicros
	case record.LocalNanos:
		return record.TimestampNanos
	}
	return k
}

// String is the type in the words of Avro.
func (t typ) String() string {
	switch t.kind() {
	case "union":
		var of []string
		for i := range t.Branches {
			of = append(of, t.inner(&t.Branches[i]).String())
		}
		return "a union of " + strings.Join(of, ", ")
	case "record":
		return strings.TrimSpace("record " + t.name())
	case "array":
		return "array of " + t.inner(t.Items).String()
	case "map":
		return "map of " + t.inner(t.Values).String()
	}
	l, _, err := t.leaf()
	if err != nil {
		return t.Type
	}
	return describe(l, t.Type)
}

// describeField is a type of rows in the words of Avro.
func describeField(f record.Field) string {
	t := f.Type
	if f.Nullable && !t.Union {
		f.Nullable = false
		return "a union of null, " + describeField(f)
	}
	switch t.Kind {
	case record.Struct:
		if !t.Union {
			return strings.TrimSpace("record " + t.Name)
		}
		var of []string
		if f.Nullable {
			of = append(of, "null")
		}
		for _, m := range t.Fields {
			of = append(of, describeField(record.Field{Type: m.Type}))
		}
		return "a union of " + strings.Join(of, ", ")
	case record.List:
		return "array of " + describeField(*t.Elem)
	case record.Map:
		return "map of " + describeField(*t.Elem)
	}
	return describe(t, carrierOf(t).kind)
}

// describe is a plain type and the one that carries it.
func describe(t record.Type, kind string) string {
	s := kind
	switch kind {
	case "enum":
		return strings.TrimSpace("enum " + t.Name)
	case "fixed":
		s = fmt.Sprintf("%s of %d bytes", strings.TrimSpace("fixed "+t.Name), fixedSize(t))
	}
	switch {
	case t.Kind == record.Decimal:
		return fmt.Sprintf("decimal(%d,%d) in %s", t.Precision, t.Scale, s)
	case t.Kind != kinds[kind].kind:
		return fmt.Sprintf("%s in %s", t.Kind, s)
	}
	return s
}
