package record

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Limits that keep levels within a byte, and the memory for one open file sane.
const (
	MaxDepth  = 100    // of nesting: structs, lists and maps within one another
	MaxLeaves = 10_000 // columns of one schema
)

// MaxEntries bounds what a single record can make out of few bytes: the entries of its lists and maps, times the leaves below each. An
// entry may take a byte or two, and its nulls a level in each of thousands of leaves. Beyond it a record is Unfit.
const MaxEntries = 1 << 25

// Validate says why columns cannot be made for the schema: no fields, a name used twice (also by the Kafka columns that
// WithKafkaColumns adds), a type that lacks what it needs, nesting too deep.
func (s *Schema) Validate() error {
	if err := validateFields("the schema", "", s.Fields, 1); err != nil {
		return err
	}
	if n := s.Leaves(); n > MaxLeaves {
		return fmt.Errorf("the schema has %d columns, more than %d", n, MaxLeaves)
	}
	return nil
}

func validateFields(what, prefix string, fields []Field, depth int) error {
	if len(fields) == 0 {
		return fmt.Errorf("%s has no fields: a column file cannot hold that", what)
	}
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		if f.Name == "" {
			return fmt.Errorf("%s has a field without a name", what)
		}
		path := prefix + f.Name
		if seen[f.Name] {
			switch f.Name {
			case PartitionColumn, OffsetColumn, TimestampColumn:
				return fmt.Errorf("field %s: a column of that name says where a row came from; set output.kafka_columns: false or rename the field", path)
			}
			return fmt.Errorf("field %s: the name is used twice", path)
		}
		seen[f.Name] = true
		if err := validateType(path, f.Type, depth); err != nil {
			return err
		}
		if f.Default != nil && !json.Valid(f.Default) {
			return fmt.Errorf("field %s: its default is not JSON", path)
		}
	}
	return nil
}

func validateType(path string, t Type, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("field %s: nested deeper than %d levels", path, MaxDepth)
	}
	switch t.Kind {
	case Struct:
		return validateFields("field "+path, path+".", t.Fields, depth+1)
	case List, Map:
		if t.Elem == nil {
			return fmt.Errorf("field %s: a %s without a type of its elements", path, t.Kind)
		}
		in := path + "[]"
		if t.Kind == Map {
			in = path + "{}"
		}
		return validateType(in, t.Elem.Type, depth+1)
	case Fixed:
		if t.Size <= 0 {
			return fmt.Errorf("field %s: fixed of %d bytes: a column file cannot hold that", path, t.Size)
		}
	case Decimal:
		if t.Precision <= 0 || t.Scale < 0 || t.Scale > t.Precision {
			return fmt.Errorf("field %s: decimal(%d,%d): the precision is at least 1 and the scale from 0 to the precision", path, t.Precision, t.Scale)
		}
		if t.Size != 0 && t.Size < DecimalSize(t.Precision) {
			return fmt.Errorf("field %s: %d bytes do not hold decimal(%d,%d)", path, t.Size, t.Precision, t.Scale)
		}
	case Enum:
		if len(t.Symbols) == 0 {
			return fmt.Errorf("field %s: an enum without symbols", path)
		}
	default:
		if !slices.Contains(plainKinds, t.Kind) {
			return fmt.Errorf("field %s: unknown kind %q", path, t.Kind)
		}
	}
	return nil
}

var plainKinds = []Kind{Boolean, Int32, Int64, Float, Double, Bytes, String, UUID, JSON, Date, TimeMillis, TimeMicros,
	TimestampMillis, TimestampMicros, TimestampNanos, LocalMillis, LocalMicros, LocalNanos}
