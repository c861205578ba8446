package jobs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/record"
)

// A PeekRequest asks for records of one partition, as they lie in Kafka.
type PeekRequest struct {
	Topic     string
	Partition int32
	From      PeekFrom
	Records   int64 // how many, at most
	Raw       bool  // do not decode
}

// A PeekFrom says where to begin.
type PeekFrom struct {
	Kind   PeekKind
	Offset int64 // PeekOffset: the offset; PeekBack: how many offsets before the end
	Time   time.Time
}

// A PeekKind is how a PeekFrom is meant.
type PeekKind int

const (
	PeekCommitted PeekKind = iota // the committed offset; the start of the log for a partition that has none
	PeekEarliest                  // the start of the log
	PeekLatest                    // the last records
	PeekOffset
	PeekBack
	PeekTime // the first offset at or after a time
)

// A PeekStart is said before the first record.
type PeekStart struct {
	Topic     string
	Partition int32
	First     int64 // where the reading begins
	LogStart  int64
	End       int64  // where it ends at the latest: the last stable offset under read_committed
	Why       string // for people: why it begins there
	Raw       string // for people: why values are not decoded; "" when they are
}

// A PeekItem is a record, or a stretch of offsets that hold none. What it points to is valid until the next one.
type PeekItem struct {
	Record *record.Raw       // nil for a stretch
	Row    []byte            // the decoded value as a JSON object; nil when it was not decoded
	Bad    *record.BadRecord // why a run would send the record to quarantine
	Bucket string            // the time folder that a run would choose

	PeekHole // where Record is nil
}

// A PeekHole is a stretch of offsets without records, and why: its counts sum up to its length.
type PeekHole struct {
	First       int64 `json:"first"`
	Next        int64 `json:"next"`
	Control     int64 `json:"control,omitempty"`     // transaction markers
	Aborted     int64 `json:"aborted,omitempty"`     // records of aborted transactions
	Compacted   int64 `json:"compacted,omitempty"`   // removed by compaction
	Unexplained int64 `json:"unexplained,omitempty"` // by nothing that can be seen
}

// A PeekEnd is said after the last record.
type PeekEnd struct {
	Records int64
	Next    int64 // the next offset that would have been read
	AtEnd   bool  // it is the end of the partition, as it was at the start
}

// Peek reads records, and never waits for new ones. begin is called before the first, each in the order of offsets: together with what
// they say of stretches without records, all offsets from the first to the returned end are accounted for.
// The store is asked for the committed offset only, and only where From wants it.
func (e *Env) Peek(ctx context.Context, r PeekRequest, begin func(*PeekStart) error, each func(*PeekItem) error) (*PeekEnd, error) {
	p, desc, err := e.peekPartition(ctx, r)
	if err != nil {
		return nil, err
	}
	c, err := e.peekClaim(r.Topic)
	if err != nil {
		return nil, err
	}
	start := &PeekStart{Topic: r.Topic, Partition: r.Partition, LogStart: p.LogStart, End: p.End(e.readCommitted)}
	if start.First, start.Why, err = e.peekFirst(ctx, r, c, desc, p); err != nil {
		return nil, err
	}
	k := &peeker{each: each, left: r.Records, clock: e.now()}
	if start.Raw, err = e.peekDecoder(ctx, k, r, c); err != nil {
		return nil, err
	}
	if err := begin(start); err != nil {
		return nil, err
	}
	end := &PeekEnd{Next: start.First}
	rng := extract.Range{Partition: r.Partition, First: start.First, Next: start.End}
	if rng.Len() > 0 && r.Records > 0 {
		if err := k.read(ctx, e.source, extract.ReadRequest{Topic: r.Topic, ID: desc.ID, Ranges: []extract.Range{rng}}); err != nil {
			return nil, err
		}
		end.Records, end.Next = r.Records-k.left, k.next
	}
	end.AtEnd = end.Next >= start.End
	return end, nil
}

func (e *Env) peekPartition(ctx context.Context, r PeekRequest) (*extract.Partition, *extract.Topic, error) {
	desc, err := e.source.Describe(ctx, r.Topic)
	if errors.Is(err, extract.ErrNoTopic) {
		return nil, nil, usage(err)
	}
	if err != nil {
		return nil, nil, err
	}
	for i := range desc.Partitions {
		p := &desc.Partitions[i]
		if p.Partition != r.Partition {
			continue
		}
		if p.Err != nil {
			return nil, nil, fmt.Errorf("%s/%d: %w", r.Topic, r.Partition, p.Err)
		}
		return p, desc, nil
	}
	return nil, nil, usage(fmt.Errorf("%s has no partition %d: it has %d, from 0 on", r.Topic, r.Partition, len(desc.Partitions)))
}

// peekClaim is the claim of a topic; nil for one that no job lifts.
func (e *Env) peekClaim(topic string) (*claim, error) {
	all, err := resolveClaims(e.cfg.Jobs, []string{topic})
	if err != nil {
		return nil, usage(err)
	}
	for i := range all {
		if all[i].topic == topic {
			return &all[i], nil
		}
	}
	return nil, nil
}

