package protobuf

import (
	"encoding/binary"

	"shadoof/record"
	"shadoof/record/internal/varint"
)

// noGroup is the end of no group: a message that is none ends where its bytes end.
const noGroup = 0

// scan reads the fields of a message, or of a part of one, from p to end, and returns the position after it, or -1. rep is the
// repetition level of what is appended first to each leaf. group is the tag that ends the message.
//
// What the message lacks is filled in by finish: the message may go on in another part.
func (d *Decoder) scan(m *message, p, end int, rep uint8, group uint64) int {
	b, byTag, fields, seen := d.b[:end], m.byTag, m.fields, m.seen
	for p < len(b) {
		at := p
		x := uint64(b[p])
		if p++; x >= 0x80 {
			if x, p = varint.ReadLong(b, at); p < 0 {
				return d.short(m.path, at, end)
			}
		}
		var i uint16
		if x < uint64(len(byTag)) {
			i = byTag[x]
		}
		if i-1 >= fieldIndex { // also where it is 0
			if x == group && x != noGroup {
				return p
			}
			if p = d.unusual(m, i, x, at, p, end, rep); p < 0 {
				return -1
			}
			continue
		}
		f := &fields[i-1]
		r := rep
		if s := &seen[f.word]; *s&f.bit == 0 {
			*s |= f.bit
		} else if f.list {
			r = f.rep
		} else {
			d.again(f)
		}
		if f.cost > 0 {
			if d.room -= int(f.cost); d.room < 0 {
				return d.tooMany(f.path, at)
			}
		}
		switch f.op {
		case opString, opBytes:
			n, q := varint.Read(b, p)
			if q < 0 || n > uint64(len(b)-q) {
				return d.badLength(f.path, p, end)
			}
			p = q + int(n)
			v := b[q:p]
			if f.op == opString && !record.ValidText(v) {
				return d.undecodable(f.path, q, "found %s, expected UTF-8", record.Shorten(v))
			}
			c := &d.leaves[f.leaf]
			if f.levels {
				c.AppendLevels(f.here, r)
			}
			c.Data = append(c.Data, v...)
			c.Ends = append(c.Ends, uint32(len(c.Data)))
		case opInt64:
			u, q := varint.Read(b, p)
			if q < 0 {
				return d.short(f.path, p, end)
			}
			p = q
			c := &d.leaves[f.leaf]
			if f.levels {
				c.AppendLevels(f.here, r)
			}
			c.Int64s = append(c.Int64s, int64(u))
		default:
			if p = d.value(f, x, at, p, end, r); p < 0 {
				return -1
			}
		}
	}
	if group != noGroup {
		return d.undecodable(m.path, end, "found the end of the data, expected the end of a group")
	}
	return p
}

// unusual reads a field that is not just a value to be appended.
func (d *Decoder) unusual(m *message, i uint16, x uint64, at, p, end int, rep uint8) int {
	if i == 0 && m.large != nil {
		i = m.large[x]
	}
	if i == 0 {
		return d.unknownField(m, x, at, p, end)
	}
	f := &m.fields[i&fieldIndex-1]
	if i&packed != 0 && f.op != opSkip && f.op != opJSON {
		return d.packed(m, f, p, end, rep)
	}
	if f.dropsNumbers() {
		if u, q := varint.Read(d.b[:end], p); q >= 0 && !d.named(m, f, u) {
			return q
		}
	}
	if f.oneof > 0 {
		if before := m.oneofs[f.oneof-1]; before != 0 && before != int32(i&fieldIndex) {
			d.undo(m, &m.fields[before-1])
		}
		m.oneofs[f.oneof-1] = int32(i & fieldIndex)
	}
	seen := m.seen[f.word]
	rep = d.entry(m, f, rep)
	if d.room < 0 {
		return d.tooMany(f.path, at)
	}
	q := d.value(f, x, at, p, end, rep)
	if f.op == opMap && f.msg.lost { // nothing came of the entry
		f.msg.lost = false
		m.seen[f.word] = seen
	}
	return q
}

// named says whether a closed enum has a number. One that it has not is an unknown field.
func (d *Decoder) named(m *message, f *field, u uint64) bool {
	_, ok := f.enum.name(int32(u))
	if !ok {
		d.unknown++
		m.lost = true
	}
	return ok
}

// entry notes that a field has one more value, and returns the repetition level of it. The caller looks at the room.
func (d *Decoder) entry(m *message, f *field, rep uint8) uint8 {
	d.room -= int(f.cost)
	seen := &m.seen[f.word]
	if *seen&f.bit == 0 {
		*seen |= f.bit
		return rep
	}
	if f.list {
		return f.rep
	}
	d.again(f)
	return rep
}

// packed reads many numbers from one value.
func (d *Decoder) packed(m *message, f *field, p, end int, rep uint8) int {
	n, q := varint.Read(d.b[:end], p)
	if q < 0 || n > uint64(end-q) {
		return d.badLength(f.path, p, end)
	}
	p, end = q, q+int(n)
	b := d.b[:end]
	for p < end {
		at := p
		var u uint64
		switch f.wire {
		case wireFixed64:
			if p += 8; p <= end {
				u = binary.LittleEndian.Uint64(b[at:])
			}
		case wireFixed32:
			if p += 4; p <= end {
				u = uint64(binary.LittleEndian.Uint32(b[at:]))
			}
		default:
			if u, p = varint.Read(b, p); p < 0 {
				return d.short(f.path, at, end)
			}
		}
		if p > end {
			return d.undecodable(f.path, end, "found the end of the data within a number")
		}
		if f.dropsNumbers() && !d.named(m, f, u) {
			continue
		}
		r := d.entry(m, f, rep)
		if d.room < 0 {
			return d.tooMany(f.path, at)
		}
		if !d.number(f, u, r) {
			return -1
		}
	}
	return p
}
