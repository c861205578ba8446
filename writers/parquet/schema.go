package parquet

import (
	"fmt"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"shadoof/record"
)

// schemaElements is the Parquet schema of s, depth first, as the footer holds it. Its leaves are those of [record.Columns].
func schemaElements(s *record.Schema) ([]pqformat.SchemaElement, error) {
	name := s.Name
	if name == "" {
		name = "schema"
	}
	b := schemaBuilder{}
	b.add(pqformat.SchemaElement{Name: name, NumChildren: thrift.New(int32(len(s.Fields)))})
	if err := b.fields(s.Fields); err != nil {
		return nil, err
	}
	return b.elements, nil
}

type schemaBuilder struct{ elements []pqformat.SchemaElement }

func (b *schemaBuilder) add(e pqformat.SchemaElement) { b.elements = append(b.elements, e) }

func (b *schemaBuilder) fields(fields []record.Field) error {
	seen := make(map[string]string, len(fields))
	for i := range fields {
		// Spark refuses a file with two such names, and DuckDB gives one of them another.
		folded := record.FoldName(fields[i].Name)
		if other, ok := seen[folded]; ok {
			return fmt.Errorf("field %s: another is named %s: readers of Parquet files do not tell names apart by case; rename one, or set output.format: avro", fields[i].Name, other)
		}
		seen[folded] = fields[i].Name
		if err := b.field(&fields[i]); err != nil {
			return fmt.Errorf("field %s: %w", fields[i].Name, err)
		}
	}
	return nil
}

// field adds a field and what lies in it. Lists and maps have three levels, by the names that all readers know.
func (b *schemaBuilder) field(f *record.Field) error {
	e := pqformat.SchemaElement{Name: f.Name, RepetitionType: thrift.New(pqformat.Required)}
	if f.Nullable {
		e.RepetitionType.V = pqformat.Optional
	}
	repeated := func(name string, children int32) pqformat.SchemaElement {
		return pqformat.SchemaElement{Name: name, RepetitionType: thrift.New(pqformat.Repeated), NumChildren: thrift.New(children)}
	}
	switch f.Type.Kind {
	case record.Struct:
		e.NumChildren = thrift.New(int32(len(f.Type.Fields)))
		b.add(e)
		return b.fields(f.Type.Fields)
	case record.List:
		e.NumChildren = thrift.New(int32(1))
		annotate(&e, &pqformat.ListType{}, deprecated.List)
		b.add(e)
		b.add(repeated("list", 1))
		element := *f.Type.Elem
		element.Name = "element"
		return b.field(&element)
	case record.Map:
		e.NumChildren = thrift.New(int32(1))
		annotate(&e, &pqformat.MapType{}, deprecated.Map)
		b.add(e)
		b.add(repeated("key_value", 2))
		value := *f.Type.Elem
		value.Name = "value"
		if err := b.field(&record.Field{Name: "key", Type: record.Type{Kind: record.String}}); err != nil {
			return err
		}
		return b.field(&value)
	}
	if err := primitive(&e, &f.Type); err != nil {
		return err
	}
	b.add(e)
	return nil
}

const noConvertedType = deprecated.ConvertedType(-1)

// annotate gives an element its logical type, and the older converted type where one means the same.
func annotate(e *pqformat.SchemaElement, logical pqformat.LogicalTypeValue, converted deprecated.ConvertedType) {
	e.LogicalType.Value = logical
	if converted != noConvertedType {
		e.ConvertedType = thrift.New(converted)
	}
}

// maxPrecision is how many digits a decimal of 128 bits has. Spark and Polars refuse a file for the sake of a longer one, and DuckDB rounds it.
const maxPrecision = 38

// primitive says how a value is stored, as far as every reader agrees: no ENUM, JSON, UUID or INT annotations.
//
// A time of day has no zone (isAdjustedToUTC is false), as in Iceberg; an instant is in UTC, a local timestamp has no zone. What has
// no zone has no converted type: the old ones are all in UTC. A decimal is a FIXED_LEN_BYTE_ARRAY of the least size that holds its
// precision, whatever it was before: arrow refuses longer ones, and binary ones cannot be ordered by their bytes.
func primitive(e *pqformat.SchemaElement, t *record.Type) error {
	e.Type = thrift.New(physicalType(record.PhysicalOf(t.Kind)))
	switch t.Kind {
	case record.Boolean, record.Int32, record.Int64, record.Float, record.Double, record.Bytes:
	case record.String, record.Enum, record.UUID, record.JSON:
		annotate(e, &pqformat.StringType{}, deprecated.UTF8)
	case record.Fixed:
		e.TypeLength = thrift.New(int32(t.Size))
	case record.Decimal:
		if t.Precision > maxPrecision {
			return fmt.Errorf("decimal(%d,%d): readers of Parquet files know at most %d digits; set output.format: avro to keep them", t.Precision, t.Scale, maxPrecision)
		}
		e.TypeLength = thrift.New(int32(record.DecimalSize(t.Precision)))
		e.Scale, e.Precision = thrift.New(int32(t.Scale)), thrift.New(int32(t.Precision))
		annotate(e, &pqformat.DecimalType{Scale: int32(t.Scale), Precision: int32(t.Precision)}, deprecated.Decimal)
	case record.Date:
		annotate(e, &pqformat.DateType{}, deprecated.Date)
	case record.TimeMillis:
		annotate(e, &pqformat.TimeType{Unit: millis()}, noConvertedType)
	case record.TimeMicros:
		annotate(e, &pqformat.TimeType{Unit: micros()}, noConvertedType)
	case record.TimestampMillis:
		annotate(e, &pqformat.TimestampType{IsAdjustedToUTC: true, Unit: millis()}, deprecated.TimestampMillis)
	case record.TimestampMicros:
		annotate(e, &pqformat.TimestampType{IsAdjustedToUTC: true, Unit: micros()}, deprecated.TimestampMicros)
	case record.TimestampNanos:
		annotate(e, &pqformat.TimestampType{IsAdjustedToUTC: true, Unit: nanos()}, noConvertedType)
	case record.LocalMillis:
		annotate(e, &pqformat.TimestampType{Unit: millis()}, noConvertedType)
	case record.LocalMicros:
		annotate(e, &pqformat.TimestampType{Unit: micros()}, noConvertedType)
	case record.LocalNanos:
		annotate(e, &pqformat.TimestampType{Unit: nanos()}, noConvertedType)
	default:
		return fmt.Errorf("type %q cannot be stored in Parquet", t.Kind)
	}
	return nil
}

func millis() pqformat.TimeUnit { return pqformat.TimeUnit{Value: &pqformat.MilliSeconds{}} }
func micros() pqformat.TimeUnit { return pqformat.TimeUnit{Value: &pqformat.MicroSeconds{}} }
func nanos() pqformat.TimeUnit  { return pqformat.TimeUnit{Value: &pqformat.NanoSeconds{}} }

func physicalType(p record.Physical) pqformat.Type {
	switch p {
	case record.PhysBool:
		return pqformat.Boolean
	case record.PhysInt32:
		return pqformat.Int32
	case record.PhysInt64:
		return pqformat.Int64
	case record.PhysFloat:
		return pqformat.Float
	case record.PhysDouble:
		return pqformat.Double
	case record.PhysFixedArray:
		return pqformat.FixedLenByteArray
	}
	return pqformat.ByteArray
}
