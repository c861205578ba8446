package parquet

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"shadoof/record"
)

// A dictionary numbers the distinct values of a column of a row group, in the order in which they first come.
type dictionary struct {
	indexes []int32  // of each value of the column
	first   []int32  // the value of the column that an index stands for
	keys    []uint64 // of each index: the bits of a number, the hash of bytes
	spans   []place  // of each index: where its bytes lie
	slots   []uint64 // a hash table, by open addressing: half of the hash, and index + 1; 0 is free
	bytes   int      // of the distinct values in PLAIN
	fixed   int      // bytes of a number; 0 for bytes
}

// A place is where a value lies in Column.Data.
type place struct{ from, to int64 }

const (
	firstSlots         = 8 << 10 // of the table, or as many as there are values
	maxDictionaryBytes = 1 << 20
)

// build numbers the values of c. It gives up as soon as a dictionary does not pay.
func (d *dictionary) build(c *record.Column) bool {
	n := c.Values()
	if c.Physical == record.PhysBool || n < 2 {
		return false
	}
	d.indexes, d.first, d.keys, d.spans, d.bytes, d.fixed = d.indexes[:0], d.first[:0], d.keys[:0], d.spans[:0], 0, 0
	if cap(d.indexes) < n {
		d.indexes = make([]int32, 0, n)
	}
	d.grow(min(firstSlots, 1<<bits.Len(uint(n))))
	switch c.Physical {
	case record.PhysInt32:
		d.fixed = 4
		return intern(d, c.Int32s, func(v int32) uint64 { return uint64(uint32(v)) })
	case record.PhysInt64:
		d.fixed = 8
		return intern(d, c.Int64s, func(v int64) uint64 { return uint64(v) })
	case record.PhysFloat:
		d.fixed = 4
		return intern(d, c.Floats, func(v float32) uint64 { return uint64(math.Float32bits(v)) })
	case record.PhysDouble:
		d.fixed = 8
		return intern(d, c.Doubles, math.Float64bits)
	}
	return d.internBytes(c, n)
}

func (d *dictionary) len() int { return len(d.first) }

// width is how many bits an index takes. Some readers fail on indexes of no bits.
func (d *dictionary) width() int { return max(1, bits.Len32(uint32(len(d.first)-1))) }

// After so many values it is looked whether a dictionary will pay. At first only nearly unique values decide: others come again
// later, if there are not too many of them.
const (
	firstLook  = 8 << 10
	secondLook = 64 << 10
)

// pays says whether a dictionary of these is worth it, after so many values of n.
func (d *dictionary) pays(seen, n int) bool {
	distinct := len(d.first)
	switch {
	case d.bytes > maxDictionaryBytes || distinct > n/2:
		return false
	case seen == firstLook:
		return distinct <= firstLook-firstLook/20
	case seen == secondLook:
		return distinct <= secondLook/2
	}
	return true
}

func intern[T int32 | int64 | float32 | float64](d *dictionary, values []T, bits func(T) uint64) bool {
	var last uint64
	index := int32(-1)
	for i, v := range values {
		if key := bits(v); key != last || index < 0 {
			index = d.number(key, int32(i))
			last = key
			if index == int32(len(d.first))-1 && !d.pays(i+1, len(values)) {
				return false
			}
		}
		d.indexes = append(d.indexes, index)
	}
	return true
}

// number returns the index of a number, a new one if it has none.
func (d *dictionary) number(key uint64, value int32) int32 {
	hash := mix(key, 8)
	mask := uint64(len(d.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := d.slots[i]
		if slot == 0 {
			return d.add(i, hash, key, place{}, value, d.fixed)
		}
		if at := int32(slot) - 1; slot>>32 == hash>>32 && d.keys[at] == key {
			return at
		}
	}
}

func (d *dictionary) internBytes(c *record.Column, n int) bool {
	var last []byte
	index := int32(-1)
	at := place{}
	for i := range n {
		if c.Physical == record.PhysFixedArray {
			at = place{at.to, at.to + int64(c.Type.Size)}
		} else {
			at = place{at.to, int64(c.Ends[i])}
		}
		if v := c.Data[at.from:at.to]; index < 0 || !bytes.Equal(v, last) {
			index = d.text(v, c.Data, at, int32(i))
			last = v
			if index == int32(len(d.first))-1 && !d.pays(i+1, n) {
				return false
			}
		}
		d.indexes = append(d.indexes, index)
	}
	return true
}

// text returns the index of bytes, a new one if they have none.
func (d *dictionary) text(v, data []byte, at place, value int32) int32 {
	hash := hash(v)
	mask := uint64(len(d.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := d.slots[i]
		if slot == 0 {
			return d.add(i, hash, hash, at, value, len(v)+4)
		}
		if slot>>32 == hash>>32 {
			index := int32(slot) - 1
			if s := d.spans[index]; bytes.Equal(data[s.from:s.to], v) {
				return index
			}
		}
	}
}

// add gives the next index to a value, in a free slot.
func (d *dictionary) add(slot, hash, key uint64, at place, value int32, size int) int32 {
	index := int32(len(d.first))
	d.slots[slot] = hash&^math.MaxUint32 | uint64(index+1)
	d.first = append(d.first, value)
	d.keys = append(d.keys, key)
	d.spans = append(d.spans, at)
	d.bytes += size
	if 2*len(d.first) > len(d.slots) {
		d.grow(2 * len(d.slots))
	}
	return index
}

// grow makes a table of so many slots, a power of two, and puts all indexes in.
func (d *dictionary) grow(slots int) {
	if cap(d.slots) < slots {
		d.slots = make([]uint64, slots)
	}
	d.slots = d.slots[:slots]
	clear(d.slots)
	mask := uint64(slots - 1)
	for index, key := range d.keys {
		hash := key
		if d.fixed > 0 {
			hash = mix(key, 8)
		}
		i := hash & mask
		for d.slots[i] != 0 {
			i = (i + 1) & mask
		}
		d.slots[i] = hash&^math.MaxUint32 | uint64(index+1)
	}
}

// plain appends the distinct values in PLAIN.
func (d *dictionary) plain(dst []byte, c *record.Column) (_ []byte, err error) {
	for index, key := range d.keys {
		switch d.fixed {
		case 4:
			dst = binary.LittleEndian.AppendUint32(dst, uint32(key))
		case 8:
			dst = binary.LittleEndian.AppendUint64(dst, key)
		default:
			value := int(d.first[index])
			if dst, err = appendPlain(dst, c, value, value+1); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

// hash is the same in every run, and reads each byte once or twice.
func hash(b []byte) uint64 {
	n := len(b)
	h := uint64(n)
	switch {
	case n > 16:
		last := b[n-16:] // overlaps what the loop reads
		for ; len(b) > 16; b = b[16:] {
			h = mix(h^binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]))
		}
		return mix(h^binary.LittleEndian.Uint64(last), binary.LittleEndian.Uint64(last[8:]))
	case n >= 8:
		return mix(h^binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:]))
	case n >= 4:
		return mix(h^uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:])))
	case n > 0:
		return mix(h, uint64(b[0])<<16|uint64(b[n/2])<<8|uint64(b[n-1]))
	}
	return h
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9E3779B97F4A7C15, b^0xD6E8FEB86659FD93)
	return hi ^ lo
}
