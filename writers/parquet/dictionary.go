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
	slots   []int32  // a hash table, by open addressing: index + 1
	bytes   int      // of the distinct values in PLAIN
	fixed   int      // bytes of a number; 0 for bytes
}

const leastSlots = 1024

// build numbers the values of c. It gives up where the dictionary would not pay after all.
func (d *dictionary) build(c *record.Column) bool {
	n := c.Values()
	d.indexes, d.first, d.keys, d.bytes, d.fixed = d.indexes[:0], d.first[:0], d.keys[:0], 0, 0
	if cap(d.indexes) < n {
		d.indexes = make([]int32, 0, n)
	}
	d.grow(leastSlots)
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

// pays says whether the dictionary is still worth it, of n values in all.
func (d *dictionary) pays(n int) bool {
	return d.bytes <= maxDictionaryBytes && len(d.first) <= n/2
}

func intern[T int32 | int64 | float32 | float64](d *dictionary, values []T, bits func(T) uint64) bool {
	var last uint64
	index := int32(-1)
	for i, v := range values {
		if key := bits(v); key != last || index < 0 {
			var found bool
			if index, found = d.find(key, mix(key, 8), nil, nil); !found {
				d.add(key, int32(i), d.fixed)
				if !d.pays(len(values)) {
					return false
				}
			}
			last = key
		}
		d.indexes = append(d.indexes, index)
	}
	return true
}

func (d *dictionary) internBytes(c *record.Column, n int) bool {
	for i := range n {
		v := c.Value(i)
		key := hash(v)
		index, found := d.find(key, key, v, c)
		if !found {
			d.add(key, int32(i), len(v)+4)
			if !d.pays(n) {
				return false
			}
		}
		d.indexes = append(d.indexes, index)
	}
	return true
}

// find returns the index of a value, or that which it will have. v is nil for numbers: their keys are the values.
func (d *dictionary) find(key, hash uint64, v []byte, c *record.Column) (index int32, found bool) {
	mask := uint64(len(d.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		at := d.slots[i] - 1
		if at < 0 {
			d.slots[i] = int32(len(d.first)) + 1
			return int32(len(d.first)), false
		}
		if d.keys[at] == key && (c == nil || bytes.Equal(c.Value(int(d.first[at])), v)) {
			return at, true
		}
	}
}

// add gives the next index to a value that find has made room for.
func (d *dictionary) add(key uint64, value int32, size int) {
	d.first = append(d.first, value)
	d.keys = append(d.keys, key)
	d.bytes += size
	if 2*len(d.first) > len(d.slots) {
		d.grow(2 * len(d.slots))
	}
}

// grow makes a table of so many slots, a power of two, and puts all indexes in.
func (d *dictionary) grow(slots int) {
	if cap(d.slots) < slots {
		d.slots = make([]int32, slots)
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
		d.slots[i] = int32(index) + 1
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
