package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// A Kind is the physical and logical type of a field.
type Kind string

const (
	Boolean         Kind = "boolean"
	Int32           Kind = "int32"
	Int64           Kind = "int64"
	Float           Kind = "float"
	Double          Kind = "double"
	Bytes           Kind = "bytes"
	String          Kind = "string" // valid UTF-8
	Enum            Kind = "enum"   // stored as a string
	UUID            Kind = "uuid"   // stored as a string: Spark cannot open a file with Parquet's UUID type
	JSON            Kind = "json"   // stored as a string
	Fixed           Kind = "fixed"  // Type.Size bytes
	Decimal         Kind = "decimal"
	Date            Kind = "date" // days since 1970, int32
	TimeMillis      Kind = "time-millis"
	TimeMicros      Kind = "time-micros"
	TimestampMillis Kind = "timestamp-millis" // instants: UTC
	TimestampMicros Kind = "timestamp-micros"
	TimestampNanos  Kind = "timestamp-nanos"
	LocalMillis     Kind = "local-timestamp-millis" // wall clock: no zone
	LocalMicros     Kind = "local-timestamp-micros"
	LocalNanos      Kind = "local-timestamp-nanos"
	Struct          Kind = "struct"
	List            Kind = "list"
	Map             Kind = "map" // keys are strings
)

// A Schema is the type of a row: named fields in order. It is immutable once built.
type Schema struct {
	Name    string   `json:"name,omitempty"`    // full name of the Avro record it came from, if any
	Aliases []string `json:"aliases,omitempty"` // full names that writers may have for it
	Fields  []Field  `json:"fields"`
	Datum   *Datum   `json:"datum,omitempty"` // set where rows are not taken apart into the fields
}

// A Field is a named member of a row or struct.
type Field struct {
	Name     string `json:"name"`
	Type     Type   `json:"type"`
	Nullable bool   `json:"nullable,omitempty"`
	Doc      string `json:"doc,omitempty"`

	// Default is what stands for a field that a record lacks, as plain JSON by the rules of record/json (bytes in base64,
	// decimals as numbers); nil when there is none. A default of null is the text null.
	Default json.RawMessage `json:"default,omitempty"`

	Aliases []string `json:"aliases,omitempty"` // names that writers may have for it; what it is a target for is read by them, too
}

// A Type is the type of a field, list element or map value.
type Type struct {
	Kind      Kind     `json:"kind"`
	Size      int      `json:"size,omitempty"`      // Fixed; Decimal stored in a fixed: its bytes. 0 for a Decimal of any length, see DecimalSize
	Precision int      `json:"precision,omitempty"` // Decimal
	Scale     int      `json:"scale,omitempty"`     // Decimal
	Symbols   []string `json:"symbols,omitempty"`   // Enum
	Fields    []Field  `json:"fields,omitempty"`    // Struct
	Union     bool     `json:"union,omitempty"`     // Struct that stands for a union: nullable members member0, member1 …, of which one is set
	Elem      *Field   `json:"elem,omitempty"`      // List: its element; Map: its value. The name is "element" or "value"

	// What the type is called in the schema that it came from, where names matter to who reads what: of a Struct, Enum or Fixed.
	Name    string   `json:"name,omitempty"`
	Aliases []string `json:"aliases,omitempty"`
	Symbol  string   `json:"symbol,omitempty"` // Enum: stands for symbols that it has not got; "" for none
}

// Fingerprint identifies the schema: 16 hex digits over its canonical JSON. Columns of schemas with the same one have the same leaves.
func (s *Schema) Fingerprint() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain data always marshals
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:8])
}

// Names of the columns that tell where a row came from, appended after the value's fields when kafka_columns is on.
const (
	PartitionColumn = "_kafka_partition"
	OffsetColumn    = "_kafka_offset"
	TimestampColumn = "_kafka_timestamp"
)

// WithKafkaColumns returns the schema with the three Kafka columns appended.
func (s *Schema) WithKafkaColumns() *Schema {
	f := append([]Field(nil), s.Fields...)
	f = append(f,
		Field{Name: PartitionColumn, Type: Type{Kind: Int32}},
		Field{Name: OffsetColumn, Type: Type{Kind: Int64}},
		Field{Name: TimestampColumn, Type: Type{Kind: TimestampMillis}})
	return &Schema{Name: s.Name, Aliases: s.Aliases, Fields: f, Datum: s.Datum}
}

// HasKafkaColumns says whether the schema came from WithKafkaColumns.
func (s *Schema) HasKafkaColumns() bool {
	n := len(s.Fields)
	return n >= 3 && s.Fields[n-3].Name == PartitionColumn && s.Fields[n-2].Name == OffsetColumn && s.Fields[n-1].Name == TimestampColumn
}
