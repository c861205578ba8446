package extract

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Times that ListOffsets takes for the two ends of a log, and its isolation levels.
const (
	earliest int64 = -2
	latest   int64 = -1

	uncommitted int8 = 0
	committed   int8 = 1
)

// Describe implements [Source].
func (k *Kafka) Describe(ctx context.Context, topic string) (*Topic, error) {
	l, err := k.layout(ctx, topic)
	if err != nil {
		return nil, err
	}
	d := description{}
	for {
		d.begin(l, topic)
		fresh, err := k.describeAll(ctx, topic, l, &d)
		if err != nil {
			return nil, err
		}
		if fresh == nil {
			sort.Slice(d.topic.Partitions, func(i, j int) bool { return d.topic.Partitions[i].Partition < d.topic.Partitions[j].Partition })
			return d.topic, nil
		}
		l = fresh // recreated in the middle: what was found out so far is about the other topic
	}
}

// A description grows until every partition has answered, or was given up.
type description struct {
	topic   *Topic
	pending map[int32]int // partitions without an answer -> index into topic.Partitions
}

func (d *description) begin(l *layout, name string) {
	d.topic = &Topic{Cluster: l.cluster, Name: name, ID: l.topicID(), Partitions: make([]Partition, len(l.partitions))}
	d.pending = make(map[int32]int, len(l.partitions))
	for i, p := range l.partitions {
		d.topic.Partitions[i] = Partition{Partition: p.partition, Leader: p.leader, Epoch: p.epoch}
		d.pending[p.partition] = i
	}
}

// describeAll asks for the watermarks until none is missing or the patience is at its end. It returns another layout when the
// topic is not the same any more.
func (k *Kafka) describeAll(ctx context.Context, topic string, l *layout, d *description) (*layout, error) {
	t := k.trying("watermarks of topic " + topic)
	for {
		last, err := k.describeOnce(ctx, topic, l, d)
		if err != nil {
			return nil, err
		}
		if len(d.pending) == 0 {
			return nil, nil
		}
		if time.Since(t.began) > k.opts.Patience {
			return nil, nil // each pending partition has its error
		}
		if err := t.again(ctx, last); err != nil {
			return nil, err
		}
		fresh, err := k.layout(ctx, topic)
		if err != nil {
			return nil, err
		}
		if fresh.id != l.id {
			return fresh, nil
		}
		l = fresh
	}
}

// describeOnce asks for the pending partitions and returns one of the errors that left some pending. Only an error that is about
// the whole cluster or topic ends it.
func (k *Kafka) describeOnce(ctx context.Context, topic string, l *layout, d *description) (last, err error) {
	var ask []placement
	for _, p := range l.partitions {
		i, ok := d.pending[p.partition]
		if !ok {
			continue
		}
		at := &d.topic.Partitions[i]
		at.Leader, at.Epoch, at.Err = p.leader, p.epoch, p.err
		if p.err != nil {
			last = p.err
			continue
		}
		ask = append(ask, p)
	}
	found := k.listOffsets(ctx, topic, ask, func(node int32, parts []placement) map[int32]offsets {
		return k.watermarksAt(ctx, topic, node, parts)
	})
	for partition, o := range found {
		at := &d.topic.Partitions[d.pending[partition]]
		if o.err == nil {
			at.LogStart, at.LastStable, at.HighWatermark = o.offset[0], o.offset[1], o.offset[2]
			delete(d.pending, partition)
			continue
		}
		if final := k.final(o.err); errors.Is(final, ErrAuth) || errors.Is(final, ErrNotAuthorized) || ctx.Err() != nil {
			return nil, fmt.Errorf("watermarks of %s/%d: %w", topic, partition, errors.Join(ctx.Err(), final))
		} else if final != nil {
			at.Err = fmt.Errorf("watermarks of %s/%d: %w", topic, partition, final)
			delete(d.pending, partition)
			continue
		}
		at.Err, last = fmt.Errorf("watermarks of %s/%d: %w", topic, partition, o.err), o.err
	}
	return last, nil
}

// offsets are the answers about one partition, in the order in which they were asked for.
type offsets struct {
	offset [3]int64
	err    error
}

// watermarksAt asks one broker for log start, last stable offset and high watermark, in this order: each only grows, so that the
// three always stand in order.
func (k *Kafka) watermarksAt(ctx context.Context, topic string, node int32, parts []placement) map[int32]offsets {
	found := map[int32]offsets{}
	for i, q := range []struct {
		time      int64
		isolation int8
	}{{earliest, uncommitted}, {latest, committed}, {latest, uncommitted}} {
		for partition, a := range k.offsetsByTime(ctx, topic, node, parts, q.time, q.isolation) {
			o := found[partition]
			if o.err == nil {
				o.offset[i], o.err = a.offset, a.err
			}
			found[partition] = o
		}
	}
	return found
}

// listOffsets calls do once per leader, all at once, and gathers what they found out.
func (k *Kafka) listOffsets(ctx context.Context, topic string, parts []placement, do func(node int32, parts []placement) map[int32]offsets) map[int32]offsets {
	byLeader := map[int32][]placement{}
	for _, p := range parts {
		byLeader[p.leader] = append(byLeader[p.leader], p)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	all := make(map[int32]offsets, len(parts))
	for node, parts := range byLeader {
		wg.Go(func() {
			found := do(node, parts)
			mu.Lock()
			defer mu.Unlock()
			for partition, o := range found {
				all[partition] = o
			}
		})
	}
	wg.Wait()
	return all
}

type offsetAnswer struct {
	offset int64 // -1 when no record is at or after the time
	time   int64 // of the record at offset, -1 where none was asked for
	err    error
}

// offsetsByTime is one ListOffsets request. Every partition gets an answer or an error.
func (k *Kafka) offsetsByTime(ctx context.Context, topic string, node int32, parts []placement, at int64, isolation int8) map[int32]offsetAnswer {
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = isolation
	req.Topics = append(req.Topics, offsetsRequest(topic, parts, at))

	answers := make(map[int32]offsetAnswer, len(parts))
	resp, err := k.ask(ctx, node, req)
	for _, p := range parts {
		answers[p.partition] = offsetAnswer{err: errNoAnswer}
		if err != nil {
			answers[p.partition] = offsetAnswer{err: fmt.Errorf("broker %d: %w", node, err)}
		}
	}
	if err != nil {
		return answers
	}
	for _, rt := range resp.(*kmsg.ListOffsetsResponse).Topics {
		if rt.Topic != topic {
			continue
		}
		for _, rp := range rt.Partitions {
			answers[rp.Partition] = offsetAnswer{offset: rp.Offset, time: rp.Timestamp, err: kerr.ErrorForCode(rp.ErrorCode)}
		}
	}
	return answers
}

func offsetsRequest(topic string, parts []placement, at int64) kmsg.ListOffsetsRequestTopic {
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	for _, p := range parts {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition = p.partition
		rp.CurrentLeaderEpoch = p.epoch
		rp.Timestamp = at
		rt.Partitions = append(rt.Partitions, rp)
	}
	return rt
}
