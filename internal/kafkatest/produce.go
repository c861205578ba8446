package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A Record to produce. Records of one call that go to the same partition become one batch, as far as a batch takes them.
type Record struct {
	Partition int32
	Time      time.Time // the zero time is now
	Key       []byte
	Value     []byte // nil is a tombstone
	Headers   []Header
}

// A Header of a record.
type Header struct {
	Key   string
	Value []byte
}

func (r Record) forTopic(topic string) *kgo.Record {
	kr := &kgo.Record{Topic: topic, Partition: r.Partition, Timestamp: r.Time, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		kr.Headers = append(kr.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return kr
}

// A Codec compresses batches.
type Codec string

// The codecs of Kafka.
const (
	None   Codec = "none"
	Gzip   Codec = "gzip"
	Snappy Codec = "snappy"
	LZ4    Codec = "lz4"
	Zstd   Codec = "zstd"
)

func (c Codec) opt() kgo.Opt {
	switch c {
	case Gzip:
		return kgo.ProducerBatchCompression(kgo.GzipCompression())
	case Snappy:
		return kgo.ProducerBatchCompression(kgo.SnappyCompression())
	case LZ4:
		return kgo.ProducerBatchCompression(kgo.Lz4Compression())
	case Zstd:
		return kgo.ProducerBatchCompression(kgo.ZstdCompression())
	}
	return kgo.ProducerBatchCompression(kgo.NoCompression())
}

// producer is a client that writes to the partitions that records name, when it is told to.
func (c *Cluster) producer(codec Codec, opts ...kgo.Opt) (*kgo.Client, error) {
	return c.client(append([]kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ManualFlushing(),
		kgo.MaxBufferedRecords(1 << 20),
		kgo.WithHooks(partitionedHook{}),
		codec.opt(),
	}, opts...)...)
}

// Produce appends records uncompressed, and returns when they are in the log.
func (c *Cluster) Produce(ctx context.Context, topic string, records ...Record) error {
	return c.ProduceAs(ctx, None, topic, records...)
}

// ProduceAs is Produce with a codec.
func (c *Cluster) ProduceAs(ctx context.Context, codec Codec, topic string, records ...Record) error {
	client, err := c.producer(codec) // a new one for each call: an old one never gets over a topic that was recreated
	if err != nil {
		return fmt.Errorf("produce to %s: %w", topic, err)
	}
	defer client.Close()
	return send(ctx, client, topic, records)
}

// send flushes when every record has its partition: before, what a flush finds goes out in batches of their own.
func send(ctx context.Context, client *kgo.Client, topic string, records []Record) error {
	partitioned, done := make(chan struct{}, len(records)), make(chan error, len(records))
	ctx = context.WithValue(ctx, partitionedKey{}, partitioned)
	for _, r := range records {
		client.Produce(ctx, r.forTopic(topic), func(_ *kgo.Record, err error) { done <- err })
	}
	var all []error
	for range records {
		select {
		case <-partitioned:
		case err := <-done:
			all = append(all, err)
		}
	}
	if err := client.Flush(ctx); err != nil {
		return fmt.Errorf("produce to %s: %w", topic, err)
	}
	for len(all) < len(records) {
		all = append(all, <-done)
	}
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("produce to %s: %w", topic, err)
	}
	return nil
}

// A partitionedHook tells the sender of each record that the record has its partition.
type partitionedHook struct{}

type partitionedKey struct{}

func (partitionedHook) OnProduceRecordPartitioned(r *kgo.Record, _ int32) {
	r.Context.Value(partitionedKey{}).(chan struct{}) <- struct{}{}
}

// A Transaction is open until it is committed or aborted.
type Transaction struct {
	cluster *Cluster
	client  *kgo.Client
}

var transactions atomic.Int64

// Begin opens a transaction with a producer of its own.
func (c *Cluster) Begin(codec Codec) (*Transaction, error) {
	client, err := c.producer(codec, kgo.TransactionalID(fmt.Sprintf("kafkatest-%d", transactions.Add(1))))
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	if err := client.BeginTransaction(); err != nil {
		client.Close()
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	c.mu.Lock()
	c.open = append(c.open, client)
	c.mu.Unlock()
	return &Transaction{cluster: c, client: client}, nil
}

// Produce appends records within the transaction.
func (t *Transaction) Produce(ctx context.Context, topic string, records ...Record) error {
	return send(ctx, t.client, topic, records)
}

// Commit ends the transaction: its records count.
func (t *Transaction) Commit(ctx context.Context) error { return t.end(ctx, kgo.TryCommit) }

// Abort ends the transaction: its records do not count.
func (t *Transaction) Abort(ctx context.Context) error { return t.end(ctx, kgo.TryAbort) }

func (t *Transaction) end(ctx context.Context, how kgo.TransactionEndTry) error {
	if !t.cluster.forget(t.client) {
		return errors.New("end a transaction: it ended before")
	}
	defer t.client.Close()
	if err := t.client.EndTransaction(ctx, how); err != nil {
		return fmt.Errorf("end a transaction: %w", err)
	}
	return nil
}
