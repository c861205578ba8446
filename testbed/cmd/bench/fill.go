package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/corpus"
)

const (
	partitions = 8
	span       = 6 * time.Hour
)

// fill is the child that creates and fills a topic: events of six whole hours in zstd batches, in the order of their times.
func fill(ctx context.Context, t task) (measurement, error) {
	return measurement{Records: t.Records}, produceEvents(ctx, t)
}

func produceEvents(ctx context.Context, t task) error {
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(t.Brokers...),
		kgo.DefaultProduceTopic(t.Topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ProducerLinger(100*time.Millisecond),
		kgo.MaxBufferedRecords(20_000),
	)
	if err != nil {
		return err
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopic(ctx, partitions, 1, nil, t.Topic); err != nil {
		return fmt.Errorf("create topic %s: %w", t.Topic, err)
	}
	var (
		mu    sync.Mutex
		first error
	)
	events := corpus.New(1)
	start := time.Now().Truncate(time.Hour).Add(-span - time.Hour).UnixMilli() // brokers refuse times that are to come
	for i := range t.Records {
		at := start + int64(float64(span.Milliseconds())*float64(i)/float64(t.Records))
		value, err := encodeEvent(t.Format, i, events.Next(at))
		if err != nil {
			return err
		}
		r := &kgo.Record{Partition: int32(i % partitions), Timestamp: time.UnixMilli(at), Value: value}
		cl.Produce(ctx, r, func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if first == nil {
				first = err
			}
		})
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	return first
}
