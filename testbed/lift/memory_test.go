package lift_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// What a process with `memory: 256MiB` may have in memory at its worst moment: 1.3 times as much, and 64 MiB.
const (
	memory     = 256
	mostMemory = memory*13/10 + 64
)

// A heap of records, whose values are noise that does not compress.
type heap struct {
	records    int
	partitions int32
	hours      int
	shuffled   bool // over the hours: as many files are open all the time
	noise      int  // bytes of a value, but for a hundred
	topics     int  // that have so many records each; 0: one
	env        []string
	long       bool // for the long suite alone
}

var heaps = map[string]heap{
	"six hours in order":               {records: 2_000_000, partitions: 8, hours: 6, noise: 192},
	"48 hours in no order":             {records: 2_000_000, partitions: 1, hours: 48, shuffled: true, noise: 192, long: true},
	"48 hours in no order, 64 cores":   {records: 1_000_000, partitions: 64, hours: 48, shuffled: true, noise: 192, env: []string{"GOMAXPROCS=64"}, long: true},
	"500 hours in no order":            {records: 2_000_000, partitions: 50, hours: 500, shuffled: true, noise: 192, long: true},
	"500 hours in no order, but fewer": {records: 400_000, partitions: 50, hours: 500, shuffled: true, noise: 192},
	"200 topics":                       {records: 10_000, partitions: 2, hours: 3, noise: 192, topics: 200, long: true},
	"records of 8 MB":                  {records: 96, partitions: 4, hours: 3, shuffled: true, noise: 6_000_000},
}

// TestMemoryIsBounded lifts heaps of records into a store whose uploads hold megabytes each.
func TestMemoryIsBounded(t *testing.T) {
	for name, h := range heaps {
		if h.long && !long() {
			continue
		}
		t.Run(name, func(t *testing.T) { h.lift(t) })
	}
}

func (h heap) lift(t *testing.T) {
	topic := produce.Name("memory")
	want, size := h.produce(t, topic)
	s, global, job := servers.S3(t), fmt.Sprintf("memory: %dMiB\n", memory), ""
	pattern := topic
	if h.topics > 0 {
		pattern += "-[0-9]+"
	}
	j := product.NewJob(t, servers.Kafka(t).Brokers(), product.S3(t, s, s.Endpoint), pattern, global, job)
	began := time.Now()
	cpu, peak := runMeasured(t, j, h.env)
	t.Logf("%d records of %d bytes: at most %d MiB in memory, %.1f s of CPU, %.1f s", h.records*max(1, h.topics), size, peak, cpu.Seconds(), time.Since(began).Seconds())
	if peak > mostMemory {
		t.Errorf("the process had %d MiB in memory, want at most %d", peak, mostMemory)
	}
	if h.topics > 0 {
		j.Must(t, 0, "verify", "--deep")
		return
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
	if len(folders) > h.hours || len(folders) < min(h.hours, h.records)*9/10 {
		t.Errorf("files in %d folders of %d", len(folders), h.hours)
	}
}

// produce fills the topics. The digest is that of a single one.
func (h heap) produce(t *testing.T, topic string) (want readers.Digest, size int) {
	t.Helper()
	if h.topics == 0 {
		return h.produceOne(t, topic, 1)
	}
	var g errgroup.Group
	g.SetLimit(4)
	var mu sync.Mutex
	for i := range h.topics {
		g.Go(func() error {
			_, n := h.produceOne(t, fmt.Sprintf("%s-%d", topic, i), byte(i))
			mu.Lock()
			defer mu.Unlock()
			size = n
			return nil
		})
	}
	_ = g.Wait()
	return nil, size
}

func (h heap) produceOne(t *testing.T, topic string, seed byte) (want readers.Digest, size int) {
	t.Helper()
	want = readers.Digest{}
	random := rand.NewChaCha8([32]byte{seed})
	noise, sizes := make([]byte, h.noise), 0
	encode := func(b produce.Body) ([]byte, error) { // called for one record after the other; partitions take turns
		want.Add(b.Partition, b.Seq/int64(h.partitions), b.Seq, b.Time*1e6)
		_, _ = random.Read(noise)
		v := fmt.Appendf(make([]byte, 0, 200+base64.StdEncoding.EncodedLen(h.noise)), `{"seq":%d,"key":%q,"partition":%d,"time":%d,"fate":%q,"padding":"`, b.Seq, b.Key, b.Partition, b.Time, b.Fate)
		v = base64.StdEncoding.AppendEncode(v, noise)
		v = append(v, `"}`...)
		sizes += len(v)
		return v, nil
	}
	spec := produce.Spec{
		Topic: topic, Records: h.records, Partitions: h.partitions, Start: time.Date(2026, 10, 17, 0, 0, 0, 0, time.UTC), Span: time.Duration(h.hours) * time.Hour, Shuffled: h.shuffled,
		Encode: encode, DigestOnly: true, Configs: map[string]string{"retention.ms": "-1"},
	}
	if h.noise > 500_000 {
		spec.Configs["max.message.bytes"] = "20000000"
	}
	if _, err := produce.PlainTopic(bounded(t), servers.Kafka(t).Brokers(), spec); err != nil {
		t.Error(err)
	}
	return want, sizes / h.records
}

// runMeasured runs the released binary once and tells what it took: CPU time, and MiB of memory at its worst moment.
func runMeasured(t *testing.T, j *product.Job, env []string) (cpu time.Duration, peak int64) {
	t.Helper()
	m := measure(t, j, env, "run")
	return m.cpu, m.peak
}

// highWater is the most memory that a process has had so far, in KiB; 0 when it has ended.
func highWater(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	var n int64
	_, _ = fmt.Sscan(after, &n)
	return n
}
