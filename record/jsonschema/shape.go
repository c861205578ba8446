package jsonschema

import (
	"math/big"
	"slices"
	"strings"

	"shadoof/record"
)

// A kinds is a set of kinds of JSON values.
type kinds uint8

const (
	null kinds = 1 << iota
	boolean
	whole    // numbers without a rest
	fraction // other numbers
	text
	array
	object

	number = whole | fraction
	all    = null | boolean | number | text | array | object
)

// names of the types in a schema.
var typeNames = map[string]kinds{"null": null, "boolean": boolean, "integer": whole, "number": number, "string": text, "array": array, "object": object}

func (k kinds) String() string {
	var s []string
	for _, name := range []string{"boolean", "integer", "number", "string", "array", "object", "null"} {
		in := typeNames[name]
		if k&in == in && !(name == "integer" && k&fraction != 0) {
			s = append(s, name)
		}
	}
	return strings.Join(s, " or ")
}

// A shape is what is known of the values that a schema takes: of all of them, and of others perhaps. It is not changed once it is made.
type shape struct {
	kinds kinds
	soft  bool   // no keyword says so: kinds are what the others suggest, and none where they suggest nothing
	json  string // why it can only be a column of JSON; what follows is void then

	number record.Type // what its numbers stand for; without a kind: for themselves
	text   record.Type // the same of its strings

	props    []prop
	required []string
	extra    *shape // of members without a name in props, where something is said of them
	closed   bool   // there are none of these
	loose    bool   // patterns of names: extra is not said of all of them
	free     bool   // one of several: some of its objects have no members in props at all

	item  *shape // nil: anything
	tuple bool   // the place in the array tells the type

	merged bool // it was several kinds of objects
	doc    string
	def    *value
}

type prop struct {
	name  string
	shape *shape
	weak  bool // only some of the objects have it like that; others may have anything by its name
}

// anything is what a schema takes that says nothing.
func anything() *shape { return &shape{soft: true} }

// opaque is what is kept as JSON.
func opaque(why string) *shape { return &shape{kinds: all, json: why} }

func (s *shape) nothing() bool { return !s.soft && s.kinds == 0 && s.json == "" }

// open says whether nothing at all is known.
func (s *shape) open() bool {
	return s.json == "" && (s.soft && s.kinds == 0 || !s.soft && s.kinds == all) && len(s.props) == 0 && len(s.required) == 0 && s.extra == nil && s.item == nil
}

func (s *shape) prop(name string) int {
	return slices.IndexFunc(s.props, func(p prop) bool { return p.name == name })
}

// kindOf is the kind of a value that stands in a schema.
func kindOf(v *value) kinds {
	switch v.Kind {
	case 'n':
		return null
	case 't', 'f':
		return boolean
	case '"':
		return text
	case '[':
		return array
	case '{':
		return object
	}
	if isWhole(v.Text) {
		return whole
	}
	return fraction
}

// isWhole says whether a number has no rest; one of an absurd exponent has.
func isWhole(n string) bool {
	if i := strings.IndexAny(n, "eE"); i >= 0 && len(n)-i > 5 {
		return false
	}
	x, ok := new(big.Rat).SetString(n)
	return ok && x.IsInt()
}
