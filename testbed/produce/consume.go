package produce

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// result consumes the topic and compares it with what was produced.
func (p *producer) result(ctx context.Context) (*Result, error) {
	r, consumed, err := consume(ctx, p.brokers, p.admin, p.spec.Topic, p.spec.DigestOnly)
	if err != nil {
		return nil, err
	}
	if err := consumed.difference(p.tally); err != nil {
		return nil, fmt.Errorf("testbed: %s: %w", p.spec.Topic, err)
	}
	return r, nil
}

// Consume reads what is in a topic now, to its last stable offsets, with a client that reads committed records. The offset before
// each partition's end must be a record that is there, or a transaction marker; that is so for every topic of this package.
func Consume(ctx context.Context, brokers []string, topic string) (*Result, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return nil, fmt.Errorf("testbed: consume %s: %w", topic, err)
	}
	defer cl.Close()
	r, _, err := consume(ctx, brokers, kadm.NewClient(cl), topic, false)
	return r, err
}

func consume(ctx context.Context, brokers []string, admin *kadm.Client, topic string, digestOnly bool) (*Result, *tally, error) {
	starts, errStarts := ends(ctx, topic, admin.ListStartOffsets)
	stable, errStable := ends(ctx, topic, admin.ListCommittedOffsets)
	high, errHigh := ends(ctx, topic, admin.ListEndOffsets)
	for _, err := range []error{errStarts, errStable, errHigh} {
		if err != nil {
			return nil, nil, err
		}
	}
	from := make(map[int32]kgo.Offset)
	for p, end := range stable {
		if starts[p] < end {
			from[p] = kgo.NewOffset().At(starts[p])
		}
	}
	t := newTally(digestOnly)
	if err := read(ctx, brokers, topic, from, stable, t); err != nil {
		return nil, nil, fmt.Errorf("testbed: consume %s to %v: %w", topic, stable, err)
	}
	return &Result{Topic: topic, Records: t.records, Digest: t.digest, Ends: stable, HighWatermarks: high}, t, nil
}

// read polls until the last offset of each partition of from was seen. Markers are asked for, since one of them may be the last.
func read(ctx context.Context, brokers []string, topic string, from map[int32]kgo.Offset, ends map[int32]int64, into *tally) error {
	if len(from) == 0 {
		return nil
	}
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
	)
	if err != nil {
		return err
	}
	defer cl.Close()
	for left := len(from); left > 0; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset >= ends[r.Partition] {
				return
			}
			if !r.Attrs.IsControl() {
				into.add(r)
			}
			if r.Offset == ends[r.Partition]-1 {
				left--
			}
		})
	}
	return nil
}

type list func(context.Context, ...string) (kadm.ListedOffsets, error)

func ends(ctx context.Context, topic string, list list) (map[int32]int64, error) {
	listed, err := list(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("testbed: list offsets of %s: %w", topic, err)
	}
	offsets := make(map[int32]int64)
	listed.Each(func(o kadm.ListedOffset) { offsets[o.Partition] = o.Offset })
	return offsets, nil
}
