package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"shadoof/config"
	"shadoof/record"
	"shadoof/record/evolve"
	"shadoof/writers"
)

// Settings are everything that decides the bytes of a topic's files, resolved. They are stored beside the log before the first
// commit that names them, so that a file can be rebuilt by the settings it was made with, whatever the configuration says by then.
type Settings struct {
	Topic          string            `json:"topic"`
	Folder         string            `json:"folder"`
	SchemaSettings                   // of values
	Key            string            `json:"key"`
	KeySchema      *SchemaSettings   `json:"key_schema,omitempty"` // where Key is none of none, string and bytes
	Headers        bool              `json:"headers"`
	Partition      PartitionSettings `json:"partition"`
	Output         OutputSettings    `json:"output"`
	BadRecord      string            `json:"bad_record"`
	Tombstone      string            `json:"tombstone"`
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
	value, err := e.schemaSettings(job.Value, topic, job.Policy.Tombstone == "row")
	if err != nil {
		return nil, usage(fmt.Errorf("%s: value.schema: %w", topic, err))
	}
	o := job.Output
	datums := job.Value.Format == "avro" && o.Format == "avro" && job.Key.Format == "none" && !job.Headers && len(job.Partition.Fields) < 2 && job.Policy.Tombstone != "row" && len(job.Value.AsJSON) == 0
	s := &Settings{
		Topic: topic, Folder: folderOf(job, topic), SchemaSettings: *value, Key: job.Key.Format, Headers: job.Headers,
		Partition: newPartitionSettings(job),
		Output:    OutputSettings{Format: o.Format, Compression: o.Compression, TargetSize: o.TargetSize, KafkaColumns: o.KafkaColumns, Datums: datums},
		BadRecord: job.Policy.BadRecord, Tombstone: job.Policy.Tombstone,
	}
	if job.Key.Decoded() {
		if s.KeySchema, err = e.schemaSettings(job.Key, topic, false); err != nil {
			return nil, usage(fmt.Errorf("%s: key.schema: %w", topic, err))
		}
	}
	return s, nil
}

// clone is a copy whose schemas can be changed.
func (s *Settings) clone() *Settings {
	c := *s
	if s.KeySchema != nil {
		key := *s.KeySchema
		c.KeySchema = &key
	}
	return &c
}

// of are the settings of values, or of keys.
func (s *Settings) of(key bool) *SchemaSettings {
	if key {
		return s.KeySchema
	}
	return &s.SchemaSettings
}

// hasSchema says whether values or keys have fields.
func (s *Settings) hasSchema() bool {
	return s.Target != nil || s.Subject != "" || s.KeySchema != nil
}

// hasColumns says whether it is known what rows have of values or keys. Settings that are not there have nothing.
func (s *Settings) hasColumns() bool { return s != nil && len(s.columns().Fields) > 0 }

// names are what the names of fields can collide with, but for the keys of folders.
func (s *Settings) names() evolve.NameOptions {
	o := evolve.NameOptions{Format: s.Output.Format}
	if s.Output.KafkaColumns {
		o.Columns = append(o.Columns, record.PartitionColumn, record.OffsetColumn, record.TimestampColumn)
	}
	if s.Key != "none" && s.Key != "" {
		o.Columns = append(o.Columns, record.KeyColumn)
	}
	if s.Headers {
		o.Columns = append(o.Columns, record.HeadersColumn)
	}
	return o
}

// columns are what rows have of values and keys, as far as it is known: a schema without fields where it is not.
func (s *Settings) columns() *record.Schema {
	rows := &record.Schema{}
	if s.Target != nil {
		rows.Name, rows.Fields = s.Target.Name, slices.Clone(s.Target.Fields)
	}
	if s.KeySchema != nil && s.KeySchema.Target != nil {
		rows.Fields = append(rows.Fields, record.KeyField(s.KeySchema.Rows()))
	}
	return rows
}

// folderOf is a topic's folder below the root.
func folderOf(job *config.Job, topic string) string {
	if writers.IsHidden(topic) {
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
