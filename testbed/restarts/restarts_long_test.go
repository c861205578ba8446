//go:build long

package restarts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"shadoof/testbed/faults/nemesis"
	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/process"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/s3bed"
	"shadoof/testbed/servers"
)

// planned is how long a run takes by its limits.
const planned = 85 * time.Second

func bounded(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// slow are the limits of a job that makes a run over a topic take about so long.
func slow(topic *produce.Result, d time.Duration) string {
	var bytes int
	for _, r := range topic.Records {
		bytes += len(r.Key) + len(r.Value)
	}
	return "limits: {bytes_per_second: " + jsonOf(bytes/int(d.Seconds())) + "}\n"
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// spec is of a topic whose records are 1.2 KB long and do not become much shorter.
func spec(records int) produce.Spec {
	random := func(b produce.Body) ([]byte, error) {
		r := rand.New(rand.NewPCG(uint64(b.Seq), 1))
		var s strings.Builder
		for range 75 {
			fmt.Fprintf(&s, "%016x", r.Uint64())
		}
		b.Padding = s.String()
		return json.Marshal(b)
	}
	return produce.Spec{Topic: produce.Name("restarts"), Records: records, Partitions: 3, Span: 2 * time.Hour, Encode: random}
}

// begin starts a run. It has no end of its own: it must come to one.
func begin(t *testing.T, j *product.Job) (run *process.Process, said func() string) {
	t.Helper()
	dir := t.TempDir()
	cmd := j.Command(t.Context(), product.Release(t), nil, "run", "--log-level", "debug")
	out, err := os.Create(filepath.Join(dir, "out"))
	must(t, err)
	defer out.Close()
	run, err = process.Start(process.Spec{Name: "shadoof run", Args: cmd.Args, Env: cmd.Env, Stdout: out, Stderr: out})
	must(t, err)
	t.Cleanup(func() { must(t, run.Kill()) })
	return run, func() string {
		b, err := os.ReadFile(out.Name())
		must(t, err)
		return string(b)
	}
}

// outlast lets restarts happen while a run is under way, which must see all of them and end in exit 0, exact. By its limits the run takes
// about as long as planned; where the restarts take longer than that, because the machine is busy, it sees those until then.
func outlast(t *testing.T, j *product.Job, topic *produce.Result, restarts ...func(ctx context.Context) error) {
	t.Helper()
	l := product.WatchThrough(t, j)
	defer l.End()
	run, said := begin(t, j)
	began := time.Now()
	g, ctx := errgroup.WithContext(bounded(t, 3*time.Minute))
	for i, restart := range restarts {
		g.Go(func() error {
			err := restart(ctx)
			t.Logf("after %.1f s: the restarts %d are over", time.Since(began).Seconds(), i+1)
			return err
		})
	}
	must(t, g.Wait())
	if !run.Running() {
		t.Logf("the run was over before the restarts were")
		if time.Since(began) < planned {
			t.Error("it was quicker than planned")
		}
	}
	select {
	case <-run.Done():
	case <-time.After(3 * time.Minute):
		t.Fatalf("the run hangs\n%s", said())
	}
	t.Logf("after %.1f s: the run is over\n%s", time.Since(began).Seconds(), said())
	if code := run.ExitCode(); code != 0 {
		t.Errorf("the run exited %d", code)
	}
	exact(t, j, topic)
}

// exact has a reader count the folder, and verify: each record once.
func exact(t *testing.T, j *product.Job, topic *produce.Result) {
	t.Helper()
	want := readers.Digest{}
	for _, at := range topic.Offsets() {
		var body produce.Body
		must(t, json.Unmarshal(topic.Records[at].Value, &body))
		want.Add(at.Partition, at.Offset, body.Seq)
	}
	got, err := servers.Readers(t).Digest(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: j.Root.Folder(t, j.Topic), Columns: []string{"seq"}})
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	j.Must(t, 0, "verify", "--deep")
}

// TestARunOutlastsRestartsOfBrokersAndOfS3: brokers are away for 5 s each, the S3 server again and again, for up to 15 s.
func TestARunOutlastsRestartsOfBrokersAndOfS3(t *testing.T) {
	kafka := servers.OwnKafka(t, kafkabed.Options{Nodes: 3})
	s3 := servers.OwnS3(t, s3bed.Options{})
	replicated := spec(40_000)
	replicated.Replication = 3
	topic, err := produce.PlainTopic(bounded(t, time.Minute), kafka.Brokers(), replicated)
	must(t, err)
	j := product.NewJob(t, kafka.Brokers(), product.S3(t, s3, s3.Endpoint), topic.Topic, "orphan_age: 1ms\n",
		slow(topic, planned)+"commit_every: {bytes: 4MiB}\noutput: {target_size: 1MiB}\n")
	outlast(t, j, topic,
		func(ctx context.Context) error {
			pause(ctx, 3*time.Second)
			return nemesis.RollBrokers(ctx, kafka, 5*time.Second)
		},
		func(ctx context.Context) error {
			for _, away := range []time.Duration{2, 5, 10, 15} {
				pause(ctx, 7*time.Second)
				if err := s3.Kill(); err != nil {
					return err
				}
				pause(ctx, away*time.Second)
				if err := s3.Restart(ctx); err != nil {
					return err
				}
			}
			return nil
		})
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// TestARunOutlastsRestartsOfHDFS: DataNodes are away for 10 to 25 s each, and meanwhile the NameNodes take turns.
func TestARunOutlastsRestartsOfHDFS(t *testing.T) {
	c := servers.OwnHDFS(t, hdfsbed.Options{HA: true, DataNodes: 3, Replication: 2, BlockSize: hdfsbed.MinBlockSize})
	topic, err := produce.PlainTopic(bounded(t, time.Minute), servers.Kafka(t).Brokers(), spec(40_000))
	must(t, err)
	root := product.HDFS(t, c, c.Authority()).As("user: shadoof, replication: 2")
	j := product.NewJob(t, servers.Kafka(t).Brokers(), root, topic.Topic, "orphan_age: 1ms\n",
		slow(topic, planned)+"commit_every: {bytes: 16MiB}\noutput: {target_size: 6MiB}\n")
	away := []time.Duration{10, 15, 25}
	outlast(t, j, topic,
		func(ctx context.Context) error {
			pause(ctx, 3*time.Second)
			return nemesis.RollDataNodes(ctx, c, func() time.Duration {
				d := away[0] * time.Second
				away = away[1:]
				return d
			})
		},
		func(ctx context.Context) error {
			pause(ctx, 30*time.Second)
			return c.Failover(ctx, 1, 2)
		})
}
