package avro

import (
	"encoding/binary"
	"fmt"

	"shadoof/record"
)

// Framing says what stands before the Avro data in a record's value.
type Framing uint8

const (
	None      Framing = iota // nothing
	Confluent                // a zero byte and the id of the schema in a registry: four bytes, big-endian
)

// SchemaID reads the schema id of a value with Confluent framing. ok is false when the value has no such header.
func SchemaID(value []byte) (id int32, ok bool) {
	if len(value) < 5 || value[0] != 0 {
		return 0, false
	}
	return int32(binary.BigEndian.Uint32(value[1:])), true
}

// A Decoder appends Avro data to columns, without values in between. It implements [record.Decoder].
//
// Data that does not parse is Undecodable: also a string that is not UTF-8, an int of more than 32 bits, bytes after the end. A
// decimal of more digits than its precision, or a time of day of 24 hours or more, is Unfit. It reads what one schema wrote, whatever
// id of a registry stands before it: see [SchemaID].
type Decoder struct {
	schema  *record.Schema
	plan    []node
	framing Framing

	// While Decode runs:
	b      []byte
	leaves []record.Column
	start  int // where in the value b begins
	room   int // entries of lists and maps, times their leaves, that the row may still have
	err    *record.BadRecord
}

// NewDecoder makes a decoder; several may be made from one schema.
func NewDecoder(p *Parsed, framing Framing) *Decoder {
	return &Decoder{schema: p.Schema, plan: p.plan, framing: framing}
}

// Schema implements [record.Decoder].
func (d *Decoder) Schema() *record.Schema { return d.schema }

// Decode implements [record.Decoder].
func (d *Decoder) Decode(c *record.Columns, r *record.Raw) error {
	if r.Value == nil {
		return &record.BadRecord{Reason: record.Tombstone, Detail: "the record has no value"}
	}
	d.b, d.start = r.Value, 0
	if d.framing == Confluent {
		if _, ok := SchemaID(r.Value); !ok {
			return &record.BadRecord{Reason: record.Undecodable, Detail: fmt.Sprintf("found %s, expected a zero byte and a schema id of four bytes (framing: confluent)", record.Shorten(r.Value))}
		}
		d.b, d.start = r.Value[5:], 5
	}
	d.leaves, d.room = c.Leaves, record.MaxEntries
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
	d.err = &record.BadRecord{Reason: reason, Detail: fmt.Sprintf("%sbyte %d of %d: %s", path, d.start+p, d.start+len(d.b), fmt.Sprintf(format, args...))}
	return -1
}
