package record

// Columns holds rows, column by column: one [Column] per leaf of the schema, in the order of a depth-first walk, with Dremel
// definition and repetition levels as Parquet defines them (a list adds the groups list.element, a map key_value.{key,value}).
// A row is begun by appending to leaves and ended by EndRow; Rollback takes an open row back exactly.
type Columns struct {
	Schema *Schema
	Leaves []Column
	rows   int
}

// A Column is the values of one leaf. Which value slice is used follows from Physical. Nulls have levels and no value.
type Column struct {
	Path           []string // from the root to the leaf, with Parquet's names of list and map groups
	Type           Type     // of the leaf
	Physical       Physical
	MaxDef, MaxRep uint8

	Def []uint8 // one per level entry; empty when MaxDef is 0
	Rep []uint8 // one per level entry; empty when MaxRep is 0

	Bools   []bool
	Int32s  []int32
	Int64s  []int64
	Floats  []float32
	Doubles []float64
	Data    []byte  // ByteArray and FixedArray: the values end to end
	Ends    []int64 // ByteArray: where each value ends in Data

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
