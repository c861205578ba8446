package lift_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"path"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

const (
	mostMemory = 400 // MiB that a process with the configuration of 256 may have in memory at its worst moment
	hours      = 48
)

// TestMemoryIsBounded lifts records that lie in 48 hours in no order, so that as many files are open all the time, into a store whose
// uploads hold megabytes each. Nearly nothing of the records can be compressed.
func TestMemoryIsBounded(t *testing.T) {
	t.Run("one partition", func(t *testing.T) { liftWithin(t, 2_000_000, 1) })
	if long() {
		t.Run("many partitions and processors", func(t *testing.T) { liftWithin(t, 1_000_000, 64, "GOMAXPROCS=64") })
	}
}

func liftWithin(t *testing.T, records int, partitions int32, env ...string) {
	t.Helper()
	brokers := servers.Kafka(t).Brokers()
	want, sizes := readers.Digest{}, 0
	random := rand.NewChaCha8([32]byte{1})
	var noise [192]byte
	encode := func(b produce.Body) ([]byte, error) { // called for one record after the other; partitions take turns
		want.Add(b.Partition, b.Seq/int64(partitions), b.Seq, b.Time*1e6)
		_, _ = random.Read(noise[:])
		v := fmt.Appendf(make([]byte, 0, 400), `{"seq":%d,"key":%q,"partition":%d,"time":%d,"fate":%q,"padding":"`, b.Seq, b.Key, b.Partition, b.Time, b.Fate)
		v = base64.StdEncoding.AppendEncode(v, noise[:])
		v = append(v, `"}`...)
		sizes += len(v)
		return v, nil
	}
	topic, err := produce.PlainTopic(bounded(t), brokers, produce.Spec{
		Topic: produce.Name("memory"), Records: records, Partitions: partitions, Start: time.Date(2026, 11, 17, 0, 0, 0, 0, time.UTC), Span: hours * time.Hour, Shuffled: true,
		Encode: encode, DigestOnly: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := servers.S3(t)
	j := product.NewJob(t, brokers, product.S3(t, s, s.Endpoint), topic.Topic, "memory: 256MiB\n", "")
	began := time.Now()
	usage := runMeasured(t, j, env)
	peak := usage.Maxrss >> 10
	t.Logf("%d records of %d bytes: at most %d MiB in memory, %.1f s of CPU, %.1f s", records, sizes/records, peak,
		time.Duration(usage.Utime.Nano()+usage.Stime.Nano()).Seconds(), time.Since(began).Seconds())
	if peak > mostMemory {
		t.Errorf("the process had %d MiB in memory, want at most %d", peak, mostMemory)
	}
	got, err := servers.Readers(t).Digest(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: j.Root.Folder(t, j.Topic), Columns: []string{"seq", "time"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	j.Must(t, 0, "verify")
	keys := j.Root.Keys(t, j.Topic+"/")
	folders := map[string]bool{}
	for _, key := range keys {
		folders[path.Dir(key)] = true
	}
	t.Logf("%d files in %d folders", len(keys), len(folders))
	if len(folders) != hours {
		t.Errorf("files in %d folders, want %d", len(folders), hours)
	}
}

// runMeasured runs the released binary once and tells what it took.
func runMeasured(t *testing.T, j *product.Job, env []string) *syscall.Rusage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := j.Command(ctx, product.Release(t), env, "run")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("shadoof run: %v\n%s", err, out.Bytes())
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage)
}
