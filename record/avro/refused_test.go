package avro_test

import (
	"strings"
	"testing"

	"shadoof/record/avro"
)

// What an Avro schema may not say, and what a row cannot have, is told when the schema is read.
func TestParseRefusesWhatRowsCannotHave(t *testing.T) {
	t.Parallel()
	fields := func(fields string) string { return `{"type":"record","name":"R","fields":[` + fields + `]}` }
	field := func(typ string) string { return fields(`{"name":"a","type":` + typ + `}`) }
	decimal := func(members string) string { return field(`{"type":"bytes","logicalType":"decimal"` + members + `}`) }
	for _, c := range []struct{ name, schema, want string }{
		{"decimal without digits", decimal(`,"precision":0`), "decimal precision 0"},
		{"decimal without a precision", decimal(``), "decimal logical type requires precision"},
		{"decimal with a scale over its precision", decimal(`,"precision":4,"scale":5`), "decimal scale 5 exceeds precision 4"},
		{"decimal with a scale below zero", decimal(`,"precision":4,"scale":-1`), "decimal scale -1"},
		{"decimal in a fixed too small", field(`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":9}`), "decimal precision 9 exceeds fixed(2)"},
		{"a type twice in a union", field(`["int","int"]`), `duplicate union type "int"`},
		{"a union of nothing", field(`[]`), "field a: a union without a type besides null"},
		{"a union in a union", field(`["int",["null"]]`), "unions cannot immediately contain other unions"},
		{"a map without values", field(`{"type":"map"}`), "map is missing values"},
		{"an array without items", field(`{"type":"array"}`), "array is missing items"},
		{"an enum without symbols", field(`{"type":"enum","name":"E","symbols":[]}`), "field a: an enum without symbols"},
		{"a symbol twice", field(`{"type":"enum","name":"E","symbols":["A","A"]}`), `duplicate enum symbol "A"`},
		{"an unknown type", field(`"number"`), `unknown type "number"`},
		{"a name twice", fields(`{"name":"a","type":"int"},{"name":"a","type":"long"}`), `duplicate record field name "a"`},
		{"no name", fields(`{"name":"","type":"int"}`), `invalid field name ""`},
		{"a name that is none", fields(`{"name":"a b","type":"int"}`), `invalid field name "a b"`},
		{"recursion by a field", field(`"R"`), "field a: the schema is recursive: R contains itself (R > R)"},
		{"recursion by a map", field(`{"type":"map","values":["null","R"]}`), "field a{}: the schema is recursive: R contains itself (R > R)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := avro.Parse([]byte(c.schema))
			if err == nil || !strings.HasPrefix(err.Error(), "avro schema") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
}

// The name of a Kafka column is taken as long as there are no Kafka columns.
func TestNamesOfKafkaColumns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"_kafka_partition", "_kafka_offset", "_kafka_timestamp"} {
		p := parse(t, []byte(`{"type":"record","name":"R","fields":[{"name":"`+name+`","type":"int"}]}`))
		if err := p.Schema.WithKafkaColumns().Validate(); err == nil || !strings.Contains(err.Error(), "field "+name+": a column of that name says where a row came from; set output.kafka_columns: false") {
			t.Errorf("error %v", err)
		}
	}
}
