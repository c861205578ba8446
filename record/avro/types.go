package avro

import (
	"fmt"

	"shadoof/record"
)

// kinds are the names of types that are not references, with the leaf each is without a logical type.
var kinds = map[string]leaf{
	"null": {}, "record": {}, "error": {}, "array": {}, "map": {}, "union": {},
	"boolean": {record.Boolean, opBool},
	"int":     {record.Int32, opInt},
	"long":    {record.Int64, opLong},
	"float":   {record.Float, opFloat},
	"double":  {record.Double, opDouble},
	"bytes":   {record.Bytes, opBytes},
	"string":  {record.String, opString},
	"enum":    {record.Enum, opEnum},
	"fixed":   {record.Fixed, opFixed},
}

// logical are the leaves of the logical types, by type and logical type. A duration stays the 12 bytes that it is.
var logical = map[[2]string]leaf{
	{"int", "date"}:                    {record.Date, opInt},
	{"int", "time-millis"}:             {record.TimeMillis, opTimeMillis},
	{"long", "time-micros"}:            {record.TimeMicros, opTimeMicros},
	{"long", "timestamp-millis"}:       {record.TimestampMillis, opMillis},
	{"long", "timestamp-micros"}:       {record.TimestampMicros, opLong},
	{"long", "timestamp-nanos"}:        {record.TimestampNanos, opLong},
	{"long", "local-timestamp-millis"}: {record.LocalMillis, opMillis},
	{"long", "local-timestamp-micros"}: {record.LocalMicros, opLong},
	{"long", "local-timestamp-nanos"}:  {record.LocalNanos, opLong},
	{"string", "uuid"}:                 {record.UUID, opString},
	{"fixed", "uuid"}:                  {record.UUID, opUUID},
	{"string", "json"}:                 {record.JSON, opString}, // not of the specification: what schemas for JSON data need for any value
	{"bytes", "decimal"}:               {record.Decimal, opDecimal},
	{"fixed", "decimal"}:               {record.Decimal, opFixedDecimal},
}

type leaf struct {
	kind record.Kind
	op   op
}

// leaf is what a type that is neither a record, an array, a map, a union nor null is in a row.
func (t typ) leaf() (record.Type, op, error) {
	l, ok := kinds[t.Type]
	if !ok || l.kind == "" {
		return record.Type{}, 0, fmt.Errorf("unknown type %q", t.Type)
	}
	if lt, ok := logical[[2]string{t.Type, t.LogicalType}]; ok && (lt.op != opUUID || t.Size == 16) {
		l = lt
	}
	out := record.Type{Kind: l.kind, Symbols: t.Symbols, Name: t.name(), Aliases: t.aliases()}
	switch l.kind {
	case record.Decimal:
		out.Size, out.Precision, out.Scale = t.Size, t.Precision, t.Scale
	case record.Fixed:
		out.Size = t.Size
	case record.Enum:
		if t.HasEnumDefault {
			out.Symbol = t.EnumDefault
		}
	}
	return out, l.op, nil
}

// A carrier is the type of Avro that a kind of rows is read from, and how.
type carrier struct {
	kind string
	op   op
}

var carriers = func() map[record.Kind]carrier {
	m := map[record.Kind]carrier{record.Struct: {"record", opRecord}, record.List: {"array", opList}, record.Map: {"map", opList}, record.JSON: {"string", opString}}
	for of, l := range kinds {
		m[l.kind] = carrier{of, l.op}
	}
	for of, l := range logical {
		if of[0] != "fixed" {
			m[l.kind] = carrier{of[0], l.op}
		}
	}
	return m
}()

// carrierOf is the one of a type of rows that is not a union. A UUID and a decimal are fixed where they came from such: the one has a name
// then, the other a size.
func carrierOf(t record.Type) carrier {
	switch {
	case t.Kind == record.UUID && t.Name != "":
		return carrier{"fixed", opUUID}
	case t.Kind == record.Decimal && t.Size > 0:
		return carrier{"fixed", opFixedDecimal}
	}
	return carriers[t.Kind]
}

// fixedSize is the number of bytes of a type that is fixed.
func fixedSize(t record.Type) int {
	if t.Kind == record.UUID {
		return 16
	}
	return t.Size
}
