package avro

import (
	"fmt"

	"github.com/twmb/avro"

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
	{"bytes", "decimal"}:               {record.Decimal, opDecimal},
	{"fixed", "decimal"}:               {record.Decimal, opFixedDecimal},
}

type leaf struct {
	kind record.Kind
	op   op
}

func leafType(n *avro.SchemaNode) (record.Type, op, error) {
	l, ok := kinds[n.Type]
	if !ok || l.kind == "" {
		return record.Type{}, 0, fmt.Errorf("unknown type %q", n.Type)
	}
	if n.LogicalType != "" {
		if lt, ok := logical[[2]string{n.Type, n.LogicalType}]; ok {
			l = lt
		}
	}
	if l.kind == record.UUID && n.Type == "fixed" && n.Size != 16 {
		l = kinds["fixed"]
	}
	t := record.Type{Kind: l.kind, Symbols: n.Symbols}
	switch l.kind {
	case record.Decimal:
		t.Size, t.Precision, t.Scale = n.Size, n.Precision, n.Scale
	case record.Fixed:
		t.Size = n.Size
	}
	return t, l.op, nil
}
