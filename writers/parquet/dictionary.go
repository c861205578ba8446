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
	every   bool     // also where it does not pay: only to measure
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

// After so many values it is looked whether a dictionary will pay: if there are few among them, or if those to come are among them, too.
// At first only nearly unique values need that second look.
const (
	firstLook  = 8 << 10
	secondLook = 64 << 10
	probes     = 1024
)

// pays says whether a dictionary of these is worth it, after so many values of n. What is asked is a matter of the row group alone:
// equal rows make equal files, whatever was written before. has says whether the dictionary has a value of the column.
func (d *dictionary) pays(seen, n int, has func(value int) bool) bool {
	distinct := len(d.first)
	switch {
	case d.every:
		return true
	case d.bytes > maxDictionaryBytes || distinct > n/2:
		return false
	case seen == firstLook && distinct > firstLook-firstLook/20, seen == secondLook && distinct > secondLook/2:
		return d.comesAgain(seen, n, has)
	}
	return true
}

// comesAgain estimates by some of the values to come how many distinct ones there will be in all, and how large. Values that come in
// turns, as those of machines that report every minute, are all new at first.
func (d *dictionary) comesAgain(seen, n int, has func(value int) bool) bool {
	found := 0
	for k := range probes {
		if has(seen + int(int64(k)*int64(n-seen)/probes)) {
			found++
		}
	}
	all := int64(len(d.first)) * probes // of found
	return all <= int64(n/2)*int64(found) && int64(d.bytes)*probes <= int64(maxDictionaryBytes)*int64(found)
}

func intern[T int32 | int64 | float32 | float64](d *dictionary, values []T, bits func(T) uint64) bool {
	var last uint64
	index := int32(-1)
	has := func(i int) bool {
		key := bits(values[i])
		_, has := d.find(key, mix(key, 8))
		return has
	}
	for i, v := range values {
		if key := bits(v); key != last || index < 0 {
			index = d.number(key, int32(i))
			last = key
			if index == int32(len(d.first))-1 && !d.pays(i+1, len(values), has) {
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
	at, has := d.find(key, hash)
	if !has {
		return d.add(at, hash, key, place{}, value, d.fixed)
	}
	return int32(at)
}

// find returns the index of a number, or the slot for it.
func (d *dictionary) find(key, hash uint64) (at uint64, has bool) {
	mask := uint64(len(d.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := d.slots[i]
		if slot == 0 {
			return i, false
		}
		if at := slot&math.MaxUint32 - 1; slot>>32 == hash>>32 && d.keys[at] == key {
			return at, true
		}
	}
}

func (d *dictionary) internBytes(c *record.Column, n int) bool {
	var last []byte
	index := int32(-1)
	at := place{}
	has := func(i int) bool {
		v := c.Value(i)
		_, has := d.findText(v, c.Data, hash(v))
		return has
	}
	for i := range n {
		if c.Physical == record.PhysFixedArray {
			at = place{at.to, at.to + int64(c.Type.Size)}
		} else {
			at = place{at.to, int64(c.Ends[i])}
		}
		if v := c.Data[at.from:at.to]; index < 0 || !bytes.Equal(v, last) {
			index = d.text(v, c.Data, at, int32(i))
			last = v
			if index == int32(len(d.first))-1 && !d.pays(i+1, n, has) {
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
	i, has := d.findText(v, data, hash)
	if !has {
		return d.add(i, hash, hash, at, value, len(v)+4)
	}
	return int32(i)
}

// findText returns the index of bytes, or the slot for them.
func (d *dictionary) findText(v, data []byte, hash uint64) (at uint64, has bool) {
	mask := uint64(len(d.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := d.slots[i]
		if slot == 0 {
			return i, false
		}
		if slot>>32 == hash>>32 {
			at := slot&math.MaxUint32 - 1
			if s := d.spans[at]; bytes.Equal(data[s.from:s.to], v) {
				return at, true
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
