package extract

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kafka is a [Source] over the Kafka protocol. Fetches, watermarks and metadata are single requests to the broker that can answer
// them; nothing goes through a consumer, which would hide the offsets that hold no record and jump where offsets are out of range.
type Kafka struct {
	client   *kgo.Client
	opts     Options
	answered atomic.Bool // some broker answered some request
	auth     authWatch

	buffers      *bufferPool
	decompressor kgo.Decompressor
	legacy       kgo.Decompressor // for the message formats before 0.11: its bytes are not lent
	latePatience time.Duration
	told         sync.Map // topics whose unreadable cleanup.policy was logged
}

var _ Source = (*Kafka)(nil)

// Open checks the options and asks the cluster whether it answers. A wrong password is [ErrAuth]; a cluster that does not answer
// within Options.Patience is an error that names the addresses that were tried.
func Open(ctx context.Context, o Options) (*Kafka, error) {
	k, err := New(o)
	if err != nil {
		return nil, err
	}
	if err := k.Ping(ctx); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

// New checks the options and connects to nothing: the first question to the cluster does.
func New(o Options) (*Kafka, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open kafka: %w", err)
	}
	k := &Kafka{opts: o, buffers: &bufferPool{}, latePatience: latePatience}
	if k.client, err = o.client(&k.auth); err != nil {
		return nil, fmt.Errorf("open kafka: %w", err)
	}
	if k.decompressor, err = newDecompressor(o.MaxBatch, k.buffers); err == nil {
		k.legacy, err = newDecompressor(o.MaxBatch)
	}
	if err != nil {
		k.client.Close()
		return nil, fmt.Errorf("open kafka: %w", err)
	}
	return k, nil
}

// Close ends all connections. Calls that still run fail.
func (k *Kafka) Close() { k.client.Close() }

// Ping returns when a broker has answered.
func (k *Kafka) Ping(ctx context.Context) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	t := k.trying("ask kafka for its brokers")
	for {
		_, err := k.ask(ctx, anyBroker, req)
		if err == nil {
			return nil
		}
		if err := t.again(ctx, err); err != nil {
			return err
		}
	}
}

// Topics implements [Source]. Topics that Kafka itself calls internal are among them.
func (k *Kafka) Topics(ctx context.Context) ([]string, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	t := k.trying("list topics")
	for {
		resp, err := k.ask(ctx, anyBroker, req)
		if err != nil {
			if err := t.again(ctx, err); err != nil {
				return nil, err
			}
			continue
		}
		var names []string
		for _, topic := range resp.(*kmsg.MetadataResponse).Topics {
			err := kerr.ErrorForCode(topic.ErrorCode)
			if topic.Topic == nil || err == kerr.TopicAuthorizationFailed || err == kerr.UnknownTopicOrPartition {
				continue
			}
			names = append(names, *topic.Topic)
		}
		sort.Strings(names)
		return names, nil
	}
}
