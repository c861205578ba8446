package avro

import (
	"encoding/binary"
	"encoding/hex"
	"math"

	"shadoof/record"
	"shadoof/record/internal/varint"
)

// An op is how a node's bytes are read.
type op uint8

const (
	opBool op = iota
	opInt
	opLong
	opFloat
	opDouble
	opString
	opBytes
	opFixed
	opEnum
	opUUID
	opDecimal
	opFixedDecimal
	opTimeMillis
	opTimeMicros
	opMillis // of a point in time
	opRecord // that may be null: others are spliced into what is around them
	opUnion
	opList // or map: its entries are then a key and a value
	opNull // nothing on the wire: a null in each leaf

	// What only a plan has whose writer and target differ.
	opMember // of a union of the target: kids[0]
	opRefuse // a branch of the writer's union that fits nothing of the target's
	opDropped
	opMissing // in the writer
	opJSON    // kids[0], as text
	opRescale // a decimal, to more digits after the point
	opSomeSymbols
	opTextOfBytes
	opIntTimeMicros
	opIntLong
	opIntFloat
	opIntDouble
	opLongFloat
	opLongDouble
	opFloatDouble
)

// nullability: 0, or 1 + the byte that a null begins with in a union of null and one type.
type nullability uint8

const never nullability = 0

// A node is a step of the plan: one value on the wire.
type node struct {
	op     op
	null   nullability
	levels bool  // the leaf has levels
	def    uint8 // definition level of a value here; of an empty list
	rep    uint8 // of a list's second and later entries
	leaf   int32 // first leaf below here
	leaves int32 // how many there are

	kids     []node // opUnion: by branch, each a node whose leaves are those of its member; opNull has all of them
	symbols  []string
	size     int // fixed
	decimals *record.Decimals
	path     string // for errors
	other    *difference
}

// fields walks the nodes in turn, from position p of the data, and returns the position after them, or -1. rep is the
// repetition level of what is appended first to each leaf.
func (d *Decoder) fields(ns []node, p int, rep uint8) int {
	b := d.b
	for i := range ns {
		n := &ns[i]
		if n.null != never {
			if p >= len(b) {
				return d.short(n, p)
			}
			x := b[p]
			if nullability(x+1) == n.null {
				d.nulls(n, n.def-1, rep)
				p++
				continue
			}
			if x != 2-byte(n.null-1) {
				return d.badBranch(n, p)
			}
			p++
		}
		switch n.op {
		case opString, opBytes:
			u, q := varint.Read(b, p)
			if q < 0 || u&1 != 0 || u>>1 > uint64(len(b)-q) {
				return d.badLength(n, p)
			}
			p = q + int(u>>1)
			v := b[q:p]
			if n.op == opString && !record.ValidText(v) {
				return d.undecodable(n, q, "found %s, expected UTF-8", record.Shorten(v))
			}
			c := &d.leaves[n.leaf]
			if n.levels {
				c.AppendLevels(n.def, rep)
			}
			c.Data = append(c.Data, v...)
			c.Ends = append(c.Ends, uint32(len(c.Data)))
		case opLong:
			u, q := varint.Read(b, p)
			if q < 0 {
				return d.badVarint(n, p)
			}
			p = q
			c := &d.leaves[n.leaf]
			if n.levels {
				c.AppendLevels(n.def, rep)
			}
			c.Int64s = append(c.Int64s, varint.Signed(u))
		case opMillis:
			p = d.millis(n, p, rep)
		case opInt:
			u, q := varint.Read(b, p)
			if q < 0 || u > math.MaxUint32 {
				return d.badVarint(n, p)
			}
			p = q
			c := &d.leaves[n.leaf]
			if n.levels {
				c.AppendLevels(n.def, rep)
			}
			c.Int32s = append(c.Int32s, int32(varint.Signed(u)))
		case opList:
			p = d.list(n, p, rep)
		case opRecord:
			p = d.fields(n.kids, p, rep)
		case opUnion:
			p = d.union(n, p, rep)
		default:
			p = d.scalar(n, p, rep)
		}
		if p < 0 {
			return -1
		}
	}
	return p
}

