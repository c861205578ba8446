package record

import (
	"errors"
	"fmt"
)

// A keyDecoder adds the record's key and headers after the fields of its value.
type keyDecoder struct {
	inner   Decoder
	schema  *Schema
	text    bool
	key     int // leaf of the key; -1 when it is not wanted
	headers int // first of the two leaves of the headers; -1 when they are not wanted
}

// WithKey wraps a decoder so that its rows also have the column key (format none, string or bytes; null where the record has no key)
// and, with headers, the column headers, after the value's fields. A field of the value with such a name is an error.
func WithKey(dec Decoder, format string, headers bool) (Decoder, error) {
	in := dec.Schema()
	d := &keyDecoder{inner: dec, key: -1, headers: -1}
	fields := append([]Field(nil), in.Fields...)
	leaves := in.Leaves()
	switch format {
	case "none", "":
	case "string", "bytes":
		d.text = format == "string"
		d.key = leaves
		leaves++
		fields = append(fields, Field{Name: KeyColumn, Type: Type{Kind: Kind(format)}, Nullable: true})
	default:
		return nil, fmt.Errorf("key format %q: want none, string or bytes", format)
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
	if len(fields) == len(in.Fields) {
		return dec, nil
	}
	if in.Datum != nil {
		return nil, errors.New("a key or headers are asked for (key.format, headers), and rows are datums, which have no place for them")
	}
	d.schema = &Schema{Name: in.Name, Aliases: in.Aliases, Fields: fields}
	return d, nil
}

func (d *keyDecoder) Schema() *Schema { return d.schema }

func (d *keyDecoder) Decode(c *Columns, r *Raw) error {
	if d.key >= 0 && d.text {
		if err := checkText("key", r.Key); err != nil {
			return err
		}
	}
	if d.headers >= 0 {
		if err := checkHeaders(r.Headers); err != nil {
			return err
		}
	}
	if err := d.inner.Decode(c, r); err != nil {
		return err
	}
	if d.key >= 0 {
		c.Leaves[d.key].appendOptional(r.Key)
	}
	if d.headers >= 0 {
		appendHeaders(c.Leaves[d.headers:d.headers+2], r.Headers)
	}
	return nil
}
