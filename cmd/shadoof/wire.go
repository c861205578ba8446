package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"unicode/utf8"

	"shadoof/config"
	"shadoof/extract"
	"shadoof/jobs"
	"shadoof/offsets"
	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/json"
	"shadoof/record/jsonschema"
	"shadoof/record/protobuf"
	"shadoof/record/registry"
	"shadoof/storage"
	"shadoof/storage/contract"
	"shadoof/storage/hdfs"
	"shadoof/storage/local"
	"shadoof/storage/s3"
	"shadoof/writers"
	avrofile "shadoof/writers/avro"
	"shadoof/writers/parquet"
)

// connect makes the parts that a configuration names and puts them together. Kafka is connected to when it is first asked: commands
// that read the store alone work without it.
func (a *app) connect(ctx context.Context, cfg *config.Config, progress jobs.Progress) (*jobs.Env, func(), error) {
	store, err := openStore(ctx, cfg.Store)
	if err != nil {
		return nil, nil, err
	}
	env, done := a.connectTo(cfg, store, progress)
	return env, done, nil
}

// connectTo is connect with a store that is there.
func (a *app) connectTo(cfg *config.Config, store storage.Store, progress jobs.Progress) (*jobs.Env, func()) {
	source := &lazySource{open: func(ctx context.Context) (extract.Source, func(), error) { return a.openKafka(ctx, cfg) }}
	env := jobs.New(cfg, jobs.Deps{
		Store:    hookStore(store),
		Endpoint: endpoint(cfg.Store),
		Source:   source,
		Groups:   lazyGroups{source},
		Registry: a.registry(cfg.Registry),
		Drivers:  drivers(),
		Now:      clock,
		Rand:     rand.Reader,
		Log:      a.log,
		Progress: progress,
		Writer:   offsets.Writer{Host: hostname(), Build: thisBuild().String()},
		Hook:     protocolHook(),
		Lost:     lostAfter(),
	})
	return env, source.close
}

func openStore(ctx context.Context, s config.Store) (storage.Store, error) {
	switch s.Scheme {
	case "file":
		return local.New(s.Path)
	case "s3":
		return s3.New(ctx, s3.Options{
			Bucket: s.Bucket, Prefix: s.Path, Endpoint: s.S3.Endpoint, Region: s.S3.Region, PathStyle: s.S3.PathStyle,
			StorageClass: s.S3.StorageClass, SSE: s.S3.SSE, KMSKey: s.S3.KMSKey, ACL: s.S3.ACL,
		})
	case "hdfs":
		h := s.HDFS
		return hdfs.New(ctx, hdfs.Options{
			Authority: s.Name, Path: s.Path, ConfDir: h.ConfDir, User: h.User, Replication: h.Replication, Group: h.Group, FileMode: h.FileMode, DirMode: h.DirMode,
			Kerberos: hdfs.Kerberos{Principal: h.Kerberos.Principal, Keytab: h.Kerberos.Keytab, Krb5Conf: h.Kerberos.Krb5Conf},
		})
	}
	return nil, usagef("store.url %s: the scheme %q is unknown to this build", s.URL, s.Scheme)
}

// endpoint is which store this is: a store that moves is probed anew.
func endpoint(s config.Store) string {
	if s.S3.Endpoint == "" {
		return s.URL
	}
	return s.URL + " at " + s.S3.Endpoint
}

func (a *app) openKafka(ctx context.Context, cfg *config.Config) (extract.Source, func(), error) {
	source, err := extract.Open(ctx, a.kafkaOptions(cfg))
	if err != nil {
		return nil, nil, err
	}
	return source, source.Close, nil
}

// registry opens the schema registry, where there is one.
func (a *app) registry(r config.Registry) func() (record.Registry, error) {
	if len(r.URLs) == 0 {
		return nil
	}
	return func() (record.Registry, error) {
		return registry.New(registry.Options{
			URLs: r.URLs, Username: r.Username, Password: r.Password.Reveal(), Patience: r.Timeout,
			TLS:       registry.TLS{CAFile: r.CAFile, CertFile: r.CertFile, KeyFile: r.KeyFile},
			UserAgent: "shadoof/" + thisBuild().Version, Log: a.log,
		})
	}
}

// leastBatch is what a producer's batch may become, however little memory there is.
const leastBatch = 64 << 20

