package jobs

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/partitioning"
	"shadoof/record"
)

// What a job says is stored, and read back as what it said. One field with a unit is stored as builds did that knew no more.
func TestPartitionSettingsAreStored(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ job, want string }{
		{"", `{"by":"timestamp","unit":"ms","layout":"hive","timezone":"UTC","min":"2015-01-01T00:00:00Z","max_future_ns":86400000000000,"otherwise":"quarantine"}`},
		{"{by: field, field: h.at, unit: s}", `{"by":"field","field":"h.at","unit":"s","layout":"hive","timezone":"UTC","min":"2015-01-01T00:00:00Z","max_future_ns":86400000000000,"otherwise":"quarantine"}`},
		{"{by: field, field: [{path: h.at, unit: s}]}", `{"by":"field","field":"h.at","unit":"s","layout":"hive","timezone":"UTC","min":"2015-01-01T00:00:00Z","max_future_ns":86400000000000,"otherwise":"quarantine"}`},
		{`{by: field, field: h.at, pattern: "%F %T", timezone: Europe/Berlin}`,
			`{"by":"field","fields":[{"path":"h.at","unit":"ms","patterns":["%F %T"],"timezone":"Europe/Berlin"}],"layout":"hive","timezone":"UTC","min":"2015-01-01T00:00:00Z","max_future_ns":86400000000000,"otherwise":"quarantine"}`},
		{`{by: field, field: [h.at, {path: made, unit: us, pattern: [rfc3339, "%s"], timezone: Asia/Tokyo}, {path: b, pattern: "", timezone: ""}], unit: s, pattern: "%F", timezone: UTC}`,
			`{"by":"field","fields":[{"path":"h.at","unit":"s","patterns":["%F"],"timezone":"UTC"},{"path":"made","unit":"us","patterns":["rfc3339","%s"],"timezone":"Asia/Tokyo"},{"path":"b","unit":"s"}],"layout":"hive","timezone":"UTC","min":"2015-01-01T00:00:00Z","max_future_ns":86400000000000,"otherwise":"quarantine"}`},
	} {
		w := newWorld(t)
		doc := "kafka: {brokers: [\"127.0.0.1:9092\"]}\nstore: {url: \"file:///nowhere\"}\njobs:\n  - {name: tests, topics: [orders], value: {format: json, schema: raw}"
		if c.job != "" {
			doc += ", partition: " + c.job
		}
		w.configure(doc + "}\n")
		s := newPartitionSettings(w.cfg.Jobs[0])
		got, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.job, diff)
		}
		var back PartitionSettings
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatal(err)
		}
		want, err := s.Options()
		if err != nil {
			t.Fatal(err)
		}
		options, err := back.Options()
		if diff := cmp.Diff(want, options, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" || err != nil {
			t.Errorf("%s: error %v, -want +got\n%s", c.job, err, diff)
		}
		if _, err := partitioning.New(options); err != nil {
			t.Errorf("%s: %v", c.job, err)
		}
	}
}

// Files of commits that older builds made are rebuilt in the folders that they had.
func TestSettingsOfOlderBuildsMeanWhatTheyMeant(t *testing.T) {
	t.Parallel()
	const stored = `{"topic":"orders","folder":"orders","format":"avro","framing":"confluent","schema":"{}","key":"none","headers":false,` +
		`"partition":{"by":"field","field":"h.at","unit":"s","layout":"camus","timezone":"Europe/Berlin","min":"2015-01-01T00:00:00Z","max_future_ns":86400000000000,"otherwise":"unknown"},` +
		`"output":{"format":"parquet","compression":"zstd","target_size":268435456,"kafka_columns":true},"bad_record":"quarantine","tombstone":"quarantine"}`
	var set Settings
	if err := json.Unmarshal([]byte(stored), &set); err != nil {
		t.Fatal(err)
	}
	if got := set.Partition.OnlyField(); got != "h.at" {
		t.Errorf("the field is %q", got)
	}
	options, err := set.Partition.Options()
	if err != nil {
		t.Fatal(err)
	}
	p, err := partitioning.New(options)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[record.Kind]string{
		record.Int64:  "hourly/2026/11/20/14", // 13:00 in UTC
		record.String: "hourly/2026/11/20/14",
		record.Date:   "unknown", // a day that is far ahead
	} {
		schema := &record.Schema{Fields: []record.Field{{Name: "h", Type: record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "at", Type: record.Type{Kind: kind}}}}}}}
		times, err := p.Fields(schema)
		if err != nil {
			t.Fatal(err)
		}
		c := record.NewColumns(schema)
		switch l := &c.Leaves[0]; kind {
		case record.Int64:
			l.Int64s = append(l.Int64s, day.Unix())
		case record.String:
			l.AppendString(day.Format(time.RFC3339))
		default:
			l.Int32s = append(l.Int32s, 1_000_000)
		}
		if got, err := times.Bucket(c, 0, day); err != nil || got != want {
			t.Errorf("%s: %s, error %v, want %s", kind, got, err, want)
		}
	}
}