// nulls appends one entry to each leaf below n: null at the level def.
func (d *Decoder) nulls(n *node, def, rep uint8) {
	for i := range d.leaves[n.leaf : n.leaf+n.leaves] {
		d.leaves[int(n.leaf)+i].AppendLevels(def, rep)
	}
}

// list walks an array or a map: blocks of entries, the last one empty.
func (d *Decoder) list(n *node, p int, rep uint8) int {
	empty := true
	for {
		if p < len(d.b) && d.b[p] == 0 {
			p++
			break
		}
		at := p
		count, end, q := d.block(n, p)
		if q < 0 {
			return -1
		}
		if p = q; count == 0 { // in more bytes than it takes
			break
		}
		if d.room -= int(count) * int(n.leaves); d.room < 0 {
			return d.unfit(n, at, "found more than %d values in the lists of one record", record.MaxEntries)
		}
		for ; count > 0; count-- {
			if p = d.fields(n.kids, p, rep); p < 0 {
				return -1
			}
			rep = n.rep
		}
		empty = false
		if end >= 0 && p != end {
			return d.badBlock(n, at, p, end)
		}
	}
	if empty {
		d.nulls(n, n.def, rep)
	}
	return p
}

// block reads what a block begins with: how many entries, and where it ends, or -1 where it does not say. A negative count is followed
// by the block's size in bytes.
func (d *Decoder) block(n *node, p int) (count int64, end, after int) {
	at := p
	u, q := varint.Read(d.b, p)
	if q < 0 {
		return 0, 0, d.badVarint(n, p)
	}
	p = q
	if count, end = varint.Signed(u), -1; count < 0 {
		u, q := varint.Read(d.b, p)
		if q < 0 || u&1 != 0 || u>>1 > uint64(len(d.b)-q) {
			return 0, 0, d.badLength(n, p)
		}
		p, end, count = q, q+int(u>>1), -count
	}
	if count < 0 || count > int64(len(d.b)-p) { // an entry takes one byte at least
		return 0, 0, d.undecodable(n, at, "found a block of %d entries in %d bytes, expected less", uint64(count), len(d.b)-p)
	}
	return count, end, p
}

func (d *Decoder) union(n *node, p int, rep uint8) int {
	u, q := varint.Read(d.b, p)
	if q < 0 || u&1 != 0 || u>>1 >= uint64(len(n.kids)) {
		return d.badIndex(n, p, "branch", len(n.kids))
	}
	return d.member(n, int(u>>1), q, rep)
}

// member reads the branch i of a union, and says of the leaves of the other members that they are null.
func (d *Decoder) member(n *node, i, p int, rep uint8) int {
	kid := &n.kids[i]
	for l := n.leaf; l < n.leaf+n.leaves; l++ {
		if l == kid.leaf {
			if l += kid.leaves; l == n.leaf+n.leaves {
				break
			}
		}
		d.leaves[l].AppendLevels(n.def, rep)
	}
	return d.fields(n.kids[i:i+1], p, rep)
}

