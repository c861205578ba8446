package avro

import (
	"fmt"
	"strings"
	"testing"
)

// Schemas of people's own: types that stand twice by name, in namespaces, with fields of type null.
func TestShapesOfNamedTypes(t *testing.T) {
	t.Parallel()
	r, err := parseRow(`{"type":"record","name":"R","namespace":"a","fields":[
		{"name":"z","type":"null"},
		{"name":"s","type":{"type":"record","name":"S","fields":[{"name":"n","type":{"type":"null"}},{"name":"f","type":{"type":"fixed","name":"b.F","size":3,"SIZE":7}}]}},
		{"name":"t","type":["null","S","b.F",{"type":"array","items":"a.S"}]},
		{"name":"top","type":{"type":"record","name":"T","namespace":"","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"g","type":"E"}]}},
		{"name":"m","type":{"type":"map","values":"T"}},
		{"name":"_kafka_partition","type":"int"},{"name":"_kafka_offset","type":"long"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	v := &values{window: []byte{'x', 'x', 'x', 6, 4, 'x', 'x', 'x', 'y', 'y', 'y', 0, 0, 0, 2, 2, 'k', 0, 0, 0, 10, 12}}
	if p, o := v.row(r); p != 5 || o != 6 || v.err != nil || !v.atEnd() {
		t.Errorf("partition %d, offset %d, %v", p, o, v.err)
	}
}

func TestShapesThatAreNotOurs(t *testing.T) {
	t.Parallel()
	field := func(typ string) string {
		return `{"type":"record","name":"R","fields":[{"name":"a","type":` + typ + `}]}`
	}
	deep, many := `"int"`, `{"type":"fixed","name":"F0","size":1}`
	for range 300 {
		deep = `{"type":"array","items":` + deep + `}`
	}
	// Each type holds the one before it, by its name: nested, and not in the text.
	many = `{"name":"f0","type":{"type":"record","name":"D0","fields":[{"name":"x","type":"int"}]}}`
	for i := range 400 {
		many += fmt.Sprintf(`,{"name":"f%d","type":{"type":"record","name":"D%d","fields":[{"name":"x","type":"D%d"}]}}`, i+1, i+1, i)
	}
	for name, c := range map[string]struct{ schema, want string }{
		"itself":          {field(`["null","R"]`), "contains itself"},
		"in an array":     {field(`{"type":"array","items":{"type":"record","name":"S","fields":[{"name":"b","type":["null","S"]}]}}`), "contains itself"},
		"unknown":         {field(`"S"`), `type "S" is not one of our files'`},
		"before it":       {`{"type":"record","name":"R","fields":[{"name":"a","type":"F"},{"name":"b","type":{"type":"fixed","name":"F","size":1}}]}`, `type "F" is not`},
		"nothing in many": {field(`{"type":"array","items":"null"}`), "take no bytes"},
		"nothing in maps": {field(`{"type":"map","values":{"type":"null"}}`), "take no bytes"},
		"nothing at all":  {field(`"null"`), "a record without fields"},
		"no bytes":        {field(`{"type":"fixed","name":"F","size":0}`), "fixed of 0 bytes"},
		"no record":       {`"int"`, "not that of a record"},
		"deep":            {field(deep), "nested too deep"},
		"deep by names":   {`{"type":"record","name":"R","fields":[` + many + `]}`, "nested too deep"},
	} {
		if _, err := parseRow(c.schema); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
