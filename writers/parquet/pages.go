package parquet

import (
	pq "github.com/parquet-go/parquet-go"

	"shadoof/record"
)

// Pages end at a row, after so many rows (as parquet-java's do) or when the page buffer is full.
const (
	maxPageRows    = 20_000
	pageBufferSize = 128 << 10
	batchValues    = 1024
	batchBytes     = 64 << 10
)

// values hands out the entries of a column as parquet-go's values, in runs of whole rows.
type values struct {
	column  *record.Column
	index   int // of the column
	size    int // bytes of a decimal in the file
	entries int
	entry   int // next level entry
	value   int // next value
	batch   []pq.Value
	scratch []byte // decimals of another size
}

// reset begins with column c of a row group.
func (v *values) reset(c *record.Column, index int) {
	v.column, v.index, v.entry, v.value = c, index, 0, 0
	v.entries = c.Levels()
	v.size = record.DecimalSize(c.Type.Precision)
}

// next returns the next run of whole rows and their number; an empty run is the end. It is valid until the next call.
func (v *values) next() (run []pq.Value, rows int, err error) {
	c := v.column
	v.batch, v.scratch = v.batch[:0], v.scratch[:0]
	bytes := 0
	for v.entry < v.entries {
		var def, rep uint8
		if c.MaxRep > 0 {
			rep = c.Rep[v.entry]
		}
		if rep == 0 {
			if len(v.batch) >= batchValues || bytes >= batchBytes {
				break
			}
			rows++
		}
		if c.MaxDef > 0 {
			def = c.Def[v.entry]
		}
		val := pq.NullValue()
		if def == c.MaxDef {
			var n int
			if val, n, err = v.at(v.value); err != nil {
				return nil, 0, err
			}
			bytes += n
			v.value++
		}
		v.batch = append(v.batch, val.Level(int(rep), int(def), v.index))
		v.entry++
	}
	return v.batch, rows, nil
}

// at returns value i of the column, and how many bytes it refers to.
func (v *values) at(i int) (pq.Value, int, error) {
	c := v.column
	switch c.Physical {
	case record.PhysBool:
		return pq.BooleanValue(c.Bools[i]), 0, nil
	case record.PhysInt32:
		return pq.Int32Value(c.Int32s[i]), 0, nil
	case record.PhysInt64:
		return pq.Int64Value(c.Int64s[i]), 0, nil
	case record.PhysFloat:
		return pq.FloatValue(c.Floats[i]), 0, nil
	case record.PhysDouble:
		return pq.DoubleValue(c.Doubles[i]), 0, nil
	}
	b := c.Value(i)
	if c.Type.Kind == record.Decimal {
		b, err := v.decimal(b)
		return pq.FixedLenByteArrayValue(b), len(b), err
	}
	if c.Physical == record.PhysFixedArray {
		return pq.FixedLenByteArrayValue(b), len(b), nil
	}
	return pq.ByteArrayValue(b), len(b), nil
}

func (v *values) decimal(b []byte) ([]byte, error) {
	if len(b) == v.size {
		return b, nil
	}
	start := len(v.scratch)
	s, err := resize(v.scratch, b, v.size)
	v.scratch = s
	return s[start:], err
}

// writeColumn writes all rows of v to w, and says how many these were.
func writeColumn(w *pq.ColumnWriter, v *values) (rows int, err error) {
	page := 0
	for {
		run, n, err := v.next()
		if err != nil || len(run) == 0 {
			return rows, err
		}
		if _, err := w.WriteRowValues(run); err != nil {
			return rows, err
		}
		rows += n
		if page += n; page >= maxPageRows {
			page = 0
			if err := w.Flush(); err != nil {
				return rows, err
			}
		}
	}
}
