package main

import (
	"fmt"
	"testing"

	"shadoof/jobs"
	"shadoof/record"
)

func TestSchemasAreParsedOnce(t *testing.T) {
	var p parsedWriters
	get := func(field string, s jobs.SchemaSettings) record.Writer {
		t.Helper()
		s.Format = "avro"
		w, err := p.get(&s, &record.SchemaText{Format: "avro", Text: fmt.Sprintf(`{"type":"record","name":"a","fields":[{"name":%q,"type":"long"}]}`, field)}, true)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	first := get("x", jobs.SchemaSettings{})
	if get("x", jobs.SchemaSettings{}) != first {
		t.Error("one schema was parsed twice")
	}
	for _, other := range []record.Writer{get("y", jobs.SchemaSettings{}), get("x", jobs.SchemaSettings{Framing: "confluent"}), get("x", jobs.SchemaSettings{Target: &record.Schema{Name: "b"}})} {
		if other == first {
			t.Error("another schema, or one that is read in another way, is taken for the same")
		}
	}
	for i := range 2 * mostParsed {
		get(fmt.Sprint("z", i), jobs.SchemaSettings{})
	}
	if len(p.made) > mostParsed {
		t.Errorf("%d schemas are kept", len(p.made))
	}
	if _, err := p.get(&jobs.SchemaSettings{Format: "avro"}, &record.SchemaText{Format: "avro", Text: "{"}, true); err == nil {
		t.Error("what is no schema was parsed")
	}
}
