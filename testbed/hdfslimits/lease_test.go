package hdfslimits_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// TestAKilledWriterHoldsUpNobody kills a run in the middle of a file. The name node keeps it open, for a writer that may come back, for
// 20 minutes: neither the next run nor gc waits for that.
func TestAKilledWriterHoldsUpNobody(t *testing.T) {
	t.Parallel()
	topic := incompressible(t, 10_000)
	for _, settings := range []string{"user: shadoof, replication: 1", inTopic} {
		if settings == inTopic && !long() {
			continue
		}
		t.Run(path.Base(settings), func(t *testing.T) {
			t.Parallel()
			j := product.NewJob(t, servers.Kafka(t).Brokers(), newRoot(t).As(settings), topic.Topic, "orphan_age: 1ms\n", "output: {target_size: 4MiB}")
			for batch := 5; ; batch++ { // files are begun beside what is read: the first moment may be too early, or between two files
				dies(t, j, fmt.Sprint("batch:", batch), "run")
				if open(t, j) > 0 {
					break
				}
				if batch == 9 {
					t.Fatal("no file was open at any of five moments")
				}
			}
			began := time.Now()
			collected(t, j)
			dies(t, j, "batch:5", "run")
			ends(t, j, 0, nil, "run")
			exactAs(t, j, topic)
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// incompressible is a topic of one partition and one bucket, of 1.2 KB a record.
func incompressible(t *testing.T, records int) *produce.Result {
	t.Helper()
	random := func(b produce.Body) ([]byte, error) {
		r := rand.New(rand.NewPCG(uint64(b.Seq), 1))
		var s strings.Builder
		for range 75 {
			fmt.Fprintf(&s, "%016x", r.Uint64())
		}
		b.Padding = s.String()
		return json.Marshal(b)
	}
	topic, err := produce.PlainTopic(bounded(t), servers.Kafka(t).Brokers(), produce.Spec{Topic: produce.Name("random"), Records: records,
		Start: time.Date(2026, 11, 20, 7, 0, 0, 0, time.UTC), Span: 50 * time.Minute, Encode: random})
	must(t, err)
	return topic
}

// open counts staged files without a length: nobody has completed them.
func open(t *testing.T, j *product.Job) (n int) {
	t.Helper()
	must(t, admin(t).Walk(t.Context(), at(j), func(s hdfsbed.Status) error {
		if strings.HasSuffix(s.Path, ".staged") && s.Length == 0 {
			n++
		}
		return nil
	}))
	return n
}
