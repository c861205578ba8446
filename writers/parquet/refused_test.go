package parquet_test

import (
	"bytes"
	"strings"
	"testing"

	"shadoof/record"
)

// What some reader would refuse a whole file for is refused before anything is written.
func TestSchemasThatReadersRefuse(t *testing.T) {
	t.Parallel()
	kind := func(k record.Kind) record.Type { return record.Type{Kind: k} }
	field := func(name string, t record.Type) record.Field { return record.Field{Name: name, Type: t} }
	in := func(fields ...record.Field) record.Type { return record.Type{Kind: record.Struct, Fields: fields} }
	decimal := func(precision int) record.Type {
		return record.Type{Kind: record.Decimal, Precision: precision, Scale: 2}
	}
	twice := in(field("x", kind(record.Int32)), field("X", kind(record.Int32)))
	for _, c := range []struct {
		name   string
		fields []record.Field
		want   string // "": it is taken
	}{
		{"no fields", nil, "the schema has no fields"},
		{"a struct without fields", []record.Field{field("a", in())}, "field a has no fields"},
		{"a name twice", []record.Field{field("a", kind(record.Int32)), field("a", kind(record.Bytes))}, "field a: the name is used twice"},
		{"names by case", []record.Field{field("id", kind(record.Int32)), field("Id", kind(record.Bytes))}, "field Id: another is named id: "},
		{"names by case, not of ASCII", []record.Field{field("größe", kind(record.Int32)), field("GRÖSSE", kind(record.Bytes)), field("GRÖßE", kind(record.Bytes))}, "field GRÖßE: another is named größe: "},
		{"names by case in a struct", []record.Field{field("s", twice)}, "field s: field X: another is named x: "},
		{"names by case in a list", []record.Field{field("l", record.Type{Kind: record.List, Elem: &record.Field{Type: twice}})}, "field X: another is named x: "},
		{"names by case in a map", []record.Field{field("m", record.Type{Kind: record.Map, Elem: &record.Field{Type: twice}})}, "field X: another is named x: "},
		{"names in different structs", []record.Field{field("x", in(field("X", kind(record.Int32)))), field("y", in(field("x", kind(record.Int32))))}, ""},
		{"the name of a Kafka column", []record.Field{field("_kafka_offset", kind(record.Int32))}, "field _kafka_offset: a column of that name says where a row came from"},
		{"the name of a Kafka column, by case", []record.Field{field("_Kafka_Offset", kind(record.Int32))}, "field _kafka_offset: another is named _Kafka_Offset: "},
		{"38 digits", []record.Field{field("d", decimal(38))}, ""},
		{"39 digits", []record.Field{field("d", decimal(39))}, "field d: decimal(39,2): readers of Parquet files know at most 38 digits"},
		{"39 digits in a list", []record.Field{field("l", record.Type{Kind: record.List, Elem: &record.Field{Type: decimal(39)}})}, "decimal(39,2)"},
		{"no digits", []record.Field{field("d", decimal(0))}, "field d: decimal(0,2)"},
		{"a fixed of nothing", []record.Field{field("f", kind(record.Fixed))}, "field f: fixed of 0 bytes"},
		{"an unknown kind", []record.Field{field("a", kind("number"))}, `field a: unknown kind "number"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			_, err := newFormat(t, "zstd").NewEncoder(&b, (&record.Schema{Fields: c.fields}).WithKafkaColumns(), nil)
			if c.name == "no fields" {
				_, err = newFormat(t, "zstd").NewEncoder(&b, &record.Schema{}, nil)
			}
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "parquet: ") || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want %s", err, c.want)
			}
			if b.Len() > 0 {
				t.Errorf("%d bytes were written", b.Len())
			}
		})
	}
}
