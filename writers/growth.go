package writers

import (
	"math"

	"shadoof/record"
)

// Columns grow in few steps, all leaves at once, each as its own values need: appending alone would copy every value five times, and
// leave each file with what the largest has needed. A file begins small, for most of the files of a job may be small. One that
// gets many rows in a row is given the memory of a whole row group.
const (
	firstBytes = 32 << 10 // of the rows that new columns have room for
	firstRows  = 64       // of which nothing is known
	smallBytes = 1 << 20  // up to which rows may not have the memory of a whole row group
	slack      = 16       // one part in so many is added to what is needed
	hotShare   = 4        // a file is hot if it got one row in so many of the set's, since its columns are in use
)

// A density is how much of a leaf a row takes.
type density struct{ levels, values, bytes float64 }

// densities are those of columns that have rows.
func densities(c *record.Columns) []density {
	d := make([]density, len(c.Leaves))
	rows := float64(c.Rows())
	for i := range c.Leaves {
		l := &c.Leaves[i]
		d[i] = density{float64(len(l.Def)) / rows, float64(l.Values()) / rows, float64(len(l.Data)) / rows}
	}
	return d
}

// rowBytes is the memory that a row takes.
func rowBytes(c *record.Columns, d []density) float64 {
	n := 0.0
	for i := range d {
		l := &c.Leaves[i]
		n += d[i].levels
		if l.MaxRep > 0 {
			n += d[i].levels
		}
		n += d[i].bytes + d[i].values*float64(valueBytes(l.Physical))
	}
	return max(1, n)
}

// valueBytes is what a value takes besides its bytes.
func valueBytes(p record.Physical) int {
	switch p {
	case record.PhysBool:
		return 1
	case record.PhysInt32, record.PhysFloat, record.PhysByteArray:
		return 4
	case record.PhysFixedArray:
		return 0
	}
	return 8
}

// enlarge makes room for so many rows in all. What has room already stays where it is.
func enlarge(c *record.Columns, d []density, rows int) {
	for i := range d {
		l := &c.Leaves[i]
		levels, values, bytes := need(d[i].levels, rows), need(d[i].values, rows), need(d[i].bytes, rows)
		l.Data = widen(l.Data, bytes)
		if l.MaxDef > 0 {
			l.Def = widen(l.Def, levels)
		}
		if l.MaxRep > 0 {
			l.Rep = widen(l.Rep, levels)
		}
		switch l.Physical {
		case record.PhysBool:
			l.Bools = widen(l.Bools, values)
		case record.PhysInt32:
			l.Int32s = widen(l.Int32s, values)
		case record.PhysInt64:
			l.Int64s = widen(l.Int64s, values)
		case record.PhysFloat:
			l.Floats = widen(l.Floats, values)
		case record.PhysDouble:
			l.Doubles = widen(l.Doubles, values)
		case record.PhysByteArray:
			l.Ends = widen(l.Ends, values)
		}
	}
}

func need(perRow float64, rows int) int {
	n := perRow * float64(rows)
	return int(math.Ceil(n + n/slack))
}

func widen[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s
	}
	return append(make([]T, 0, n), s...)
}

// exchange moves the rows of c into the memory of spare columns of the same schema, and its own memory there.
func exchange(c, spare *record.Columns) {
	for i := range c.Leaves {
		l, m := &c.Leaves[i], &spare.Leaves[i]
		move(&l.Def, &m.Def)
		move(&l.Rep, &m.Rep)
		move(&l.Bools, &m.Bools)
		move(&l.Int32s, &m.Int32s)
		move(&l.Int64s, &m.Int64s)
		move(&l.Floats, &m.Floats)
		move(&l.Doubles, &m.Doubles)
		move(&l.Data, &m.Data)
		move(&l.Ends, &m.Ends)
	}
}

func move[T any](s, spare *[]T) {
	if cap(*spare) <= cap(*s) {
		return
	}
	*s, *spare = append((*spare)[:0], *s...), *s
}

// capacity is for how many rows columns have memory, if a row takes as much as that.
func capacity(c *record.Columns, d []density) int {
	rows := math.Inf(1)
	least := func(have int, perRow float64, size int) {
		if perRow > 0 && have*size >= 1<<10 || perRow >= 1 { // to append is cheap where values are rare
			rows = min(rows, float64(have)/perRow)
		}
	}
	for i := range d {
		l := &c.Leaves[i]
		least(cap(l.Data), d[i].bytes, 1)
		if l.MaxDef > 0 {
			least(cap(l.Def), d[i].levels, 1)
		}
		if l.Physical != record.PhysFixedArray {
			size := valueBytes(l.Physical)
			least(max(cap(l.Bools), cap(l.Int32s), cap(l.Int64s), cap(l.Floats), cap(l.Doubles), cap(l.Ends)), d[i].values, size)
		}
	}
	return int(min(rows, math.MaxInt32))
}

// newColumns are those that a file begins with: small ones, or those of a whole row group if it has filled one already.
func (s *Set) newColumns(f *File) *record.Columns {
	most := 2 * s.first()
	if f.wide {
		most = s.widest()
	}
	known := s.o.Budget.known(s.fingerprint)
	c := s.o.Budget.take(s.fingerprint, 0, most, f.wide)
	switch {
	case c != nil:
		c.Schema = s.o.Schema
	default:
		c = record.NewColumns(s.o.Schema)
		if known != nil {
			enlarge(c, known, max(1, int(float64(s.first())/rowBytes(c, known))))
		}
	}
	f.full = firstRows
	if known != nil {
		f.full = max(1, capacity(c, known))
	}
	f.since = s.seen
	s.count(f, footprint(c))
	return c
}

// first is the memory that columns begin with. A small budget has room for some of them, too.
func (s *Set) first() int64 { return min(firstBytes, s.o.RowGroupBytes/8) }

// widest is the memory that columns need for a whole row group, and no more.
func (s *Set) widest() int64 { return s.o.RowGroupBytes + s.o.RowGroupBytes/4 + firstBytes }

// grow makes room for more rows in a file whose columns are full.
func (s *Set) grow(f *File) {
	c, rows := f.columns, f.columns.Rows()
	d := densities(c)
	bytes := c.Bytes()
	hot := bytes >= smallBytes && int64(rows) >= (s.seen-f.since)/hotShare
	want := rows + rows/2
	if hot || bytes < smallBytes/4 {
		want = 2 * rows
	}
	// A row group is written when it is full; what the last batch adds to it is not worth as much again.
	group := min(float64(s.o.RowGroupRows), float64(s.o.RowGroupBytes)/rowBytes(c, d))
	if hot && s.o.Budget.hasPlenty(s.o.RowGroupBytes) {
		want = 8 * rows // memory that is not touched costs nothing; to double it again and again touches twice as much
	}
	want = min(want, int(group+group/slack))
	want = max(rows+rows/8+1, want)
	least, most := int64(float64(want)*rowBytes(c, d)), s.widest()
	switch {
	case bytes < smallBytes:
		most = 4 * least
	case !hot:
		most = 2 * least
	}
	if spare := s.o.Budget.take(s.fingerprint, least, most, hot); spare != nil {
		exchange(c, spare)
		s.o.Budget.put(s.fingerprint, spare)
	}
	enlarge(c, d, want)
	f.full = max(rows+rows/slack+1, capacity(c, d))
	s.count(f, footprint(c))
}
