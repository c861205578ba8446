package produce

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A producer sends a topic's records and remembers where they went.
type producer struct {
	spec    Spec
	brokers []string
	admin   *kadm.Client

	mu    sync.Mutex
	err   error
	tally *tally
}

// begin creates the topic.
func begin(ctx context.Context, brokers []string, spec Spec) (*producer, error) {
	spec, err := spec.withDefaults()
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return nil, fmt.Errorf("testbed: produce %s: %w", spec.Topic, err)
	}
	p := &producer{spec: spec, brokers: brokers, admin: kadm.NewClient(cl), tally: newTally(spec.DigestOnly)}
	configs := make(map[string]*string)
	for k, v := range spec.Configs {
		configs[k] = &v
	}
	if _, err := p.admin.CreateTopic(ctx, spec.Partitions, spec.Replication, configs, spec.Topic); err != nil {
		cl.Close()
		return nil, fmt.Errorf("testbed: create topic %s: %w", spec.Topic, err)
	}
	return p, nil
}

func (p *producer) close() { p.admin.Close() }

func (p *producer) client(opts ...kgo.Opt) (*kgo.Client, error) {
	if most, err := strconv.ParseInt(p.spec.Configs["max.message.bytes"], 10, 32); err == nil {
		opts = append(opts, kgo.ProducerBatchMaxBytes(int32(most)))
	}
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(p.brokers...),
		kgo.DefaultProduceTopic(p.spec.Topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(5 * time.Millisecond),
		kgo.MaxBufferedRecords(50_000),
		kgo.UnknownTopicRetries(30), // a busy broker learns late of a topic that was just created
	}, opts...)...)
}

// send produces a record. If it is one that readers are entitled to, it is counted when the broker acknowledges it.
func (p *producer) send(ctx context.Context, cl *kgo.Client, b Body, into *tally) {
	r := &kgo.Record{Partition: b.Partition, Key: []byte(b.Key), Timestamp: time.UnixMilli(b.Time)}
	if p.spec.Headers {
		r.Headers = []kgo.RecordHeader{{Key: "seq", Value: fmt.Append(nil, b.Seq)}, {Key: "fate", Value: []byte(b.Fate)}}
	}
	if !p.spec.tombstone(b.Seq) {
		var err error
		if r.Value, err = p.spec.Encode(b); err != nil {
			p.fail(fmt.Errorf("testbed: encode record %d: %w", b.Seq, err))
			return
		}
	}
	cl.Produce(ctx, r, func(r *kgo.Record, err error) {
		if err != nil {
			p.fail(fmt.Errorf("testbed: produce to %s/%d: %w", p.spec.Topic, b.Partition, err))
			return
		}
		if into == nil {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		into.add(r)
	})
}

func (p *producer) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

// flush waits for all records and returns the first error of any.
func (p *producer) flush(ctx context.Context, cl *kgo.Client) error {
	if err := cl.Flush(ctx); err != nil {
		return fmt.Errorf("testbed: flush %s: %w", p.spec.Topic, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// PlainTopic creates and fills a topic without transactions.
func PlainTopic(ctx context.Context, brokers []string, spec Spec) (*Result, error) {
	p, err := begin(ctx, brokers, spec)
	if err != nil {
		return nil, err
	}
	defer p.close()
	cl, err := p.client()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	for seq := range int64(p.spec.Records) {
		p.send(ctx, cl, p.spec.body(seq, Plain), p.tally)
	}
	if err := p.flush(ctx, cl); err != nil {
		return nil, err
	}
	return p.result(ctx)
}
