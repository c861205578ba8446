package nemesis

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/kafkabed"
)

// RollBrokers restarts all brokers of a cluster, one after the other, as an operator does: each is asked to stop, is away for a while,
// starts, and is waited for until every partition has all of its replicas in sync again.
func RollBrokers(ctx context.Context, c *kafkabed.Cluster, away time.Duration) error {
	for _, n := range c.Nodes() {
		if err := n.Stop(); err != nil {
			return err
		}
		rest(ctx, away)
		if err := n.Start(ctx); err != nil {
			return err
		}
		if err := InSync(ctx, c.Brokers()); err != nil {
			return err
		}
	}
	return nil
}

// InSync waits until each partition of each topic has a leader and all of its replicas in sync.
func InSync(ctx context.Context, brokers []string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		return err
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	for {
		lagging, err := lagging(ctx, admin)
		if err == nil && lagging == "" {
			return nil
		}
		if !rest(ctx, 200*time.Millisecond) {
			return fmt.Errorf("brokers are not in sync: %s: %v: %w", lagging, err, context.Cause(ctx))
		}
	}
}

// lagging names a partition that is not as it should be; "" where there is none.
func lagging(ctx context.Context, admin *kadm.Client) (string, error) {
	asked, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	topics, err := admin.ListTopicsWithInternal(asked)
	if err != nil {
		return "", err
	}
	for _, t := range topics.Sorted() {
		if t.Err != nil {
			return t.Topic, t.Err
		}
		for _, p := range t.Partitions.Sorted() {
			if p.Err != nil || p.Leader < 0 || len(p.ISR) < len(p.Replicas) {
				return fmt.Sprintf("%s/%d has the leader %d, replicas %d, in sync %d", t.Topic, p.Partition, p.Leader, p.Replicas, p.ISR), p.Err
			}
		}
	}
	return "", nil
}
