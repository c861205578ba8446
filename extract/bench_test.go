//go:build unix

package extract

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/record"
)

// benchAnswer is about a megabyte of batches of 500 records of 150 bytes, compressed as producers do.
func benchAnswer(b *testing.B) (batches []byte, records int64) {
	rng := rand.New(rand.NewPCG(1, 1))
	for len(batches) < 1<<20 {
		c := craftedBatch{base: records, producer: -1, firstTime: 1_700_000_000_000}
		for range 500 {
			v := fmt.Appendf(nil, `{"id":%d,"user":"user-%d","page":"/articles/%d","ms":%d,"referrer":"https://example.com/%x","agent":"Mozilla/5.0"}`,
				records, rng.IntN(1e6), rng.IntN(5000), rng.IntN(1e4), rng.Uint64())
			c.records = append(c.records, record.Raw{Offset: records, Timestamp: c.firstTime + records, Key: fmt.Appendf(nil, "%d", rng.IntN(1e6)), Value: v})
			records++
		}
		c.last = records - 1
		batches = append(batches, c.bytes(b, kgo.ZstdCompression())...)
	}
	return batches, records
}

func BenchmarkUnpack(b *testing.B) {
	batches, records := benchAnswer(b)
	u := offline(Range{Next: records})
	b.ReportAllocs()
	before := cpu()
	for b.Loop() {
		var n int64
		a := &answer{next: records, batches: batches}
		if err := unpackAll(u, a, func(b *Batch) { n += int64(len(b.Records)) }); err != nil || n != records {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/float64(records), "cpu-ns/record")
}

// BenchmarkClientLibrary is the same work by the client library with its pools, which also makes a record.Raw of each.
func BenchmarkClientLibrary(b *testing.B) {
	batches, records := benchAnswer(b)
	pool := &recordPool{bufferPool: &bufferPool{}}
	d := kgo.DefaultDecompressor(pool)
	var raws []record.Raw
	b.ReportAllocs()
	before := cpu()
	for b.Loop() {
		rp := kmsg.NewFetchResponseTopicPartition()
		rp.RecordBatches = batches
		p, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{IsolationLevel: kgo.ReadCommitted(), Pools: []kgo.Pool{pool}}, &rp, d, nil)
		raws = raws[:0]
		for _, r := range p.Records {
			raws = append(raws, record.Raw{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value})
		}
		for _, r := range p.Records {
			r.Recycle()
		}
		if int64(len(raws)) != records {
			b.Fatal(len(raws))
		}
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/float64(records), "cpu-ns/record")
}

// cpu is the time that the process has computed, which other processes do not add to.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type recordPool struct {
	*bufferPool
	records sync.Pool
}

func (p *recordPool) GetRecords(n int) []kgo.Record {
	if r, ok := p.records.Get().(*[]kgo.Record); ok && cap(*r) >= n {
		return (*r)[:n]
	}
	return make([]kgo.Record, n)
}

func (p *recordPool) PutRecords(r []kgo.Record) { p.records.Put(&r) }
