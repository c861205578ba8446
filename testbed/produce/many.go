package produce

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/corpus"
)

// A Crowd is many topics of one partition each, full of tracking events in Avro.
type Crowd struct {
	Topics  []string
	Records int // of each topic
	Start   time.Time
	Span    time.Duration // over which the times of each topic's records rise
}

// NewCrowd names topics that match prefix and a number, and nobody else's.
func NewCrowd(prefix string, topics int) Crowd {
	c := Crowd{Start: time.Date(2026, 11, 20, 13, 0, 0, 0, time.UTC), Span: time.Hour}
	name := Name(prefix)
	for i := range topics {
		c.Topics = append(c.Topics, fmt.Sprintf("%s-%04d", name, i))
	}
	return c
}

// Pattern is a regular expression that the topics match, without anchors.
func (c Crowd) Pattern() string {
	return c.Topics[0][:strings.LastIndexByte(c.Topics[0], '-')] + "-[0-9]+"
}

// Create makes the topics.
func (c Crowd) Create(ctx context.Context, brokers []string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return fmt.Errorf("testbed: create topics: %w", err)
	}
	admin := kadm.NewClient(cl)
	defer admin.Close()
	const atOnce = 100 // a single controller takes its time for each
	for i := 0; i < len(c.Topics); i += atOnce {
		made, err := admin.CreateTopics(ctx, 1, 1, nil, c.Topics[i:min(len(c.Topics), i+atOnce)]...)
		if err == nil {
			err = made.Error()
		}
		if err != nil {
			return fmt.Errorf("testbed: create topics from %s on: %w", c.Topics[i], err)
		}
	}
	return nil
}

// Fill produces the records, topic by topic, in zstd batches.
func (c Crowd) Fill(ctx context.Context, brokers []string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(20*time.Millisecond), kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.MaxBufferedRecords(50_000))
	if err != nil {
		return fmt.Errorf("testbed: fill topics: %w", err)
	}
	defer cl.Close()
	var mu sync.Mutex
	var failed error
	sent := func(r *kgo.Record, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil && failed == nil {
			failed = fmt.Errorf("testbed: produce to %s: %w", r.Topic, err)
		}
	}
	events := corpus.New(1)
	for _, topic := range c.Topics {
		for seq := range c.Records {
			at := c.Start.Add(c.Span * time.Duration(seq) / time.Duration(c.Records))
			value, err := corpus.Encoder.AppendEncode(nil, events.Next(at.UnixMilli()))
			if err != nil {
				return err
			}
			cl.Produce(ctx, &kgo.Record{Topic: topic, Value: value, Timestamp: at}, sent)
		}
	}
	err = cl.Flush(ctx)
	mu.Lock()
	defer mu.Unlock()
	return errors.Join(err, failed)
}
