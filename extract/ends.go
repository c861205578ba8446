package extract

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// endsTries is how often partitions are asked that do not say where they end: leaders move.
const endsTries = 3

// Ends implements [Source]: one request for who leads, and one to each leader, for all topics together.
func (k *Kafka) Ends(ctx context.Context, topics []string) (map[string]map[int32]int64, error) {
	ends := make(map[string]map[int32]int64, len(topics))
	t := k.trying(fmt.Sprintf("ends of %d topics", len(topics)))
	for try := 0; len(topics) > 0; {
		layouts, cause := k.layouts(ctx, topics)
		if cause == nil {
			try++
			topics, cause = k.endsOnce(ctx, topics, layouts, ends)
			if len(topics) == 0 || try == endsTries {
				break
			}
		}
		if err := t.again(ctx, cause); err != nil {
			if try > 0 {
				break // what has answered stands
			}
			return nil, err
		}
	}
	return ends, nil
}

// layouts is what one answer says about topics. Each has a layout or an error.
func (k *Kafka) layouts(ctx context.Context, topics []string) (map[string]layoutAnswer, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	answers := make(map[string]layoutAnswer, len(topics))
	for _, topic := range topics {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr(topic)
		req.Topics = append(req.Topics, rt)
		answers[topic] = layoutAnswer{err: errNoAnswer}
	}
	resp, err := k.ask(ctx, anyBroker, req)
	if err != nil {
		return nil, err
	}
	metadata := resp.(*kmsg.MetadataResponse)
	for i := range metadata.Topics {
		if topic := &metadata.Topics[i]; topic.Topic != nil {
			l, err := layoutIn(metadata, topic)
			answers[*topic.Topic] = layoutAnswer{l, err}
		}
	}
	return answers, nil
}

type layoutAnswer struct {
	layout *layout
	err    error
}

// endsOnce asks all leaders at once, puts what they answer into ends, and returns the topics that are worth another try, with one of the
// reasons.
func (k *Kafka) endsOnce(ctx context.Context, topics []string, layouts map[string]layoutAnswer, ends map[string]map[int32]int64) (left []string, last error) {
	passing := map[string]bool{}
	failed := func(topic string, err error) {
		if k.final(err) == nil {
			passing[topic], last = true, err
		}
	}
	byLeader := map[int32]map[string][]placement{}
	for _, topic := range topics {
		a := layouts[topic]
		if a.err != nil {
			failed(topic, a.err)
			continue
		}
		for _, p := range a.layout.partitions {
			if p.err != nil {
				failed(topic, p.err)
				continue
			}
			if byLeader[p.leader] == nil {
				byLeader[p.leader] = map[string][]placement{}
			}
			byLeader[p.leader][topic] = append(byLeader[p.leader][topic], p)
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for node, parts := range byLeader {
		wg.Go(func() {
			answers := k.endsAt(ctx, node, parts)
			mu.Lock()
			defer mu.Unlock()
			for topic, answers := range answers {
				for partition, a := range answers {
					if a.err != nil {
						failed(topic, a.err)
						continue
					}
					if ends[topic] == nil {
						ends[topic] = map[int32]int64{}
					}
					ends[topic][partition] = a.offset
				}
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(slices.Clone(topics), func(topic string) bool { return !passing[topic] }), last
}

// endsAt asks one broker where partitions end that it leads. Every partition gets an answer or an error.
func (k *Kafka) endsAt(ctx context.Context, node int32, topics map[string][]placement) map[string]map[int32]offsetAnswer {
	req := kmsg.NewPtrListOffsetsRequest()
	if k.opts.ReadCommitted {
		req.IsolationLevel = committed
	}
	for topic, parts := range topics {
		req.Topics = append(req.Topics, offsetsRequest(topic, parts, latest))
	}
	resp, err := k.ask(ctx, node, req)
	missing := errNoAnswer
	if err != nil {
		missing = fmt.Errorf("broker %d: %w", node, err)
	}
	answers := make(map[string]map[int32]offsetAnswer, len(topics))
	for topic, parts := range topics {
		answers[topic] = make(map[int32]offsetAnswer, len(parts))
		for _, p := range parts {
			answers[topic][p.partition] = offsetAnswer{err: missing}
		}
	}
	if err != nil {
		return answers
	}
	for _, rt := range resp.(*kmsg.ListOffsetsResponse).Topics {
		for _, rp := range rt.Partitions {
			if _, ok := answers[rt.Topic][rp.Partition]; ok {
				answers[rt.Topic][rp.Partition] = offsetAnswer{offset: rp.Offset, time: rp.Timestamp, err: kerr.ErrorForCode(rp.ErrorCode)}
			}
		}
	}
	return answers
}
