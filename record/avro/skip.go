package avro

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"shadoof/record"
	"shadoof/record/internal/varint"
)

// A skip is what a node is to those who want to get past its value, and to know that it is well formed.
type skip struct {
	plain  bool // neither null nor captured
	op     op
	null   nullability
	def    uint8
	holds  bool // the captured leaf is this one, or below
	texts  bool // opList: entries of nothing but strings
	leaves int32
	size   int // bytes, symbols or branches, by op

	kids     []skip
	decimals *record.Decimals
	captured []node // the one node of the captured leaf, as the first leaf of its columns
}

// skips compiles nodes. captured is the leaf whose values are wanted, or -1. It is in no list.
func skips(ns []node, captured int32) []skip {
	out := make([]skip, len(ns))
	for i := range ns {
		n := &ns[i]
		s := skip{op: n.op, null: n.null, def: n.def, leaves: n.leaves, size: n.size, decimals: n.decimals}
		s.holds = n.leaf <= captured && captured < n.leaf+n.leaves
		s.kids = skips(n.kids, captured)
		switch n.op {
		case opEnum:
			s.size = len(n.symbols)
		case opList:
			s.texts = !slices.ContainsFunc(n.kids, func(k node) bool { return k.op != opString || k.null != never })
		case opFloat:
			s.size = 4
		case opDouble:
			s.size = 8
		case opUUID, opFixedDecimal:
			s.size = n.fixedSize()
		}
		if s.holds && len(n.kids) == 0 && n.op != opNull {
			leaf := *n
			leaf.leaf = 0
			s.captured = []node{leaf}
		}
		s.plain = s.captured == nil && s.null == never
		out[i] = s
	}
	return out
}

// A skipper walks over data by the same rules as a [Decoder], which it asks for the one leaf that is captured. Positions are those of
// the decoder's walk: after the value, or -1. What is wrong is not said.
type skipper struct {
	plan    []skip
	columns *Decoder

	// During a walk:
	b      []byte
	leaf   []record.Column // of the captured leaf
	room   int
	digits []byte
}

// whole says whether b is a datum and nothing else. The captured leaf's value is appended to leaf, which is empty where there is none.
func (s *skipper) whole(b []byte, leaf []record.Column) bool {
	s.b, s.leaf, s.room = b, leaf, record.MaxEntries
	p := s.values(s.plan, 0)
	s.b, s.leaf = nil, nil // the memory is others'
	return p == len(b)
}

func (s *skipper) values(ns []skip, p int) int {
	b := s.b
	for i := range ns {
		n := &ns[i]
		if !n.plain {
			if n.captured != nil {
				if p = s.capture(n, p); p < 0 {
					return -1
				}
				continue
			}
			if p >= len(b) {
				return -1
			}
			x := b[p]
			p++
			if nullability(x+1) == n.null {
				if n.holds {
					s.leaf[0].AppendLevels(n.def-1, 0)
				}
				continue
			}
			if x != 2-byte(n.null-1) {
				return -1
			}
		}
		switch n.op {
		case opString:
			p = pastText(b, p)
		case opBytes:
			_, p = pastBytes(b, p)
		case opLong:
			p = pastLong(b, p)
		case opFloat, opDouble, opFixed, opUUID:
			if len(b)-p < n.size {
				return -1
			}
			p += n.size
		case opEnum:
			u, q := varint.Read(b, p)
			if q < 0 || u&1 != 0 || u>>1 >= uint64(n.size) {
				return -1
			}
			p = q
		case opList:
			p = s.list(n, p)
		case opRecord:
			p = s.values(n.kids, p)
		default:
			p = s.rarer(n, p)
		}
		if p < 0 {
			return -1
		}
	}
	return p
}

// pastText is the position after a string.
func pastText(b []byte, p int) int {
	var q, end int
	if p < len(b) && b[p]&0x81 == 0 { // a short length, as most have
		q = p + 1
		end = q + int(b[p]>>1)
		if end > len(b) {
			return -1
		}
	} else if q, end = pastBytes(b, p); end < 0 {
		return -1
	}
	if v := b[q:end]; len(v) >= 8 { // most are ASCII: no call for them
		all := binary.LittleEndian.Uint64(v[len(v)-8:])
		for ; len(v) > 8; v = v[8:] {
			all |= binary.LittleEndian.Uint64(v)
		}
		if all&highs == 0 {
			return end
		}
	}
	if !record.ValidText(b[q:end]) {
		return -1
	}
	return end
}

