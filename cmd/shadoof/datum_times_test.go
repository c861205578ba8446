package main

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
	"time"

	"shadoof/jobs"
	"shadoof/partitioning"
	"shadoof/record"
)

// A record has one time, whether it is taken apart or kept as it is.
func TestDatumsHaveTheTimesOfColumns(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 11, 59, 59, 999_900_000, time.UTC)
	double := hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, math.Float64bits(float64(at.UnixMicro())/1e6)))
	cents := hex.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(at.UnixMicro()/10_000)))
	for _, c := range []struct{ name, fieldType, datum, want string }{
		{"double", `"double"`, double, "dt=2026-11-20/hr=11"},
		{"double or null", `["null","double"]`, "02" + double, "dt=2026-11-20/hr=11"},
		{"null", `["null","double"]`, "00", ""},
		{"decimal", `{"type":"bytes","logicalType":"decimal","precision":14,"scale":2}`, "10" + cents, "dt=2026-11-20/hr=11"},
		{"decimal in a fixed", `{"type":"fixed","name":"F","size":8,"logicalType":"decimal","precision":14,"scale":2}`, cents, "dt=2026-11-20/hr=11"},
		{"text", `"string"`, "20" + hex.EncodeToString([]byte("20261120 11:59 p")), "dt=2026-11-20/hr=11"},
		{"wrong text", `"string"`, "02" + hex.EncodeToString([]byte("x")), ""},
	} {
		value, err := hex.DecodeString("06" + c.datum) // a long before it
		if err != nil {
			t.Fatal(err)
		}
		for _, datums := range []bool{true, false} {
			set := &jobs.Settings{
				SchemaSettings: jobs.SchemaSettings{Format: "avro", Schema: `{"type":"record","name":"R","fields":[{"name":"n","type":"long"},{"name":"t","type":` + c.fieldType + `}]}`},
				Partition:      jobs.PartitionSettings{By: "field", Fields: []jobs.FieldSettings{{Path: "t", Unit: "s", Patterns: []string{"%Y%m%d %H:%M p"}}}, Layout: "hive", MaxFuture: time.Hour},
				Output:         jobs.OutputSettings{Format: "avro", Datums: datums},
			}
			dec, err := newDecoder(set, nil)
			if err != nil {
				t.Fatal(err)
			}
			options, err := set.Partition.Options()
			if err != nil {
				t.Fatal(err)
			}
			p, err := partitioning.New(options)
			if err != nil {
				t.Fatal(err)
			}
			times, err := p.Fields(dec.Schema())
			if err != nil {
				t.Fatalf("%s, datums %t: %v", c.name, datums, err)
			}
			cols := record.NewColumns(dec.Schema())
			if err := dec.Decode(cols, &record.Raw{Value: value}); err != nil {
				t.Fatalf("%s, datums %t: %v", c.name, datums, err)
			}
			if got, err := times.Bucket(cols, 0, at); got != c.want || (err == nil) != (c.want != "") || (dec.Schema().Datum != nil) != datums {
				t.Errorf("%s, datums %t: %q, error %v, want %q", c.name, datums, got, err, c.want)
			}
		}
	}
}
