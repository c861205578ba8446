//go:build long

package lift_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// TestNoPartitionStarves: one partition has a million old records and eleven have ten new ones; a run may read a fiftieth of that.
func TestNoPartitionStarves(t *testing.T) {
	const records, most = 1_000_000, 20_000
	topic, brokers := produce.Name("skewed"), servers.Kafka(t).Brokers()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(50_000))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopic(bounded(t), 12, 1, map[string]*string{"retention.ms": kadm.StringPtr("-1")}, topic); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var failed error
	send := func(partition int32, at time.Time) {
		cl.Produce(t.Context(), &kgo.Record{Partition: partition, Timestamp: at, Value: []byte(strings.Repeat("v", 100))}, func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for i := range records {
		send(0, start.Add(time.Duration(i)*time.Millisecond))
	}
	for p := range int32(11) {
		for i := range 10 {
			send(p+1, start.AddDate(0, 0, 10).Add(time.Duration(i)*time.Second))
		}
	}
	if err := errors.Join(cl.Flush(t.Context()), failed); err != nil {
		t.Fatal(err)
	}
	j := product.NewJob(t, brokers, product.Local(t), topic, "", "value: {format: string}\nlimits: {records: 20000}\n")
	before := int64(0)
	for run := range 3 {
		j.Must(t, 0, "run")
		o := j.Must(t, 0, "offsets", "show", "--json")
		var last int64
		for line := range strings.Lines(o.Stdout) {
			var p struct {
				Partition int32
				Lag       int64
			}
			if err := json.Unmarshal([]byte(line), &p); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			switch {
			case p.Partition == 0:
				last = records - p.Lag
			case p.Lag != 0:
				t.Errorf("after run %d partition %d is %d offsets behind", run+1, p.Partition, p.Lag)
			}
		}
		got := last - before
		t.Logf("run %d moved the long partition by %d", run+1, got)
		if got < most/2 || got > 2*most {
			t.Errorf("run %d moved the long partition by %d", run+1, got)
		}
		before = last
	}
}
