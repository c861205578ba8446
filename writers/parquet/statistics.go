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

// A bounder finds the bounds of the pages of a column, and of all of them.
type bounder struct {
	column *record.Column
	dict   *dictionary
	seen   []int32 // by index of the dictionary: the last page, from 1, that had it
	pages  int32
	all    bounds
	nan    bool // a NaN has no place in any order
	gap    bool // a page has values, and no bounds
}

func newBounder(c *record.Column, d *dictionary) *bounder {
	b := &bounder{column: c, dict: d}
	if d != nil && isText(c.Type.Kind) {
		b.seen = make([]int32, d.len())
	}
	return b
}

// page returns the bounds of a page. Both are nil where it has only nulls, and where nobody prunes by the bounds: those of blobs.
func (b *bounder) page(s span) bounds {
	b.pages++
	if s.values == 0 {
		return bounds{}
	}
	c, from, to := b.column, s.value, s.value+s.values
	var found bounds
	nan := false
	switch c.Physical {
	case record.PhysBool:
		found = boolBounds(c.Bools[from:to])
	case record.PhysInt32:
		found = ordered(c.Int32s[from:to], func(v int32) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) })
	case record.PhysInt64:
		found = ordered(c.Int64s[from:to], func(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) })
	case record.PhysFloat:
		found, nan = floating(c.Floats[from:to], func(v float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)) })
	case record.PhysDouble:
		found, nan = floating(c.Doubles[from:to], func(v float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)) })
	default:
		found = b.bytes(from, to)
	}
	b.nan = b.nan || nan
	b.merge(found)
	return found
}

func (b *bounder) bytes(from, to int) bounds {
	switch {
	case b.column.Type.Kind == record.Decimal:
		return decimalBounds(b.column, from, to)
	case b.seen != nil:
		return b.dictionaryBounds(from, to)
	case isText(b.column.Type.Kind):
		return stringBounds(b.column, from, to)
	}
	return bounds{}
}

func (b *bounder) merge(page bounds) {
	if page.min == nil || b.gap {
		b.gap, b.all = true, bounds{}
		return
	}
	if b.all.min == nil || compareBounds(b.column, page.min, b.all.min) < 0 {
		b.all.min = page.min
	}
	if b.all.max == nil || compareBounds(b.column, page.max, b.all.max) > 0 {
		b.all.max = page.max
	}
}

// chunk returns the bounds of all pages so far. Without order, or with a page whose bounds are missing, no page index can be made.
func (b *bounder) chunk() (all bounds, unordered bool) {
	return b.all, b.nan || b.gap
}

func isText(k record.Kind) bool {
	switch k {
	case record.String, record.Enum, record.UUID, record.JSON:
		return true
	}
	return false
}

// compareBounds compares two bounds of a column in the order of its type.
func compareBounds(c *record.Column, a, b []byte) int {
	switch c.Physical {
	case record.PhysInt32:
		return cmp.Compare(int32(binary.LittleEndian.Uint32(a)), int32(binary.LittleEndian.Uint32(b)))
	case record.PhysInt64:
		return cmp.Compare(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
	case record.PhysFloat:
		return cmp.Compare(math.Float32frombits(binary.LittleEndian.Uint32(a)), math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case record.PhysDouble:
		return cmp.Compare(math.Float64frombits(binary.LittleEndian.Uint64(a)), math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	if c.Type.Kind == record.Decimal {
		if d := cmp.Compare(int8(a[0]), int8(b[0])); d != 0 {
			return d
		}
	}
	return bytes.Compare(a, b)
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

func decimalBounds(c *record.Column, from, to int) bounds {
	size := record.DecimalSize(c.Type.Precision)
	var b bounds
	var buf []byte
	for i := from; i < to; i++ {
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

func stringBounds(c *record.Column, from, to int) bounds {
	least := c.Value(from)
	greatest := least
	for i := from + 1; i < to; i++ {
		v := c.Value(i)
		if bytes.Compare(v, least) < 0 {
			least = v
		} else if bytes.Compare(v, greatest) > 0 {
			greatest = v
		}
	}
	return textBounds(least, greatest)
}

// dictionaryBounds looks at each distinct value of a page once.
func (b *bounder) dictionaryBounds(from, to int) bounds {
	var least, greatest []byte
	for _, index := range b.dict.indexes[from:to] {
		if b.seen[index] == b.pages {
			continue
		}
		b.seen[index] = b.pages
		v := b.column.Value(int(b.dict.first[index]))
		if least == nil {
			least, greatest = v, v
		} else if bytes.Compare(v, least) < 0 {
			least = v
		} else if bytes.Compare(v, greatest) > 0 {
			greatest = v
		}
	}
	return textBounds(least, greatest)
}

func textBounds(least, greatest []byte) bounds {
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
