package parquet

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/parquet-go/parquet-go/encoding/rle"

	"shadoof/record"
)

// encode puts the body of a data page (V1) into the scratch: repetition levels, definition levels, values.
func (w *chunkWriter) encode(s span) (err error) {
	c := w.column
	w.scratch.page = w.scratch.page[:0]
	if c.MaxRep > 0 {
		if err := w.appendLevels(c.Rep[s.entry:s.entry+s.entries], c.MaxRep); err != nil {
			return err
		}
	}
	if c.MaxDef > 0 {
		if err := w.appendLevels(c.Def[s.entry:s.entry+s.entries], c.MaxDef); err != nil {
			return err
		}
	}
	if w.dict != nil {
		return w.appendIndexes(w.dict.indexes[s.value : s.value+s.values])
	}
	w.scratch.page, err = appendPlain(w.scratch.page, c, s.value, s.value+s.values)
	return err
}

// appendLevels appends levels, with their length before them.
func (w *chunkWriter) appendLevels(levels []uint8, most uint8) (err error) {
	e := rle.Encoding{BitWidth: bits.Len8(most)}
	if w.scratch.levels, err = e.EncodeLevels(w.scratch.levels[:0], levels); err != nil {
		return err
	}
	w.scratch.page = binary.LittleEndian.AppendUint32(w.scratch.page, uint32(len(w.scratch.levels)))
	w.scratch.page = append(w.scratch.page, w.scratch.levels...)
	return nil
}

// appendIndexes appends indexes of the dictionary, with their width before them.
func (w *chunkWriter) appendIndexes(indexes []int32) (err error) {
	e := rle.Encoding{BitWidth: w.dict.width()}
	if w.scratch.indexes, err = e.EncodeInt32(w.scratch.indexes[:0], indexes); err != nil {
		return err
	}
	w.scratch.page = append(w.scratch.page, byte(e.BitWidth))
	w.scratch.page = append(w.scratch.page, w.scratch.indexes...)
	return nil
}

// appendPlain appends the values [from, to) of a column in PLAIN.
func appendPlain(dst []byte, c *record.Column, from, to int) ([]byte, error) {
	switch c.Physical {
	case record.PhysBool:
		return appendBits(dst, c.Bools[from:to]), nil
	case record.PhysInt32:
		return binary.Append(dst, binary.LittleEndian, c.Int32s[from:to])
	case record.PhysInt64:
		return binary.Append(dst, binary.LittleEndian, c.Int64s[from:to])
	case record.PhysFloat:
		return binary.Append(dst, binary.LittleEndian, c.Floats[from:to])
	case record.PhysDouble:
		return binary.Append(dst, binary.LittleEndian, c.Doubles[from:to])
	case record.PhysFixedArray:
		return appendFixed(dst, c, from, to)
	}
	start := uint32(0)
	if from > 0 {
		start = c.Ends[from-1]
	}
	for _, end := range c.Ends[from:to] {
		dst = binary.LittleEndian.AppendUint32(dst, end-start)
		dst = append(dst, c.Data[start:end]...)
		start = end
	}
	return dst, nil
}

// appendBits appends booleans, one bit each, the first in the lowest bit of a byte.
func appendBits(dst []byte, values []bool) []byte {
	for len(values) > 0 {
		b := byte(0)
		n := min(8, len(values))
		for i, v := range values[:n] {
			if v {
				b |= 1 << i
			}
		}
		dst, values = append(dst, b), values[n:]
	}
	return dst
}

func appendFixed(dst []byte, c *record.Column, from, to int) (_ []byte, err error) {
	size := c.Type.Size
	if c.Type.Kind == record.Decimal {
		size = record.DecimalSize(c.Type.Precision)
	}
	if size == c.Type.Size {
		return append(dst, c.Data[from*size:to*size]...), nil
	}
	for i := from; i < to; i++ {
		if dst, err = resize(dst, c.Value(i), size); err != nil {
			return dst, fmt.Errorf("value %d: %w", i, err)
		}
	}
	return dst, nil
}
