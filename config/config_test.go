package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
)

// least is the least that a document must say.
const least = `
kafka: {brokers: [kafka-1:9092]}
store: {url: s3://lake/kafka}
jobs:
  - name: tracking
    topics: ["tracking\\..*"]
    value: {schema: "schemas/{topic}.avsc"}
`

func noEnv(string) (string, bool) { return "", false }

func env(pairs ...string) config.Environ {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("shadoof.yaml", []byte(text), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// resolved values compare by what they say.
var resolved = cmp.Options{
	cmp.Comparer(func(a, b *regexp.Regexp) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b config.Secret) bool { return a.Reveal() == b.Reveal() }),
}

// anyLine lets a job stand anywhere.
var anyLine = cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Jobs.Line" }, cmp.Ignore())

func TestDefaultsAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Dir:           dir,
		Kafka:         config.Kafka{Brokers: []string{"kafka-1:9092"}, ClientID: "shadoof", Isolation: config.ReadCommitted},
		Registry:      config.Registry{Timeout: 30 * time.Second},
		Store:         config.Store{URL: "s3://lake/kafka", Scheme: "s3", Bucket: "lake", Path: "kafka", HDFS: config.HDFS{Replication: 3, FileMode: 0o644, DirMode: 0o755, Staging: "root"}},
		Memory:        512 << 20,
		MaxOpenFiles:  512,
		OrphanAge:     24 * time.Hour,
		ShutdownGrace: 25 * time.Second,
		Admin:         config.Admin{Listen: "127.0.0.1:8080"},
		Metrics:       config.Metrics{PushJob: "shadoof"},
		Jobs: []*config.Job{{
			Line:        5,
			Name:        "tracking",
			Topics:      []config.Pattern{{Source: `tracking\..*`, Regexp: regexp.MustCompile(`^(?:(?-s:tracking\..*))$`)}},
			Timezone:    time.UTC,
			CatchUp:     24 * time.Hour,
			Retry:       config.Retry{Times: 5, Wait: time.Minute},
			Start:       config.Start{At: config.StartEarliest},
			Folder:      "{topic}",
			Value:       config.Value{Format: "avro", Framing: "confluent", Schema: "schemas/{topic}.avsc", Dir: dir},
			Key:         config.Value{Format: "none", Framing: "none", Dir: dir},
			Partition:   config.Partition{By: "timestamp", Unit: "ms", Layout: "hive", Min: time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC), MaxFuture: 24 * time.Hour, Otherwise: "quarantine"},
			Output:      config.Output{Format: "parquet", Compression: "zstd", TargetSize: 256 << 20, KafkaColumns: true},
			CommitEvery: config.CommitEvery{Bytes: 10 << 30, Duration: 15 * time.Minute},
			Complete:    config.Complete{Lateness: 10 * time.Minute, Idle: 30 * time.Minute},
			Policy: config.Policy{BadRecord: "quarantine", Misfit: "quarantine", Tombstone: "quarantine", LostRecords: "halt", TopicRecreated: "halt", Truncated: "halt",
				UnexplainedGap: "halt"},
		}},
	}
	if diff := cmp.Diff(want, parse(t, least), resolved); diff != "" {
		t.Error(diff)
	}
}

