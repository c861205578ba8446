package record

// Columns holds rows, column by column: one [Column] per leaf of the schema, in the order of a depth-first walk, with Dremel
// definition and repetition levels as Parquet defines them (a list adds the groups list.element, a map key_value.{key,value}).
// A row is begun by appending to leaves and ended by EndRow; Rollback takes an open row back exactly.
//
// Where the schema says that rows are datums the leaves are those that [Datum] names.
type Columns struct {
	Schema *Schema
	Leaves []Column

	rows     int
	repeated []int // leaves with MaxRep > 0: the only ones whose rows differ in their number of levels
	kafka    int   // index of the first Kafka column; -1 when the schema has none
	datums   bool  // the Kafka columns go into the datums
}

// NewColumns makes empty columns for a schema that [Schema.Validate] accepts.
func NewColumns(s *Schema) *Columns {
	c := &Columns{Schema: s, kafka: -1}
	if s.Datum != nil {
		c.Leaves = s.datumLeaves()
		c.datums = s.HasKafkaColumns()
		return c
	}
	for _, f := range s.Fields {
		c.addLeaves(f, nil, 0, 0)
	}
	for i := range c.Leaves {
		if c.Leaves[i].MaxRep > 0 {
			c.repeated = append(c.repeated, i)
		}
	}
	if s.HasKafkaColumns() {
		c.kafka = len(c.Leaves) - 3
	}
	return c
}

// addLeaves appends the leaves of f, which lies in the group path at the levels def and rep.
func (c *Columns) addLeaves(f Field, path []string, def, rep uint8) {
	path = append(path[:len(path):len(path)], f.Name)
	if f.Nullable {
		def++
	}
	switch f.Type.Kind {
	case Struct:
		for _, m := range f.Type.Fields {
			c.addLeaves(m, path, def, rep)
		}
	case List:
		e := *f.Type.Elem
		e.Name = "element"
		c.addLeaves(e, append(path, "list"), def+1, rep+1)
	case Map:
		path = append(path, "key_value")
		c.addLeaves(Field{Name: "key", Type: Type{Kind: String}}, path, def+1, rep+1)
		v := *f.Type.Elem
		v.Name = "value"
		c.addLeaves(v, path, def+1, rep+1)
	default:
		l := Column{Path: path, MaxDef: def, MaxRep: rep}
		l.setType(f.Type)
		c.Leaves = append(c.Leaves, l)
	}
}

// Rows is the number of ended rows.
func (c *Columns) Rows() int { return c.rows }

// EndRow ends the open row. Each leaf must have got what the row has for it; an open row without anything is an error of the
// caller that shows in the levels.
func (c *Columns) EndRow() {
	c.rows++
	for _, i := range c.repeated {
		l := &c.Leaves[i]
		l.rowLevels = len(l.Def)
	}
}

// Rollback takes the open row back, also a half-built one: afterwards the columns hold the ended rows and nothing else. It relies
// on a leaf's levels and value being appended together. Without an open row it does nothing.
func (c *Columns) Rollback() {
	for i := range c.Leaves {
		l := &c.Leaves[i]
		switch {
		case l.MaxDef == 0:
			l.keepValues(c.rows)
		case l.MaxRep == 0:
			l.Truncate(c.rows)
		default:
			l.Truncate(l.rowLevels)
		}
	}
}

// Reset takes all rows out and keeps the memory for the next ones.
func (c *Columns) Reset() {
	c.rows = 0
	for i := range c.Leaves {
		l := &c.Leaves[i]
		l.Def, l.Rep, l.rowLevels = l.Def[:0], l.Rep[:0], 0
		l.Bools, l.Int32s, l.Int64s, l.Floats, l.Doubles = l.Bools[:0], l.Int32s[:0], l.Int64s[:0], l.Floats[:0], l.Doubles[:0]
		l.Data, l.Ends = l.Data[:0], l.Ends[:0]
	}
}

// Release takes all rows out and gives the memory back.
func (c *Columns) Release() {
	c.rows = 0
	for i := range c.Leaves {
		l := &c.Leaves[i]
		c.Leaves[i] = Column{Path: l.Path, Type: l.Type, Physical: l.Physical, MaxDef: l.MaxDef, MaxRep: l.MaxRep}
	}
}

// Bytes is the memory that the rows take, without what is allocated ahead of them. It costs a few nanoseconds per leaf.
func (c *Columns) Bytes() int64 {
	n := 0
	for i := range c.Leaves {
		l := &c.Leaves[i]
		n += len(l.Def) + len(l.Rep) + len(l.Bools) + 4*(len(l.Int32s)+len(l.Floats)+len(l.Ends)) + 8*(len(l.Int64s)+len(l.Doubles)) + len(l.Data)
	}
	return int64(n)
}

// Allocated is the memory that the columns hold, used or not: what a limit has to count. Reset keeps it, Release frees it.
func (c *Columns) Allocated() int64 {
	n := 0
	for i := range c.Leaves {
		l := &c.Leaves[i]
		n += cap(l.Def) + cap(l.Rep) + cap(l.Bools) + 4*(cap(l.Int32s)+cap(l.Floats)+cap(l.Ends)) + 8*(cap(l.Int64s)+cap(l.Doubles)) + cap(l.Data)
	}
	return int64(n)
}

// AppendKafka appends the Kafka columns of the open row: where the record lies, and its timestamp in milliseconds. Where the schema
// has no Kafka columns it does nothing.
func (c *Columns) AppendKafka(partition int32, offset, timestamp int64) {
	if c.datums {
		c.Leaves[datumLeaf].appendKafkaFields(partition, offset, toMicros(timestamp))
	}
	if c.kafka < 0 {
		return
	}
	l := c.Leaves[c.kafka:]
	l[0].Int32s = append(l[0].Int32s, partition)
	l[1].Int64s = append(l[1].Int64s, offset)
	l[2].Int64s = append(l[2].Int64s, toMicros(timestamp))
}

// LastInt64 reads the value that was appended last to a leaf that is not repeated, of the physical type int32 or int64: in an open
// row, the row's. null is also true when the leaf is of another type, or nothing was appended.
func (c *Columns) LastInt64(leaf int) (v int64, null bool) {
	l := &c.Leaves[leaf]
	switch {
	case l.lastIsNull():
		return 0, true
	case len(l.Int64s) > 0:
		return l.Int64s[len(l.Int64s)-1], false
	case len(l.Int32s) > 0:
		return int64(l.Int32s[len(l.Int32s)-1]), false
	}
	return 0, true
}

// LastDouble is LastInt64 for leaves of doubles.
func (c *Columns) LastDouble(leaf int) (v float64, null bool) {
	l := &c.Leaves[leaf]
	if n := len(l.Doubles); n > 0 && !l.lastIsNull() {
		return l.Doubles[n-1], false
	}
	return 0, true
}

// LastBytes is LastInt64 for leaves of bytes. The value is valid until the columns change.
func (c *Columns) LastBytes(leaf int) (v []byte, null bool) {
	l := &c.Leaves[leaf]
	if l.lastIsNull() {
		return nil, true
	}
	switch l.Physical {
	case PhysByteArray:
		if n := len(l.Ends); n > 0 {
			return l.Value(n - 1), false
		}
	case PhysFixedArray:
		if n := len(l.Data); n >= l.Type.Size {
			return l.Data[n-l.Type.Size:], false
		}
	}
	return nil, true
}
