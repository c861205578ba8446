package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"shadoof/record"
)

// Bounds are the least and greatest value of a column in a row group, as statistics hold them: PLAIN, byte arrays without
// their length. Both are nil where there are none.
type bounds struct{ min, max []byte }

// Longer strings are cut in statistics: the least to a prefix, the greatest to a prefix that is made greater.
const maxBound = 64

// boundsOf are computed here and not taken from parquet-go: it orders decimals as if they had no sign, and keeps strings of
// any length in the footer. nan reports that the column holds a NaN, which has no place in any order.
func boundsOf(c *record.Column) (b bounds, nan bool) {
	switch c.Physical {
	case record.PhysBool:
		return boolBounds(c.Bools), false
	case record.PhysInt32:
		return ordered(c.Int32s, func(v int32) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }), false
	case record.PhysInt64:
		return ordered(c.Int64s, func(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }), false
	case record.PhysFloat:
		return floating(c.Floats, func(v float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)) })
	case record.PhysDouble:
		return floating(c.Doubles, func(v float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)) })
	}
	switch c.Type.Kind {
	case record.Decimal:
		return decimalBounds(c), false
	case record.String, record.Enum, record.UUID, record.JSON:
		return stringBounds(c), false
	}
	return bounds{}, false // nobody prunes by the bounds of blobs
}

func boolBounds(values []bool) bounds {
	if len(values) == 0 {
		return bounds{}
	}
	least, greatest := byte(1), byte(0)
	for _, v := range values {
		if v {
			greatest = 1
		} else {
			least = 0
		}
	}
	return bounds{[]byte{least}, []byte{greatest}}
}

func ordered[T cmp.Ordered](values []T, plain func(T) []byte) bounds {
	if len(values) == 0 {
		return bounds{}
	}
	least, greatest := values[0], values[0]
	for _, v := range values[1:] {
		least, greatest = min(least, v), max(greatest, v)
	}
	return bounds{plain(least), plain(greatest)}
}

// floating widens zero to both its signs, as the format asks. With a NaN there are no bounds: for DuckDB it is the greatest of all,
// and a row group whose bounds leave it out would not be read for "x >= 1".
func floating[T float32 | float64](values []T, plain func(T) []byte) (b bounds, nan bool) {
	if len(values) == 0 {
		return bounds{}, false
	}
	least, greatest := T(math.Inf(1)), T(math.Inf(-1))
	for _, v := range values {
		if v != v {
			return bounds{}, true
		}
		least, greatest = min(least, v), max(greatest, v)
	}
	if least == 0 {
		least = T(math.Copysign(0, -1))
	}
	if greatest == 0 {
		greatest = 0
	}
	return bounds{plain(least), plain(greatest)}, false
}

func decimalBounds(c *record.Column) bounds {
	size := record.DecimalSize(c.Type.Precision)
	var b bounds
	var buf []byte
	for i := range c.Values() {
		v, err := resize(buf[:0], c.Value(i), size)
		if err != nil {
			return bounds{} // the value fails when it is written
		}
		buf = v
		v[0] ^= 0x80 // now the order of the bytes is that of the numbers
		if b.min == nil || bytes.Compare(v, b.min) < 0 {
			b.min = append(b.min[:0], v...)
		}
		if b.max == nil || bytes.Compare(v, b.max) > 0 {
			b.max = append(b.max[:0], v...)
		}
	}
	if b.min != nil {
		b.min[0] ^= 0x80
		b.max[0] ^= 0x80
	}
	return b
}

func stringBounds(c *record.Column) bounds {
	n := c.Values()
	if n == 0 {
		return bounds{}
	}
	least := c.Value(0)
	greatest := least
	for i := 1; i < n; i++ {
		v := c.Value(i)
		if bytes.Compare(v, least) < 0 {
			least = v
		}
		if bytes.Compare(v, greatest) > 0 {
			greatest = v
		}
	}
	upper, ok := cutAbove(greatest)
	if !ok {
		return bounds{}
	}
	return bounds{append([]byte{}, cut(least)...), upper}
}

// cut returns at most maxBound bytes of s, whole runes.
func cut(s []byte) []byte {
	if len(s) <= maxBound {
		return s
	}
	n := maxBound
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cutAbove returns a valid string of at most maxBound bytes that is not below s, if there is one.
func cutAbove(s []byte) ([]byte, bool) {
	if len(s) <= maxBound {
		return append([]byte{}, s...), true
	}
	p := cut(s)
	for len(p) > 0 {
		r, n := utf8.DecodeLastRune(p)
		p = p[:len(p)-n]
		if r == utf8.RuneError && n <= 1 {
			continue
		}
		if r++; r == 0xD800 { // surrogates are no characters
			r = 0xE000
		}
		// A longer rune is greater still, and may not fit any more.
		if r <= utf8.MaxRune && len(p)+utf8.RuneLen(r) <= maxBound {
			return utf8.AppendRune(append([]byte{}, p...), r), true
		}
	}
	return nil, false
}
