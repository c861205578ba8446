package protobuf

import (
	"math"

	"shadoof/record/internal/varint"
)

const (
	maxNumber     = 1<<29 - 1 // of a field
	maxGroupDepth = 10_000    // of groups that are unknown fields
)

// unknownField looks over a field that the schema does not name, whose tag x stands at at, and returns the position after it.
func (d *Decoder) unknownField(m *message, x uint64, at, p, end int) int {
	if n := x >> 3; n == 0 || n > maxNumber {
		return d.undecodable(m.path, at, "found the field number %d, expected one from 1 to %d", n, maxNumber)
	}
	d.unknown++
	return d.skip(m.path, x, at, p, end)
}

// skip returns the position after the value at p of a field with the tag x.
func (d *Decoder) skip(path string, x uint64, at, p, end int) int {
	b := d.b[:end]
	open := d.groups[:0]
	for {
		switch x & 7 {
		case wireVarint:
			_, q := varint.Read(b, p)
			if q < 0 {
				return d.short(path, p, end)
			}
			p = q
		case wireFixed64:
			p += 8
		case wireFixed32:
			p += 4
		case wireBytes:
			n, q := varint.Read(b, p)
			if q < 0 || n > uint64(end-q) {
				return d.badLength(path, p, end)
			}
			p = q + int(n)
		case wireGroup:
			if len(open) == maxGroupDepth {
				return d.undecodable(path, at, "found groups nested deeper than %d", maxGroupDepth)
			}
			open = append(open, x+wireEnd-wireGroup)
			d.groups = open
		case wireEnd:
			if len(open) == 0 || open[len(open)-1] != x {
				return d.undecodable(path, at, "found the end of a group of field %d that did not begin", x>>3)
			}
			open = open[:len(open)-1]
		default:
			return d.undecodable(path, at, "found the wire type %d, expected one from 0 to 5", x&7)
		}
		if p > end {
			return d.undecodable(path, end, "found the end of the data within a value of field %d", x>>3)
		}
		if len(open) == 0 {
			return p
		}
		at = p
		if x, p = varint.Read(b, p); p < 0 {
			return d.short(path, at, end)
		}
		if n := x >> 3; n == 0 || n > math.MaxInt32 {
			return d.undecodable(path, at, "found the field number %d, expected one from 1 to %d", n, maxNumber)
		}
	}
}