// pastBytes is where bytes begin, behind their length, and the position after them.
func pastBytes(b []byte, p int) (begin, end int) {
	u, q := varint.Read(b, p)
	if q < 0 || u&1 != 0 || u>>1 > uint64(len(b)-q) {
		return p, -1
	}
	return q, q + int(u>>1)
}

const highs = 0x8080808080808080

// pastLong is the position after a long.
func pastLong(b []byte, p int) int {
	if len(b)-p >= 10 {
		// The first byte below 0x80 ends it. The tenth has the last of 64 bits.
		switch ends := ^binary.LittleEndian.Uint64(b[p:]) & highs; {
		case ends != 0:
			return p + 1 + bits.TrailingZeros64(ends)>>3
		case b[p+8] < 0x80:
			return p + 9
		case b[p+9] <= 1:
			return p + 10
		}
		return -1
	}
	_, q := varint.Read(b, p)
	return q
}

// list walks over an array or a map, block by block.
func (s *skipper) list(n *skip, p int) int {
	for {
		u, q := varint.Read(s.b, p)
		if q < 0 {
			return -1
		}
		count, end := varint.Signed(u), -1
		if count == 0 {
			return q
		}
		p = q
		if count < 0 {
			u, q := varint.Read(s.b, p)
			if q < 0 || u&1 != 0 || u>>1 > uint64(len(s.b)-q) {
				return -1
			}
			p, end, count = q, q+int(u>>1), -count
		}
		if count < 0 || count > int64(len(s.b)-p) {
			return -1
		}
		if s.room -= int(count) * int(n.leaves); s.room < 0 {
			return -1
		}
		if n.texts {
			for count *= int64(len(n.kids)); count > 0 && p >= 0; count-- {
				p = pastText(s.b, p)
			}
		}
		for ; count > 0 && p >= 0; count-- {
			p = s.values(n.kids, p)
		}
		if p < 0 {
			return -1
		}
		if end >= 0 && p != end {
			return -1
		}
	}
}

func (s *skipper) rarer(n *skip, p int) int {
	b := s.b
	switch n.op {
	case opBool:
		if p >= len(b) || b[p] > 1 {
			return -1
		}
		return p + 1
	case opInt:
		u, q := varint.Read(b, p)
		if q < 0 || u > math.MaxUint32 {
			return -1
		}
		return q
	case opMillis:
		u, q := varint.Read(b, p)
		if q < 0 || !record.InMicros(varint.Signed(u)) {
			return -1
		}
		return q
	case opTimeMillis, opTimeMicros:
		day := uint64(86_400_000)
		if n.op == opTimeMicros {
			day *= 1000
		}
		u, q := varint.Read(b, p)
		if q < 0 || u&1 != 0 || u>>1 >= day {
			return -1
		}
		return q
	case opDecimal:
		q, end := pastBytes(b, p)
		if end < 0 {
			return -1
		}
		return s.decimal(n, q, end)
	case opFixedDecimal:
		if len(b)-p < n.size {
			return -1
		}
		return s.decimal(n, p, p+n.size)
	case opUnion:
		return s.union(n, p)
	case opNull:
		if n.holds {
			s.leaf[0].AppendLevels(n.def, 0)
		}
		return p
	}
	return -1
}

func (s *skipper) decimal(n *skip, p, end int) int {
	digits, ok := n.decimals.Append(s.digits[:0], s.b[p:end])
	s.digits = digits[:0]
	if !ok {
		return -1
	}
	return end
}

func (s *skipper) union(n *skip, p int) int {
	u, q := varint.Read(s.b, p)
	if q < 0 || u&1 != 0 || u>>1 >= uint64(len(n.kids)) {
		return -1
	}
	kid := n.kids[u>>1 : u>>1+1]
	if n.holds && !kid[0].holds {
		s.leaf[0].AppendLevels(n.def, 0)
	}
	return s.values(kid, q)
}

// capture has the decoder read the captured leaf.
func (s *skipper) capture(n *skip, p int) int {
	d := s.columns
	d.b, d.leaves = s.b, s.leaf
	p = d.fields(n.captured, p, 0)
	d.b, d.leaves, d.err = nil, nil, nil
	return p
}
