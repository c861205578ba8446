package jsonschema

import (
	"slices"

	"shadoof/record"
)

// both is the shape of values that have both shapes.
func (r *reader) both(a, b *shape) *shape {
	switch {
	case !r.spend():
		return a
	case a.nothing() || b.nothing():
		return &shape{}
	case a.json != "":
		return a
	case b.json != "":
		return b.documented(a)
	}
	s := *a
	switch {
	case a.soft && b.soft:
		s.kinds |= b.kinds
	case a.soft:
		s.kinds, s.soft = b.kinds, false
	case !b.soft:
		s.kinds &= b.kinds
	}
	s.number, s.text = narrow(a.number, b.number, record.Type{}), narrow(a.text, b.text, record.Type{Kind: record.String})
	s.props = slices.Clone(a.props)
	for _, p := range b.props {
		i := s.prop(p.name)
		if i < 0 {
			s.props = append(s.props, p)
			continue
		}
		switch q := s.props[i]; {
		case p.weak && q.weak:
			s.props[i].shape = r.either(q.shape, p.shape)
		case q.weak:
			s.props[i] = p
		case !p.weak:
			s.props[i].shape = r.both(q.shape, p.shape)
		}
	}
	s.required = slices.Clone(a.required)
	for _, name := range b.required {
		if !slices.Contains(s.required, name) {
			s.required = append(s.required, name)
		}
	}
	s.extra = r.bothOf(a.extra, b.extra)
	s.item = r.bothOf(a.item, b.item)
	s.closed, s.loose, s.tuple, s.merged = a.closed || b.closed, a.loose || b.loose, a.tuple || b.tuple, a.merged || b.merged
	s.free = a.free && (b.free || len(b.props) == 0) || b.free && len(a.props) == 0
	return s.documented(b)
}

// bothOf is both of shapes of which nil is anything.
func (r *reader) bothOf(a, b *shape) *shape {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return r.both(a, b)
}

// documented takes over doc and default where there are none.
func (s *shape) documented(by *shape) *shape {
	c := *s
	if c.doc == "" {
		c.doc = by.doc
	}
	if c.def == nil {
		c.def = by.def
	}
	return &c
}

// narrow is the narrower of two meanings, of which none is the wider one.
func narrow(a, b, conflict record.Type) record.Type {
	switch {
	case a.Kind == "":
		return b
	case b.Kind == "" || a.Kind == b.Kind:
		return a
	}
	return conflict
}

// either is the shape of values that have one of two shapes.
func (r *reader) either(a, b *shape) *shape {
	switch {
	case !r.spend():
		return a
	case a.nothing():
		return b
	case b.nothing():
		return a
	case a.json != "":
		return a
	case b.json != "":
		return b
	}
	s := &shape{kinds: a.kinds | b.kinds, soft: a.soft && b.soft, merged: a.merged || b.merged, doc: a.doc, def: a.def}
	if a.open() || b.open() {
		s.kinds, s.soft = all, false
	}
	if a.kinds != null && b.kinds != null { // else it is one that may be null, and what is said of it stays
		s.doc, s.def = "", nil
	} else if a.kinds == null {
		s.doc, s.def = b.doc, b.def
	}
	switch {
	case !a.mayBe(number):
		s.number = b.number
	case !b.mayBe(number) || same(a.number, b.number):
		s.number = a.number
	case a.number.Kind == record.Decimal || b.number.Kind == record.Decimal:
		return opaque("its numbers are of several kinds")
	}
	switch {
	case !a.mayBe(text):
		s.text = b.text
	case !b.mayBe(text) || a.text.Kind == b.text.Kind:
		s.text = a.text
	}
	r.eitherObject(s, a, b)
	switch {
	case !a.mayBe(array):
		s.item, s.tuple = b.item, b.tuple
	case !b.mayBe(array):
		s.item, s.tuple = a.item, a.tuple
	default:
		s.tuple = a.tuple || b.tuple
		if a.item != nil && b.item != nil {
			s.item = r.either(a.item, b.item)
		}
	}
	return s
}

func same(a, b record.Type) bool {
	return a.Kind == b.Kind && a.Precision == b.Precision && a.Scale == b.Scale
}

// mayBe says whether a value may be of a kind.
func (s *shape) mayBe(k kinds) bool { return s.kinds&k != 0 || s.soft && s.kinds == 0 }

// eitherObject is the part of either that is about objects.
func (r *reader) eitherObject(s, a, b *shape) {
	for _, one := range []struct{ this, other *shape }{{a, b}, {b, a}} {
		if !one.this.mayBe(object) {
			o := one.other
			s.props, s.required, s.extra, s.closed, s.loose, s.free = o.props, o.required, o.extra, o.closed, o.loose, o.free
			return
		}
	}
	for _, p := range a.props {
		if i := b.prop(p.name); i >= 0 {
			q := b.props[i]
			p = prop{p.name, r.either(p.shape, q.shape), p.weak || q.weak}
		} else {
			p.weak = true
		}
		s.props = append(s.props, p)
	}
	for _, p := range b.props {
		if a.prop(p.name) < 0 {
			p.weak = true
			s.props = append(s.props, p)
		}
	}
	for _, name := range a.required {
		if slices.Contains(b.required, name) {
			s.required = append(s.required, name)
		}
	}
	switch {
	case a.extra == nil:
		s.extra = b.extra
	case b.extra == nil:
		s.extra = a.extra
	default:
		s.extra = r.either(a.extra, b.extra)
	}
	s.closed = a.closed && b.closed
	s.loose = a.loose || b.loose || (a.extra == nil) != (b.extra == nil) // other names have values of any kind, or others' values
	s.free = a.free || b.free || a.freeForm() || b.freeForm()
	s.merged = s.merged || len(a.props) > 0 && len(b.props) > 0
}

// freeForm says whether it is said of the values that they are objects, or anything, and nothing of what these have.
func (s *shape) freeForm() bool {
	return s.open() || !s.soft && s.kinds&object != 0 && len(s.props) == 0 && s.extra == nil && !s.closed
}

// extended adds properties of objects that only some values have, as hints: they do not narrow what is said anyway.
func (r *reader) extended(s *shape, hints ...*shape) *shape {
	c := *s
	c.props = slices.Clone(s.props)
	for _, h := range hints {
		if h.json != "" {
			continue
		}
		for _, p := range h.props {
			p.weak = true
			if i := c.prop(p.name); i < 0 {
				c.props = append(c.props, p)
			} else if c.props[i].weak {
				c.props[i].shape = r.either(c.props[i].shape, p.shape)
			}
		}
	}
	return &c
}