func TestExampleHoldsEveryKeyWithItsDefault(t *testing.T) {
	t.Parallel()
	example, err := config.Load("example.yaml", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	want := parse(t, least)
	want.MemoryGiven = true
	want.Registry.URLs = []string{"http://registry:8081"}
	want.Jobs[0].Value.Schema, want.Jobs[0].Value.Subject, want.Jobs[0].Value.Version = "", "{topic}-value", "grown"
	if diff := cmp.Diff(want, example, resolved, anyLine); diff != "" {
		t.Error(diff)
	}
	text, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for section, keys := range config.Known {
		for _, key := range keys {
			if !regexp.MustCompile(`(?m)[ {-]?\b` + key + `:`).Match(text) {
				t.Errorf("%s.%s is not in the example", section, key)
			}
		}
	}
}

func TestPrintedConfigurationIsTheSameConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "password"), "s3cret\n")
	write(t, filepath.Join(dir, "token"), "0123456789abcdef-s3cret\n")
	text := `
kafka:
  brokers: [a:1, "[::1]:2"]
  sasl: {mechanism: PLAIN, username: "$${me}", password_file: password}
store: {url: file:///data/lake/}
memory: 1GB
shutdown_grace: 0s
admin: {listen: "[::1]:0", token_file: token}
metrics: {textfile_dir: ., push_url: "https://push:9091/gateway/", push_job: lake, push_username: me, push_password_file: password}
defaults:
  timezone: Europe/Berlin
  output: {compression: snappy, target_size: 1MiB}
  partition: {min: 2020-02-02}
jobs:
  - name: a
    topics: [a, "b-[0-9]+"]
    exclude: [b-7]
    schedule: "*/5 1-3 1,15 jan-mar ?"
    start: 2026-11-20
    value: {format: string}
    output: {compression: none}
    limits: {records: 10, bytes: 1KiB, duration: 1d12h}
  - name: b
    topics: [c]
    folder: c/data
    start: 2026-11-20T10:00:00.5+01:00
    value: {format: json, framing: none, schema: raw}
    key: {format: string}
    partition: {by: field, field: a.b, unit: us, otherwise: unknown/times}
    policy: {bad_record: fail, lost_records: record}
`
	name := filepath.Join(dir, "shadoof.yaml")
	want, err := config.Parse(name, []byte(text), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	printed, err := want.Print()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(printed), "s3cret") {
		t.Errorf("the secret is printed:\n%s", printed)
	}
	got, err := config.Parse(name, printed, noEnv)
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	if diff := cmp.Diff(want, got, resolved, anyLine); diff != "" {
		t.Errorf("%s\n%s", diff, printed)
	}
	if want.Kafka.SASL.Password.Reveal() != "s3cret" || want.Kafka.SASL.Username != "${me}" {
		t.Errorf("got password %q, user %q", want.Kafka.SASL.Password.Reveal(), want.Kafka.SASL.Username)
	}
}

func TestJobKeysOverrideDefaultsOneByOne(t *testing.T) {
	t.Parallel()
	c := parse(t, least+`
    output: {compression: none}
defaults:
  headers: true
  output: {compression: gzip, target_size: 1MiB}
`)
	want := config.Output{Format: "parquet", Compression: "none", TargetSize: 1 << 20, KafkaColumns: true}
	if diff := cmp.Diff(want, c.Jobs[0].Output); diff != "" || !c.Jobs[0].Headers {
		t.Error(diff, c.Jobs[0].Headers)
	}
}

func TestEnvironmentStandsInAnyScalar(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("x.yaml", []byte(`
kafka: {brokers: "${BROKERS}", client_id: "a-${N}-${N}$${N}$"}
store: {url: "${ROOT}"}
max_open_files: ${FILES}
jobs: [{name: a, topics: ["t"], headers: "${YES}", value: {format: bytes}}]
`), env("BROKERS", "a:1, b", "N", "x: [y", "ROOT", "file:///r", "FILES", "7", "YES", "true"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a:1", "b:9092"}, c.Kafka.Brokers); diff != "" {
		t.Error(diff)
	}
	if got, want := c.Kafka.ClientID, "a-x: [y-x: [y${N}$"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if c.MaxOpenFiles != 7 || !c.Jobs[0].Headers || c.Store.Path != "/r" {
		t.Errorf("got %+v", c)
	}
}

func TestInternalTopicsOnlyWhenWrittenOut(t *testing.T) {
	t.Parallel()
	job := func(topics ...string) *config.Job {
		j := &config.Job{}
		for _, s := range topics {
			p, err := config.NewPattern(s)
			if err != nil {
				t.Fatal(err)
			}
			j.Topics = append(j.Topics, p)
		}
		return j
	}
	for _, c := range []struct {
		patterns []string
		topic    string
		want     bool
	}{
		{[]string{".*"}, "orders", true},
		{[]string{".*"}, "_orders", true},
		{[]string{".*"}, "__consumer_offsets", false},
		{[]string{"__.*"}, "__consumer_offsets", false},
		{[]string{"__consumer_offsets"}, "__consumer_offsets", true},
		{[]string{"a|b"}, "ab", false},
		{[]string{"a|b"}, "b", true},
		{[]string{`\Qa.b`}, "a.b", true},
		{[]string{"orders"}, "orders2", false},
	} {
		if got := job(c.patterns...).Matches(c.topic); got != c.want {
			t.Errorf("%v matches %s: got %v", c.patterns, c.topic, got)
		}
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
