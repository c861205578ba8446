package json

import "shadoof/record"

// NewWriter is who writes documents of these rows. A document says itself what it has: its decoders go by the target alone. A record
// whose values do not fit the target, or that lacks a field that may not be null and has no default, is Unfit.
func NewWriter(rows *record.Schema) record.Writer { return &writer{rows} }

type writer struct{ rows *record.Schema }

// Rows implements [record.Writer].
func (w *writer) Rows() *record.Schema { return w.rows }

// Decoder implements [record.Writer]. No target is a misfit as such; one that is no schema of rows, or has a default that does not fit
// its field, is another error.
func (w *writer) Decoder(target *record.Schema) (record.Decoder, error) {
	d, err := NewDecoder(target)
	if err != nil {
		return nil, err
	}
	return d, nil
}
