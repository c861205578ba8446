package protobuf

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
	"shadoof/record/internal/varint"
)

// A Decoder appends messages to columns, without values in between. It implements [record.Decoder].
type Decoder struct {
	schema  *record.Schema
	message protoreflect.MessageDescriptor
	root    *message
	unknown int64

	// While Decode runs:
	b      []byte
	leaves []record.Column
	room   int // entries of lists and maps, times their leaves, that the row may still have
	err    *record.BadRecord

	groups  []uint64 // open unknown groups
	dropped []bool   // entries of a map that another follows with the same key
	table   []int32  // of the keys of a map
	text    []byte   // of JSON
	names   map[protoreflect.MessageDescriptor]string
}

// Schema implements [record.Decoder].
func (d *Decoder) Schema() *record.Schema { return d.schema }

// UnknownFields is how many fields were left out of the rows so far because the writer's schema does not name them. Fields within a
// column of JSON do not count.
func (d *Decoder) UnknownFields() int64 { return d.unknown }

// Decode implements [record.Decoder].
func (d *Decoder) Decode(c *record.Columns, r *record.Raw) error {
	if r.Value == nil {
		return &record.BadRecord{Reason: record.Tombstone, Detail: "the record has no value"}
	}
	return d.decode(c, r.Value, 0)
}

// decode reads the message that begins at from.
func (d *Decoder) decode(c *record.Columns, value []byte, from int) error {
	unknown := d.unknown
	d.b, d.leaves, d.room = value, c.Leaves, record.MaxEntries
	ok := d.scan(d.root, from, len(value), 0, noGroup) >= 0 && d.finish(d.root, 0)
	d.b, d.leaves = nil, nil // the value's memory is the reader's
	if ok {
		return nil
	}
	c.Rollback()
	d.root.reset()
	d.unknown = unknown
	err := d.err
	d.err = nil
	return err
}

// undecodable notes what is wrong with the bytes from p on, and returns the position that stops the walk. p is -1 for what is wrong with
// a message as a whole.
func (d *Decoder) undecodable(path string, p int, format string, args ...any) int {
	return d.fail(record.Undecodable, path, p, format, args)
}

func (d *Decoder) unfit(path string, p int, format string, args ...any) int {
	return d.fail(record.Unfit, path, p, format, args)
}

func (d *Decoder) fail(reason record.Reason, path string, p int, format string, args []any) int {
	detail := fmt.Sprintf(format, args...)
	if p >= 0 {
		detail = fmt.Sprintf("byte %d of %d: %s", p, len(d.b), detail)
	}
	if path != "" {
		detail = path + ": " + detail
	}
	d.err = &record.BadRecord{Reason: reason, Detail: detail}
	return -1
}

func (d *Decoder) tooMany(path string, p int) int {
	return d.unfit(path, p, "found more than %d values in the lists of one record", record.MaxEntries)
}

// short says why a varint cannot be read at p.
func (d *Decoder) short(path string, p, end int) int {
	if end-p < 10 {
		return d.undecodable(path, p, "found the end of the data, expected a number")
	}
	return d.undecodable(path, p, "found a number of more than 64 bits")
}

func (d *Decoder) badLength(path string, p, end int) int {
	n, q := varint.Read(d.b[:end], p)
	if q < 0 {
		return d.short(path, p, end)
	}
	return d.undecodable(path, p, "found the length %d, expected at most the %d bytes left", n, end-q)
}
