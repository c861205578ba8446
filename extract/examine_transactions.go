package extract

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/storage"
)

// hanging is when an open transaction is taken for one that nobody will end: brokers abort those of producers that died after
// transaction.max.timeout.ms, which is 15 minutes unless somebody changed it.
const hanging = 15 * time.Minute

// An openTransaction holds back the end of a partition.
type openTransaction struct {
	partition int32
	producer  int64
	epoch     int32
	start     int64
	last      time.Time // of its newest record, by whoever set its time
}

// examineTransactions names what holds back the last stable offset, if something does.
func (k *Kafka) examineTransactions(ctx context.Context, d *Topic) []storage.Finding {
	const name = "open transactions"
	var open []openTransaction
	var behind int64
	held, why := 0, error(nil)
	for _, p := range d.Partitions {
		if p.Err != nil || p.LastStable >= p.HighWatermark {
			continue
		}
		behind += p.HighWatermark - p.LastStable
		if held++; held > examinedAtOnce {
			continue
		}
		found, err := k.openTransactions(ctx, d.Name, p)
		if err != nil {
			why = err
			continue
		}
		open = append(open, found...)
	}
	if behind == 0 {
		return nil
	}
	text := fmt.Sprintf("%d offsets in %s lie behind open transactions, and runs end before them", behind, count(held, "partition"))
	if len(open) == 0 {
		if why != nil {
			text += fmt.Sprintf("; who holds them is not seen (%v)", why)
		}
		return []storage.Finding{finding(storage.Doubt, name, "%s: look with kafka-transactions.sh find-hanging --topic %s", text, d.Name)}
	}
	oldest := open[0]
	for _, o := range open {
		if o.last.Before(oldest.last) {
			oldest = o
		}
	}
	id, began := k.transaction(ctx, oldest.producer)
	return []storage.Finding{oldest.finding(name, text, d.Name, id, began)}
}

// finding names the transaction. Its age is by the coordinator's clock where that could be asked, else by its newest record.
func (o openTransaction) finding(name, text, topic, id string, began time.Time) storage.Finding {
	whose := fmt.Sprintf("producer %d, epoch %d", o.producer, o.epoch)
	if id != "" {
		whose += fmt.Sprintf(", transactional id %q", id)
	}
	age := time.Since(o.last)
	when := "last written to " + age.Round(time.Second).String() + " ago"
	if !began.IsZero() {
		age = time.Since(began)
		when = "begun " + age.Round(time.Second).String() + " ago"
	}
	text += fmt.Sprintf("; the oldest is of %s, in partition %d from offset %d on, %s", whose, o.partition, o.start, when)
	if age < hanging {
		return finding(storage.Good, name, "%s", text)
	}
	return finding(storage.Doubt, name,
		"%s: if its producer is gone, end it with kafka-transactions.sh abort --topic %s --partition %d --start-offset %d", text, topic, o.partition, o.start)
}

func (k *Kafka) openTransactions(ctx context.Context, topic string, p Partition) (open []openTransaction, err error) {
	req := kmsg.NewPtrDescribeProducersRequest()
	rt := kmsg.NewDescribeProducersRequestTopic()
	rt.Topic, rt.Partitions = topic, []int32{p.Partition}
	req.Topics = append(req.Topics, rt)
	err = k.asking(ctx, fmt.Sprintf("producers of %s/%d", topic, p.Partition), p.Leader, req, func(r kmsg.Response) error {
		for _, rt := range r.(*kmsg.DescribeProducersResponse).Topics {
			for _, rp := range rt.Partitions {
				if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
					return err
				}
				for _, a := range rp.ActiveProducers {
					if a.CurrentTxnStartOffset >= 0 {
						open = append(open, openTransaction{p.Partition, a.ProducerID, a.ProducerEpoch, a.CurrentTxnStartOffset, time.UnixMilli(a.LastTimestamp)})
					}
				}
			}
		}
		return nil
	})
	return open, err
}

// transaction is the name of a producer's transaction and when it began, where the principal may see them: the ACL DESCRIBE on the
// transactional id.
func (k *Kafka) transaction(ctx context.Context, producer int64) (id string, began time.Time) {
	list := kmsg.NewPtrListTransactionsRequest()
	list.ProducerIDFilters = []int64{producer}
	err := k.asking(ctx, "list transactions", anyBroker, list, func(r kmsg.Response) error {
		resp := r.(*kmsg.ListTransactionsResponse)
		for _, s := range resp.TransactionStates {
			if s.ProducerID == producer {
				id = s.TransactionalID
			}
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil || id == "" {
		return "", time.Time{}
	}
	describe := kmsg.NewPtrDescribeTransactionsRequest()
	describe.TransactionalIDs = []string{id}
	err = k.asking(ctx, "describe transaction "+id, anyBroker, describe, func(r kmsg.Response) error {
		for _, s := range r.(*kmsg.DescribeTransactionsResponse).TransactionStates {
			if err := kerr.ErrorForCode(s.ErrorCode); err != nil {
				return err
			}
			if s.TransactionalID == id && s.StartTimestamp > 0 {
				began = time.UnixMilli(s.StartTimestamp)
			}
		}
		return nil
	})
	if err != nil {
		return id, time.Time{}
	}
	return id, began
}
