package record

import (
	"encoding/binary"
	"fmt"
)

// HeaderBytes is the length of Confluent's framing: a zero byte, and the id of the writer's schema in a registry, big-endian.
const HeaderBytes = 5

// SchemaID reads the schema id of a value with Confluent's framing. ok is false when the value has no such header.
func SchemaID(value []byte) (id int32, ok bool) {
	if len(value) < HeaderBytes || value[0] != 0 {
		return 0, false
	}
	return int32(binary.BigEndian.Uint32(value[1:])), true
}

// An UnknownSchemaError is the error of a decoder that has not met the id of a record's schema: whoever decodes finds out about it
// and tries again.
type UnknownSchemaError struct {
	ID  int32
	Key bool // of the record's key, not of its value
}

func (e *UnknownSchemaError) Error() string {
	return fmt.Sprintf("schema %d was not looked up yet", e.ID)
}

// A FramedDecoder takes the header off each value, and leaves the rest to the decoder of the schema that it names.
type FramedDecoder struct {
	schema *Schema
	find   func(id int32) (Decoder, error)
	last   Decoder // of lastID
	lastID int32
	known  map[int32]Decoder
	bare   Raw
}

// NewFramedDecoder makes a decoder of rows of a target. find makes a decoder for a schema; its errors are what Decode answers: an
// *UnknownSchemaError, or a *BadRecord for a schema of which nothing can be read. It is asked again after each error.
func NewFramedDecoder(target *Schema, find func(id int32) (Decoder, error)) *FramedDecoder {
	return &FramedDecoder{schema: target, find: find, known: map[int32]Decoder{}}
}

// UnknownFields is that of all its decoders together: see [UnknownFields].
func (d *FramedDecoder) UnknownFields() (n int64) {
	for _, dec := range d.known {
		n += UnknownFields(dec)
	}
	return n
}

// Schema implements [Decoder].
func (d *FramedDecoder) Schema() *Schema { return d.schema }

// Decode implements [Decoder].
func (d *FramedDecoder) Decode(c *Columns, r *Raw) error {
	if r.Value == nil {
		return &BadRecord{Tombstone, "the record has no value"}
	}
	id, ok := SchemaID(r.Value)
	if !ok {
		return &BadRecord{Undecodable, fmt.Sprintf("found %s, expected a zero byte and a schema id of four bytes (value.framing: confluent)", Shorten(r.Value))}
	}
	if d.last == nil || id != d.lastID {
		dec, ok := d.known[id]
		if !ok {
			var err error
			if dec, err = d.find(id); err != nil {
				return err
			}
			d.known[id] = dec
		}
		d.last, d.lastID = dec, id
	}
	d.bare = *r
	d.bare.Value = r.Value[HeaderBytes:]
	err := d.last.Decode(c, &d.bare)
	d.bare = Raw{} // the value's memory is the reader's
	return err
}
