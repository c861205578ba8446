package extract

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A query is one fetch of one partition.
type query struct {
	topic     string
	id        [16]byte // zero for clusters without topic ids
	at        placement
	offset    int64
	lastEpoch int32 // of what was read before offset, -1 when unknown: lets the broker see that its log and ours differ
	bytes     int32
}

// byName is a fetch in the last version that carries a name. Brokers may offer later versions and still have no topic ids, when
// their inter-broker protocol is older than they are.
type byName struct{ *kmsg.FetchRequest }

func (byName) MaxVersion() int16 { return 12 }

// fetch asks the leader once. The answer carries no error code; what would be one is the error.
func (k *Kafka) fetch(ctx context.Context, q query) (*kmsg.FetchResponseTopicPartition, error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = int32(k.opts.MaxWait.Milliseconds())
	req.MinBytes = 1
	req.MaxBytes = 2 * q.bytes // kfake leaves AbortedTransactions out of an answer that this bound cut short
	if k.opts.ReadCommitted {
		req.IsolationLevel = committed
	}
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic = q.topic
	rt.TopicID = q.id
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition = q.at.partition
	rp.CurrentLeaderEpoch = q.at.epoch
	rp.FetchOffset = q.offset
	rp.LastFetchedEpoch = q.lastEpoch
	rp.PartitionMaxBytes = q.bytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)

	var ask kmsg.Request = req
	if q.id == ([16]byte{}) {
		ask = byName{req}
	}
	resp, err := k.ask(ctx, q.at.leader, ask)
	if err != nil {
		return nil, fmt.Errorf("broker %d: %w", q.at.leader, err)
	}
	answer := resp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return nil, err
	}
	for i := range answer.Topics {
		for j := range answer.Topics[i].Partitions {
			if p := &answer.Topics[i].Partitions[j]; p.Partition == q.at.partition {
				return p, kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	return nil, errNoAnswer
}

// A fetcher fetches a range, answer by answer. One goroutine at a time uses it.
type fetcher struct {
	k       *Kafka
	topic   string
	id      string // "" takes any topic of the name
	rng     Range
	cleanup *cleanup
	what    string

	pos        int64
	layout     *layout // nil: ask
	at         placement
	bytes      int32
	lastEpoch  int32 // of the batch before pos
	epochFirst int64 // where this fetcher met the epoch first: a log that does not have it parts from this one there or before
	corrupt    int   // answers in a row that were refused as corrupt by the broker
	empty      emptiness
}

// An answer is the whole batches of a fetch that are of use, and the offset after them: the next answer's position, or the range's end.
type answer struct {
	from, next int64
	batches    []byte
	aborts     aborts
}

// next returns the answer at the position and moves there. It goes on through everything that passes until ctx ends.
func (f *fetcher) next(ctx context.Context) (*answer, error) {
	t := f.k.trying(f.what)
	for {
		a, err := f.once(ctx)
		if a != nil {
			return a, nil
		}
		if err == nil {
			continue
		}
		if err := t.again(ctx, err); err != nil {
			return nil, err
		}
	}
}

// once returns an answer, or an error that says why there is none (yet), or neither to try at once.
func (f *fetcher) once(ctx context.Context) (*answer, error) {
	if f.layout == nil {
		if err := f.locate(ctx); err != nil {
			return nil, err
		}
	}
	q := query{topic: f.topic, at: f.at, offset: f.pos, lastEpoch: f.lastEpoch, bytes: f.bytes}
	if f.id != "" {
		q.id = f.layout.id
	}
	p, err := f.k.fetch(ctx, q)
	if err != nil {
		return nil, f.refused(ctx, err)
	}
	f.corrupt = 0
	if e := p.DivergingEpoch; e.EndOffset >= 0 {
		return nil, permanent{&TruncatedError{Topic: f.topic, Partition: f.rng.Partition, Position: f.pos, End: min(e.EndOffset, f.epochFirst)}}
	}
	return f.accept(ctx, p)
}

// locate finds the leader and checks that the topic is still the one that was asked for.
func (f *fetcher) locate(ctx context.Context) error {
	l, err := f.k.layoutOf(ctx, f.topic, f.id)
	if err != nil {
		return permanent{err}
	}
	p := l.place(f.topic, f.rng.Partition)
	if errors.Is(p.err, ErrNoTopic) {
		return permanent{p.err}
	}
	if p.err != nil {
		return p.err
	}
	f.layout, f.at = l, p
	return nil
}

// refused decides what an error of a fetch means. It never returns nil.
func (f *fetcher) refused(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return f.outOfRange(ctx)
	case errors.Is(err, kerr.CorruptMessage):
		if f.corrupt++; f.corrupt > 5 {
			return permanent{fmt.Errorf("at offset %d: the broker finds its own log corrupt: %w", f.pos, err)}
		}
	}
	f.layout = nil // another leader, epoch or topic: the metadata will tell
	return err
}

// outOfRange finds out on which side of the log the position lies.
func (f *fetcher) outOfRange(ctx context.Context) error {
	before := f.at
	f.layout = nil
	if err := f.locate(ctx); err != nil {
		return err
	}
	if f.at.leader != before.leader || f.at.epoch != before.epoch {
		return errMoved
	}
	w := f.k.watermarksAt(ctx, f.topic, f.at.leader, []placement{f.at})[f.rng.Partition]
	switch {
	case w.err != nil:
		return w.err
	case f.pos < w.offset[0]:
		return permanent{&LostError{Topic: f.topic, Partition: f.rng.Partition, Want: f.pos, LogStart: w.offset[0]}}
	case f.pos > w.offset[2]:
		return permanent{&TruncatedError{Topic: f.topic, Partition: f.rng.Partition, Position: f.pos, End: w.offset[2]}}
	}
	// Inside the log after all. Brokers answer this also when they no longer know the end of the last epoch: without it they serve.
	f.lastEpoch = -1
	return errInside
}

// accept takes what an answer without an error holds.
func (f *fetcher) accept(ctx context.Context, p *kmsg.FetchResponseTopicPartition) (*answer, error) {
	s, err := scan(p.RecordBatches, f.pos)
	if err != nil {
		return nil, permanent{err}
	}
	switch {
	case s.next > f.pos:
		a := &answer{from: f.pos, next: min(s.next, f.rng.Next), batches: s.whole, aborts: newAborts(p.AbortedTransactions)}
		if s.epoch != f.lastEpoch {
			f.lastEpoch, f.epochFirst = s.epoch, a.from
		}
		f.pos = a.next
		f.bytes = f.k.opts.FetchBytes
		f.empty = emptiness{}
		return a, nil
	case s.need > 0 || s.any && len(s.whole) == 0:
		return nil, f.grow(s.need)
	case s.any:
		return nil, permanent{fmt.Errorf("at offset %d: the broker answers with batches that end before it", f.pos)}
	}
	return f.nothing(ctx, p)
}

// grow makes room for a batch that did not fit into the answer. Brokers since 0.10.1 send the first batch whole, whatever its size.
func (f *fetcher) grow(need int) error {
	if f.bytes >= maxAnswerBytes/2 || need > maxAnswerBytes/2 {
		return permanent{fmt.Errorf("at offset %d: a record batch of %d bytes is larger than the %d that can be read", f.pos, need, maxAnswerBytes/2)}
	}
	f.bytes = int32(min(max(2*int(f.bytes), need+need/8), maxAnswerBytes/2))
	return nil
}

// emptiness counts answers without a batch while the position stands still.
type emptiness struct {
	answers int
	since   time.Time
	short   time.Time // since when the log has ended below the range, zero when it does not
}

const (
	emptyAnswers = 3

	// A topic that is not compacted has no empty tail. Brokers that fetch from remote storage answer with nothing when that is
	// slow, so it takes this long to believe that there is one.
	emptyDoubt = 30 * time.Second
)

// nothing decides what an empty answer means: the rest of the range was compacted away, the log was cut below the range's end, or
// there will be more in a moment.
func (f *fetcher) nothing(ctx context.Context, p *kmsg.FetchResponseTopicPartition) (*answer, error) {
	e := &f.empty
	if e.answers == 0 {
		e.since = time.Now()
	}
	e.answers++
	end := p.HighWatermark
	if f.k.opts.ReadCommitted && p.LastStableOffset >= 0 {
		end = p.LastStableOffset
	}
	if end >= f.rng.Next {
		e.short = time.Time{}
		if e.answers >= emptyAnswers && (time.Since(e.since) > emptyDoubt || f.cleanup.compacted(ctx)) {
			a := &answer{from: f.pos, next: f.rng.Next}
			f.pos = a.next
			return a, nil
		}
		return nil, errEmpty
	}
	if p.HighWatermark >= f.rng.Next { // an open transaction: its end is on the way, or the caller gives up
		return nil, errOpen
	}
	if e.short.IsZero() {
		e.short = time.Now()
	}
	if time.Since(e.short) > f.k.opts.Patience {
		return nil, permanent{&TruncatedError{Topic: f.topic, Partition: f.rng.Partition, Position: f.rng.Next, End: p.HighWatermark}}
	}
	f.layout = nil // a new leader learns the high watermark last
	return nil, errShort
}

var (
	errEmpty = fmt.Errorf("%w: no batch although the log goes on", errNoAnswer)
	errOpen  = fmt.Errorf("%w: a transaction is open before the end of the range", errNoAnswer)
	errShort = fmt.Errorf("%w: the log ends before the range does", errNoAnswer)

	errMoved  = fmt.Errorf("%w: a broker that does not lead any more called the offset out of range", errNoAnswer)
	errInside = fmt.Errorf("%w: the broker calls the offset out of range and has it between its watermarks", errNoAnswer)
)

// permanent marks what was decided to be final, also where its cause alone would pass.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }
