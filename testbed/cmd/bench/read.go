package main

import (
	"context"
	"fmt"

	"shadoof/extract"
)

// readTopic is the child that reads a topic as the product does, and drops what it got: beside fetch it shows what the product's own way
// of reading costs.
func readTopic(ctx context.Context, t task) (m measurement, err error) {
	k, err := extract.Open(ctx, extract.Options{Brokers: t.Brokers, ReadCommitted: true})
	if err != nil {
		return m, err
	}
	defer k.Close()
	topic, err := k.Describe(ctx, t.Topic)
	if err != nil {
		return m, err
	}
	request := extract.ReadRequest{Topic: t.Topic, ID: topic.ID}
	for _, p := range topic.Partitions {
		request.Ranges = append(request.Ranges, extract.Range{Partition: p.Partition, First: p.LogStart, Next: p.End(true)})
	}
	for b, err := range k.Read(ctx, request) {
		if err != nil {
			return m, fmt.Errorf("read %s: %w", t.Topic, err)
		}
		m.Records += len(b.Records)
	}
	return m, nil
}
