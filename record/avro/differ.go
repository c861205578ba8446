package avro

import (
	"encoding/binary"
	"math"

	"shadoof/record"
	"shadoof/record/internal/fallback"
)

// A difference is what a node knows whose writer and target differ.
type difference struct {
	value         *fallback.Value // opMissing: the default
	symbols       []string        // opSomeSymbols: of the writer; a record that is walked over: its names, as JSON has them
	found, wanted string          // opRefuse
	typ           record.Type     // of a leaf that is walked over
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
	u, q := uvarint(d.b, p)
	if q < 0 || u > math.MaxUint32 && n.op != opLongFloat && n.op != opLongDouble {
		return d.badVarint(n, p)
	}
	switch v := unzigzag(u); n.op {
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

func (d *Decoder) someSymbols(n *node, p int, rep uint8) int {
	u, q := uvarint(d.b, p)
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
	u, q := uvarint(d.b, p)
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
