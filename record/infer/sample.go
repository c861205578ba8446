// Package infer proposes a schema of rows from a sample of JSON documents, and says what varied in them.
//
//	true, false           boolean
//	numbers               int64 where all are written as integers of 64 bits; double where a double has the digits of all; else a decimal
//	                      of 38 digits where that is exact; else JSON
//	strings               date, timestamp (with a zone; without one a local timestamp) or uuid where all of them are, and they are enough;
//	                      else string. Times finer than microseconds stay strings
//	arrays                list of what all the elements have in common
//	objects               struct; a map where the keys are many and rare, or look like data, and the values are alike
//	null                  makes a field nullable. A field that was always null, an array that was always empty and an object without
//	                      members become JSON: that keeps whatever comes
//	of several kinds      JSON, also what is nested deeper than 20 levels
//
// A field is not nullable where all of enough objects had it. What a proposal is good for ends with its sample: a field that no document
// had is left out of rows later, and a value that does not fit its field makes a record unfit.
package infer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"shadoof/record"
	"shadoof/record/internal/jsonvalue"
)

// Options of a sample.
type Options struct {
	// Enough is how many values speak for a type that others would not fit: strings that are all times, objects that all have a field.
	// 0 is 20.
	Enough int

	// MaxPaths is how many places the sample keeps apart. 0 is 5000, which is the most.
	MaxPaths int
}

const (
	maxPaths  = 5000
	maxDepth  = 20  // readers take twice the time for each further level
	maxKeys   = 500 // of objects in one place; beyond that they are taken for maps at once
	maxName   = 200 // bytes
	nesting   = 512 // as record/json has it
	mapKeys   = 20
	dataNames = 5
)

// A Sample notes what documents have. It is not safe for concurrent use.
type Sample struct {
	o         Options
	top       *place
	paths     int
	seen, bad int
}

// New begins a sample.
func New(o Options) *Sample {
	if o.Enough <= 0 {
		o.Enough = 20
	}
	if o.MaxPaths <= 0 || o.MaxPaths > maxPaths {
		o.MaxPaths = maxPaths
	}
	return &Sample{o: o, top: &place{}}
}

// Add notes a document. One that cannot be a row, by the rules of record/json, counts as bad and for nothing else; the error is a
// *record.BadRecord that says why.
func (s *Sample) Add(doc []byte) error {
	s.seen++
	v, err := parse(doc)
	if err != nil {
		s.bad++
		return err
	}
	s.note(s.top, v, 1)
	return nil
}

func parse(doc []byte) (*jsonvalue.Value, error) {
	bad := func(reason record.Reason, format string, args ...any) error {
		return &record.BadRecord{Reason: reason, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case doc == nil:
		return nil, bad(record.Tombstone, "the record has no value")
	case !utf8.Valid(doc):
		return nil, bad(record.Undecodable, "it is not UTF-8")
	}
	v, twice, err := jsonvalue.Parse(doc, nesting)
	switch {
	case err != nil:
		return nil, bad(record.Undecodable, "%v", err)
	case !json.Valid(doc):
		return nil, bad(record.Undecodable, "it is not JSON")
	case twice != "":
		return nil, bad(record.Undecodable, "the name %s stands twice in an object", twice)
	case halfPair(doc):
		return nil, bad(record.Undecodable, "it has half of a surrogate pair")
	case v.Kind != '{':
		return nil, bad(record.Unfit, "found %s, expected an object", kindOf(v))
	}
	return v, nil
}

// halfPair says whether JSON has an escape sequence of a surrogate without its other half.
func halfPair(doc []byte) bool {
	for {
		i := bytes.IndexByte(doc, '\\')
		if i < 0 {
			return false
		}
		doc = doc[i:]
		if doc[1] != 'u' {
			doc = doc[2:]
			continue
		}
		switch first := surrogate(doc); {
		case first == 0:
			doc = doc[6:]
		case first != 'h' || surrogate(doc[6:]) != 'l':
			return true
		default:
			doc = doc[12:]
		}
	}
}

// surrogate is h or l where the text begins with the escape sequence of the high or low half of a pair, else 0.
func surrogate(s []byte) byte {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' || s[2]|0x20 != 'd' {
		return 0
	}
	switch c := s[3] | 0x20; {
	case c == '8' || c == '9' || c == 'a' || c == 'b':
		return 'h'
	case c >= 'c' && c <= 'f':
		return 'l'
	}
	return 0
}

// note adds a value to what is known of a place.
func (s *Sample) note(p *place, v *jsonvalue.Value, depth int) {
	k := kindOf(v)
	p.counts[k]++
	if p.example == "" && v.Kind != 'n' {
		p.example = shorten(string(v.Append(nil)), 60)
	}
	switch k {
	case integers, numbers:
		p.numbers.note(v.Text)
	case texts:
		p.texts.note(v.Text)
	case arrays, objects:
		if depth == maxDepth {
			p.deep = true
			return
		}
		if k == objects {
			s.members(p, v, depth+1)
		}
		for _, item := range v.Items {
			if p.elem == nil && !s.enter(p, &p.elem) {
				return
			}
			s.note(p.elem, item, depth+1)
		}
	}
}

// enter makes a place below another, or notes that there is no room for it.
func (s *Sample) enter(parent *place, at **place) bool {
	if s.paths == s.o.MaxPaths {
		parent.full = true
		return false
	}
	s.paths++
	*at = &place{}
	return true
}

func (s *Sample) members(p *place, v *jsonvalue.Value, depth int) {
	for _, name := range v.Names {
		member := v.Members[name]
		if p.values == nil && p != s.top && p.index[name] == nil && len(p.kids) == maxKeys {
			s.collapse(p)
		}
		if p.values != nil {
			p.keys++
			s.note(p.values, member, depth)
			continue
		}
		kid := p.index[name]
		if kid == nil {
			if len(name) > maxName {
				p.full = true
				continue
			}
			if !s.enter(p, &kid) {
				continue
			}
			kid.name = name
			if p.index == nil {
				p.index = map[string]*place{}
			}
			p.index[name] = kid
			p.kids = append(p.kids, kid)
		}
		s.note(kid, member, depth)
	}
}

// collapse takes the objects in a place for maps: what was known of the members is from now on known of all values together.
func (s *Sample) collapse(p *place) {
	p.values = together(p.kids)
	s.paths -= size(p) - 1
	p.keys = 0
	for _, kid := range p.kids {
		p.keys += kid.seen()
	}
	p.kids, p.index = nil, nil
	s.paths += size(p.values)
}
