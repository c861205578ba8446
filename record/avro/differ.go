package avro

import (
	"encoding/binary"
	"math"

	"shadoof/record"
	"shadoof/record/internal/fallback"
	"shadoof/record/internal/varint"
)

// A difference is what a node knows whose writer and target differ.
type difference struct {
	value         *fallback.Value // opMissing: the default
	symbols       []string        // opSomeSymbols: of the writer; a record that is walked over: its names, as JSON has them
	found, wanted string          // opRefuse
	typ           record.Type     // opRescale: of the writer; of a leaf that is walked over
}

// differing reads what the target has otherwise than the writer.
func (d *Decoder) differing(n *node, p int, rep uint8) int {
	switch n.op {
	case opNull:
		d.nulls(n, n.def, rep)
		return p
	case opMember:
		return d.member(n, 0, p, rep)
	case opRefuse:
		return d.unfit(n, p, "found %s in the writer's union, expected %s", n.other.found, n.other.wanted)
	case opDropped:
		for i := 0; i < len(n.kids) && p >= 0; i++ {
			p = d.walk(&n.kids[i], p)
		}
		return p
	case opJSON:
		return d.json(n, p, rep)
	case opRescale:
		return d.rescale(n, p, rep)
	case opMissing:
		return d.missing(n, p, rep)
	case opSomeSymbols:
		return d.someSymbols(n, p, rep)
	case opTextOfBytes:
		return d.textOfBytes(n, p, rep)
	case opIntTimeMicros:
		return d.timeOfDay(n, p, rep)
	}
	return d.promoted(n, p, rep)
}

// promoted reads a number as one of a larger type. As the specification has it, a float or double takes the nearest number it has.
func (d *Decoder) promoted(n *node, p int, rep uint8) int {
	c := &d.leaves[n.leaf]
	if n.op == opFloatDouble {
		if len(d.b)-p < 4 {
			return d.short(n, p)
		}
		c.Doubles = append(c.Doubles, float64(math.Float32frombits(binary.LittleEndian.Uint32(d.b[p:]))))
		c.AppendLevels(n.def, rep)
		return p + 4
	}
	u, q := varint.Read(d.b, p)
	if q < 0 || u > math.MaxUint32 && n.op != opLongFloat && n.op != opLongDouble {
		return d.badVarint(n, p)
	}
	switch v := varint.Signed(u); n.op {
	case opIntLong:
		c.Int64s = append(c.Int64s, v)
	case opIntFloat, opLongFloat:
		c.Floats = append(c.Floats, float32(v))
	default:
		c.Doubles = append(c.Doubles, float64(v))
	}
	c.AppendLevels(n.def, rep)
	return q
}

// missing appends the default of what the writer lacks. The room counts its bytes: one byte of data may be an entry of a list whose
// defaults are thousands.
func (d *Decoder) missing(n *node, p int, rep uint8) int {
	if d.room -= n.other.value.Size; d.room < 0 {
		return d.unfit(n, p, "found more than %d values in the lists of one record, with their defaults", record.MaxEntries)
	}
	n.other.value.Append(d.leaves[n.leaf:n.leaf+n.leaves], rep)
	return p
}

// rescale reads a decimal as one with more digits after the point.
func (d *Decoder) rescale(n *node, p int, rep uint8) int {
	end := p + n.size
	if from := n.other.typ; from.Size == 0 {
		q := p
		if p, end = pastBytes(d.b, p); end <= p {
			return d.badLength(n, q)
		}
	} else if end > len(d.b) {
		return d.short(n, p)
	}
	more := n.decimals.Scale - n.other.typ.Scale
	wide := d.text[:0]
	for range more/2 + 1 { // ten times as much takes four bits
		wide = append(wide, byte(int8(d.b[p])>>7))
	}
	wide = append(wide, d.b[p:end]...)
	for range more {
		carry := 0
		for i := len(wide) - 1; i >= 0; i-- {
			carry += 10 * int(wide[i])
			wide[i] = byte(carry)
			carry >>= 8
		}
	}
	d.text = wide[:0]
	c := &d.leaves[n.leaf]
	data, ok := n.decimals.Append(c.Data, wide)
	if !ok {
		return d.unfit(n, p, "found the unscaled value 0x%x, expected at most %d digits", d.b[p:min(end, p+40)], n.decimals.Precision-more)
	}
	c.Data = data
	c.AppendLevels(n.def, rep)
	return end
}

func (d *Decoder) someSymbols(n *node, p int, rep uint8) int {
	u, q := varint.Read(d.b, p)
	if q < 0 || u&1 != 0 || u>>1 >= uint64(len(n.symbols)) {
		return d.badIndex(n, p, "symbol", len(n.symbols))
	}
	symbol := n.symbols[u>>1]
	if symbol == "" {
		return d.unfit(n, p, "found the symbol %s, expected one that the target has", n.other.symbols[u>>1])
	}
	c := &d.leaves[n.leaf]
	c.AppendString(symbol)
	c.AppendLevels(n.def, rep)
	return q
}

func (d *Decoder) textOfBytes(n *node, p int, rep uint8) int {
	u, q := varint.Read(d.b, p)
	if q < 0 || u&1 != 0 || u>>1 > uint64(len(d.b)-q) {
		return d.badLength(n, p)
	}
	v := d.b[q : q+int(u>>1)]
	if !record.ValidText(v) {
		return d.unfit(n, q, "found %s, expected UTF-8 for a string", record.Shorten(v))
	}
	c := &d.leaves[n.leaf]
	c.AppendBytes(v)
	c.AppendLevels(n.def, rep)
	return q + len(v)
}
