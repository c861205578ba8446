package infer

import (
	"cmp"
	"slices"

	"shadoof/record/internal/jsonvalue"
)

// A kind of JSON value.
type kind int

const (
	nulls kind = iota
	booleans
	integers // written as such
	numbers  // others
	texts
	arrays
	objects
	allKinds
)

var kindNames = [allKinds]string{"null", "boolean", "integer", "number", "string", "array", "object"}

func (k kind) String() string { return kindNames[k] }

func kindOf(v *jsonvalue.Value) kind {
	switch v.Kind {
	case 'n':
		return nulls
	case 't', 'f':
		return booleans
	case '"':
		return texts
	case '[':
		return arrays
	case '{':
		return objects
	}
	for _, c := range v.Text {
		if c == '.' || c|0x20 == 'e' {
			return numbers
		}
	}
	return integers
}

// A place is where values stand in documents, with what is known of them.
type place struct {
	name    string
	counts  [allKinds]int
	numbers numberStats
	texts   textStats
	example string

	kids   []*place // members of its objects, in the order in which they were first seen
	index  map[string]*place
	values *place // of its objects, where they are taken for maps; then there are no kids
	keys   int    // how many these had
	elem   *place // of its arrays

	deep bool // some values were nested too deep to be looked into
	full bool // there was no room for some of the members or elements
}

// seen is how many values there were, null included.
func (p *place) seen() (n int) {
	for _, c := range p.counts {
		n += c
	}
	return n
}

// merge adds what is known of another place.
func (p *place) merge(o *place) {
	for k, n := range o.counts {
		p.counts[k] += n
	}
	p.numbers.merge(&o.numbers)
	p.texts.merge(&o.texts)
	p.example = cmp.Or(p.example, o.example)
	p.deep, p.full = p.deep || o.deep, p.full || o.full
	if o.elem != nil {
		p.elem = together([]*place{p.elem, o.elem})
	}
	switch {
	case p.values != nil || o.values != nil:
		all := append([]*place{p.values, o.values}, p.kids...)
		p.values = together(append(all, o.kids...))
		for _, kid := range append(p.kids[:len(p.kids):len(p.kids)], o.kids...) {
			p.keys += kid.seen()
		}
		p.keys += o.keys
		p.kids, p.index = nil, nil
	case len(o.kids) > 0:
		if p.index == nil {
			p.index = map[string]*place{}
		}
		for _, kid := range o.kids {
			mine := p.index[kid.name]
			if mine == nil {
				mine = &place{name: kid.name}
				p.index[kid.name] = mine
				p.kids = append(p.kids, mine)
			}
			mine.merge(kid)
		}
	}
}

// together is a place with the values of several, of which some may be nil.
func together(places []*place) *place {
	all := &place{}
	for _, p := range places {
		if p != nil {
			all.merge(p)
		}
	}
	return all
}

// size is how many places there are from here on.
func size(p *place) int {
	if p == nil {
		return 0
	}
	n := 1 + size(p.elem) + size(p.values)
	for _, kid := range p.kids {
		n += size(kid)
	}
	return n
}

// shorten cuts a text for people.
func shorten(s string, most int) string {
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

// types are the kinds of its values, most frequent first.
func (p *place) types() []Count {
	var all []Count
	for k, n := range p.counts {
		if n > 0 {
			all = append(all, Count{kind(k).String(), n})
		}
	}
	slices.SortStableFunc(all, func(a, b Count) int { return cmp.Compare(b.Count, a.Count) })
	return all
}
