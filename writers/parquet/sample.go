package parquet

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sync"

	"shadoof/record"
)

const (
	sampleSize         = 64 << 10 // values looked at per column and row group
	maxDictionaryBytes = 1 << 20
)

// pays says whether a column of a row group is written with a dictionary: if at most half of a sample of its values are
// distinct, and these are small.
func pays(c *record.Column) bool {
	n := c.Values()
	if c.Physical == record.PhysBool || n < 2 {
		return false
	}
	size := min(n, sampleSize)
	set := sets.Get().(*hashSet)
	defer sets.Put(set)
	set.reset(size)
	limit, bytes := size/2, 0
	for k := range size {
		// Over the whole row group: neighbours are alike more often than not.
		hash, width := hashAt(c, int(int64(k)*int64(n)/int64(size)))
		if !set.add(hash) {
			continue
		}
		if bytes += width; set.len > limit || bytes > maxDictionaryBytes {
			return false
		}
	}
	return true
}

// hashAt hashes value i of c, the same in every run: equal rows make equal files.
func hashAt(c *record.Column, i int) (h uint64, width int) {
	switch c.Physical {
	case record.PhysInt32:
		return mix(uint64(uint32(c.Int32s[i])), 4), 4
	case record.PhysInt64:
		return mix(uint64(c.Int64s[i]), 8), 8
	case record.PhysFloat:
		return mix(uint64(math.Float32bits(c.Floats[i])), 4), 4
	case record.PhysDouble:
		return mix(math.Float64bits(c.Doubles[i]), 8), 8
	}
	b := c.Value(i)
	return hash(b), len(b) + 4
}

func hash(b []byte) uint64 {
	for h := uint64(len(b)); ; b = b[8:] {
		if len(b) <= 8 {
			var last [8]byte
			copy(last[:], b)
			return mix(h, binary.LittleEndian.Uint64(last[:]))
		}
		h = mix(h, binary.LittleEndian.Uint64(b))
	}
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9E3779B97F4A7C15, b^0xD6E8FEB86659FD93)
	return hi ^ lo
}

// A hashSet counts distinct hashes, by open addressing.
type hashSet struct {
	slots []uint64
	len   int
}

var sets = sync.Pool{New: func() any { return new(hashSet) }}

// reset empties the set and makes room for n hashes.
func (s *hashSet) reset(n int) {
	size := 1 << bits.Len(uint(2*n))
	if cap(s.slots) < size {
		s.slots = make([]uint64, size)
	}
	s.slots, s.len = s.slots[:size], 0
	clear(s.slots)
}

// add reports whether h was not in the set.
func (s *hashSet) add(h uint64) bool {
	if h == 0 {
		h = 1 // 0 is an empty slot
	}
	mask := uint64(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case h:
			return false
		case 0:
			s.slots[i] = h
			s.len++
			return true
		}
	}
}
