package avro

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"shadoof/record"
)

// An op is how a step writes a value.
type op uint8

const (
	opBoolean op = iota
	opInt
	opLong
	opFloat
	opDouble
	opBytes // or a string
	opFixed
	opDecimal // bytes, as few as hold the number
	opEnum
	opRecord // that may be null: others are spliced into what is around them
	opList   // or a map: its entries are then a key and a value
)

// A step writes one value. Where it lies in the columns follows from the cursors of its leaves alone.
type step struct {
	op       op
	nullable bool
	def      uint8 // definition level from which on the value is there; of an empty list
	rep      uint8 // opList: repetition level of its second and later entries
	leaf     int32 // first leaf below here
	leaves   int32 // how many there are
	size     int   // opFixed, opDecimal: bytes in the column
	kids     []step
	symbols  *symbols
}

// A cursor is where a leaf's next entry is.
type cursor struct {
	column *record.Column
	level  int    // of the next level entry
	value  int    // of the next value
	from   uint32 // where the next value begins in Data, for byte arrays
}

// An assembler puts rows together from columns: the other way round than a decoder. Each leaf is read in order and once.
type assembler struct {
	cursors []cursor
	unknown []byte // a value that is none of its enum's symbols
}

// begin puts the cursors before the first row. The columns must be those of the plan's schema.
func (a *assembler) begin(p *plan, c *record.Columns) error {
	if len(c.Leaves) != p.leaves {
		return fmt.Errorf("rows of %d columns for a file of %d", len(c.Leaves), p.leaves)
	}
	a.cursors = a.cursors[:0]
	for i := range c.Leaves {
		l := &c.Leaves[i]
		rows, values := l.Levels(), l.Levels()
		if l.MaxDef > 0 {
			values = bytes.Count(l.Def, []byte{l.MaxDef})
		}
		if l.MaxRep > 0 {
			rows = bytes.Count(l.Rep, []byte{0})
		}
		if rows != c.Rows() || values != l.Values() {
			return fmt.Errorf("column %s: it has %d of %d rows, %d of %d values", strings.Join(l.Path, "."), rows, c.Rows(), l.Values(), values)
		}
		a.cursors = append(a.cursors, cursor{column: l})
	}
	return nil
}

// end reports a column that was not read to its end: its levels do not fit those of the others.
func (a *assembler) end() error {
	for i := range a.cursors {
		if c := &a.cursors[i]; c.value != c.column.Values() || c.column.MaxDef > 0 && c.level != len(c.column.Def) {
			return fmt.Errorf("column %s: its levels do not fit those of the columns beside it", strings.Join(c.column.Path, "."))
		}
	}
	return nil
}

// rows appends rows until dst has reached a size or there are no more, and returns how many it appended.
func (a *assembler) rows(dst []byte, steps []step, size, most int) ([]byte, int, error) {
	n := 0
	for n < most && len(dst) < size {
		dst = a.append(dst, steps)
		n++
	}
	if a.unknown != nil {
		return dst, n, fmt.Errorf("an enum's value %s is none of its symbols", record.Shorten(a.unknown))
	}
	return dst, n, nil
}

// append appends the values of the steps in turn.
func (a *assembler) append(dst []byte, steps []step) []byte {
	for i := range steps {
		s := &steps[i]
		c := &a.cursors[s.leaf]
		if s.nullable {
			if c.column.Def[c.level] < s.def {
				dst = append(dst, 0)
				a.skip(s)
				continue
			}
			dst = append(dst, 2)
		}
		switch s.op {
		case opBytes:
			end := c.column.Ends[c.value]
			dst = appendLong(dst, int64(end-c.from))
			dst = append(dst, c.column.Data[c.from:end]...)
			c.from = end
		case opLong:
			dst = appendLong(dst, c.column.Int64s[c.value])
		case opInt:
			dst = appendLong(dst, int64(c.column.Int32s[c.value]))
		case opDouble:
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(c.column.Doubles[c.value]))
		case opRecord:
			dst = a.append(dst, s.kids)
			continue // what is below has moved its cursors
		case opList:
			dst = a.list(dst, s)
			continue
		default:
			dst = a.rare(dst, s, c)
		}
		c.level++
		c.value++
	}
	return dst
}

// list appends an array or a map: one block of all entries, if there are any, and the empty one.
func (a *assembler) list(dst []byte, s *step) []byte {
	c := &a.cursors[s.leaf]
	if c.column.Def[c.level] == s.def {
		a.skip(s)
		return append(dst, 0)
	}
	entries := int64(1)
	for _, rep := range c.column.Rep[c.level+1:] {
		if rep < s.rep {
			break
		}
		if rep == s.rep {
			entries++
		}
	}
	dst = appendLong(dst, entries)
	for range entries {
		dst = a.append(dst, s.kids)
	}
	return append(dst, 0)
}

// rare appends a value of the rarer kinds.
func (a *assembler) rare(dst []byte, s *step, c *cursor) []byte {
	switch s.op {
	case opBoolean:
		if c.column.Bools[c.value] {
			return append(dst, 1)
		}
		return append(dst, 0)
	case opFloat:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(c.column.Floats[c.value]))
	case opFixed:
		return append(dst, c.column.Data[c.value*s.size:(c.value+1)*s.size]...)
	case opDecimal:
		v := shortest(c.column.Data[c.value*s.size : (c.value+1)*s.size])
		return append(appendLong(dst, int64(len(v))), v...)
	}
	end := c.column.Ends[c.value]
	v := c.column.Data[c.from:end]
	c.from = end
	at := s.symbols.index(v)
	if at < 0 {
		a.unknown = bytes.Clone(v)
		return dst
	}
	return appendLong(dst, int64(at))
}

// skip moves the leaves below s over an entry without a value.
func (a *assembler) skip(s *step) {
	for i := range a.cursors[s.leaf : s.leaf+s.leaves] {
		a.cursors[int(s.leaf)+i].level++
	}
}

// appendLong appends an int or long: zigzag, then seven bits a byte.
func appendLong(dst []byte, v int64) []byte {
	u := uint64(v)<<1 ^ uint64(v>>63)
	for u >= 0x80 {
		dst = append(dst, byte(u)|0x80)
		u >>= 7
	}
	return append(dst, byte(u))
}

// shortest leaves out what a big-endian two's complement does not need.
func shortest(v []byte) []byte {
	for len(v) > 1 && (v[0] == 0 && v[1] < 0x80 || v[0] == 0xff && v[1] >= 0x80) {
		v = v[1:]
	}
	return v
}

// symbols finds the place of an enum's value.
type symbols struct {
	list   []string
	byName map[string]int // nil where the list is short
}

const manySymbols = 12

func newSymbols(list []string) *symbols {
	s := &symbols{list: list}
	if len(list) > manySymbols {
		s.byName = make(map[string]int, len(list))
		for i, name := range list {
			s.byName[name] = i
		}
	}
	return s
}

func (s *symbols) index(v []byte) int {
	if s.byName != nil {
		if i, ok := s.byName[string(v)]; ok {
			return i
		}
		return -1
	}
	for i, name := range s.list {
		if string(v) == name {
			return i
		}
	}
	return -1
}
