package main

import (
	"errors"
	"testing"

	"shadoof/jobs"
	"shadoof/record"
)

func TestConfluentFramingIsTakenOffJSON(t *testing.T) {
	t.Parallel()
	dec, err := newDecoder(&jobs.Settings{SchemaSettings: jobs.SchemaSettings{Format: "json", Framing: "confluent", Schema: rawSchema}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := record.NewColumns(dec.Schema())
	r := &record.Raw{Value: []byte("\x00\x00\x00\x00\x07{\"a\":1}")}
	if err := dec.Decode(c, r); err != nil {
		t.Fatal(err)
	}
	if got, want := string(c.Leaves[0].Data), `{"a":1}`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(r.Value) != 12 {
		t.Error("the record was changed")
	}
	c.EndRow()
	for _, value := range []string{"", "{}", "\x01\x00\x00\x00\x07{}", "\x00\x00\x00\x07"} {
		var bad *record.BadRecord
		if err := dec.Decode(c, &record.Raw{Value: []byte(value)}); !errors.As(err, &bad) || bad.Reason != record.Undecodable {
			t.Errorf("%q: got %v", value, err)
		}
	}
}
