package record

// A nullsDecoder makes rows of records without a value.
type nullsDecoder struct{ Decoder }

// WithNulls wraps a decoder all of whose fields may be null, so that a record without a value is a row of nulls.
func WithNulls(d Decoder) Decoder { return nullsDecoder{d} }

func (d nullsDecoder) UnknownFields() int64 { return UnknownFields(d.Decoder) }

func (d nullsDecoder) Decode(c *Columns, r *Raw) error {
	if r.Value != nil {
		return d.Decoder.Decode(c, r)
	}
	for i := range d.Schema().Leaves() {
		c.Leaves[i].AppendLevels(0, 0)
	}
	return nil
}