// peekFirst finds where to begin, and says why there.
func (e *Env) peekFirst(ctx context.Context, r PeekRequest, c *claim, desc *extract.Topic, p *extract.Partition) (first int64, why string, err error) {
	end := p.End(e.readCommitted)
	switch r.From.Kind {
	case PeekEarliest:
		return p.LogStart, "the start of the log", nil
	case PeekLatest:
		first, err := e.peekLast(ctx, r, desc, p.LogStart, end)
		return first, "the last records", err
	case PeekBack:
		return max(p.LogStart, end-r.From.Offset), fmt.Sprintf("%d before the end, %d", r.From.Offset, end), nil
	case PeekTime:
		at, err := e.source.OffsetsAt(ctx, r.Topic, r.From.Time)
		if err != nil {
			return 0, "", fmt.Errorf("%s: offsets at %s: %w", r.Topic, r.From.Time.Format(time.RFC3339), err)
		}
		return max(p.LogStart, min(at[r.Partition], end)), "the first offset at or after " + r.From.Time.UTC().Format(time.RFC3339Nano), nil
	case PeekOffset:
		return r.From.Offset, "as asked for", e.checkPeekOffset(r, p, end)
	}
	return e.peekCommitted(ctx, r, c, desc, p)
}

func (e *Env) checkPeekOffset(r PeekRequest, p *extract.Partition, end int64) error {
	at := fmt.Sprintf("%s/%d: offset %d", r.Topic, r.Partition, r.From.Offset)
	switch {
	case r.From.Offset < p.LogStart:
		return usage(fmt.Errorf("%s is gone: the log starts at %d and ends at %d", at, p.LogStart, end))
	case r.From.Offset > end && r.From.Offset < p.HighWatermark:
		return usage(fmt.Errorf("%s lies behind an open transaction: readers get to %d, and the log ends at %d", at, end, p.HighWatermark))
	case r.From.Offset > end:
		return usage(fmt.Errorf("%s has not been written yet: the log starts at %d and ends at %d", at, p.LogStart, end))
	}
	return nil
}

// peekCommitted begins at the committed offset, if there is one that says something of the topic as it is now.
func (e *Env) peekCommitted(ctx context.Context, r PeekRequest, c *claim, desc *extract.Topic, p *extract.Partition) (first int64, why string, err error) {
	if c == nil {
		return p.LogStart, "the start of the log, since no job claims the topic", nil
	}
	log := e.openLog(r.Topic)
	s, err := log.Load(ctx)
	if errors.Is(err, offsets.ErrEmpty) {
		return p.LogStart, "the start of the log, since nothing of the topic was committed yet", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("the committed offset cannot be read, --offset does without it: %w", err)
	}
	if cause := changedTopic(s, desc); cause != "" {
		return p.LogStart, "the start of the log, since the topic was " + cause + " after its last commit", nil
	}
	have, ok := s.Partitions[r.Partition]
	end := p.End(e.readCommitted)
	switch {
	case !ok:
		return p.LogStart, "the start of the log, since nothing of the partition was committed yet", nil
	case have.Next < p.LogStart:
		return p.LogStart, fmt.Sprintf("the start of the log, since the committed offset, %d, lies below it", have.Next), nil
	case have.Next > end:
		return end, fmt.Sprintf("the end, since the committed offset, %d, lies behind it", have.Next), nil
	}
	return have.Next, "the committed offset", nil
}

// peekLast finds the offset of the n-th record from the end. It reads ever further back, since no request tells which offsets have
// records.
func (e *Env) peekLast(ctx context.Context, r PeekRequest, desc *extract.Topic, start, end int64) (int64, error) {
	if r.Records <= 0 || start >= end {
		return end, nil
	}
	var seen []int64 // offsets of the last records, as a ring
	for back := min(r.Records, math.MaxInt64/4); ; back = min(4*back, math.MaxInt64/4) {
		from := max(start, end-back)
		seen = seen[:0]
		oldest := 0
		for b, err := range e.source.Read(ctx, extract.ReadRequest{Topic: r.Topic, ID: desc.ID, Ranges: []extract.Range{{Partition: r.Partition, First: from, Next: end}}}) {
			if err != nil {
				return 0, err
			}
			for i := range b.Records {
				if int64(len(seen)) < r.Records {
					seen = append(seen, b.Records[i].Offset)
					continue
				}
				seen[oldest] = b.Records[i].Offset
				oldest = (oldest + 1) % len(seen)
			}
		}
		switch {
		case int64(len(seen)) == r.Records:
			return seen[oldest], nil
		case from == start && len(seen) > 0:
			return seen[0], nil
		case from == start:
			return start, nil
		}
	}
}

// peekDecoder gives k what decodes values, and says why there is nothing.
func (e *Env) peekDecoder(ctx context.Context, k *peeker, r PeekRequest, c *claim) (raw string, err error) {
	switch {
	case r.Raw:
		return "as asked for", nil
	case c == nil:
		return "no job claims the topic", nil
	}
	w, err := e.newWorker(c.job, r.Topic)
	if err == nil {
		w.set.Output.Datums = false // a row is shown by its fields
		err = w.decideTarget(ctx)
	}
	if err == nil {
		w.schemas.keepNothing()
		k.w = w
		err = k.compile()
	}
	if err != nil {
		return "", fmt.Errorf("how job %s decodes values cannot be told, --raw does without: %w", c.job.Name, err)
	}
	return "", nil
}
