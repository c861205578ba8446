package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"shadoof/config"
	"shadoof/partitioning"
)

// Settings are everything that decides the bytes of a topic's files, resolved. They are stored beside the log before the first
// commit that names them, so that a file can be rebuilt by the settings it was made with, whatever the configuration says by then.
type Settings struct {
	Topic     string            `json:"topic"`
	Folder    string            `json:"folder"`
	Format    string            `json:"format"`
	Framing   string            `json:"framing,omitempty"`
	Schema    string            `json:"schema,omitempty"` // text of the value's schema
	Key       string            `json:"key"`
	Headers   bool              `json:"headers"`
	Partition PartitionSettings `json:"partition"`
	Output    OutputSettings    `json:"output"`
	BadRecord string            `json:"bad_record"`
	Tombstone string            `json:"tombstone"`
}

// PartitionSettings say which time folder a record goes to.
type PartitionSettings struct {
	By        string        `json:"by"`
	Field     string        `json:"field,omitempty"`
	Unit      string        `json:"unit,omitempty"`
	Layout    string        `json:"layout"`
	Timezone  string        `json:"timezone"`
	Min       time.Time     `json:"min"`
	MaxFuture time.Duration `json:"max_future_ns"`
	Otherwise string        `json:"otherwise"`
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

// newSettings resolves a job for one topic.
func (e *Env) newSettings(job *config.Job, topic string) (*Settings, error) {
	schema, err := e.drivers.Schema(job, topic)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", topic, err))
	}
	p, o := job.Partition, job.Output
	datums := job.Value.Format == "avro" && o.Format == "avro" && job.Key.Format == "none" && !job.Headers
	return &Settings{
		Topic: topic, Folder: folderOf(job, topic), Format: job.Value.Format, Framing: job.Value.Framing, Schema: schema,
		Key: job.Key.Format, Headers: job.Headers,
		Partition: PartitionSettings{By: p.By, Field: p.Field, Unit: p.Unit, Layout: p.Layout, Timezone: job.Timezone.String(), Min: p.Min.UTC(), MaxFuture: p.MaxFuture, Otherwise: p.Otherwise},
		Output:    OutputSettings{Format: o.Format, Compression: o.Compression, TargetSize: o.TargetSize, KafkaColumns: o.KafkaColumns, Datums: datums},
		BadRecord: job.Policy.BadRecord, Tombstone: job.Policy.Tombstone,
	}, nil
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

func (s *Settings) partitioning() (partitioning.Options, error) {
	zone, err := time.LoadLocation(s.Partition.Timezone)
	if err != nil {
		return partitioning.Options{}, fmt.Errorf("timezone %q: %w", s.Partition.Timezone, err)
	}
	p := s.Partition
	return partitioning.Options{By: p.By, Field: p.Field, Unit: p.Unit, Layout: p.Layout, Zone: zone, Min: p.Min, MaxFuture: p.MaxFuture, Otherwise: p.Otherwise}, nil
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
