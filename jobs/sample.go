package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"shadoof/extract"
	"shadoof/record"
)

// Sample calls each with the newest records of a topic that have a value, about as many as asked for, from all its partitions. What it is
// given is valid during the call. Neither a job nor the store is asked.
func (e *Env) Sample(ctx context.Context, topic string, records int64, each func(*record.Raw) error) error {
	desc, err := e.source.Describe(ctx, topic)
	if errors.Is(err, extract.ErrNoTopic) {
		return usage(err)
	}
	if err != nil {
		return err
	}
	var ranges []extract.Range
	var left int64
	for _, p := range desc.Partitions {
		if p.Err != nil {
			return fmt.Errorf("%s/%d: %w", topic, p.Partition, p.Err)
		}
		if end := p.End(e.readCommitted); end > p.LogStart {
			ranges = append(ranges, extract.Range{Partition: p.Partition, First: p.LogStart, Next: end})
			left++
		}
	}
	for i := range ranges {
		// What one partition has too little of the next ones make up for.
		r := &ranges[i]
		r.First = max(r.First, r.Next-(records+left-1)/left)
		records -= min(records, r.Len())
		left--
	}
	ranges = slices.DeleteFunc(ranges, func(r extract.Range) bool { return r.Len() == 0 })
	for b, err := range e.source.Read(ctx, extract.ReadRequest{Topic: topic, ID: desc.ID, Ranges: ranges}) {
		if err != nil {
			return err
		}
		for i := range b.Records {
			if b.Records[i].Value == nil {
				continue
			}
			if err := each(&b.Records[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