func (a *app) kafkaOptions(cfg *config.Config) extract.Options {
	k := cfg.Kafka
	return extract.Options{
		Brokers:       k.Brokers,
		ClientID:      k.ClientID,
		TLS:           extract.TLS{Enabled: k.TLS.Enabled, CAFile: k.TLS.CAFile, CertFile: k.TLS.CertFile, KeyFile: k.TLS.KeyFile, ServerName: k.TLS.ServerName},
		SASL:          extract.SASL{Mechanism: k.SASL.Mechanism, Username: k.SASL.Username, Password: k.SASL.Password.Reveal()},
		ReadCommitted: k.Isolation == config.ReadCommitted,
		MaxBatch:      max(cfg.Memory/2, leastBatch),
		Logger:        a.log,
		Traffic:       a.traffic,
	}
}

// connectDoctor is connect for doctor, which finds out itself what cannot be opened.
func (a *app) connectDoctor(cfg *config.Config) (*jobs.Env, jobs.Doctors, func()) {
	env, done := a.connectTo(cfg, nil, nil)
	kafka := &lazyExaminer{options: a.kafkaOptions(cfg)}
	return env, jobs.Doctors{
		Kafka: kafka,
		Open:  func(ctx context.Context) (storage.Store, error) { return openStore(ctx, cfg.Store) },
		Check: func(ctx context.Context, open func() (storage.Store, error)) []storage.Finding {
			return contract.Findings(ctx, open, contract.Options{})
		},
	}, func() { kafka.close(); done() }
}

// drivers are the formats of this build.
func drivers() jobs.Drivers {
	return jobs.Drivers{
		Schema:  readSchema,
		Writer:  parsed.get,
		Decoder: newDecoder,
		Format:  newFormat,
		Reader:  newReader,
		Probe:   contract.Probe,
	}
}

func newFormat(o jobs.OutputSettings) (writers.Format, error) {
	switch o.Format {
	case "parquet":
		return parquet.New(parquet.Options{Compression: o.Compression})
	case "avro":
		return avrofile.New(avrofile.Options{Compression: o.Compression})
	}
	return nil, fmt.Errorf("output.format %s is unknown to this build", o.Format)
}

// newReader reads back the files of newFormat.
func newReader(key string) (writers.Reader, error) {
	switch path.Ext(key) {
	case parquet.Extension:
		return parquet.NewReader(), nil
	case avrofile.Extension:
		return avrofile.NewReader(), nil
	}
	return nil, fmt.Errorf("%s: files of this kind cannot be read back", key)
}

// readSchema is the text of the file with the schema of a topic's values, or keys, and what the text is; "" where they have none.
func readSchema(v config.Value, topic string) (text, kind string, err error) {
	if v.Raw() {
		return rawSchema, "", nil
	}
	name := v.SchemaFile(topic)
	if name == "" {
		return "", "", nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", "", err
	}
	kind = kindOf(v.Format, b)
	if kind == descriptors {
		return base64.StdEncoding.EncodeToString(b), kind, nil
	}
	return string(b), kind, nil
}

// Kinds of schema files besides the formats, and what stands for a schema of values that become one JSON column.
const (
	descriptors = "descriptors" // a FileDescriptorSet, in base64
	rawSchema   = "raw"
)

// kindOf says what a schema file is. JSON data may be described by an Avro schema as well.
func kindOf(format string, file []byte) string {
	switch format {
	case "protobuf":
		if !utf8.Valid(file) || bytes.IndexByte(file, 0) >= 0 || bytes.HasPrefix(file, []byte{'\n'}) && !bytes.Contains(file, []byte("message")) {
			return descriptors
		}
	case "json":
		var top struct{ Type any }
		if stdjson.Unmarshal(file, &top) == nil && top.Type == "record" {
			return "avro"
		}
	}
	return format
}

// newWriter makes something of a schema that records were written with.
func newWriter(s *jobs.SchemaSettings, t *record.SchemaText, rows bool) (record.Writer, error) {
	o := record.ReadOptions{Message: s.Message, AsJSON: s.AsJSON, ElseJSON: !rows}
	switch {
	case s.Format == "protobuf":
		w, err := newProtobufAs(s.Target, t, o)
		if err != nil || s.Framing == "none" {
			return w, err
		}
		return w.Framed(), nil
	case t.Format == "json":
		rows, _, err := jsonschema.Parse(t, o.AsJSON...)
		if err != nil {
			return nil, err
		}
		return json.NewWriter(rows), nil
	}
	w, err := avro.ParseWriter(t, o)
	if err != nil || s.Format == "avro" {
		return w, err
	}
	return json.NewWriter(w.Rows()), nil
}

