package record

import "fmt"

// Names of the columns that hold a record's own parts.
const (
	KeyColumn     = "key"
	ValueColumn   = "value"
	HeadersColumn = "headers"
)

// A plainDecoder keeps keys, values and headers as they are.
type plainDecoder struct {
	schema *Schema
	text   bool
}

// NewStringDecoder decodes the format string: key and value are nullable strings, then the headers. Bytes that are not UTF-8 are
// Undecodable. A tombstone becomes a row with a null value.
func NewStringDecoder() Decoder { return newPlain(String) }

// NewBytesDecoder decodes the format bytes: key and value are nullable bytes, then the headers. Only the name of a header that
// is not UTF-8 is Undecodable.
func NewBytesDecoder() Decoder { return newPlain(Bytes) }

func newPlain(k Kind) Decoder {
	return &plainDecoder{text: k == String, schema: &Schema{Fields: []Field{
		{Name: KeyColumn, Type: Type{Kind: k}, Nullable: true},
		{Name: ValueColumn, Type: Type{Kind: k}, Nullable: true},
		headersField(),
	}}}
}

func (d *plainDecoder) Schema() *Schema { return d.schema }

func (d *plainDecoder) Decode(c *Columns, r *Raw) error {
	if d.text {
		if err := checkText("key", r.Key); err != nil {
			return err
		}
		if err := checkText("value", r.Value); err != nil {
			return err
		}
	}
	if err := checkHeaders(r.Headers); err != nil {
		return err
	}
	c.Leaves[0].appendOptional(r.Key)
	c.Leaves[1].appendOptional(r.Value)
	appendHeaders(c.Leaves[2:4], r.Headers)
	return nil
}

func checkText(what string, b []byte) error {
	if ValidText(b) {
		return nil
	}
	return &BadRecord{Undecodable, fmt.Sprintf("%s: found %s, expected UTF-8; the format bytes takes anything", what, Shorten(b))}
}

// appendOptional appends to a nullable leaf of bytes at the top level.
func (c *Column) appendOptional(v []byte) {
	if v == nil {
		c.Def = append(c.Def, 0)
		return
	}
	c.Def = append(c.Def, 1)
	c.AppendBytes(v)
}

// Shorten quotes bytes of a record for the detail of a [BadRecord]: at most 40 of them, and printable whatever they are.
func Shorten(b []byte) string {
	const most = 40
	if len(b) <= most {
		return fmt.Sprintf("%q", b)
	}
	return fmt.Sprintf("%q… (%d bytes)", b[:most], len(b))
}
