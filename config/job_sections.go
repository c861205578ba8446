package config

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (d *document) value(m *mapping) Value {
	return d.decoding(m, m.choice("format", "avro", "avro", "json", "protobuf", "string", "bytes"), "{topic}-value")
}

func (d *document) keyValue(m *mapping) Value {
	return d.decoding(m, m.choice("format", "none", "none", "string", "bytes", "avro", "json", "protobuf"), "{topic}-key")
}

// decoding reads how values or keys of a format are decoded.
func (d *document) decoding(m *mapping, format, subject string) Value {
	v := Value{
		Format:  format,
		Framing: m.choice("framing", "confluent", "none", "confluent"),
		Schema:  m.text("schema", ""),
		Subject: m.text("subject", subject),
		Version: m.text("version", VersionGrown),
		Message: m.text("message", ""),
		Dir:     d.dir,
	}
	if v.plain() && !m.has("framing") {
		v.Framing = "none"
	}
	for _, it := range m.list("as_json") {
		if it.text == "" || slices.Contains(strings.Split(it.text, "."), "") {
			d.report(it.where, "%q is not a path of field names such as tree.children", clip(it.text))
		}
		v.AsJSON = append(v.AsJSON, it.text)
	}
	if !v.Registered() {
		v.Subject, v.Version = m.text("subject", ""), m.text("version", "")
		return v
	}
	if n, err := strconv.Atoi(v.Version); v.Version != VersionGrown && v.Version != VersionLatest && (err != nil || n < 1) {
		m.reject("version", "%q is not grown, latest, or the number of a version", clip(v.Version))
	}
	if rest := strings.ReplaceAll(v.Subject, "{topic}", ""); v.Subject == "" || strings.ContainsAny(rest, "{}") {
		m.reject("subject", "%q is not a subject such as {topic}-value", clip(v.Subject))
	}
	return v
}

// Registered says whether the schemas come from a registry.
func (v Value) Registered() bool { return v.Schema == "" && !v.plain() }

// SubjectOf is the registry's subject for a topic.
func (v Value) SubjectOf(topic string) string { return strings.ReplaceAll(v.Subject, "{topic}", topic) }

// SchemaFile is the absolute name of the topic's schema file; "" when the value has no schema.
func (v Value) SchemaFile(topic string) string {
	if v.Schema == "" || v.Raw() {
		return ""
	}
	name := strings.ReplaceAll(v.Schema, "{topic}", topic)
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(v.Dir, name)
}

// Raw says whether the value becomes one JSON column.
func (v Value) Raw() bool { return v.Schema == "raw" }

// plain says whether the value is kept as it is, or not at all.
func (v Value) plain() bool { return v.Format == "string" || v.Format == "bytes" || v.Format == "none" }

// Decoded says whether the value becomes fields.
func (v Value) Decoded() bool { return !v.plain() }

func (d *document) output(m *mapping) Output {
	o := Output{
		Format:       m.choice("format", "parquet", "parquet", "avro"),
		Compression:  m.choice("compression", "zstd", "zstd", "snappy", "gzip", "none"),
		TargetSize:   m.size("target_size", 256<<20, 1),
		KafkaColumns: m.boolean("kafka_columns", true),
	}
	return o
}

func (d *document) completeness(m *mapping) Complete {
	c := Complete{
		Marker:   m.text("marker", ""),
		Lateness: m.duration("lateness", 10*time.Minute, 0),
		Idle:     m.duration("idle", 30*time.Minute, 0),
	}
	if c.Marker != "" && c.Marker != MarkerName {
		m.reject("marker", "%q is not %s, the one name that all readers of time folders pass over; leave it empty for no markers", clip(c.Marker), MarkerName)
	}
	return c
}

func (d *document) policy(m *mapping) Policy {
	haltOrRecord := func(key string) string { return m.choice(key, "halt", "halt", "record") }
	p := Policy{
		BadRecord:      m.choice("bad_record", "quarantine", "quarantine", "fail"),
		Misfit:         m.choice("misfit", "quarantine", "quarantine", "halt"),
		MaxBad:         m.maxBad("max_bad"),
		Tombstone:      m.choice("tombstone", "quarantine", "quarantine", "row", "skip"),
		LostRecords:    haltOrRecord("lost_records"),
		TopicRecreated: haltOrRecord("topic_recreated"),
		Truncated:      haltOrRecord("truncated"),
		UnexplainedGap: haltOrRecord("unexplained_gap"),
	}
	if p.MaxBad != "" && p.BadRecord == "fail" {
		m.reject("max_bad", "has no effect: with bad_record: fail none goes to quarantine")
	}
	return p
}

// complete checks what the keys of a job must be together.
func (d *document) complete(m *mapping, j *Job) {
	if !m.has("topics") {
		m.reject("topics", "is missing: name topics, or regular expressions such as tracking\\..*")
	} else if len(m.list("topics")) == 0 {
		m.reject("topics", "is empty")
	}
	d.completeValue(m.section("value"), j.Value)
	d.completeValue(m.section("key"), j.Key)
	if j.Value.plain() && j.Key.Format != "none" {
		m.section("key").reject("format", "has no effect: with format %s the key is a column of that kind already", j.Value.Format)
	}
	d.completePartition(m.section("partition"), j)
	d.completeLayout(m.section("partition"), j.Partition.Layout)
	if !strings.Contains(j.Folder, "{topic") && !j.oneTopic() {
		m.reject("folder", "several topics would share %s: it needs {topic} or {topic.underscored}", clip(j.Folder))
	}
}

// oneTopic says whether the job can claim no more than one topic.
func (j *Job) oneTopic() bool {
	return len(j.Topics) == 1 && j.Topics[0].Literal != ""
}

func (d *document) completeValue(m *mapping, v Value) {
	if v.Format != "protobuf" && v.Message != "" {
		m.reject("message", "has no effect with format %s", v.Format)
	}
	if !v.Registered() {
		for _, key := range []string{"subject", "version"} {
			if m.text(key, "") != "" {
				m.reject(key, "has no effect: the schema does not come from the registry")
			}
		}
	}
	if v.plain() {
		if v.Framing == "confluent" {
			m.reject("framing", "a %s value is kept whole: framing confluent needs a format with a schema", v.Format)
		}
		if v.Schema != "" {
			m.reject("schema", "has no effect with format %s", v.Format)
		}
		return
	}
	if v.Registered() {
		switch {
		case !d.registered:
			m.reject("schema", `%s needs a schema: name a file, such as schema: "schemas/{topic}.avsc", or a registry in registry.url`, v.Format)
		case v.Framing == "none" && v.Version == VersionGrown && m.has("version"):
			m.reject("version", "grown goes with framing confluent: without it no record says which schema it has")
		}
		return
	}
	if v.Raw() {
		if v.Format != "json" {
			m.reject("schema", "raw, one JSON column, goes with format json only")
		}
		return
	}
	rest := strings.ReplaceAll(v.Schema, "{topic}", "")
	if strings.ContainsAny(rest, "{}") {
		m.reject("schema", "%q has a variable that is not {topic}", clip(v.Schema))
		return
	}
	if rest != v.Schema {
		return // which files there must be is known with the topics
	}
	if info, err := os.Stat(v.SchemaFile("")); err != nil {
		m.reject("schema", "%v", err)
	} else if !info.Mode().IsRegular() {
		m.reject("schema", "%s is not a file", v.SchemaFile(""))
	}
}
