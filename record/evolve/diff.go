package evolve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"shadoof/record"
)

// Diff are the changes from one schema to another, in the order of old's fields, then of new's. Fields, also the members of a union,
// are compared by name, as readers of files do. Docs are not compared; and neither is Datum. Where there is no change, rows are the
// same and the same data is read into them.
func Diff(old, new *record.Schema) []Change {
	d := &differ{}
	if old.Name != new.Name {
		d.add("", Renamed, old.Name, new.Name)
	}
	d.texts("", NewAliases, old.Aliases, new.Aliases)
	d.fields("", old.Fields, new.Fields)
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) add(path string, k ChangeKind, from, to string) {
	d.changes = append(d.changes, Change{path, k, from, to})
}

func (d *differ) fields(path string, old, new []record.Field) {
	at := make(map[string]*record.Field, len(new))
	for i := range new {
		at[new[i].Name] = &new[i]
	}
	common := map[string]bool{}
	for i := range old {
		f := &old[i]
		if to := at[f.Name]; to != nil {
			common[f.Name] = true
			d.field(within(path, f.Name), f, to)
		} else {
			d.add(within(path, f.Name), Removed, typeOf(f), "")
		}
	}
	for i := range new {
		if f := &new[i]; !common[f.Name] {
			d.add(within(path, f.Name), Added, "", typeOf(f))
		}
	}
	if from, to := moved(names(old, common), names(new, common)); len(from) > 0 {
		d.add(path, Moved, list(from), list(to))
	}
}

func typeOf(f *record.Field) string {
	if f.Nullable {
		return record.TypeName(f.Type) + ", may be null"
	}
	return record.TypeName(f.Type)
}

func names(fields []record.Field, only map[string]bool) (names []string) {
	for i := range fields {
		if only[fields[i].Name] {
			names = append(names, fields[i].Name)
		}
	}
	return names
}

// moved cuts off what two orders of the same names begin and end with alike.
func moved(from, to []string) (_, _ []string) {
	for len(from) > 0 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	for n := len(from); n > 0 && from[n-1] == to[n-1]; n-- {
		from, to = from[:n-1], to[:n-1]
	}
	return from, to
}

func (d *differ) field(path string, old, new *record.Field) {
	d.typ(path, &old.Type, &new.Type)
	switch {
	case new.Nullable && !old.Nullable:
		d.add(path, BecameNullable, "", "")
	case old.Nullable && !new.Nullable:
		d.add(path, BecameRequired, "", "")
	}
	if from, to := compact(old.Default), compact(new.Default); from != to {
		d.add(path, NewDefault, from, to)
	}
	d.texts(path, NewAliases, old.Aliases, new.Aliases)
}

func compact(text json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return string(text)
	}
	return b.String()
}

// texts notes which of a set are gone, and which are new.
func (d *differ) texts(path string, k ChangeKind, old, new []string) {
	without := func(a, b []string) string {
		left := slices.Clone(a)
		have := make(map[string]bool, len(b))
		for _, s := range b {
			have[s] = true
		}
		return list(slices.DeleteFunc(left, func(s string) bool { return have[s] }))
	}
	if gone, fresh := without(old, new), without(new, old); gone != "" || fresh != "" {
		d.add(path, k, gone, fresh)
	}
}

// listed is how many names of a list are shown.
const listed = 20

func list(names []string) string {
	if n := len(names) - listed; n > 0 {
		return strings.Join(names[:listed], ", ") + fmt.Sprintf(", … %d more", n)
	}
	return strings.Join(names, ", ")
}

func (d *differ) typ(path string, old, new *record.Type) {
	switch {
	case old.Kind != new.Kind || old.Union != new.Union || old.Precision != new.Precision || old.Scale != new.Scale || old.Size != new.Size:
		d.retyped(path, old, new)
		return
	case old.Kind == record.Struct:
		d.fields(path, old.Fields, new.Fields)
	case old.Kind == record.List || old.Kind == record.Map:
		d.field(inElem(path, old.Kind), old.Elem, new.Elem)
	case old.Kind == record.Enum:
		d.texts(path, NewSymbols, old.Symbols, new.Symbols)
		if old.Symbol != new.Symbol {
			d.add(path, NewStandIn, old.Symbol, new.Symbol)
		}
	}
	if old.Name != new.Name {
		d.add(path, Renamed, old.Name, new.Name)
	}
	d.texts(path, NewAliases, old.Aliases, new.Aliases)
}

// retyped is for types of which one may hold the other's values.
func (d *differ) retyped(path string, old, new *record.Type) {
	k, j := Retyped, &joiner{}
	both := j.join(path, old, new)
	is := func(t *record.Type) bool {
		return both.Kind == t.Kind && both.Precision == t.Precision && both.Scale == t.Scale && both.Size == t.Size
	}
	switch {
	case len(j.conflicts) > 0:
	case is(new):
		k = Widened
	case is(old):
		k = Narrowed
	}
	d.add(path, k, record.TypeName(*old), record.TypeName(*new))
}
