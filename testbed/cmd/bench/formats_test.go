package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/testbed/corpus"
)

// values are events in a format. None has two properties: their order is any.
func values(t *testing.T, format string) [][]byte {
	t.Helper()
	events := corpus.New(1)
	var all [][]byte
	for i := range 500 {
		e := events.Next(int64(i))
		for _, key := range slices.Sorted(maps.Keys(e.Properties))[min(1, len(e.Properties)):] {
			delete(e.Properties, key)
		}
		v, err := encodeEvent(format, i, e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// leafValues are the values of a column.
type leafValues struct {
	Ends    []uint32
	Data    string
	Int32s  []int32
	Int64s  []int64
	Doubles []float64
}

// rowsOf are the values of all columns.
func rowsOf(t *testing.T, format string) map[string]leafValues {
	t.Helper()
	dec, err := decoder(format)
	if err != nil {
		t.Fatal(err)
	}
	c := record.NewColumns(dec.Schema().WithKafkaColumns())
	for i, v := range values(t, format) {
		if err := decodeInto(c, dec, []record.Raw{{Offset: int64(i), Value: v}}); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
	rows := map[string]leafValues{}
	for _, l := range c.Leaves {
		rows[strings.Join(l.Path, ".")] = leafValues{l.Ends, string(l.Data), l.Int32s, l.Int64s, l.Doubles}
	}
	return rows
}

// What costs are compared of is the same.
func TestFormatsHaveTheSameRows(t *testing.T) {
	t.Parallel()
	for format, other := range map[string]string{jsonFormat: avroFormat, protobufFormat: avroFormat, registryFormat: newestFormat} {
		if diff := cmp.Diff(rowsOf(t, other), rowsOf(t, format)); diff != "" {
			t.Errorf("%s against %s:\n%s", format, other, diff)
		}
	}
}

func TestMapsOfProtobufAreThoseOfAvro(t *testing.T) {
	t.Parallel()
	of := map[string][]map[string]any{}
	for _, format := range []string{avroFormat, protobufFormat} {
		for _, v := range values(t, format) {
			row, err := mapDecoder(format)(v)
			if err != nil {
				t.Fatal(err)
			}
			of[format] = append(of[format], row.(map[string]any))
		}
	}
	if diff := cmp.Diff(of[avroFormat], of[protobufFormat]); diff != "" {
		t.Errorf("-Avro +Protobuf\n%s", diff)
	}
}
