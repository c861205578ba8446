package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/faults/history"
)

// A producer writes to a topic all the while, and tells what was acknowledged.
type producer struct {
	topics *topics
	topic  *topic
	rand   *rand.Rand
	rate   int // records a second

	client     *kgo.Client
	generation int // of the topic that client knows
}

// acknowledging is how long one batch may take, also while brokers are away.
const acknowledging = 2 * time.Minute

// run produces until ctx is done. What it has begun then it ends.
func (p *producer) run(ctx context.Context) {
	lasting := context.WithoutCancel(ctx)
	for n := 0; ctx.Err() == nil; n++ {
		p.topic.gate.RLock()
		err := p.ready()
		if err == nil {
			if p.topic.kind == transactional {
				err = p.transaction(lasting, n)
			} else {
				p.batch(lasting, "")
			}
		}
		if err != nil {
			p.forget()
		}
		p.topic.gate.RUnlock()
		rest(ctx, 50*time.Millisecond+time.Duration(p.rand.Int64N(int64(200*time.Millisecond))))
	}
	p.forget()
}

func (p *producer) who() string { return "producer " + p.topic.kind }

// ready makes a client that knows the topic as it is now.
func (p *producer) ready() (err error) {
	if p.client != nil && p.generation == p.topic.generation {
		return nil
	}
	p.forget()
	opts := []kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(p.topic.name),
		kgo.MaxBufferedRecords(10_000), kgo.RetryTimeout(acknowledging / 2)} // a delivery timeout would count from the records' own times
	if p.topic.kind == transactional {
		opts = append(opts, kgo.TransactionalID(p.topic.name), kgo.TransactionTimeout(time.Minute))
	}
	p.client, err = p.topics.client(opts...)
	p.generation = p.topic.generation
	return err
}

func (p *producer) forget() {
	if p.client != nil {
		p.client.Close()
		p.client = nil
	}
}

// transaction produces one or several batches, and then commits or aborts them.
func (p *producer) transaction(ctx context.Context, n int) error {
	if err := p.client.BeginTransaction(); err != nil {
		return err
	}
	id := fmt.Sprintf("%s-%d-%d", p.topic.name, p.generation, n)
	fate := kgo.TryCommit
	if p.rand.IntN(3) == 0 {
		fate = kgo.TryAbort
	}
	for range 1 + p.rand.IntN(3) {
		p.batch(ctx, id)
	}
	if p.rand.IntN(10) == 0 {
		rest(ctx, time.Duration(p.rand.Int64N(int64(3*time.Second)))) // others cannot be read meanwhile
	}
	ctx, cancel := context.WithTimeout(ctx, acknowledging)
	defer cancel()
	err := p.client.EndTransaction(ctx, fate)
	outcome := map[kgo.TransactionEndTry]string{kgo.TryCommit: "committed", kgo.TryAbort: "aborted"}[fate]
	if err != nil {
		outcome = "unclear"
	}
	p.topics.record(history.Event{Who: p.who(), What: history.Transaction, Topic: p.topic.name, Transaction: id, Outcome: outcome})
	return err
}

// batch produces some records, and waits for the brokers.
func (p *producer) batch(ctx context.Context, transaction string) {
	ctx, cancel := context.WithTimeout(ctx, acknowledging)
	defer cancel()
	began := time.Now()
	records := make([]*kgo.Record, max(1, p.rate/10+p.rand.IntN(p.rate/5+1)))
	sent := make([]history.Sent, len(records))
	for i := range records {
		records[i], sent[i] = p.next()
	}
	var mu sync.Mutex
	var acked, unclear []history.Sent
	why := map[history.Kind]string{}
	var done sync.WaitGroup
	done.Add(len(records))
	for i, r := range records {
		p.client.Produce(ctx, r, func(r *kgo.Record, err error) {
			defer done.Done()
			mu.Lock()
			defer mu.Unlock()
			s := sent[i]
			if err != nil {
				s.Offset, why[history.Unclear] = -1, err.Error()
				unclear = append(unclear, s)
				return
			}
			s.Offset = r.Offset
			acked = append(acked, s)
		})
	}
	done.Wait()
	for what, of := range map[history.Kind][]history.Sent{history.Produced: acked, history.Unclear: unclear} {
		if len(of) > 0 {
			p.topics.record(history.Event{At: began, Until: time.Now(), Who: p.who(), What: what, Topic: p.topic.name, Generation: p.generation, Transaction: transaction, Records: of, Text: why[what]})
		}
	}
}

// next is the next record. Its time lies within the last hours, but in compacted topics, where times make segments.
func (p *producer) next() (*kgo.Record, history.Sent) {
	p.topic.seq++
	s := history.Sent{Seq: p.topic.seq, Partition: p.rand.Int32N(p.topic.partitions)}
	r := &kgo.Record{Partition: s.Partition, Timestamp: time.Now().Add(-time.Duration(p.rand.Int64N(int64(3 * time.Hour))))}
	if p.topic.kind == compacted {
		key := p.rand.Int32N(100)
		s.Key, s.Partition = fmt.Sprintf("key-%d", key), key%p.topic.partitions
		s.Tombstone = p.rand.IntN(30) == 0
		r.Key, r.Partition, r.Timestamp = []byte(s.Key), s.Partition, time.Now()
	}
	if !s.Tombstone {
		value, err := json.Marshal(body{Seq: s.Seq, Generation: p.generation, Fate: "", Padding: strings.Repeat("x", p.rand.IntN(200))})
		if err != nil {
			panic(err)
		}
		r.Value = value
	}
	return r, s
}
