// Package servers gives tests the real servers they share: those that the environment tells of (see cmd/withservers), or else
// ones that the test process starts for itself at the first call and that end with it.
//
// Names of topics, subjects, buckets and folders must be unique, for everybody uses the same servers. A test that kills or stops a server starts its
// own, with OwnKafka, OwnS3, OwnHDFS or OwnRegistry.
package servers

import (
	"context"
	"sync"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/readers"
	"shadoof/testbed/registrybed"
	"shadoof/testbed/s3bed"
)

// patience is for the start of a server, with a cold cache: it includes downloads and the build of the S3 server.
const patience = 10 * time.Minute

// shared is a server that is started once.
type shared[S any] struct {
	once   sync.Once
	server S
	err    error
}

func (s *shared[S]) get(tb testing.TB, start func(context.Context) (S, error)) S {
	tb.Helper()
	s.once.Do(func() {
		// Not the test's context: the server outlives the test.
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.server, s.err = start(ctx)
	})
	if s.err != nil {
		tb.Fatal(s.err)
	}
	return s.server
}

var (
	kafka shared[*kafkabed.Cluster]
	s3    shared[*s3bed.Server]
	s3TLS shared[*s3bed.Server]
	hdfs  shared[*hdfsbed.Cluster]
	reg   shared[*registrybed.Server]
	env   shared[*readers.Env]
)

// SharedKafka are the options of the shared cluster.
var SharedKafka = kafkabed.Options{Heap: "512m", Secure: true, Authorize: true}

// Kafka is the shared cluster: one broker with all listeners and ACLs. It must not be stopped.
func Kafka(tb testing.TB) *kafkabed.Cluster {
	tb.Helper()
	c := kafka.get(tb, func(ctx context.Context) (*kafkabed.Cluster, error) {
		if c, ok := kafkabed.FromEnv(); ok {
			return c, nil
		}
		return kafkabed.Start(ctx, SharedKafka)
	})
	showLogs(tb, c.Logs)
	return c
}

// OwnKafka starts a cluster for one test and ends it with the test.
func OwnKafka(tb testing.TB, opts kafkabed.Options) *kafkabed.Cluster {
	tb.Helper()
	c, err := kafkabed.Start(tb.Context(), opts)
	return own(tb, c, err)
}

// S3 is the shared S3 server. It must not be stopped.
func S3(tb testing.TB) *s3bed.Server {
	tb.Helper()
	s := s3.get(tb, func(ctx context.Context) (*s3bed.Server, error) {
		if s, ok := s3bed.FromEnv(); ok {
			return s, nil
		}
		return s3bed.Start(ctx, s3bed.Options{})
	})
	showLogs(tb, s.Logs)
	return s
}

// S3TLS is an S3 server with HTTPS that the tests of one process share. It must not be stopped.
func S3TLS(tb testing.TB) *s3bed.Server {
	tb.Helper()
	s := s3TLS.get(tb, func(ctx context.Context) (*s3bed.Server, error) { return s3bed.Start(ctx, s3bed.Options{TLS: true}) })
	showLogs(tb, s.Logs)
	return s
}

// OwnS3 starts an S3 server for one test and ends it with the test.
func OwnS3(tb testing.TB, opts s3bed.Options) *s3bed.Server {
	tb.Helper()
	s, err := s3bed.Start(tb.Context(), opts)
	return own(tb, s, err)
}

// HDFS is the shared HDFS: one NameNode and one DataNode. It must not be stopped.
func HDFS(tb testing.TB) *hdfsbed.Cluster {
	tb.Helper()
	c := hdfs.get(tb, func(ctx context.Context) (*hdfsbed.Cluster, error) {
		if c, ok := hdfsbed.FromEnv(); ok {
			return c, nil
		}
		return hdfsbed.Start(ctx, hdfsbed.Options{})
	})
	showLogs(tb, c.Logs)
	return c
}

// OwnHDFS starts a cluster for one test and ends it with the test.
func OwnHDFS(tb testing.TB, opts hdfsbed.Options) *hdfsbed.Cluster {
	tb.Helper()
	c, err := hdfsbed.Start(tb.Context(), opts)
	return own(tb, c, err)
}

// Registry is the shared schema registry. It must not be stopped.
func Registry(tb testing.TB) *registrybed.Server {
	tb.Helper()
	s := reg.get(tb, func(ctx context.Context) (*registrybed.Server, error) {
		if s, ok := registrybed.FromEnv(); ok {
			return s, nil
		}
		return registrybed.Start(ctx)
	})
	showLogs(tb, s.Logs)
	return s
}

// OwnRegistry starts a schema registry for one test and ends it with the test.
func OwnRegistry(tb testing.TB) *registrybed.Server {
	tb.Helper()
	s, err := registrybed.Start(tb.Context())
	return own(tb, s, err)
}

// Readers are the readers that the tests of one process share.
func Readers(tb testing.TB) *readers.Env {
	tb.Helper()
	e := env.get(tb, readers.Start)
	showLogs(tb, e.Logs)
	return e
}

// Mirror copies the objects of a bucket whose keys start with prefix into a new local folder that mirrors the keys, for readers.
func Mirror(tb testing.TB, s *s3bed.Server, bucket, prefix string) string {
	tb.Helper()
	dir := tb.TempDir()
	if err := s.Download(tb.Context(), bucket, prefix, dir); err != nil {
		tb.Fatal(err)
	}
	return dir
}

type server interface {
	Logs() []string
	Close(logs bool) error
}

func own[S server](tb testing.TB, s S, err error) S {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(tb.Failed()); err != nil {
			tb.Error(err)
		}
	})
	showLogs(tb, s.Logs)
	return s
}

// showLogs tells where to look when the test fails.
func showLogs(tb testing.TB, logs func() []string) {
	tb.Helper()
	tb.Cleanup(func() {
		if !tb.Failed() {
			return
		}
		for _, log := range logs() {
			tb.Logf("see %s", log)
		}
	})
}
