package extract

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// EpochEnds implements [Source]: one request for who leads, and one to each leader, for all partitions together.
func (k *Kafka) EpochEnds(ctx context.Context, topic string, epochs map[int32]int32) (map[int32]EpochEnd, error) {
	ends, left := make(map[int32]EpochEnd, len(epochs)), map[int32]int32{}
	for partition, epoch := range epochs {
		if epoch < 0 {
			ends[partition] = EpochEnd{Epoch: -1, End: -1}
		} else {
			left[partition] = epoch
		}
	}
	t := k.trying("ends of leader epochs of topic " + topic)
	for len(left) > 0 {
		l, err := k.layout(ctx, topic)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.what, err)
		}
		var last error
		for partition, e := range k.epochEndsOnce(ctx, topic, l, left) {
			if e.Err != nil {
				if final := k.final(e.Err); final != nil {
					e.Err = final
				} else if time.Since(t.began) <= k.opts.Patience {
					last = e.Err
					continue
				}
			}
			ends[partition] = e
			delete(left, partition)
		}
		if len(left) > 0 {
			if err := t.again(ctx, last); err != nil {
				return nil, err
			}
		}
	}
	return ends, nil
}

// epochEndsOnce asks all leaders at once. Every partition gets an answer or an error.
func (k *Kafka) epochEndsOnce(ctx context.Context, topic string, l *layout, epochs map[int32]int32) map[int32]EpochEnd {
	all, byLeader := make(map[int32]EpochEnd, len(epochs)), map[int32][]placement{}
	for partition := range epochs {
		p := l.place(topic, partition)
		if p.err != nil {
			all[partition] = EpochEnd{Err: p.err}
			continue
		}
		byLeader[p.leader] = append(byLeader[p.leader], p)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for node, parts := range byLeader {
		wg.Go(func() {
			found := k.epochEndsAt(ctx, topic, node, parts, epochs)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(all, found)
		})
	}
	wg.Wait()
	return all
}

func (k *Kafka) epochEndsAt(ctx context.Context, topic string, node int32, parts []placement, epochs map[int32]int32) map[int32]EpochEnd {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	rt := kmsg.NewOffsetForLeaderEpochRequestTopic()
	rt.Topic = topic
	for _, p := range parts {
		rp := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		rp.Partition, rp.CurrentLeaderEpoch, rp.LeaderEpoch = p.partition, p.epoch, epochs[p.partition]
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := k.ask(ctx, node, req)
	missing := errNoAnswer
	if err != nil {
		missing = fmt.Errorf("broker %d: %w", node, err)
	}
	found := make(map[int32]EpochEnd, len(parts))
	for _, p := range parts {
		found[p.partition] = EpochEnd{Err: missing}
	}
	if err != nil {
		return found
	}
	for _, rt := range resp.(*kmsg.OffsetForLeaderEpochResponse).Topics {
		for _, rp := range rt.Partitions {
			if _, asked := found[rp.Partition]; asked && rt.Topic == topic {
				found[rp.Partition] = epochEnd(epochs[rp.Partition], &rp)
			}
		}
	}
	return found
}

// epochEnd is an answer about an epoch. Before version 1 there is no epoch in it: then it is about the one that was asked for, as far as
// anybody can tell. No broker answers for an epoch after that.
func epochEnd(asked int32, rp *kmsg.OffsetForLeaderEpochResponseTopicPartition) EpochEnd {
	if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
		return EpochEnd{Err: err}
	}
	if rp.EndOffset < 0 {
		return EpochEnd{Epoch: -1, End: -1}
	}
	e := EpochEnd{Epoch: rp.LeaderEpoch, End: rp.EndOffset}
	if e.Epoch < 0 || e.Epoch > asked {
		e.Epoch = asked
	}
	return e
}
