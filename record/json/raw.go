package json

import "shadoof/record"

// NewRaw makes a decoder that keeps each value as it is in one column, value, of the kind JSON, after checking that it is JSON. A
// tombstone becomes a row with a null.
func NewRaw() record.Decoder {
	return &rawDecoder{schema: &record.Schema{Fields: []record.Field{
		{Name: record.ValueColumn, Type: record.Type{Kind: record.JSON}, Nullable: true},
	}}}
}

type rawDecoder struct {
	schema *record.Schema
	d      Decoder
}

func (r *rawDecoder) Schema() *record.Schema { return r.schema }

func (r *rawDecoder) Decode(c *record.Columns, raw *record.Raw) error {
	l := &c.Leaves[0]
	if raw.Value == nil {
		l.AppendLevels(0, 0)
		return nil
	}
	d := &r.d
	d.b = raw.Value
	from := space(d.b, 0)
	p := d.skip(from)
	ok := p >= 0 && d.end(p) >= 0
	d.b = nil
	if !ok {
		err := d.err
		d.err = nil
		return err
	}
	l.AppendLevels(1, 0)
	l.AppendBytes(raw.Value[from:p])
	return nil
}
