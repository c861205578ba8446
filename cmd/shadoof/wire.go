package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path"
	"time"

	"shadoof/config"
	"shadoof/extract"
	"shadoof/jobs"
	"shadoof/offsets"
	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/json"
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
	source := &lazySource{open: func(ctx context.Context) (extract.Source, func(), error) { return a.openKafka(ctx, cfg.Kafka) }}
	env := jobs.New(cfg, jobs.Deps{
		Store:    hookStore(store),
		Endpoint: endpoint(cfg.Store),
		Source:   source,
		Groups:   lazyGroups{source},
		Drivers:  drivers(),
		Now:      time.Now,
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

func (a *app) openKafka(ctx context.Context, k config.Kafka) (extract.Source, func(), error) {
	source, err := extract.Open(ctx, a.kafkaOptions(k))
	if err != nil {
		return nil, nil, err
	}
	return source, source.Close, nil
}

func (a *app) kafkaOptions(k config.Kafka) extract.Options {
	return extract.Options{
		Brokers:       k.Brokers,
		ClientID:      k.ClientID,
		TLS:           extract.TLS{Enabled: k.TLS.Enabled, CAFile: k.TLS.CAFile, CertFile: k.TLS.CertFile, KeyFile: k.TLS.KeyFile, ServerName: k.TLS.ServerName},
		SASL:          extract.SASL{Mechanism: k.SASL.Mechanism, Username: k.SASL.Username, Password: k.SASL.Password.Reveal()},
		ReadCommitted: k.Isolation == config.ReadCommitted,
		Logger:        a.log,
	}
}

// connectDoctor is connect for doctor, which finds out itself what cannot be opened.
func (a *app) connectDoctor(cfg *config.Config) (*jobs.Env, jobs.Doctors, func()) {
	env, done := a.connectTo(cfg, nil, nil)
	kafka := &lazyExaminer{options: a.kafkaOptions(cfg.Kafka)}
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

// readSchema is the text of the schema of a topic's values; "" where they have none.
func readSchema(job *config.Job, topic string) (string, error) {
	if job.Value.Raw() {
		return rawSchema, nil
	}
	name := job.Value.SchemaFile(topic)
	if name == "" {
		return "", nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("value.schema: %w", err)
	}
	return string(text), nil
}

// rawSchema stands for a schema in the settings of values that become one JSON column.
const rawSchema = "raw"

func newDecoder(s *jobs.Settings) (record.Decoder, error) {
	switch s.Format {
	case "string":
		return record.NewStringDecoder(), nil
	case "bytes":
		return record.NewBytesDecoder(), nil
	case "avro", "json":
	default:
		return nil, fmt.Errorf("value.format %s is not built yet", s.Format)
	}
	dec, err := valueDecoder(s)
	if err != nil {
		return nil, err
	}
	return record.WithKey(dec, s.Key, s.Headers)
}

func valueDecoder(s *jobs.Settings) (record.Decoder, error) {
	framed := s.Framing == "confluent"
	if s.Format == "json" && s.Schema == rawSchema {
		return unframe(json.NewRaw(), framed), nil
	}
	p, err := avro.Parse([]byte(s.Schema))
	if err != nil {
		return nil, err
	}
	if s.Format == "json" {
		dec, err := json.NewDecoder(p.Schema)
		if err != nil {
			return nil, err
		}
		return unframe(dec, framed), nil
	}
	if s.Output.Datums {
		if dec, ok := avro.NewDatumDecoder(p, s.Partition.Field); ok {
			return unframe(dec, framed), nil
		}
	}
	return unframe(avro.NewDecoder(p), framed), nil
}
