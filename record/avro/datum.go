package avro

import (
	"fmt"

	"shadoof/record"
	"shadoof/record/avro/internal/standard"
)

// A DatumDecoder keeps Avro data as it is: a row is the bytes of its datum, which were looked over and not taken apart. It implements
// [record.Decoder], and refuses what [Decoder] refuses, with the same words. It belongs to one writer schema: that of all its data.
type DatumDecoder struct {
	schema  *record.Schema
	skipper skipper
	columns *Decoder // says what is wrong with a datum that was not skipped, and reads the field that has a leaf
	scratch *record.Columns
}

// NewDatumDecoder makes a decoder of data that goes into Avro files as it is; several may be made from one schema. field is the
// dotted path of the plain field whose value has a leaf of its own, for partitioning; "" for none.
//
// ok is false where the schema's text cannot stand in a file: it uses what only some readers take, or there is no place in it for the
// Kafka columns. Then there is [Decoder].
func NewDatumDecoder(p *Parsed, field string) (d *DatumDecoder, ok bool) {
	datum, ok := standard.Datum(p.Text)
	if !ok {
		return nil, false
	}
	datum.Field = field
	d = &DatumDecoder{columns: NewDecoder(p), scratch: record.NewColumns(p.Schema)}
	d.schema = &record.Schema{Name: p.Schema.Name, Aliases: p.Schema.Aliases, Fields: p.Schema.Fields, Datum: datum}
	captured := int32(-1)
	if leaf, _, ok := p.Schema.Leaf(field); ok {
		captured = int32(leaf)
	}
	d.skipper = skipper{plan: skips(p.plan, captured), columns: d.columns}
	return d, true
}

// Schema implements [record.Decoder].
func (d *DatumDecoder) Schema() *record.Schema { return d.schema }

// Decode implements [record.Decoder].
func (d *DatumDecoder) Decode(c *record.Columns, r *record.Raw) error {
	if len(r.Value) == 0 || !d.skipper.whole(r.Value, c.Leaves[1:]) {
		c.Rollback()
		return d.refuse(r)
	}
	c.Leaves[0].AppendBytes(r.Value)
	return nil
}

// refuse says what is wrong with a record.
func (d *DatumDecoder) refuse(r *record.Raw) error {
	err := d.columns.Decode(d.scratch, r)
	if d.scratch.Allocated() > 1<<20 {
		d.scratch.Release()
	}
	if err == nil { // two readings of one datum: a mistake in one of them, and not the record's
		d.scratch.Rollback()
		return fmt.Errorf("avro: the datum %s can be taken apart, and not be skipped", record.Shorten(r.Value))
	}
	return err
}
