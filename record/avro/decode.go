package avro

import (
	"fmt"

	"shadoof/record"
)

// A Decoder appends Avro data without framing to columns, without values in between. It implements [record.Decoder].
//
// Data that does not parse is Undecodable: also a string that is not UTF-8, an int of more than 32 bits, bytes after the end. A
// decimal of more digits than its precision, or a time of day of 24 hours or more, is Unfit.
type Decoder struct {
	schema *record.Schema
	plan   []node

	// While Decode runs:
	b      []byte
	leaves []record.Column
	room   int // entries of lists and maps, times their leaves, that the row may still have
	err    *record.BadRecord

	// While values are walked over:
	depth  int    // records, lists and unions around the place
	prints bool   // text gets them as JSON
	text   []byte // up to about most bytes
	most   int
}

// NewDecoder makes a decoder; several may be made from one schema.
func NewDecoder(p *Parsed) *Decoder {
	return &Decoder{schema: p.Schema, plan: p.plan}
}

// Schema implements [record.Decoder].
func (d *Decoder) Schema() *record.Schema { return d.schema }

// Decode implements [record.Decoder].
func (d *Decoder) Decode(c *record.Columns, r *record.Raw) error {
	if r.Value == nil {
		return &record.BadRecord{Reason: record.Tombstone, Detail: "the record has no value"}
	}
	d.b, d.leaves, d.room, d.depth = r.Value, c.Leaves, record.MaxEntries, 0
	p := d.fields(d.plan, 0, 0)
	if p >= 0 && p < len(d.b) {
		p = d.undecodable(nil, p, "found %d bytes after the end of the record, expected none", len(d.b)-p)
	}
	d.b, d.leaves = nil, nil // the value's memory is the reader's
	if p < 0 {
		c.Rollback()
		err := d.err
		d.err = nil
		return err
	}
	return nil
}

// undecodable notes what is wrong with the bytes from p on, and returns the position that stops the walk.
func (d *Decoder) undecodable(n *node, p int, format string, args ...any) int {
	return d.fail(record.Undecodable, n, p, format, args)
}

func (d *Decoder) unfit(n *node, p int, format string, args ...any) int {
	return d.fail(record.Unfit, n, p, format, args)
}

func (d *Decoder) fail(reason record.Reason, n *node, p int, format string, args []any) int {
	path := ""
	if n != nil {
		path = n.path + ": "
	}
	d.err = &record.BadRecord{Reason: reason, Detail: fmt.Sprintf("%sbyte %d of %d: %s", path, p, len(d.b), fmt.Sprintf(format, args...))}
	return -1
}
