package avro

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/avro"

	"shadoof/record"
)

// A typ is a type of a schema: a definition, never a reference, and the namespace that references within it are resolved in.
type typ struct {
	*avro.SchemaNode
	namespace string
	schema    *compiler
}

func (c *compiler) typ(n *avro.SchemaNode, namespace string) typ {
	n = c.definition(n, namespace)
	switch n.Type {
	case "record", "error":
		namespace = namespaceOf(fullName(n))
	}
	return typ{n, namespace, c}
}

// inner is a type within t.
func (t typ) inner(n *avro.SchemaNode) typ { return t.schema.typ(n, t.namespace) }

// kind is the name of the type; an error is a record.
func (t typ) kind() string {
	if t.Type == "error" {
		return "record"
	}
	return t.Type
}

// leaf is what a type that is neither a record, an array, a map, a union nor null is in a row.
func (t typ) leaf() (record.Type, op) {
	l, o, err := leafType(t.SchemaNode)
	if err != nil {
		panic(err) // the schema was compiled
	}
	return l, o
}

// aliased says whether the type has the full name of another as its alias. An alias without a namespace is in that of the type.
func (t typ) aliased(name string) bool {
	namespace := namespaceOf(fullName(t.SchemaNode))
	return slices.ContainsFunc(t.Aliases, func(alias string) bool {
		if namespace != "" && !strings.Contains(alias, ".") {
			alias = namespace + "." + alias
		}
		return alias == name
	})
}

func unqualified(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// A grade says how well what was written fits the target. By the letter of the specification the first type of a union that fits at
// all is taken; as in Java and in the library, a better one goes first here. Else an int of a union of double and int would be read as
// a double by the same union, but only once another field of the schema has changed.
type grade uint8

const (
	unfit    grade = iota
	promoted       // by a promotion
	named          // a type of the same name in another namespace
	alias          // a type under its alias
	exact
)

// promotions are what a type may be read as.
var promotions = map[string][]string{
	"int": {"long", "float", "double"}, "long": {"float", "double"}, "float": {"double"}, "string": {"bytes"}, "bytes": {"string"},
}

// grade says how well w, which was written, fits t. A union fits as a union; its branches are looked at when it is read.
func (w typ) grade(t typ) grade {
	if w.kind() == "union" || t.kind() == "union" {
		return exact
	}
	if w.kind() != t.kind() {
		if slices.Contains(promotions[w.kind()], t.kind()) && sameMeaning(w, t) {
			return promoted
		}
		return unfit
	}
	switch w.kind() {
	case "array":
		return w.inner(w.Items).grade(t.inner(t.Items))
	case "map":
		return w.inner(w.Values).grade(t.inner(t.Values))
	case "record", "enum", "fixed":
		if w.Size != t.Size || w.kind() == "fixed" && !sameMeaning(w, t) {
			return unfit
		}
		return w.gradeName(t)
	case "null":
		return exact
	}
	if !sameMeaning(w, t) {
		return unfit
	}
	return exact
}

func (w typ) gradeName(t typ) grade {
	written, wanted := fullName(w.SchemaNode), fullName(t.SchemaNode)
	switch {
	case written == wanted:
		return exact
	case t.aliased(written):
		return alias
	case unqualified(written) == unqualified(wanted):
		return named
	}
	return unfit
}

// sameMeaning says whether a value of w means as a value of t what it meant. A logical type only one side knows is the target's to
// give or to take; two that differ are not: milliseconds read as microseconds are wrong dates. An instant and a wall clock of one unit
// are the same number. A decimal is no text, and the other way round.
func sameMeaning(w, t typ) bool {
	wl, _ := w.leaf()
	tl, _ := t.leaf()
	plain := func(t typ, l record.Type) bool { return l.Kind == kinds[t.Type].kind }
	switch {
	case w.Type != t.Type && (wl.Kind == record.Decimal || tl.Kind == record.Decimal):
		return false
	case plain(w, wl) || plain(t, tl):
		return true
	case wl.Kind == record.Decimal && tl.Kind == record.Decimal:
		return wl.Precision == tl.Precision && wl.Scale == tl.Scale
	}
	return instants(wl.Kind) == instants(tl.Kind)
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

// String is the type for people.
func (t typ) String() string {
	switch t.kind() {
	case "union":
		var of []string
		for i := range t.Branches {
			of = append(of, t.inner(&t.Branches[i]).String())
		}
		return "a union of " + strings.Join(of, ", ")
	case "record", "enum":
		return t.kind() + " " + fullName(t.SchemaNode)
	case "array":
		return "array of " + t.inner(t.Items).String()
	case "map":
		return "map of " + t.inner(t.Values).String()
	case "null":
		return "null"
	}
	s := t.Type
	if t.Type == "fixed" {
		s = fmt.Sprintf("fixed %s of %d bytes", fullName(t.SchemaNode), t.Size)
	}
	switch l, _ := t.leaf(); {
	case l.Kind == record.Decimal:
		return fmt.Sprintf("decimal(%d,%d) in %s", l.Precision, l.Scale, s)
	case l.Kind != kinds[t.Type].kind:
		return fmt.Sprintf("%s in %s", l.Kind, s)
	}
	return s
}
