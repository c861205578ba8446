package extract

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Whether a hole is explained:
//
//   - Offsets without a record inside a batch of magic 2 were compacted away, whatever the topic's settings say today: brokers take
//     a batch from a producer only without holes, and only the log cleaner writes one with fewer records than its span.
//   - Offsets between batches, and before or after them, are explained by compaction when the topic's cleanup.policy contains
//     compact. Markers and aborted records that the cleaner dropped are among them.
//   - Otherwise they are unexplained: also when the policy cannot be read (ACL DESCRIBE_CONFIGS on the topic), because then nothing
//     tells a compacted topic from a log that lost records.

// cleanup finds out about a topic's cleanup.policy, once, when the first hole makes it matter.
type cleanup struct {
	k     *Kafka
	topic string

	mu      sync.Mutex
	asked   bool
	compact bool
}

// compacted is true when the topic is known to be compacted.
func (c *cleanup) compacted(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked {
		return c.compact
	}
	policy, err := c.k.cleanupPolicy(ctx, c.topic)
	if ctx.Err() != nil {
		return false
	}
	c.asked = true
	c.compact = strings.Contains(policy, "compact")
	if err != nil {
		if _, told := c.k.told.LoadOrStore(c.topic, true); !told {
			c.k.opts.Logger.Warn("cannot read cleanup.policy, offsets without records will count as unexplained; grant DESCRIBE_CONFIGS on the topic",
				"topic", c.topic, "error", err)
		}
	}
	return c.compact
}

// cleanupPolicy asks for a few seconds at most.
func (k *Kafka) cleanupPolicy(ctx context.Context, topic string) (string, error) {
	const patience = 5 * time.Second
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType = kmsg.ConfigResourceTypeTopic
	r.ResourceName = topic
	r.ConfigNames = []string{"cleanup.policy"}
	req.Resources = append(req.Resources, r)

	t := k.trying("cleanup.policy of topic " + topic)
	for {
		resp, err := k.ask(ctx, anyBroker, req)
		if err == nil {
			var policy string
			if policy, err = readPolicy(resp.(*kmsg.DescribeConfigsResponse)); err == nil {
				return policy, nil
			}
		}
		if time.Since(t.began) > patience {
			return "", err
		}
		if err := t.again(ctx, err); err != nil {
			return "", err
		}
	}
}

func readPolicy(resp *kmsg.DescribeConfigsResponse) (string, error) {
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return "", err
		}
		for _, c := range r.Configs {
			if c.Name == "cleanup.policy" && c.Value != nil {
				return *c.Value, nil
			}
		}
	}
	return "", errNoAnswer
}
