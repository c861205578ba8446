package parquet

import (
	"fmt"
	"reflect"

	pq "github.com/parquet-go/parquet-go"

	"shadoof/record"
)

// A leaf is a column of the schema. Its encoding is asked for when a row group begins, so that each row group has its own.
type leaf struct {
	pq.Node
	dictionary bool
}

func (l *leaf) Encoding() encoding {
	if l.dictionary {
		return &pq.RLEDictionary
	}
	return &pq.Plain
}

// A group keeps its fields in the order of the schema; [pq.Group] sorts them by name.
type group struct {
	pq.Group
	fields []pq.Field
}

func (g *group) Fields() []pq.Field   { return g.fields }
func (g *group) String() string       { return pq.NewSchema("", g).String() }
func (g *group) GoType() reflect.Type { return reflect.TypeFor[any]() }

// A field is a named member of a group. It is never filled from Go values.
type field struct {
	pq.Node
	name string
}

func (f *field) Name() string                      { return f.name }
func (f *field) Value(reflect.Value) reflect.Value { return reflect.Value{} }

// newSchema makes the Parquet schema of s, and returns its leaves in the order of [record.Columns.Leaves].
func newSchema(s *record.Schema) (*pq.Schema, []*leaf, error) {
	b := &schemaBuilder{}
	root, err := b.group(s.Fields)
	if err != nil {
		return nil, nil, err
	}
	name := s.Name
	if name == "" {
		name = "schema"
	}
	return pq.NewSchema(name, root), b.leaves, nil
}

type schemaBuilder struct{ leaves []*leaf }

func (b *schemaBuilder) group(fields []record.Field) (*group, error) {
	g := &group{}
	for i := range fields {
		n, err := b.node(&fields[i])
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", fields[i].Name, err)
		}
		g.fields = append(g.fields, &field{n, fields[i].Name})
	}
	return g, nil
}

func (b *schemaBuilder) node(f *record.Field) (pq.Node, error) {
	n, err := b.required(&f.Type)
	if err != nil {
		return nil, err
	}
	if f.Nullable {
		return pq.Optional(n), nil
	}
	return n, nil
}

// required makes the node of a type that is not null.
func (b *schemaBuilder) required(t *record.Type) (pq.Node, error) {
	switch t.Kind {
	case record.Struct:
		return b.group(t.Fields)
	case record.List:
		elem, err := b.node(t.Elem)
		if err != nil {
			return nil, err
		}
		return pq.List(elem), nil
	case record.Map:
		key := b.leaf(pq.String())
		value, err := b.node(t.Elem)
		if err != nil {
			return nil, err
		}
		return pq.Map(key, value), nil
	}
	n, err := primitive(t)
	if err != nil {
		return nil, err
	}
	return b.leaf(n), nil
}

func (b *schemaBuilder) leaf(n pq.Node) pq.Node {
	l := &leaf{Node: n}
	b.leaves = append(b.leaves, l)
	return l
}

// primitive says how a value is stored, as far as every reader agrees: no ENUM, JSON, UUID or INT annotations.
//
// A time of day has no zone (isAdjustedToUTC is false), as in Iceberg; an instant is in UTC, a local timestamp has no zone.
// A decimal is a FIXED_LEN_BYTE_ARRAY of the least size that holds its precision, whatever it was before: arrow refuses longer
// ones, and binary ones cannot be ordered by their bytes.
func primitive(t *record.Type) (pq.Node, error) {
	switch t.Kind {
	case record.Boolean:
		return pq.Leaf(pq.BooleanType), nil
	case record.Int32:
		return pq.Leaf(pq.Int32Type), nil
	case record.Int64:
		return pq.Leaf(pq.Int64Type), nil
	case record.Float:
		return pq.Leaf(pq.FloatType), nil
	case record.Double:
		return pq.Leaf(pq.DoubleType), nil
	case record.Bytes:
		return pq.Leaf(pq.ByteArrayType), nil
	case record.String, record.Enum, record.UUID, record.JSON:
		return pq.String(), nil
	case record.Fixed:
		return pq.Leaf(pq.FixedLenByteArrayType(t.Size)), nil
	case record.Decimal:
		return pq.Decimal(t.Scale, t.Precision, pq.FixedLenByteArrayType(record.DecimalSize(t.Precision))), nil
	case record.Date:
		return pq.Date(), nil
	case record.TimeMillis:
		return pq.TimeAdjusted(pq.Millisecond, false), nil
	case record.TimeMicros:
		return pq.TimeAdjusted(pq.Microsecond, false), nil
	case record.TimestampMillis:
		return pq.TimestampAdjusted(pq.Millisecond, true), nil
	case record.TimestampMicros:
		return pq.TimestampAdjusted(pq.Microsecond, true), nil
	case record.TimestampNanos:
		return pq.TimestampAdjusted(pq.Nanosecond, true), nil
	case record.LocalMillis:
		return pq.TimestampAdjusted(pq.Millisecond, false), nil
	case record.LocalMicros:
		return pq.TimestampAdjusted(pq.Microsecond, false), nil
	case record.LocalNanos:
		return pq.TimestampAdjusted(pq.Nanosecond, false), nil
	}
	return nil, fmt.Errorf("type %q cannot be stored in Parquet", t.Kind)
}
