package main

import (
	"context"
	"encoding/json"
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

// fill creates and fills a topic: events of six whole hours in zstd batches, in the order of their times.
func fill(ctx context.Context, brokers []string, format, topic string, records int) error {
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...),
		kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ProducerLinger(100*time.Millisecond),
		kgo.MaxBufferedRecords(20_000),
	)
	if err != nil {
		return err
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopic(ctx, partitions, 1, nil, topic); err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	var (
		mu    sync.Mutex
		first error
	)
	events := corpus.New(1)
	start := time.Now().Truncate(time.Hour).Add(-span - time.Hour).UnixMilli() // brokers refuse times that are to come
	for i := range records {
		at := start + int64(float64(span.Milliseconds())*float64(i)/float64(records))
		value, err := encode(format, events.Next(at))
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

func encode(format string, e *corpus.Event) ([]byte, error) {
	if format == "avro" {
		return corpus.Encoder.AppendEncode(nil, e)
	}
	return json.Marshal(e)
}
