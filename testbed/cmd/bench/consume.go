package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// consume polls what is in a topic now, and returns how many records that was.
func consume(ctx context.Context, t task, each func(*kgo.Record) error, more ...kgo.Opt) (records int, err error) {
	opts := []kgo.Opt{kgo.SeedBrokers(t.Brokers...), kgo.ConsumeTopics(t.Topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	cl, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, t.Topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("end of %s: %w", t.Topic, err)
	}
	left := 0
	ends.Each(func(o kadm.ListedOffset) { left += int(o.Offset) })
	for records < left {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return records, err
		}
		for it := fetches.RecordIter(); !it.Done(); {
			if err := each(it.Next()); err != nil {
				return records, err
			}
			records++
		}
	}
	return records, nil
}

// fetch is what every program does at least: it polls, and drops what it got. It fetches as much at once as the product, and recycles
// all memory.
func fetch(ctx context.Context, t task) (measurement, error) {
	n, err := consume(ctx, t, func(r *kgo.Record) error { r.Recycle(); return nil }, kgo.WithPools(new(pools)), kgo.FetchMaxPartitionBytes(1<<20), kgo.FetchMaxBytes(partitions<<20), kgo.DisableClientMetrics())
	return measurement{Records: n}, err
}

// pools lends the memory of fetched batches and of their records.
type pools struct{ bytes, records sync.Pool }

var (
	_ kgo.PoolDecompressBytes = (*pools)(nil)
	_ kgo.PoolRecords         = (*pools)(nil)
)

func (p *pools) GetDecompressBytes(compressed []byte, _ kgo.CompressionCodecType) []byte {
	if b, ok := p.bytes.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 0, 4*len(compressed))
}

func (p *pools) PutDecompressBytes(b []byte) { p.bytes.Put(&b) }

func (p *pools) GetRecords(n int) []kgo.Record {
	if r, ok := p.records.Get().(*[]kgo.Record); ok && cap(*r) >= n {
		return (*r)[:0]
	}
	return make([]kgo.Record, 0, n)
}

func (p *pools) PutRecords(r []kgo.Record) { p.records.Put(&r) }
