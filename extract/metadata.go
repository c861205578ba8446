package extract

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A layout is one answer about a topic: which one it is, and who leads its partitions.
type layout struct {
	cluster    string
	id         [16]byte
	partitions []placement // as the broker ordered them
}

type placement struct {
	partition int32
	leader    int32 // -1 when there is none
	epoch     int32 // of the leader, -1 when unknown
	err       error // why there is no leader
}

// topicID is the id as [Topic] gives it.
func (l *layout) topicID() string {
	if l.id == ([16]byte{}) {
		return ""
	}
	return hex.EncodeToString(l.id[:])
}

// place finds a partition. One that does not exist has no leader either, and an error that does not pass.
func (l *layout) place(topic string, partition int32) placement {
	for _, p := range l.partitions {
		if p.partition == partition {
			return p
		}
	}
	return placement{partition: partition, leader: -1, epoch: -1, err: fmt.Errorf("%w: topic %s has no partition %d", ErrNoTopic, topic, partition)}
}

// A topic that was created a moment ago is unknown to some brokers, as every topic is to one that just started. It takes this
// many denials in a row, from brokers in turn, to believe that there is none.
const denials = 4

// layout asks for the metadata of one topic. Nothing comes from a cache: a client that knows the name would go on with the id of
// the topic that it knew.
func (k *Kafka) layout(ctx context.Context, topic string) (*layout, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, rt)

	denied := 0
	t := k.trying("metadata of topic " + topic)
	for {
		resp, err := k.ask(ctx, anyBroker, req)
		if err == nil {
			var l *layout
			if l, err = readLayout(resp.(*kmsg.MetadataResponse)); err == nil {
				return l, nil
			}
			switch err {
			case kerr.UnknownTopicOrPartition:
				if denied++; denied >= denials {
					return nil, fmt.Errorf("%s: %w", topic, ErrNoTopic)
				}
			case kerr.InvalidTopicException:
				return nil, fmt.Errorf("%q: %w: kafka takes no such name", topic, ErrNoTopic)
			}
		}
		if err := t.again(ctx, err); err != nil {
			return nil, err
		}
	}
}

func readLayout(resp *kmsg.MetadataResponse) (*layout, error) {
	if len(resp.Topics) != 1 {
		return nil, errNoAnswer
	}
	return layoutIn(resp, &resp.Topics[0])
}

// layoutIn is what an answer says about one of its topics.
func layoutIn(resp *kmsg.MetadataResponse, topic *kmsg.MetadataResponseTopic) (*layout, error) {
	if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
		return nil, err
	}
	l := &layout{id: topic.TopicID}
	if resp.ClusterID != nil {
		l.cluster = *resp.ClusterID
	}
	for i := range topic.Partitions {
		p := &topic.Partitions[i]
		at := placement{partition: p.Partition, leader: p.Leader, epoch: p.LeaderEpoch}
		if p.Leader < 0 {
			at.err = kerr.ErrorForCode(p.ErrorCode)
			if at.err == nil {
				at.err = kerr.LeaderNotAvailable
			}
		}
		l.partitions = append(l.partitions, at)
	}
	return l, nil
}

// layoutOf is layout for the topic with the id, where one is given.
func (k *Kafka) layoutOf(ctx context.Context, topic, id string) (*layout, error) {
	l, err := k.layout(ctx, topic)
	if err != nil {
		return nil, err
	}
	if id != "" && l.topicID() != id {
		return nil, &RecreatedError{Topic: topic, Want: id, Have: l.topicID()}
	}
	return l, nil
}

// atLeader calls do with the leader of a partition until it succeeds, with fresh metadata for every try.
func (k *Kafka) atLeader(ctx context.Context, what, topic string, partition int32, do func(l *layout, p placement) error) error {
	t := k.trying(what)
	for {
		l, err := k.layout(ctx, topic)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		p := l.place(topic, partition)
		if err = p.err; err == nil {
			err = do(l, p)
		}
		if err == nil {
			return nil
		}
		if err := t.again(ctx, err); err != nil {
			return err
		}
	}
}

// Serves implements [Source].
func (k *Kafka) Serves(ctx context.Context, topic *Topic) (bool, error) {
	l := layout{}
	if id, err := hex.DecodeString(topic.ID); err != nil || copy(l.id[:], id) != len(l.id) {
		return true, nil // without ids nobody can tell
	}
	t := k.trying("ask the leaders of topic " + topic.Name + " for the one with id " + topic.ID)
	for denied := 0; ; {
		var last error
		unknown := false
		for _, p := range topic.Partitions {
			if p.Err != nil {
				last = p.Err
				continue
			}
			_, err := k.fetch(ctx, query{topic: topic.Name, id: l.id, at: placement{partition: p.Partition, leader: p.Leader, epoch: p.Epoch}, offset: p.LogStart, lastEpoch: -1, bytes: minFetchBytes})
			switch {
			case err == nil, errors.Is(err, kerr.OffsetOutOfRange):
				return true, nil
			case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID), errors.Is(err, kerr.UnknownTopicOrPartition):
				unknown = true
			}
			last = err
		}
		if unknown {
			denied++ // once for all leaders: they may not have heard of a new topic yet
		}
		switch {
		case denied >= denials:
			return false, nil
		case last == nil || time.Since(t.began) > k.opts.Patience:
			return false, t.wrap(errors.Join(errNoAnswer, last))
		}
		if err := t.again(ctx, last); err != nil {
			return false, err
		}
	}
}
