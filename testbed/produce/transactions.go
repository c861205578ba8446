package produce

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Transactions says how a topic's records are divided into transactions.
type Transactions struct {
	// PerTransaction is the number of records of each transaction; 0 means 50. Transactions come in pairs of two producers, whose
	// records alternate in each partition; of each pair the first commits and the second aborts.
	PerTransaction int

	// LeaveOpen ends with a transaction of this many records that stays open, followed by as many records outside of it. None of
	// them is in Result; their sequence numbers follow Spec.Records.
	LeaveOpen int
}

// An OpenTransaction holds back the last stable offsets until it ends, or until its timeout of ten minutes.
type OpenTransaction struct {
	p  *producer
	cl *kgo.Client

	held   *tally // records of the transaction
	behind *tally // records after its first
}

// TransactionalTopic creates and fills a topic by transactions. Half of Spec.Records are aborted. The open transaction is nil unless
// asked for; the caller then calls its End or Close.
func TransactionalTopic(ctx context.Context, brokers []string, spec Spec, ts Transactions) (*Result, *OpenTransaction, error) {
	p, err := begin(ctx, brokers, spec)
	if err != nil {
		return nil, nil, err
	}
	if ts.PerTransaction == 0 {
		ts.PerTransaction = 50
	}
	if err := p.transactions(ctx, ts); err != nil {
		p.close()
		return nil, nil, err
	}
	var open *OpenTransaction
	if ts.LeaveOpen > 0 {
		if open, err = p.leaveOpen(ctx, ts.LeaveOpen); err != nil {
			p.close()
			return nil, nil, err
		}
	}
	r, err := p.result(ctx)
	if open == nil {
		p.close()
	} else if err != nil {
		open.Close()
	}
	return r, open, err
}

func (p *producer) transactions(ctx context.Context, ts Transactions) error {
	var clients [2]*kgo.Client
	for i := range clients {
		cl, err := p.transactional(fmt.Sprint(i))
		if err != nil {
			return err
		}
		defer cl.Close()
		clients[i] = cl
	}
	for seq := int64(0); seq < int64(p.spec.Records); {
		end := min(seq+2*int64(ts.PerTransaction), int64(p.spec.Records))
		if err := p.pair(ctx, clients, seq, end); err != nil {
			return err
		}
		seq = end
	}
	return p.settled(ctx)
}

// pair produces the records [seq, end) in two transactions at once. Chunks are flushed in turn, so that the transactions' batches
// alternate.
func (p *producer) pair(ctx context.Context, clients [2]*kgo.Client, seq, end int64) error {
	for _, cl := range clients {
		if err := cl.BeginTransaction(); err != nil {
			return fmt.Errorf("testbed: begin transaction: %w", err)
		}
	}
	const chunk = 10
	for n := int64(0); seq < end; n++ {
		fate, into := Committed, p.tally
		if n%2 == 1 {
			fate, into = Aborted, nil
		}
		cl := clients[n%2]
		for range min(chunk, end-seq) {
			p.send(ctx, cl, p.spec.body(seq, fate), into)
			seq++
		}
		if err := p.flush(ctx, cl); err != nil {
			return err
		}
	}
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := clients[i].EndTransaction(ctx, end); err != nil {
			return fmt.Errorf("testbed: end transaction: %w", err)
		}
	}
	return nil
}

func (p *producer) transactional(name string) (*kgo.Client, error) {
	return p.client(kgo.TransactionalID(p.spec.Topic+"-"+name), kgo.TransactionTimeout(10*time.Minute))
}

// settled waits until all markers are written: the end of a transaction is answered before that.
func (p *producer) settled(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		stable, err := ends(ctx, p.spec.Topic, p.admin.ListCommittedOffsets)
		if err != nil {
			return false, err
		}
		high, err := ends(ctx, p.spec.Topic, p.admin.ListEndOffsets)
		return maps.Equal(stable, high), err
	})
}

func (p *producer) leaveOpen(ctx context.Context, records int) (*OpenTransaction, error) {
	cl, err := p.transactional("open")
	if err != nil {
		return nil, err
	}
	o := &OpenTransaction{p: p, cl: cl, held: newTally(p.spec.DigestOnly), behind: newTally(p.spec.DigestOnly)}
	if err := o.fill(ctx, records); err != nil {
		cl.Close()
		return nil, err
	}
	return o, nil
}

func (o *OpenTransaction) fill(ctx context.Context, records int) error {
	if err := o.cl.BeginTransaction(); err != nil {
		return fmt.Errorf("testbed: begin transaction: %w", err)
	}
	plain, err := o.p.client()
	if err != nil {
		return err
	}
	defer plain.Close()
	seq := int64(o.p.spec.Records)
	for range records {
		o.p.send(ctx, o.cl, o.p.spec.body(seq, Open), o.held)
		seq++
	}
	if err := o.p.flush(ctx, o.cl); err != nil {
		return err
	}
	for range records {
		b := o.p.spec.body(seq, Behind)
		seq++
		// A partition without a record of the transaction is not held back: what is behind it counts at once.
		into := o.behind
		if !o.holds(b.Partition) {
			into = o.p.tally
		}
		o.p.send(ctx, plain, b, into)
	}
	return o.p.flush(ctx, plain)
}

func (o *OpenTransaction) holds(partition int32) bool {
	_, ok := o.held.digest[fmt.Sprint(partition)]
	return ok
}

// End ends the transaction and returns what readers are now entitled to in the whole topic. The OpenTransaction is closed after it.
func (o *OpenTransaction) End(ctx context.Context, commit bool) (*Result, error) {
	defer o.Close()
	if err := o.cl.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
		return nil, fmt.Errorf("testbed: end transaction: %w", err)
	}
	o.p.tally.merge(o.behind)
	if commit {
		o.p.tally.merge(o.held)
	}
	if err := o.p.settled(ctx); err != nil {
		return nil, err
	}
	return o.p.result(ctx)
}

// Close leaves the transaction open until its timeout, as a producer that was killed does.
func (o *OpenTransaction) Close() {
	o.cl.Close()
	o.p.close()
}
