package extract

import (
	"context"
	"fmt"
	"time"
)

// OffsetsAt implements [Source]. It fails when a partition cannot be asked: a start that is missing cannot be guessed.
func (k *Kafka) OffsetsAt(ctx context.Context, topic string, t time.Time) (map[int32]int64, error) {
	d, err := k.Describe(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends := make(map[int32]int64, len(d.Partitions))
	for _, p := range d.Partitions {
		if p.Err != nil {
			return nil, p.Err
		}
		ends[p.Partition] = p.End(k.opts.ReadCommitted)
	}
	found := make(map[int32]int64, len(ends))
	trial := k.trying(fmt.Sprintf("offsets of topic %s at %s", topic, t.UTC().Format(time.RFC3339)))
	for {
		l, err := k.layoutOf(ctx, topic, d.ID)
		if err != nil {
			return nil, err
		}
		last := k.offsetsOnce(ctx, topic, l, t, ends, found)
		if last == nil {
			return found, nil
		}
		if err := trial.again(ctx, last); err != nil {
			return nil, err
		}
	}
}

// offsetsOnce asks for the partitions that are not in found yet, and returns one of the errors that kept some out.
func (k *Kafka) offsetsOnce(ctx context.Context, topic string, l *layout, t time.Time, ends, found map[int32]int64) (last error) {
	at := max(t.UnixMilli(), 0) // negative times ask for something else
	isolation := uncommitted
	if k.opts.ReadCommitted {
		isolation = committed
	}
	var ask []placement
	for _, p := range l.partitions {
		if _, ok := found[p.partition]; ok {
			continue
		}
		if _, ok := ends[p.partition]; !ok {
			continue // added since the ends were fixed
		}
		if p.err != nil {
			last = p.err
			continue
		}
		ask = append(ask, p)
	}
	answers := k.listOffsets(ctx, topic, ask, func(node int32, parts []placement) map[int32]offsets {
		m := map[int32]offsets{}
		for partition, a := range k.offsetsByTime(ctx, topic, node, parts, at, isolation) {
			m[partition] = offsets{offset: [3]int64{a.offset}, err: a.err}
		}
		return m
	})
	for partition, a := range answers {
		switch end := ends[partition]; {
		case a.err != nil:
			last = fmt.Errorf("partition %d: %w", partition, a.err)
		case a.offset[0] < 0 || a.offset[0] > end: // nothing at or after the time (a future one is answered with the end or with -1)
			found[partition] = end
		default:
			found[partition] = a.offset[0]
		}
	}
	return last
}
