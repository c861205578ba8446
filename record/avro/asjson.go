package avro

import (
	"encoding/base64"
	"slices"

	"shadoof/record"
)

// json prints a value into a column of JSON, as record/json reads it: integers and decimals are exact numbers, bytes base64, instants
// RFC 3339, a union its bare value; NaN and infinity are strings. Few bytes of data may be long words of JSON: there is a limit.
func (d *Decoder) json(n *node, p int, rep uint8) int {
	c := &d.leaves[n.leaf]
	d.text, d.prints, d.most = c.Data, true, len(c.Data)+record.MaxEntries+6*len(d.b)
	p = d.walk(&n.kids[0], p)
	c.Data, d.text, d.prints = d.text, nil, false
	if p < 0 {
		return -1
	}
	c.Ends = append(c.Ends, uint32(len(c.Data)))
	c.AppendLevels(n.def, rep)
	return p
}

// special says of a byte that it does not stand for itself in a text of JSON, or not alone.
func special(c byte) bool { return c < ' ' || c == '"' || c == '\\' || c >= 0x7f }

func (d *Decoder) print(s string) {
	if d.prints {
		d.text = append(d.text, s...)
	}
}

// printBytes prints a string, bytes, a fixed or a decimal, and returns the position after it.
func (d *Decoder) printBytes(n *node, p, end int) int {
	if !d.prints {
		return end
	}
	v := d.b[p:end]
	switch n.op {
	case opString:
		switch {
		case !slices.ContainsFunc(v, special): // most are: nothing to allocate
			d.text = append(append(append(d.text, '"'), v...), '"')
		case !record.ValidText(v):
			return d.undecodable(n, p, "found %s, expected UTF-8", record.Shorten(v))
		default:
			d.text = record.AppendText(d.text, string(v))
		}
	case opDecimal, opFixedDecimal:
		d.text = record.AppendDecimal(d.text, v, n.other.typ.Scale)
	case opUUID:
		d.text = append(appendUUID(append(d.text, '"'), v), '"')
	default:
		d.text = append(base64.StdEncoding.AppendEncode(append(d.text, '"'), v), '"')
	}
	return end
}
