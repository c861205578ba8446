package avro

import "math"

// skip walks over what nodes would read, and keeps nothing of it: the position after it, or -1.
//
// It refuses what fields refuses but for three things. A skipped string may have any bytes, a skipped decimal any number of digits, a
// skipped time of day any value: none of it is kept, and none of it moves the place where the next field begins. All that
// does is checked as ever, so that bytes of another schema do not pass for this one's.
func (d *Decoder) skip(ns []node, p int) int {
	b := d.b
	for i := range ns {
		n := &ns[i]
		if n.null != never {
			if p >= len(b) {
				return d.short(n, p)
			}
			x := b[p]
			if nullability(x+1) == n.null {
				p++
				continue
			}
			if x != 2-byte(n.null-1) {
				return d.badBranch(n, p)
			}
			p++
		}
		switch n.op {
		case opString, opBytes, opDecimal:
			u, q := uvarint(b, p)
			if q < 0 || u&1 != 0 || u>>1 > uint64(len(b)-q) || u == 0 && n.op == opDecimal {
				return d.badLength(n, p)
			}
			p = q + int(u>>1)
		case opLong, opMillis, opInt, opTimeMicros, opTimeMillis:
			u, q := uvarint(b, p)
			if q < 0 || u > math.MaxUint32 && (n.op == opInt || n.op == opTimeMillis) {
				return d.badVarint(n, p)
			}
			p = q
		case opList:
			p = d.skipList(n, p)
		case opRecord:
			p = d.skip(n.kids, p)
		case opUnion:
			u, q := uvarint(b, p)
			if q < 0 || u&1 != 0 || u>>1 >= uint64(len(n.kids)) {
				return d.badIndex(n, p, "branch", len(n.kids))
			}
			p = d.skip(n.kids[u>>1:u>>1+1], q)
		case opEnum:
			u, q := uvarint(b, p)
			if q < 0 || u&1 != 0 || u>>1 >= uint64(len(n.symbols)) {
				return d.badIndex(n, p, "symbol", len(n.symbols))
			}
			p = q
		case opBool:
			if p < len(b) && b[p] > 1 {
				return d.badBool(n, p)
			}
			p = d.skipBytes(n, p, 1)
		case opNull:
		case opFloat:
			p = d.skipBytes(n, p, 4)
		case opDouble:
			p = d.skipBytes(n, p, 8)
		default:
			p = d.skipBytes(n, p, n.fixedSize())
		}
		if p < 0 {
			return -1
		}
	}
	return p
}

func (d *Decoder) skipBytes(n *node, p, size int) int {
	if len(d.b)-p < size {
		return d.short(n, p)
	}
	return p + size
}

// skipList walks the entries one by one even where a block says how many bytes it has: a size that is wrong would put the next field
// anywhere.
func (d *Decoder) skipList(n *node, p int) int {
	for {
		at := p
		count, end, q := d.block(n, p)
		if q < 0 || count == 0 {
			return q
		}
		for p = q; count > 0; count-- {
			if p = d.skip(n.kids, p); p < 0 {
				return -1
			}
		}
		if end >= 0 && p != end {
			return d.badBlock(n, at, p, end)
		}
	}
}
