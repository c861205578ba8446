package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// consume polls what is in a topic now, and returns how many records that was.
func consume(ctx context.Context, brokers []string, topic string, each func(*kgo.Record) error) (records int, err error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("end of %s: %w", topic, err)
	}
	left := 0
	ends.Each(func(o kadm.ListedOffset) { left += int(o.Offset) })
	for records < left {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return records, err
		}
		for it := fetches.RecordIter(); !it.Done(); {
			if err := each(it.Next()); err != nil {
				return records, err
			}
			records++
		}
	}
	return records, nil
}

// fetch is what every program does at least.
func fetch(ctx context.Context, brokers []string, topic string) (int, error) {
	return consume(ctx, brokers, topic, func(*kgo.Record) error { return nil })
}
