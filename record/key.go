package record

import (
	"errors"
	"fmt"
)

// A KeyFormat says what becomes of a record's key.
type KeyFormat struct {
	Kind    Kind    // of the column: String or Bytes, "" for no column
	Decoder Decoder // instead of a kind: reads the key as if it were a value

	// Undecided says that nobody knows yet what the decoder's rows have: there is no column, and the decoder finds out when a key comes.
	Undecided bool
}

// KeyField is the column of keys that a decoder makes rows of: their fields in a struct, or a single field value as it is.
func KeyField(rows *Schema) Field {
	if len(rows.Fields) == 1 && rows.Fields[0].Name == ValueColumn {
		return Field{Name: KeyColumn, Type: rows.Fields[0].Type, Nullable: true}
	}
	return Field{Name: KeyColumn, Type: Type{Kind: Struct, Fields: rows.Fields}, Nullable: true}
}

// A keyDecoder adds the record's key and headers after the fields of its value.
type keyDecoder struct {
	inner   Decoder
	schema  *Schema
	format  KeyFormat
	key     int      // first leaf of the key; -1 when it is not wanted
	row     *Columns // a decoded key
	bare    Raw
	headers int // first of the two leaves of the headers; -1 when they are not wanted
}

// WithKey wraps a decoder so that its rows also have the column key (null where the record has no key) and, with headers, the column
// headers, after the value's fields. A field of the value with such a name is an error.
func WithKey(dec Decoder, format KeyFormat, headers bool) (Decoder, error) {
	in := dec.Schema()
	d := &keyDecoder{inner: dec, format: format, key: -1, headers: -1}
	fields := append([]Field(nil), in.Fields...)
	leaves := in.Leaves()
	switch {
	case format.Decoder != nil:
		d.row = NewColumns(format.Decoder.Schema())
		if !format.Undecided {
			fields = append(fields, KeyField(format.Decoder.Schema()))
		}
	case format.Kind != "":
		fields = append(fields, Field{Name: KeyColumn, Type: Type{Kind: format.Kind}, Nullable: true})
	}
	if len(fields) > len(in.Fields) {
		d.key = leaves
		leaves += fields[len(fields)-1].Type.Leaves()
	}
	if headers {
		d.headers = leaves
		fields = append(fields, headersField())
	}
	for _, f := range in.Fields {
		for _, added := range fields[len(in.Fields):] {
			if f.Name == added.Name {
				return nil, fmt.Errorf("the value has a field %s, and a column of that name is asked for by the configuration (key.format, headers)", f.Name)
			}
		}
	}
	if len(fields) == len(in.Fields) && d.row == nil {
		return dec, nil
	}
	if in.Datum != nil {
		return nil, errors.New("a key or headers are asked for (key.format, headers), and rows are datums, which have no place for them")
	}
	d.schema = &Schema{Name: in.Name, Fields: fields}
	return d, nil
}

func (d *keyDecoder) Schema() *Schema { return d.schema }

// UnknownFields is that of values and keys together: see [UnknownFields].
func (d *keyDecoder) UnknownFields() int64 {
	n := UnknownFields(d.inner)
	if d.format.Decoder != nil {
		n += UnknownFields(d.format.Decoder)
	}
	return n
}

func (d *keyDecoder) Decode(c *Columns, r *Raw) error {
	if err := d.checkKey(r); err != nil {
		return err
	}
	if d.headers >= 0 {
		if err := checkHeaders(r.Headers); err != nil {
			return err
		}
	}
	if err := d.inner.Decode(c, r); err != nil {
		return err
	}
	switch {
	case d.key < 0:
	case d.row != nil:
		d.appendKey(c.Leaves[d.key:], r.Key != nil)
	default:
		c.Leaves[d.key].appendOptional(r.Key)
	}
	if d.headers >= 0 {
		appendHeaders(c.Leaves[d.headers:d.headers+2], r.Headers)
	}
	return nil
}

// checkKey makes sure that the key can become a column. A key with fields is decoded, into the row.
func (d *keyDecoder) checkKey(r *Raw) error {
	switch {
	case d.format.Kind == String:
		return checkText("key", r.Key)
	case d.row == nil || r.Key == nil:
		return nil
	}
	d.row.Reset()
	d.bare = Raw{Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp, Value: r.Key}
	err := d.format.Decoder.Decode(d.row, &d.bare)
	d.bare = Raw{} // the key's memory is the reader's
	if err == nil && d.format.Undecided {
		return errors.New("a key was read before anybody knew what rows have of it")
	}
	if err == nil {
		return nil
	}
	if unknown := (*UnknownSchemaError)(nil); errors.As(err, &unknown) {
		return &UnknownSchemaError{ID: unknown.ID, Key: true}
	}
	if bad := (*BadRecord)(nil); errors.As(err, &bad) {
		return &BadRecord{bad.Reason, "key: " + bad.Detail}
	}
	return err
}

// appendKey appends the decoded key, one level of definition deeper where the key's own column may not be null; or a null.
func (d *keyDecoder) appendKey(leaves []Column, there bool) {
	for i := range d.row.Leaves {
		from, to := &d.row.Leaves[i], &leaves[i]
		if there {
			to.appendAll(from, to.MaxDef-from.MaxDef)
		} else {
			to.AppendLevels(0, 0)
		}
	}
}

// appendAll appends what another leaf of its type holds, so many levels deeper.
func (c *Column) appendAll(from *Column, deeper uint8) {
	if from.MaxDef == 0 {
		c.AppendLevels(deeper, 0)
	}
	for i, def := range from.Def {
		rep := uint8(0)
		if from.MaxRep > 0 {
			rep = from.Rep[i]
		}
		c.AppendLevels(def+deeper, rep)
	}
	base := uint32(len(c.Data))
	c.Bools, c.Int32s, c.Int64s = append(c.Bools, from.Bools...), append(c.Int32s, from.Int32s...), append(c.Int64s, from.Int64s...)
	c.Floats, c.Doubles, c.Data = append(c.Floats, from.Floats...), append(c.Doubles, from.Doubles...), append(c.Data, from.Data...)
	for _, end := range from.Ends {
		c.Ends = append(c.Ends, base+end)
	}
}
