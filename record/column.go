package record

import "bytes"

// A Column is the values of one leaf. Which value slice is used follows from Physical. Nulls have levels and no value.
//
// Whoever appends does it level and value together, with nothing between that can fail: Rollback and Truncate count the entries at
// MaxDef to know how many values to drop. Bytes after the last end in Data, of a value that never came to its end, are dropped too.
type Column struct {
	Path           []string // from the root to the leaf, with Parquet's names of list and map groups
	Type           Type     // of the leaf; the Size of a Decimal is always set
	Physical       Physical
	MaxDef, MaxRep uint8

	Def []uint8 // one per level entry; empty when MaxDef is 0
	Rep []uint8 // one per level entry; empty when MaxRep is 0

	Bools   []bool
	Int32s  []int32
	Int64s  []int64
	Floats  []float32
	Doubles []float64
	Data    []byte   // ByteArray and FixedArray: the values end to end
	Ends    []uint32 // ByteArray: where each value ends in Data, which has less than 4 GiB: rows are written long before

	rowLevels int // levels before the open row; kept for repeated leaves only
}

// A Physical type says how a leaf is stored: Parquet's physical types.
type Physical uint8

const (
	PhysBool Physical = iota
	PhysInt32
	PhysInt64
	PhysFloat
	PhysDouble
	PhysByteArray
	PhysFixedArray // Type.Size bytes each
)

// PhysicalOf is how leaves of a kind are stored. A Decimal is a fixed array of Column.Type.Size bytes, big-endian two's complement,
// wherever it came from: of all the ways Parquet has, each reader takes that one.
func PhysicalOf(k Kind) Physical {
	switch k {
	case Boolean:
		return PhysBool
	case Int32, Date, TimeMillis:
		return PhysInt32
	case Int64, TimeMicros, TimestampMillis, TimestampMicros, TimestampNanos, LocalMillis, LocalMicros, LocalNanos:
		return PhysInt64
	case Float:
		return PhysFloat
	case Double:
		return PhysDouble
	case Fixed, Decimal:
		return PhysFixedArray
	}
	return PhysByteArray
}

func (c *Column) setType(t Type) {
	if t.Kind == Decimal && t.Size == 0 {
		t.Size = DecimalSize(t.Precision)
	}
	c.Type, c.Physical = t, PhysicalOf(t.Kind)
}

// AppendLevels appends one level entry; def and rep are dropped where the leaf has no such levels. With def below MaxDef that is a
// null; at MaxDef a value has to follow.
func (c *Column) AppendLevels(def, rep uint8) {
	if c.MaxDef > 0 {
		c.Def = append(c.Def, def)
		if c.MaxRep > 0 {
			c.Rep = append(c.Rep, rep)
		}
	}
}

// AppendBytes appends a value of a ByteArray leaf. Its levels are appended apart.
func (c *Column) AppendBytes(v []byte) {
	c.Data = append(c.Data, v...)
	c.Ends = append(c.Ends, uint32(len(c.Data)))
}

// AppendString is AppendBytes for a string.
func (c *Column) AppendString(v string) {
	c.Data = append(c.Data, v...)
	c.Ends = append(c.Ends, uint32(len(c.Data)))
}

// Levels is the number of level entries, or of values where the leaf has no levels.
func (c *Column) Levels() int {
	if c.MaxDef > 0 {
		return len(c.Def)
	}
	return c.Values()
}

// Values is the number of values that are not null.
func (c *Column) Values() int {
	switch c.Physical {
	case PhysBool:
		return len(c.Bools)
	case PhysInt32:
		return len(c.Int32s)
	case PhysInt64:
		return len(c.Int64s)
	case PhysFloat:
		return len(c.Floats)
	case PhysDouble:
		return len(c.Doubles)
	case PhysFixedArray:
		return len(c.Data) / c.Type.Size
	}
	return len(c.Ends)
}

// Value is the i-th value of a ByteArray or FixedArray leaf; it aliases Data.
func (c *Column) Value(i int) []byte {
	if c.Physical == PhysFixedArray {
		return c.Data[i*c.Type.Size : (i+1)*c.Type.Size]
	}
	var from uint32
	if i > 0 {
		from = c.Ends[i-1]
	}
	return c.Data[from:c.Ends[i]]
}

// Truncate drops the level entries from the levels-th on, with their values. The leaf must have levels (MaxDef > 0).
func (c *Column) Truncate(levels int) {
	drop := 0
	if levels < len(c.Def) {
		drop = bytes.Count(c.Def[levels:], []byte{c.MaxDef})
		c.Def = c.Def[:levels]
		if c.MaxRep > 0 {
			c.Rep = c.Rep[:levels]
		}
	}
	c.keepValues(c.Values() - drop)
}

// keepValues drops the values from the n-th on, and the bytes of one that was not ended.
func (c *Column) keepValues(n int) {
	switch c.Physical {
	case PhysBool:
		c.Bools = c.Bools[:n]
	case PhysInt32:
		c.Int32s = c.Int32s[:n]
	case PhysInt64:
		c.Int64s = c.Int64s[:n]
	case PhysFloat:
		c.Floats = c.Floats[:n]
	case PhysDouble:
		c.Doubles = c.Doubles[:n]
	case PhysFixedArray:
		c.Data = c.Data[:n*c.Type.Size]
	case PhysByteArray:
		c.Ends = c.Ends[:n]
		var end uint32
		if n > 0 {
			end = c.Ends[n-1]
		}
		c.Data = c.Data[:end]
	}
}

func (c *Column) lastIsNull() bool {
	return c.MaxDef > 0 && (len(c.Def) == 0 || c.Def[len(c.Def)-1] != c.MaxDef)
}
