package main

import (
	"encoding/json"
	"errors"
	"io"
	"testing"

	"shadoof/jobs"
	"shadoof/partitioning"
	"shadoof/record"
)

// Settings are read back from the store to rebuild files: whatever they say, they are made into parts, or refused.
func FuzzSettings(f *testing.F) {
	const partition = `"partition":{"by":"timestamp","layout":"hive","timezone":"UTC","min":"2015-01-01T00:00:00Z","max_future_ns":86400000000000,"otherwise":"quarantine"}`
	const output = `"output":{"format":"parquet","compression":"zstd","target_size":268435456,"kafka_columns":true},"bad_record":"quarantine","tombstone":"quarantine"}`
	for _, seed := range []string{
		`{"topic":"orders","folder":"orders","format":"string","key":"none","headers":false,` + partition + `,` + output,
		`{"topic":"orders","folder":"orders","format":"json","schema":"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\",\"long\"]}]}","key":"string","headers":true,` + partition + `,` + output,
		`{"topic":"orders","folder":"orders","format":"avro","framing":"confluent","by_id":true,"subject":"orders-value","version":"grown","target":{"Name":"r","Fields":[{"Name":"a","Type":{"Kind":"list","Elem":{"Type":{"Kind":"int64"}}},"Nullable":true}]},` +
			`"key":"avro","key_schema":{"format":"avro","schema":"\"long\""},"headers":false,"partition":{"by":"field","fields":[{"path":"h.at","unit":"s","patterns":["%F"],"timezone":"Asia/Tokyo"}],"layout":"camus","timezone":"Europe/Berlin"},` +
			`"output":{"format":"avro","compression":"none","datums":true}}`,
		`{"format":"protobuf","schema":"syntax = \"proto3\"; message M { string a = 1; repeated M b = 2; }","message":"M","as_json":["b"],` + partition + `,` + output,
		`{"format":"avro","schema":"\"int\"","output":{"format":"avro","datums":true}}`,
		`{"format":"avro","by_id":true,"target":{"Name":"r","Fields":[{"Name":"a","Type":{"Kind":"list"}}]},"key":"string",` + partition + `,` + output,
	} {
		f.Add([]byte(seed))
	}
	unknown := errors.New("nobody knows")
	f.Fuzz(func(t *testing.T, text []byte) {
		var s jobs.Settings
		if err := json.Unmarshal(text, &s); err != nil {
			return
		}
		// As jobs does.
		dec, err := newDecoder(&s, func(int32, bool) (record.Writer, error) { return nil, unknown })
		if err != nil {
			return
		}
		schema := dec.Schema()
		if s.Output.KafkaColumns {
			schema = schema.WithKafkaColumns()
			if schema.Validate() != nil {
				return
			}
		}
		if format, err := newFormat(s.Output); err == nil {
			_, _ = format.NewEncoder(io.Discard, schema, nil)
		}
		options, err := s.Partition.Options()
		if err != nil {
			return
		}
		if parts, err := partitioning.New(options); err == nil && s.Partition.By == "field" {
			_, _ = parts.Fields(dec.Schema())
		}
		if again, err := json.Marshal(&s); err != nil {
			t.Errorf("%s: they cannot be written again: %v", again, err)
		}
	})
}
