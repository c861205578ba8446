package evolve

import "fmt"

// A ChangeKind says in one word what changed. The words stand in reports: scripts rely on them.
type ChangeKind string

const (
	Added          ChangeKind = "added"    // To is its type
	Removed        ChangeKind = "removed"  // From was its type
	Widened        ChangeKind = "widened"  // the new type holds all that the old one did
	Narrowed       ChangeKind = "narrowed" // the other way round
	Retyped        ChangeKind = "type"     // neither
	BecameNullable ChangeKind = "nullable"
	BecameRequired ChangeKind = "required"
	NewDefault     ChangeKind = "default" // From and To are the defaults; "" for none
	NewSymbols     ChangeKind = "symbols" // of an enum: From are those that are gone, To those that are new; "" for none
	NewStandIn     ChangeKind = "symbol"  // of an enum: the one that stands for symbols that it has not got; "" for none
	Moved          ChangeKind = "order"   // of the columns in a struct, or in the row: From and To are those that stand elsewhere
	Renamed        ChangeKind = "name"    // of a type, or of the rows: of concern to who goes by names
	NewAliases     ChangeKind = "aliases" // of a field or its type: From are those that are gone, To those that are new
)

// A Change is a difference between two schemas, of what their rows are and of what is read into them. From and To are for people.
type Change struct {
	Path string     `json:"path"` // dotted, items[].price for what is in a list, tags{} for what is in a map; "" for the row
	Kind ChangeKind `json:"kind"`
	From string     `json:"from,omitempty"`
	To   string     `json:"to,omitempty"`
}

// Breaking says whether readers of the files before and of those after it disagree: a type became one that does not hold all that the
// old one did, a column may not be null any more while old rows are, an enum lost symbols that old rows have. What is new or gone is
// no such change: readers go by names, and find nulls.
func (c Change) Breaking() bool {
	switch c.Kind {
	case Narrowed, Retyped, BecameRequired:
		return true
	case NewSymbols:
		return c.From != ""
	}
	return false
}

// String is the change in words.
func (c Change) String() string {
	where := "field " + c.Path
	if c.Path == "" {
		where = "the row"
	}
	return where + ": " + c.words()
}

func (c Change) words() string {
	switch c.Kind {
	case Added:
		return "new, " + c.To
	case Removed:
		return "gone, it was " + c.From
	case BecameNullable:
		return "may be null now"
	case BecameRequired:
		return "may not be null any more"
	case NewDefault:
		return replaced("the default", c.From, c.To)
	case NewSymbols:
		return exchanged("symbols", c.From, c.To)
	case NewStandIn:
		return replaced("the symbol for unknown ones", c.From, c.To)
	case Moved:
		return fmt.Sprintf("the order %s became %s", c.From, c.To)
	case Renamed:
		return replaced("the type's name", c.From, c.To)
	case NewAliases:
		return exchanged("aliases", c.From, c.To)
	}
	return fmt.Sprintf("%s became %s", c.From, c.To)
}

func replaced(what, from, to string) string {
	switch {
	case from == "":
		return fmt.Sprintf("%s is %s now", what, to)
	case to == "":
		return fmt.Sprintf("%s %s is gone", what, from)
	}
	return fmt.Sprintf("%s %s became %s", what, from, to)
}

func exchanged(what, gone, fresh string) string {
	switch {
	case gone == "":
		return fmt.Sprintf("new %s %s", what, fresh)
	case fresh == "":
		return fmt.Sprintf("%s %s are gone", what, gone)
	}
	return fmt.Sprintf("new %s %s, and %s are gone", what, fresh, gone)
}
