package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"shadoof/config"
	"shadoof/record"
	"shadoof/record/evolve"
)

// Settings are everything that decides the bytes of a topic's files, resolved. They are stored beside the log before the first
// commit that names them, so that a file can be rebuilt by the settings it was made with, whatever the configuration says by then.
type Settings struct {
	Topic      string             `json:"topic"`
	Folder     string             `json:"folder"`
	Format     string             `json:"format"`
	Framing    string             `json:"framing,omitempty"`
	Schema     string             `json:"schema,omitempty"`      // text of the value's schema, where one is that of all values
	Kind       string             `json:"schema_kind,omitempty"` // of that text: see Drivers.Schema; "" is avro
	References []record.Reference `json:"references,omitempty"`  // of that text
	Message    string             `json:"message,omitempty"`
	AsJSON     []string           `json:"as_json,omitempty"`
	ByID       bool               `json:"by_id,omitempty"`   // each value names the schema that it was written with
	Subject    string             `json:"subject,omitempty"` // of the registry, where that decides about rows
	Version    string             `json:"version,omitempty"`
	Target     *record.Schema     `json:"target,omitempty"` // what rows have; nil where that is not decided yet, and in settings of builds before
	Key        string             `json:"key"`
	Headers    bool               `json:"headers"`
	Partition  PartitionSettings  `json:"partition"`
	Output     OutputSettings     `json:"output"`
	BadRecord  string             `json:"bad_record"`
	Tombstone  string             `json:"tombstone"`
}

// OutputSettings say what files look like.
type OutputSettings struct {
	Format       string `json:"format"`
	Compression  string `json:"compression"`
	TargetSize   int64  `json:"target_size"`
	KafkaColumns bool   `json:"kafka_columns"`

	// Datums says that Avro data goes into Avro files as it is, where its schema allows it. Settings of builds before that lack it, and
	// their files are rebuilt the way they were made.
	Datums bool `json:"datums,omitempty"`
}

// newSettings resolves a job for one topic, as far as the configuration and its files say.
func (e *Env) newSettings(job *config.Job, topic string) (*Settings, error) {
	schema, kind, err := e.drivers.Schema(job, topic)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", topic, err))
	}
	o, v := job.Output, job.Value
	datums := v.Format == "avro" && o.Format == "avro" && job.Key.Format == "none" && !job.Headers && len(job.Partition.Fields) < 2 && job.Policy.Tombstone != "row"
	s := &Settings{
		Topic: topic, Folder: folderOf(job, topic), Format: v.Format, Framing: v.Framing, Schema: schema, Kind: kind, Message: v.Message, AsJSON: v.AsJSON,
		Key: job.Key.Format, Headers: job.Headers,
		Partition: newPartitionSettings(job),
		Output:    OutputSettings{Format: o.Format, Compression: o.Compression, TargetSize: o.TargetSize, KafkaColumns: o.KafkaColumns, Datums: datums},
		BadRecord: job.Policy.BadRecord, Tombstone: job.Policy.Tombstone,
	}
	framed := v.Framing == "confluent" && e.openRegistry != nil
	switch {
	case v.Registered():
		s.Subject, s.Version, s.ByID = v.SubjectOf(topic), v.Version, framed
		return s, nil
	case schema == "" || v.Raw():
		return s, nil
	}
	s.ByID = framed && v.Format != "json" // a document says itself which fields it has
	w, err := e.drivers.Writer(s, s.Text())
	if err != nil {
		return nil, usage(fmt.Errorf("%s: value.schema: %w", topic, err))
	}
	s.Target = s.RowsOf(w)
	return s, nil
}

// Text is the schema that all values have.
func (s *Settings) Text() *record.SchemaText {
	return &record.SchemaText{Format: cmp.Or(s.Kind, "avro"), Text: s.Schema, References: s.References}
}

// RowsOf are what a writer's records become, where those of no others count.
func (s *Settings) RowsOf(w record.Writer) *record.Schema {
	switch {
	case s.Target != nil:
		return s.Target
	case s.Tombstone == "row":
		return evolve.Nullable(w.Rows())
	}
	return w.Rows()
}

// Rows are what records become. As long as nobody knows, none can.
func (s *Settings) Rows() *record.Schema {
	if s.Target == nil {
		return &record.Schema{Fields: []record.Field{{Name: record.ValueColumn, Type: record.Type{Kind: record.Bytes}, Nullable: true}}}
	}
	return s.Target
}

// decided says whether it is known what records become.
func (s *Settings) decided() bool { return s.Target != nil || s.Subject == "" }

// number is the version of the subject: 0 for the latest.
func (s *Settings) number() int {
	n, err := strconv.Atoi(s.Version)
	if err != nil {
		return 0
	}
	return n
}

// folderOf is a topic's folder below the root.
func folderOf(job *config.Job, topic string) string {
	if strings.HasPrefix(topic, "_") || strings.HasPrefix(topic, ".") {
		return "topic=" + topic // readers take names that begin with _ or . for hidden
	}
	return strings.NewReplacer("{topic}", topic, "{topic.underscored}", strings.ReplaceAll(topic, ".", "_")).Replace(job.Folder)
}

func (s *Settings) bytes() []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain data always marshals
	}
	return b
}

// settingsOf reads the settings of a commit back.
func (w *worker) settingsOf(ctx context.Context, hash string) (*Settings, error) {
	b, err := w.log.Settings(ctx, hash)
	if err != nil {
		return nil, err
	}
	var s Settings
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("%s: settings %s: %w", w.topic, hash, err)
	}
	return &s, nil
}
