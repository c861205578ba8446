// Package kafkatest runs a Kafka cluster inside the process: for the demo, and for tests. It is a fake with one loop for all
// requests. Put small batches in it.
package kafkatest

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Options of a cluster. The zero value is one broker on a free port of loopback, in memory.
type Options struct {
	Brokers int            // 1 when zero
	Topics  map[string]int // to begin with: name to number of partitions
	Dir     string         // keeps the cluster's state; "" is memory

	// Users turns authentication on. The first is a superuser and is who the cluster's own methods act as; it must not be PLAIN
	// if its password is to change. ACLs are checked when some user has any.
	Users []User

	TLS *tls.Config // of the brokers; nil is plain TCP
	CA  *tls.Config // with which the cluster's own clients trust the brokers; needed with TLS
}

// A User of a cluster with authentication.
type User struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	Name      string
	Password  string
	ACLs      []ACL // what it may do; without any, on a cluster that checks, nothing
}

// An ACL allows an operation on a topic, or on a consumer group.
type ACL struct {
	Topic     string
	Group     string // instead of Topic
	Operation kmsg.ACLOperation
}

// A Cluster is a running fake. It is safe for concurrent use.
type Cluster struct {
	fake *kfake.Cluster
	opts Options

	mu   sync.Mutex
	open []*kgo.Client // producers of transactions that were neither ended nor closed
}

// Start starts a cluster. Close stops it.
func Start(o Options) (*Cluster, error) {
	opts := []kfake.Opt{kfake.NumBrokers(max(o.Brokers, 1))}
	for _, topic := range slices.Sorted(maps.Keys(o.Topics)) {
		opts = append(opts, kfake.SeedTopics(int32(o.Topics[topic]), topic))
	}
	if o.Dir != "" {
		opts = append(opts, kfake.DataDir(o.Dir))
	}
	if o.TLS != nil {
		opts = append(opts, kfake.TLS(o.TLS))
	}
	checked := false
	for i, u := range o.Users {
		if i == 0 {
			opts = append(opts, kfake.EnableSASL(), kfake.Superuser(u.Mechanism, u.Name, u.Password))
			continue
		}
		opts = append(opts, kfake.User(u.Mechanism, u.Name, u.Password, u.acls()...))
		checked = checked || len(u.ACLs) > 0
	}
	if checked {
		opts = append(opts, kfake.EnableACLs())
	}
	fake, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("start an embedded kafka: %w", err)
	}
	return &Cluster{fake: fake, opts: o}, nil
}

func (u User) acls() []kfake.ACL {
	var acls []kfake.ACL
	for _, a := range u.ACLs {
		kind, name := kmsg.ACLResourceTypeTopic, a.Topic
		if a.Group != "" {
			kind, name = kmsg.ACLResourceTypeGroup, a.Group
		}
		acls = append(acls, kfake.ACL{Resource: kind, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: a.Operation, Allow: true})
	}
	return acls
}

// Close stops the brokers and drops what is open.
func (c *Cluster) Close() {
	c.mu.Lock()
	open := c.open
	c.open = nil
	c.mu.Unlock()
	for _, client := range open {
		client.CloseAllowingRebalance()
	}
	c.fake.Close()
}

// Brokers are the addresses of the brokers.
func (c *Cluster) Brokers() []string { return c.fake.ListenAddrs() }

// Fake is the cluster underneath: for faults, moves of leaders, and what else there is no method for.
func (c *Cluster) Fake() *kfake.Cluster { return c.fake }

// client connects as the first user.
func (c *Cluster) client(opts ...kgo.Opt) (*kgo.Client, error) {
	all := []kgo.Opt{kgo.SeedBrokers(c.Brokers()...), kgo.DisableClientMetrics()}
	if len(c.opts.Users) > 0 {
		u := c.opts.Users[0]
		switch u.Mechanism {
		case "PLAIN":
			all = append(all, kgo.SASL(plain.Auth{User: u.Name, Pass: u.Password}.AsMechanism()))
		case "SCRAM-SHA-512":
			all = append(all, kgo.SASL(scram.Auth{User: u.Name, Pass: u.Password}.AsSha512Mechanism()))
		default:
			all = append(all, kgo.SASL(scram.Auth{User: u.Name, Pass: u.Password}.AsSha256Mechanism()))
		}
	}
	if c.opts.TLS != nil {
		all = append(all, kgo.DialTLSConfig(c.opts.CA))
	}
	return kgo.NewClient(append(all, opts...)...)
}

// CreateTopic creates a topic; configs may be nil.
func (c *Cluster) CreateTopic(topic string, partitions int, configs map[string]string) error {
	if err := c.fake.CreateTopic(topic, int32(partitions), configs); err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return nil
}

// RecreateTopic deletes a topic with all its records and creates another one of the same name.
func (c *Cluster) RecreateTopic(topic string, partitions int, configs map[string]string) error {
	if err := c.fake.DeleteTopic(topic); err != nil {
		return fmt.Errorf("recreate topic %s: %w", topic, err)
	}
	return c.CreateTopic(topic, partitions, configs)
}

// DeleteRecords moves the start of a partition's log to an offset, as retention does.
func (c *Cluster) DeleteRecords(topic string, partition int32, start int64) error {
	if err := c.fake.DeleteRecords(topic, partition, start); err != nil {
		return fmt.Errorf("delete records of %s/%d before %d: %w", topic, partition, start, err)
	}
	return nil
}

// MoveLeader hands a partition to another broker, by which its leader epoch grows.
func (c *Cluster) MoveLeader(topic string, partition, broker int32) error {
	if err := c.fake.MoveTopicPartition(topic, partition, broker); err != nil {
		return fmt.Errorf("move %s/%d to broker %d: %w", topic, partition, broker, err)
	}
	return nil
}

// Compact compacts the topics whose cleanup.policy contains compact.
func (c *Cluster) Compact() { c.fake.Compact() }

// End is the high watermark of a partition.
func (c *Cluster) End(topic string, partition int32) (int64, error) {
	info := c.fake.PartitionInfo(topic, partition)
	if info == nil {
		return 0, fmt.Errorf("end of %s/%d: no such partition", topic, partition)
	}
	return info.HighWatermark, nil
}

// forget takes a client from the list of open ones, and says whether it was there.
func (c *Cluster) forget(client *kgo.Client) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.open, client)
	if i < 0 {
		return false
	}
	c.open = slices.Delete(c.open, i, i+1)
	return true
}
