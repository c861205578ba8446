package jobs

import (
	"strings"
	"testing"
)

// Avro goes into Avro files as it is only where nothing stands beside the value; and settings of a build that knew nothing of it are
// read as what they were.
func TestSettingsSayWhetherDatumsAreKept(t *testing.T) {
	t.Parallel()
	// As a schema any file will do: the driver of these tests reads none.
	for job, want := range map[string]bool{
		`value: {format: avro, schema: settings.go}, output: {format: avro}`:                                                           true,
		`value: {format: avro, schema: settings.go}, output: {format: avro, kafka_columns: false}`:                                     true,
		`value: {format: avro, schema: settings.go}, output: {format: parquet}`:                                                        false,
		`value: {format: avro, schema: settings.go}, output: {format: avro}, key: {format: string}`:                                    false,
		`value: {format: avro, schema: settings.go}, output: {format: avro}, headers: true`:                                            false,
		`value: {format: avro, schema: settings.go}, output: {format: avro}, partition: {by: field, field: at}`:                        true,
		`value: {format: avro, schema: settings.go}, output: {format: avro}, partition: {by: field, field: {path: at, pattern: "%F"}}`: true,
		`value: {format: avro, schema: settings.go}, output: {format: avro}, partition: {by: field, field: [at, made]}`:                false,
		`value: {format: json, schema: settings.go}, output: {format: avro}`:                                                           false,
		`value: {format: string}, output: {format: avro}`:                                                                              false,
		`value: {format: avro, framing: confluent, schema: settings.go}, output: {format: avro}, headers: false`:                       true,
	} {
		w := newWorld(t)
		w.configure("kafka: {brokers: [\"127.0.0.1:9092\"]}\nstore: {url: \"file:///nowhere\"}\njobs:\n  - {name: tests, topics: [orders], " + job + "}\n")
		set, err := w.process(w.store).newSettings(w.cfg.Jobs[0], "orders")
		if err != nil {
			t.Fatal(err)
		}
		if set.Output.Datums != want || strings.Contains(string(set.bytes()), `"datums"`) != want {
			t.Errorf("%s: datums %t, want %t", job, set.Output.Datums, want)
		}
	}
}
