package produce

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// CompactedTopic creates and fills a topic, and waits until the broker has compacted it as far as it ever will: of each key the
// last record is left. Spec.Keys must be at most half of Spec.Records. Tombstones stay. The last record of each partition that is not empty has the
// key "last" and lies by itself in the active segment, which is never compacted.
func CompactedTopic(ctx context.Context, brokers []string, spec Spec) (*Result, error) {
	if spec.Keys <= 0 || spec.Keys > spec.Records/2 {
		return nil, fmt.Errorf("testbed: compacted topic %s: %d keys for %d records make too few holes", spec.Topic, spec.Keys, spec.Records)
	}
	spec, err := spec.withDefaults()
	if err != nil {
		return nil, err
	}
	segment := max(spec.Span/4, time.Second)
	configs := map[string]string{
		"cleanup.policy":            "compact",
		"segment.ms":                strconv.FormatInt(segment.Milliseconds(), 10),
		"min.cleanable.dirty.ratio": "0.01",
		"delete.retention.ms":       strconv.FormatInt((24 * time.Hour).Milliseconds(), 10),
	}
	maps.Copy(configs, spec.Configs)
	spec.Configs = configs
	p, err := begin(ctx, brokers, spec)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := p.updates(ctx, segment); err != nil {
		return nil, err
	}
	return p.compacted(ctx)
}

// updates produces the records. The broker compares the records' times with segment.ms, not the clock: a last record late enough
// begins a new segment at once.
func (p *producer) updates(ctx context.Context, segment time.Duration) error {
	cl, err := p.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	all := newTally(false)
	for seq := range int64(p.spec.Records) {
		p.send(ctx, cl, p.spec.body(seq, Plain), all)
		// A batch is one time span to the broker: several batches make several segments.
		if seq%int64(p.spec.Records/8+1) == 0 {
			if err := p.flush(ctx, cl); err != nil {
				return err
			}
		}
	}
	if err := p.flush(ctx, cl); err != nil {
		return err
	}
	for partition := range p.spec.Partitions - p.spec.Empty {
		b := p.spec.body(int64(p.spec.Records)+int64(partition), Plain)
		b.Key, b.Partition = "last", partition
		b.Time = p.spec.Start.Add(p.spec.Span + segment + time.Second).UnixMilli()
		p.send(ctx, cl, b, all)
	}
	if err := p.flush(ctx, cl); err != nil {
		return err
	}
	p.tally.addLast(all)
	return nil
}

// addLast adds the last record of each key of each partition.
func (t *tally) addLast(all *tally) {
	type key struct {
		partition int32
		key       string
	}
	last := make(map[key]int64)
	for at, r := range all.records {
		k := key{at.Partition, string(r.Key)}
		if o, ok := last[k]; !ok || o < at.Offset {
			last[k] = at.Offset
		}
	}
	for k, offset := range last {
		at := At{k.partition, offset}
		r := all.records[at]
		t.add(&kgo.Record{Partition: at.Partition, Offset: at.Offset, Timestamp: time.UnixMilli(r.Timestamp), Key: r.Key, Value: r.Value, Headers: r.Headers})
	}
}

// compacted polls until exactly the last records are left.
func (p *producer) compacted(ctx context.Context) (*Result, error) {
	var r *Result
	var late error
	err := poll(ctx, func() (bool, error) {
		var consumed *tally
		var err error
		if r, consumed, err = consume(ctx, p.brokers, p.admin, p.spec.Topic, p.spec.DigestOnly); err != nil {
			return false, err
		}
		late = consumed.difference(p.tally)
		return late == nil, nil
	})
	if err != nil {
		return nil, fmt.Errorf("testbed: compaction of %s: %w (%v)", p.spec.Topic, err, late)
	}
	return r, nil
}