// scalar reads a value of the rarer kinds.
func (d *Decoder) scalar(n *node, p int, rep uint8) int {
	c, b := &d.leaves[n.leaf], d.b
	switch n.op {
	case opBool:
		if p >= len(b) {
			return d.short(n, p)
		}
		if b[p] > 1 {
			return d.badBool(n, p)
		}
		c.Bools = append(c.Bools, b[p] == 1)
		p++
	case opFloat:
		if len(b)-p < 4 {
			return d.short(n, p)
		}
		c.Floats = append(c.Floats, math.Float32frombits(binary.LittleEndian.Uint32(b[p:])))
		p += 4
	case opDouble:
		if len(b)-p < 8 {
			return d.short(n, p)
		}
		c.Doubles = append(c.Doubles, math.Float64frombits(binary.LittleEndian.Uint64(b[p:])))
		p += 8
	case opEnum:
		u, q := varint.Read(b, p)
		if q < 0 || u&1 != 0 || u>>1 >= uint64(len(n.symbols)) {
			return d.badIndex(n, p, "symbol", len(n.symbols))
		}
		c.AppendString(n.symbols[u>>1])
		p = q
	case opTimeMillis, opTimeMicros:
		return d.timeOfDay(n, p, rep)
	case opDecimal:
		u, q := varint.Read(b, p)
		if q < 0 || u&1 != 0 || u>>1 == 0 || u>>1 > uint64(len(b)-q) {
			return d.badLength(n, p)
		}
		return d.decimal(n, q, q+int(u>>1), rep)
	default:
		if n.op >= opNull {
			return d.differing(n, p, rep)
		}
		if len(b)-p < n.fixedSize() {
			return d.short(n, p)
		}
		return d.fixed(n, p, rep)
	}
	c.AppendLevels(n.def, rep)
	return p
}

func (n *node) fixedSize() int {
	if n.op == opUUID {
		return 16
	}
	return n.size
}

func (d *Decoder) fixed(n *node, p int, rep uint8) int {
	c := &d.leaves[n.leaf]
	v := d.b[p : p+n.fixedSize()]
	switch n.op {
	case opFixedDecimal:
		return d.decimal(n, p, p+len(v), rep)
	case opUUID:
		c.Data = appendUUID(c.Data, v)
		c.Ends = append(c.Ends, uint32(len(c.Data)))
	default:
		c.Data = append(c.Data, v...)
	}
	c.AppendLevels(n.def, rep)
	return p + len(v)
}

func (d *Decoder) decimal(n *node, p, end int, rep uint8) int {
	c := &d.leaves[n.leaf]
	data, ok := n.decimals.Append(c.Data, d.b[p:end])
	if !ok {
		return d.unfit(n, p, "found the unscaled value 0x%x, expected at most %d digits", d.b[p:min(end, p+40)], n.decimals.Precision)
	}
	c.Data = data
	c.AppendLevels(n.def, rep)
	return end
}

// millis reads a point in time.
func (d *Decoder) millis(n *node, p int, rep uint8) int {
	u, q := varint.Read(d.b, p)
	if q < 0 {
		return d.badVarint(n, p)
	}
	v := varint.Signed(u)
	if !record.InMicros(v) {
		return d.unfit(n, p, "found %d, expected milliseconds since 1970 that are a time in microseconds, too", v)
	}
	c := &d.leaves[n.leaf]
	if n.levels {
		c.AppendLevels(n.def, rep)
	}
	c.Int64s = append(c.Int64s, v)
	return q
}

func (d *Decoder) timeOfDay(n *node, p int, rep uint8) int {
	u, q := varint.Read(d.b, p)
	if q < 0 || n.op != opTimeMicros && u > math.MaxUint32 {
		return d.badVarint(n, p)
	}
	v, day := varint.Signed(u), int64(86_400_000)
	if n.op != opTimeMillis {
		day *= 1000
	}
	if v < 0 || v >= day {
		return d.unfit(n, p, "found %d, expected a time of day, from 0 to %d", v, day-1)
	}
	c := &d.leaves[n.leaf]
	if n.op == opTimeMillis {
		c.Int32s = append(c.Int32s, int32(v))
	} else {
		c.Int64s = append(c.Int64s, v)
	}
	c.AppendLevels(n.def, rep)
	return q
}

// appendUUID appends the 36 characters of a UUID of 16 bytes.
func appendUUID(dst, v []byte) []byte {
	dst = append(hex.AppendEncode(dst, v[:4]), '-')
	dst = append(hex.AppendEncode(dst, v[4:6]), '-')
	dst = append(hex.AppendEncode(dst, v[6:8]), '-')
	dst = append(hex.AppendEncode(dst, v[8:10]), '-')
	return hex.AppendEncode(dst, v[10:16])
}
