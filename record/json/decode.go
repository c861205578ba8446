// Package json turns plain JSON into columns, by the schema of the rows. Plain means as people write it, not Avro's JSON encoding:
//
//	null            null, or the field's default where it may not be null; a field that is missing is its default, else null
//	boolean         true, false
//	int, long       a number without a rest, exactly: 1, 1.0 and 1e3 are integers, 1.5 and 2^63 are refused
//	float, double   a number, rounded to the nearest; one too large for the type is refused
//	decimal         a number, or a string with one, exactly: more digits than the scale or the precision has are refused
//	string, uuid    a string
//	enum            a string, one of the symbols; another one is the symbol that stands for those, where the schema has it
//	bytes, fixed    a string, standard base64 with padding
//	date            days since 1970, or "2026-11-20"
//	time-*          milliseconds or microseconds since midnight, or "13:07:00.250"; below 24 hours
//	timestamp-*     a number in the schema's unit, or RFC 3339 with its zone: "2026-11-20T13:07:00.250+01:00". What is finer than the
//	                unit is cut off
//	local-*         a number in the schema's unit, or the same without a zone
//	array, map      an array; an object
//	record          an object; fields that the schema does not have are counted and left out. Where a field's name is absent, the first
//	                of its aliases that is there stands for it
//	JSON            any value, as its text stands there, null included
//	union           see below
//
// A union other than with null takes the first of its types, in the schema's order, that takes the value. Only types that go with the
// kind of JSON value are tried: an object, for records and maps; and so on. For numbers there are two rounds: one written as an
// integer goes to the first integer type that holds it (int, long, date, time, timestamp), else to float, double or decimal; one
// with a fraction or an exponent the other way round. As a record leaves unknown fields out, the first record of a union whose
// required fields are there wins; and an enum takes others' symbols only when no type took the text.
//
// What is not JSON is Undecodable: also text that is not UTF-8, half of a surrogate pair, a name that stands twice in a record or
// map (of unknown fields it is not looked at), nesting deeper than 512 levels, anything after the value. What is JSON and breaks a rule
// above is Unfit. NaN and infinity have no form in JSON, and no string stands for them.
package json

import (
	"fmt"

	"shadoof/record"
)

// A Decoder appends JSON to columns, without values in between. It implements [record.Decoder].
type Decoder struct {
	schema  *record.Schema
	root    *node
	unknown int64
	scratch []byte // text without its escapes
	digits  []byte // of a long decimal
	words   []uint64

	// While Decode runs:
	b      []byte
	leaves []record.Column
	room   int // entries of lists and maps, times their leaves, that the row may still have
	err    *record.BadRecord
}

// NewDecoder compiles a decoder for a schema without Kafka columns. A default that does not fit its field is an error.
func NewDecoder(s *record.Schema) (*Decoder, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	d := &Decoder{schema: s}
	c := compiler{d: d, columns: record.NewColumns(s)}
	root, err := c.node(record.Field{Type: record.Type{Kind: record.Struct, Fields: s.Fields}}, place{})
	d.root, d.unknown = root, 0
	return d, err
}

// Schema implements [record.Decoder].
func (d *Decoder) Schema() *record.Schema { return d.schema }

// UnknownFields is how many fields were left out of the rows so far because the schema does not have them. Fields within one that
// was left out do not count.
func (d *Decoder) UnknownFields() int64 { return d.unknown }

// Decode implements [record.Decoder].
func (d *Decoder) Decode(c *record.Columns, r *record.Raw) error {
	if r.Value == nil {
		return &record.BadRecord{Reason: record.Tombstone, Detail: "the record has no value"}
	}
	unknown := d.unknown
	d.b, d.leaves, d.room = r.Value, c.Leaves, record.MaxEntries
	p := d.value(d.root, space(d.b, 0), 0)
	if p >= 0 {
		p = d.end(p)
	}
	if p < 0 {
		d.preferSyntax()
	}
	d.b, d.leaves = nil, nil // the value's memory is the reader's
	if p < 0 {
		c.Rollback()
		d.unknown = unknown
		err := d.err
		d.err = nil
		return err
	}
	return nil
}

// end checks that nothing follows the value.
func (d *Decoder) end(p int) int {
	if p = space(d.b, p); p < len(d.b) {
		return d.syntax(p, "the end")
	}
	return p
}

// preferSyntax looks through the whole of a record that does not fit: one that is not even JSON is Undecodable, wherever the walk
// found its first fault.
func (d *Decoder) preferSyntax() {
	if d.err.Reason != record.Unfit {
		return
	}
	unfit := d.err
	if p := d.skip(space(d.b, 0)); p >= 0 && d.end(p) >= 0 {
		d.err = unfit
	}
}

// syntax notes that the bytes from p on are not JSON, and returns the position that stops the walk.
func (d *Decoder) syntax(p int, expected string) int {
	found := "the end"
	if p < len(d.b) {
		found = record.Shorten(d.b[p:min(p+20, len(d.b))])
	}
	d.err = &record.BadRecord{Reason: record.Undecodable, Detail: fmt.Sprintf("byte %d of %d: found %s, expected %s", p, len(d.b), found, expected)}
	return -1
}

// mismatch notes that the value at p is not what n takes.
func (d *Decoder) mismatch(n *node, p int) int {
	if p >= len(d.b) {
		return d.syntax(p, n.expects())
	}
	var found string
	switch c := d.b[p]; c {
	case '{':
		found = "an object"
	case '[':
		found = "an array"
	case '"', '-', 't', 'f', 'n', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		end := d.skip(p)
		if end < 0 {
			return -1
		}
		if end-p > 60 {
			found = fmt.Sprintf("%s… (%d bytes)", d.b[p:p+40], end-p)
		} else {
			found = string(d.b[p:end])
		}
	default:
		return d.syntax(p, "a value")
	}
	return d.unfit(n, fmt.Sprintf("found %s, expected %s", found, n.expects()))
}

func (d *Decoder) unfit(n *node, what string) int {
	path := n.path
	if path == "" {
		path = "the value"
	}
	d.err = &record.BadRecord{Reason: record.Unfit, Detail: path + ": " + what}
	return -1
}

// space returns the position of the first byte from p on that is not white space.
func space(b []byte, p int) int {
	for p < len(b) && b[p] <= ' ' && (b[p] == ' ' || b[p] == '\n' || b[p] == '\t' || b[p] == '\r') {
		p++
	}
	return p
}