// newProtobufAs is newProtobuf of the message by whose name rows go, where nobody names one and the schema has it: a schema may get other
// messages before it.
func newProtobufAs(rows *record.Schema, t *record.SchemaText, o record.ReadOptions) (*protobuf.Writer, error) {
	if o.Message != "" || rows == nil {
		return newProtobuf(t, o)
	}
	for _, name := range append([]string{rows.Name}, rows.Aliases...) {
		if name == "" {
			continue
		}
		as := o
		as.Message = name
		if w, err := newProtobuf(t, as); !errors.Is(err, protobuf.ErrNoMessage) {
			return w, err
		}
	}
	return newProtobuf(t, o)
}

func newProtobuf(t *record.SchemaText, o record.ReadOptions) (*protobuf.Writer, error) {
	if t.Format != descriptors {
		return protobuf.Parse(t, o)
	}
	set, err := base64.StdEncoding.DecodeString(t.Text)
	if err != nil {
		return nil, fmt.Errorf("descriptor set: %w", err)
	}
	return protobuf.ParseDescriptorSet(set, o)
}

func newDecoder(s *jobs.Settings, find jobs.FindSchema) (record.Decoder, error) {
	switch s.Format {
	case "string":
		return record.NewStringDecoder(), nil
	case "bytes":
		return record.NewBytesDecoder(), nil
	}
	dec, err := datumDecoder(s)
	if err == nil && dec == nil {
		dec, err = fieldsDecoder(&s.SchemaSettings, func(id int32) (record.Writer, error) { return find(id, false) })
	}
	if err != nil {
		return nil, err
	}
	if s.Nulls {
		dec = record.WithNulls(dec)
	}
	key := record.KeyFormat{}
	switch {
	case s.KeySchema != nil:
		if key.Decoder, err = fieldsDecoder(s.KeySchema, func(id int32) (record.Writer, error) { return find(id, true) }); err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		key.Undecided = !s.KeySchema.Decided()
	case s.Key == "string" || s.Key == "bytes":
		key.Kind = record.Kind(s.Key)
	}
	return record.WithKey(dec, key, s.Headers)
}

// datumDecoder is the decoder of Avro data that goes into Avro files as it is; nil where it does not.
func datumDecoder(s *jobs.Settings) (record.Decoder, error) {
	if !s.Output.Datums || s.ByID || s.Subject != "" {
		return nil, nil
	}
	p, err := avro.Parse([]byte(s.Schema))
	if err != nil {
		return nil, err
	}
	dec, ok := avro.NewDatumDecoder(p, s.Partition.OnlyField())
	if !ok {
		return nil, nil
	}
	return unframed(dec, s.Framing), nil
}

// fieldsDecoder is the decoder of values, or keys, that become fields.
func fieldsDecoder(s *jobs.SchemaSettings, find func(id int32) (record.Writer, error)) (record.Decoder, error) {
	if s.Target != nil {
		if err := s.Target.Validate(); err != nil {
			return nil, fmt.Errorf("its rows: %w", err)
		}
	}
	switch {
	case s.ByID:
		return record.NewFramedDecoder(s.Rows(), func(id int32) (record.Decoder, error) { return foundDecoder(s, id, find) }), nil
	case s.Schema == rawSchema:
		return unframed(json.NewRaw(), s.Framing), nil
	}
	w, err := parsed.get(s, s.Text(), true)
	if err != nil {
		return nil, err
	}
	dec, err := w.Decoder(s.RowsOf(w))
	if err != nil {
		return nil, err
	}
	return unframed(dec, s.Framing), nil
}

// unframed takes the header off where there is one, whatever schema it names.
func unframed(dec record.Decoder, framing string) record.Decoder {
	if framing != "confluent" {
		return dec
	}
	return record.NewFramedDecoder(dec.Schema(), func(int32) (record.Decoder, error) { return dec, nil })
}

// foundDecoder is the decoder of what was written with the schema of an id.
func foundDecoder(s *jobs.SchemaSettings, id int32, find func(id int32) (record.Writer, error)) (record.Decoder, error) {
	w, err := find(id)
	if err != nil {
		return nil, err
	}
	dec, err := w.Decoder(s.Rows())
	if misfit := (*record.MisfitError)(nil); errors.As(err, &misfit) {
		return nil, &record.BadRecord{Reason: record.Misfit, Detail: fmt.Sprintf("schema %d cannot be read as the topic's: %v", id, misfit)}
	}
	return dec, err
}
