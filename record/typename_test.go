package record_test

import (
	"testing"

	"shadoof/record"
)

func TestTypeNames(t *testing.T) {
	t.Parallel()
	kind := func(k record.Kind) record.Type { return record.Type{Kind: k} }
	list := func(of record.Type, nullable bool) record.Type {
		return record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: of, Nullable: nullable}}
	}
	symbols := []string{"A", "B", "C", "D", "E", "F", "G", "H"}
	order := record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "a", Type: kind(record.Int32)}, {Name: "b", Type: kind(record.String), Nullable: true}}}
	for want, typ := range map[string]record.Type{
		"int64":                                  kind(record.Int64),
		"timestamp-millis":                       kind(record.TimestampMillis),
		"decimal(10,2)":                          {Kind: record.Decimal, Precision: 10, Scale: 2},
		"decimal(10,2) in 5 bytes":               {Kind: record.Decimal, Precision: 10, Scale: 2, Size: 5},
		"fixed(16)":                              {Kind: record.Fixed, Size: 16},
		"enum<A, B, C, D, E, F, G, H>":           {Kind: record.Enum, Symbols: symbols},
		"enum<I, A, B, C, D, E, F, … 2 more>":    {Kind: record.Enum, Symbols: append([]string{"I"}, symbols...)},
		"list<string?>":                          list(kind(record.String), true),
		"map<string, double>":                    {Kind: record.Map, Elem: &record.Field{Name: "value", Type: kind(record.Double)}},
		"struct<a int32, b string?>":             order,
		"list<list<struct<a int32, b string?>>>": list(list(order, false), false),
		"list<list<list<struct<…>>>>":            list(list(list(order, false), false), false),
		"union<int32, struct<a int32, b string?>>": {Kind: record.Struct, Union: true, Fields: []record.Field{
			{Name: "member0", Type: kind(record.Int32), Nullable: true}, {Name: "member1", Type: order, Nullable: true}}},
	} {
		if got := record.TypeName(typ); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
