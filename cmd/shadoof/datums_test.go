package main

import (
	"testing"

	"shadoof/jobs"
)

// Settings say whether datums are kept as they are; those of older builds, and schemas that not every reader takes, make columns.
func TestDecodersOfDatums(t *testing.T) {
	t.Parallel()
	const plain = `{"type":"record","name":"R","fields":[{"name":"h","type":{"type":"record","name":"H","fields":[{"name":"at","type":"long"}]}}]}`
	for name, c := range map[string]struct {
		set   jobs.Settings
		want  bool
		field string
	}{
		"kept":             {jobs.Settings{SchemaSettings: jobs.SchemaSettings{Format: "avro", Schema: plain}, Output: jobs.OutputSettings{Format: "avro", Datums: true}}, true, ""},
		"kept, by a field": {jobs.Settings{SchemaSettings: jobs.SchemaSettings{Format: "avro", Schema: plain}, Partition: jobs.PartitionSettings{By: "field", Field: "h.at"}, Output: jobs.OutputSettings{Format: "avro", Datums: true}}, true, "h.at"},
		"by a pattern":     {jobs.Settings{SchemaSettings: jobs.SchemaSettings{Format: "avro", Schema: plain}, Partition: jobs.PartitionSettings{By: "field", Fields: []jobs.FieldSettings{{Path: "h.at"}}}, Output: jobs.OutputSettings{Format: "avro", Datums: true}}, true, "h.at"},
		"of older builds":  {jobs.Settings{SchemaSettings: jobs.SchemaSettings{Format: "avro", Schema: plain}, Output: jobs.OutputSettings{Format: "avro"}}, false, "h.at"},
		"an error":         {jobs.Settings{SchemaSettings: jobs.SchemaSettings{Format: "avro", Schema: `{"type":"error","name":"R","fields":[{"name":"a","type":"int"}]}`}, Output: jobs.OutputSettings{Format: "avro", Datums: true}}, false, "a"},
	} {
		dec, err := newDecoder(&c.set, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := dec.Schema()
		if _, _, ok := s.Leaf("h.at"); (s.Datum != nil) != c.want || ok != (c.field == "h.at") {
			t.Errorf("%s: datums %t, with the field %t", name, s.Datum != nil, ok)
		}
	}
}
