package protobuf

import (
	"encoding/binary"
	"math"
	"strconv"

	"shadoof/record"
	"shadoof/record/internal/varint"
)

// value reads one value at p, of a field whose tag x stands at at, and returns the position after it, or -1.
func (d *Decoder) value(f *field, x uint64, at, p, end int, rep uint8) int {
	b := d.b[:end]
	switch f.op {
	case opMap:
		n, q := varint.Read(b, p)
		if q < 0 || n > uint64(len(b)-q) {
			return d.badLength(f.path, p, end)
		}
		p = q + int(n)
		if !(f.texts && d.texts(f, q, p, rep)) && !d.mapEntry(f, q, p, rep) {
			return -1
		}
		return p
	case opSkip:
		return d.skip(f.path, x, at, p, end)
	case opJSON, opJSONElement:
		return d.jsonValue(f, x, at, p, end, rep)
	}
	var u uint64
	switch x & 7 {
	case wireVarint:
		var q int
		if u, q = varint.Read(b, p); q < 0 {
			return d.short(f.path, p, end)
		}
		p = q
	case wireFixed64:
		if len(b)-p < 8 {
			return d.undecodable(f.path, p, "found the end of the data, expected 8 bytes")
		}
		u = binary.LittleEndian.Uint64(b[p:])
		p += 8
	case wireFixed32:
		if len(b)-p < 4 {
			return d.undecodable(f.path, p, "found the end of the data, expected 4 bytes")
		}
		u = uint64(binary.LittleEndian.Uint32(b[p:]))
		p += 4
	case wireGroup:
		if p = d.scan(f.msg, p, end, rep, x+wireEnd-wireGroup); p < 0 || f.list && !d.finish(f.msg, rep) {
			return -1
		}
		return p
	default:
		n, q := varint.Read(b, p)
		if q < 0 || n > uint64(len(b)-q) {
			return d.badLength(f.path, p, end)
		}
		p = q + int(n)
		if !d.bytes(f, q, p, rep) {
			return -1
		}
		return p
	}
	if !d.number(f, u, rep) {
		return -1
	}
	return p
}

// bytes appends what lies from p to end.
func (d *Decoder) bytes(f *field, p, end int, rep uint8) bool {
	v := d.b[p:end]
	switch f.op {
	case opMessage:
		return d.scan(f.msg, p, end, rep, noGroup) >= 0 && (!f.list || d.finish(f.msg, rep))
	case opString:
		if !record.ValidText(v) {
			d.undecodable(f.path, p, "found %s, expected UTF-8", record.Shorten(v))
			return false
		}
	case opText:
		if !record.ValidText(v) {
			d.unfit(f.path, p, "found %s, expected UTF-8 for a string", record.Shorten(v))
			return false
		}
	}
	c := &d.leaves[f.leaf]
	c.AppendLevels(f.here, rep)
	c.AppendBytes(v)
	return true
}

// number appends a number, or a bool or enum: u is what was on the wire.
func (d *Decoder) number(f *field, u uint64, rep uint8) bool {
	c := &d.leaves[f.leaf]
	switch f.op {
	case opInt32, opSfixed32:
		c.Int32s = append(c.Int32s, int32(u))
	case opInt64, opSfixed64:
		c.Int64s = append(c.Int64s, int64(u))
	case opUint32:
		c.Int64s = append(c.Int64s, int64(uint32(u)))
	case opUint64:
		c.Data = append(c.Data, 0, byte(u>>56), byte(u>>48), byte(u>>40), byte(u>>32), byte(u>>24), byte(u>>16), byte(u>>8), byte(u))
	case opSint32:
		c.Int32s = append(c.Int32s, int32(varint.Signed(u&math.MaxUint32)))
	case opSint64:
		c.Int64s = append(c.Int64s, varint.Signed(u))
	case opBool:
		c.Bools = append(c.Bools, u != 0)
	case opFloat:
		c.Floats = append(c.Floats, math.Float32frombits(uint32(u)))
	case opDouble:
		c.Doubles = append(c.Doubles, math.Float64frombits(u))
	case opEnum:
		if refused := f.enum.append(c, int32(u)); refused != "" {
			d.unfit(f.path, -1, "found the symbol %s, expected one that the target has", refused)
			return false
		}
	case opKey:
		c.Data = appendKey(c.Data, f.convert.from, u)
		c.Ends = append(c.Ends, uint32(len(c.Data)))
	case opNumber:
		f.number = int64(u)
		return true
	default:
		return d.converted(f, u, rep)
	}
	c.AppendLevels(f.here, rep)
	return true
}

// appendKey writes the key of a map as text.
func appendKey(dst []byte, from op, u uint64) []byte {
	if from == opBool {
		return strconv.AppendBool(dst, u != 0)
	}
	if v, ok := signed(from, u); ok {
		return strconv.AppendInt(dst, v, 10)
	}
	return strconv.AppendUint(dst, u, 10)
}

// again takes back the value of a field that has another: the last one stays. Messages are merged.
func (d *Decoder) again(f *field) {
	switch f.op {
	case opSkip, opMessage, opNumber, opJSON:
		return
	}
	dropLast(&d.leaves[f.leaf])
}

// undo takes back a member of a oneof that gives way to another.
func (d *Decoder) undo(m *message, f *field) {
	if m.seen[f.word]&f.bit == 0 {
		return
	}
	m.seen[f.word] &^= f.bit
	d.room -= int(f.leaves)
	switch {
	case f.op == opSkip:
	case f.op == opNumber:
		f.number = 0
	case f.op == opJSON:
		f.json.read = nil
	case f.list:
		for i := f.leaf; i < f.leaf+f.leaves; i++ {
			l := &d.leaves[i]
			at := len(l.Rep) - 1
			for l.Rep[at] >= f.rep {
				at--
			}
			l.Truncate(at)
		}
	case f.op == opMessage:
		for i := range f.msg.fields {
			d.undo(f.msg, &f.msg.fields[i])
		}
	default:
		dropLast(&d.leaves[f.leaf])
	}
}

// dropLast takes back the last value of a leaf.
func dropLast(c *record.Column) {
	if c.MaxDef > 0 {
		c.Def = c.Def[:len(c.Def)-1]
		if c.MaxRep > 0 {
			c.Rep = c.Rep[:len(c.Rep)-1]
		}
	}
	switch c.Physical {
	case record.PhysBool:
		c.Bools = c.Bools[:len(c.Bools)-1]
	case record.PhysInt32:
		c.Int32s = c.Int32s[:len(c.Int32s)-1]
	case record.PhysInt64:
		c.Int64s = c.Int64s[:len(c.Int64s)-1]
	case record.PhysFloat:
		c.Floats = c.Floats[:len(c.Floats)-1]
	case record.PhysDouble:
		c.Doubles = c.Doubles[:len(c.Doubles)-1]
	case record.PhysFixedArray:
		c.Data = c.Data[:len(c.Data)-c.Type.Size]
	default:
		n := len(c.Ends) - 1
		c.Ends = c.Ends[:n]
		c.Data = c.Data[:end(c, n)]
	}
}

// end is where the value before the n-th ends in the data of a leaf.
func end(c *record.Column, n int) uint32 {
	if n == 0 {
		return 0
	}
	return c.Ends[n-1]
}
