package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"shadoof/extract"
	"shadoof/internal/kafkatest"
	"shadoof/offsets"
)

// skewed is a topic of one partition with many old records and eleven with ten new ones, in a cluster that speaks Kafka's protocol.
func skewed(t *testing.T, records int) *extract.Kafka {
	t.Helper()
	c, err := kafkatest.Start(kafkatest.Options{Topics: map[string]int{"orders": 12}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	value := []byte(strings.Repeat("v", 50))
	for at := 0; at < records; {
		var rs []kafkatest.Record
		for range min(records-at, 500) { // in each batch of the producer
			rs = append(rs, kafkatest.Record{Time: day.AddDate(0, 0, -9).Add(time.Duration(at) * time.Second), Value: value})
			at++
		}
		if err := c.Produce(t.Context(), "orders", rs...); err != nil {
			t.Fatal(err)
		}
	}
	newRecords(t, c, 10)
	k, err := extract.Open(t.Context(), extract.Options{Brokers: c.Brokers(), ReadCommitted: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func newRecords(t *testing.T, c *kafkatest.Cluster, n int) {
	t.Helper()
	var rs []kafkatest.Record
	for p := range int32(11) {
		for i := range n {
			rs = append(rs, kafkatest.Record{Partition: p + 1, Time: day.Add(time.Duration(i) * time.Minute), Value: fmt.Append(nil, i)})
		}
	}
	if err := c.Produce(t.Context(), "orders", rs...); err != nil {
		t.Fatal(err)
	}
}

// TestEachPartitionMovesInEachLimitedRun: the records of one partition are the oldest, and more than many runs may read.
func TestEachPartitionMovesInEachLimitedRun(t *testing.T) {
	t.Parallel()
	const records = 30_000
	source := skewed(t, records)
	for name, limits := range map[string]string{
		"records":                        "records: 2000",
		"bytes":                          "bytes: 100KiB",
		"fewer records than partitions":  "records: 5",
		"two ranges at the same time":    "records: 2000",
		"a time that is not over sooner": "duration: 1h, records: 4000",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.configure(testConfig + "    limits: {" + limits + "}\n")
			if strings.HasPrefix(name, "two") {
				w.cfg.Memory = 2 * 4 * readerMemory
			}
			run := func() (*TopicReport, *offsets.State) {
				e := w.process(w.store)
				e.source = source
				r, err := e.Run(context.Background(), RunOptions{})
				if err != nil || r.Topics[0].Err != nil {
					t.Fatalf("%v\n%s", err, reportText(r))
				}
				s, err := e.openLog("orders").Load(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return r.Topics[0], s
			}
			first, s := run()
			if first.Outcome != Limited {
				t.Fatalf("the first run is %s", first.Outcome)
			}
			if first.Offsets > 7000 { // a batch of a producer from each partition, over the limit
				t.Errorf("it read %d offsets", first.Offsets)
			}
			for p, state := range s.Partitions {
				if state.Next == 0 {
					t.Errorf("partition %d did not move; %d offsets were read", p, first.Offsets)
				}
			}
			before := s.Partitions[0].Next
			if second, s := run(); s.Partitions[0].Next <= before {
				t.Errorf("the second run read %d offsets and did not move partition 0", second.Offsets)
			}
		})
	}
}

// TestTheTopicThatWaitedLongestIsFirst: each run is ended when it has lifted one topic.
func TestTheTopicThatWaitedLongestIsFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(strings.Replace(testConfig, "topics: [orders]", "topics: ['orders.*']", 1))
	var names []string
	for i := range 5 {
		names = append(names, fmt.Sprint("orders-", i))
		w.source.create(names[i], fmt.Sprint("id", i), 1).add(0, 20, day, time.Minute)
	}
	var lifted []string
	for range 11 {
		e := w.process(w.store)
		e.smallTurns = make(chan struct{}, 1)
		ctx, stop := context.WithCancel(t.Context())
		e.hook = func(point string) {
			if point == "after-marker" {
				stop()
			}
		}
		r, err := e.Run(ctx, RunOptions{Hard: t.Context()})
		stop()
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range r.Topics {
			if topic.Commits > 0 {
				lifted = append(lifted, topic.Topic)
				w.source.topics[topic.Topic].add(0, 20, day.Add(time.Hour), time.Minute)
			}
		}
	}
	// Logs of new topics are begun at the same time, in any order.
	first := lifted[:min(5, len(lifted))]
	if want := slices.Concat(first, first, first[:1]); !slices.Equal(lifted, want) || !slices.Equal(slices.Sorted(slices.Values(first)), names) {
		t.Errorf("in this order the topics were lifted: %q; want all five, in turns", lifted)
	}
}

func TestOldestFirst(t *testing.T) {
	t.Parallel()
	at := func(ms int64) offsets.PartitionState {
		return offsets.PartitionState{Mark: &offsets.Mark{Timestamp: ms}}
	}
	s := &offsets.State{Partitions: map[int32]offsets.PartitionState{0: at(50), 1: at(20), 2: {}, 3: at(10), 4: at(60)}}
	r := func(p int32) extract.Range { return extract.Range{Partition: p, Next: 1} }
	parts := [][]extract.Range{{r(0), r(1)}, {r(4), r(3)}, {r(2)}}
	oldestFirst(parts, s)
	if got := fmt.Sprint(parts); got != "[[2[0,1)] [3[0,1) 4[0,1)] [1[0,1) 0[0,1)]]" {
		t.Errorf("order %s", got)
	}
}
