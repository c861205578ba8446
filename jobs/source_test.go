package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sort"
	"sync"
	"time"

	"shadoof/extract"
	"shadoof/record"
)

// memSource is a Kafka cluster in memory: enough of one for the protocol's tests. Every offset of a partition is a slot.
type memSource struct {
	mu      sync.Mutex
	cluster string
	topics  map[string]*memTopic
	batch   int // records per batch
	fail    map[int32]error
	stalled map[int32]bool // partitions whose leader never answers a fetch
	deaf    bool           // nothing of it can be reached
}

var errDeaf = errors.New("the cluster does not answer")

type memTopic struct {
	id    string
	parts []*memPartition
}

type memPartition struct {
	start int64
	open  int64 // offsets at the end that an open transaction holds back
	epoch int32
	slots []memSlot // from offset 0
}

// A memSlot is what an offset holds.
type memSlot struct {
	kind    slotKind
	cleaned bool  // compaction has taken other records of its batch
	epoch   int32 // of the leader that took it
	ts      int64
	key     string
	val     []byte
}

type slotKind int

const (
	aRecord slotKind = iota
	aMarker
	anAborted
	aHole    // compacted
	aMystery // a hole that nothing explains
)

func newMemSource() *memSource {
	return &memSource{cluster: "cluster-a", topics: map[string]*memTopic{}, batch: 7, fail: map[int32]error{}}
}

func (s *memSource) create(topic, id string, partitions int) *memTopic {
	t := &memTopic{id: id}
	for range partitions {
		t.parts = append(t.parts, &memPartition{})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics[topic] = t
	return t
}

// add appends n records, a step of time apart.
func (t *memTopic) add(partition int, n int, from time.Time, step time.Duration) {
	p := t.parts[partition]
	for i := range n {
		o := len(p.slots)
		p.slots = append(p.slots, memSlot{epoch: p.epoch, ts: from.Add(time.Duration(i) * step).UnixMilli(), key: fmt.Sprint("k", o), val: fmt.Appendf(nil, "value %d/%d", partition, o)})
	}
}

func (t *memTopic) addSlots(partition int, slots ...memSlot) {
	p := t.parts[partition]
	for _, s := range slots {
		s.epoch = p.epoch
		p.slots = append(p.slots, s)
	}
}

// elect makes another replica the leader, which has these slots.
func (p *memPartition) elect(slots []memSlot) { p.slots, p.epoch = slots, p.epoch+1 }

// endOf answers as a leader does: see extract.EpochEnd. Its own epoch began when it was elected, whether or not there is a record of it.
func (p *memPartition) endOf(epoch int32) extract.EpochEnd {
	e := extract.EpochEnd{Epoch: -1, End: int64(len(p.slots))}
	if epoch < 0 || epoch > p.epoch {
		return extract.EpochEnd{Epoch: -1, End: -1}
	}
	if epoch == p.epoch {
		e.Epoch = epoch
	}
	for o := min(p.start, e.End); o < e.End; o++ {
		if at := p.slots[o].epoch; at > epoch {
			e.End = o
		} else if e.Epoch != epoch {
			e.Epoch = at
		}
	}
	if e.Epoch < 0 {
		e.Epoch = epoch
	}
	return e
}

func (s *memSource) Topics(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return nil, errDeaf
	}
	var out []string
	for t := range s.topics {
		out = append(out, t)
	}
	sort.Strings(out)
	return out, nil
}

func (s *memSource) Describe(_ context.Context, topic string) (*extract.Topic, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return nil, errDeaf
	}
	t, ok := s.topics[topic]
	if !ok {
		return nil, fmt.Errorf("%s: %w", topic, extract.ErrNoTopic)
	}
	d := &extract.Topic{Cluster: s.cluster, Name: topic, ID: t.id}
	for i, p := range t.parts {
		end := int64(len(p.slots))
		d.Partitions = append(d.Partitions, extract.Partition{Partition: int32(i), Epoch: p.epoch, LogStart: p.start, LastStable: end - p.open, HighWatermark: end, Err: s.fail[int32(i)]})
	}
	return d, nil
}

// Ends is what committed records end at.
func (s *memSource) Ends(_ context.Context, topics []string) (map[string]map[int32]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return nil, errDeaf
	}
	ends := map[string]map[int32]int64{}
	for _, name := range topics {
		t, ok := s.topics[name]
		if !ok {
			continue
		}
		ends[name] = map[int32]int64{}
		for i, p := range t.parts {
			if s.fail[int32(i)] == nil {
				ends[name][int32(i)] = int64(len(p.slots)) - p.open
			}
		}
	}
	return ends, nil
}

func (s *memSource) Serves(_ context.Context, topic *extract.Topic) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topic.Name]
	return t != nil && t.id == topic.ID, nil
}

func (s *memSource) EpochEnds(_ context.Context, topic string, epochs map[int32]int32) (map[int32]extract.EpochEnd, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ends := map[int32]extract.EpochEnd{}
	for partition, epoch := range epochs {
		ends[partition] = s.topics[topic].parts[partition].endOf(epoch)
		if err := s.fail[partition]; err != nil {
			ends[partition] = extract.EpochEnd{Err: err}
		}
	}
	return ends, nil
}

func (s *memSource) OffsetsAt(_ context.Context, topic string, at time.Time) (map[int32]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[int32]int64{}
	for i, p := range s.topics[topic].parts {
		o := p.start
		for o < int64(len(p.slots)) && p.slots[o].ts < at.UnixMilli() {
			o++
		}
		out[int32(i)] = o
	}
	return out, nil
}

func (s *memSource) Mark(_ context.Context, topic string, partition int32, next int64) (*extract.Mark, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.topics[topic].parts[partition]
	if next <= p.start {
		return nil, nil
	}
	if next > int64(len(p.slots)) {
		return nil, fmt.Errorf("the log ends at %d", len(p.slots))
	}
	for o := next - 1; o >= p.start; o-- {
		if kind := p.slots[o].kind; kind != aHole && kind != aMystery {
			return markOf(p, o), nil
		}
	}
	return nil, nil
}

func markOf(p *memPartition, o int64) *extract.Mark {
	crc := uint32(17)
	for _, b := range p.slots[o].val {
		crc = crc*31 + uint32(b)
	}
	return &extract.Mark{Offset: o, Timestamp: p.slots[o].ts, CRC: crc, Cleaned: p.slots[o].cleaned}
}

// Read takes batches of the ranges in turn. Those that are stalled come last.
func (s *memSource) Read(ctx context.Context, r extract.ReadRequest) iter.Seq2[*extract.Batch, error] {
	return func(yield func(*extract.Batch, error) bool) {
		at, stalled := map[int32]int64{}, false
		for _, rng := range r.Ranges {
			at[rng.Partition] = rng.First
			stalled = stalled || s.stalled[rng.Partition]
		}
		for reading := true; reading; {
			reading = false
			for _, rng := range r.Ranges {
				if at[rng.Partition] >= rng.Next || s.stalled[rng.Partition] {
					continue
				}
				b, err := s.one(ctx, r, rng, at[rng.Partition])
				if err != nil {
					b = &extract.Batch{Partition: rng.Partition, First: at[rng.Partition], Next: at[rng.Partition]}
				}
				if !yield(b, err) {
					return
				}
				if at[rng.Partition] = b.Next; err != nil {
					at[rng.Partition] = rng.Next
				}
				reading = true
			}
		}
		if stalled {
			<-ctx.Done()
		}
		for _, rng := range r.Ranges {
			if s.stalled[rng.Partition] && !yield(&extract.Batch{Partition: rng.Partition, First: rng.First, Next: rng.First}, fmt.Errorf("no leader: %w", ctx.Err())) {
				return
			}
		}
	}
}

func (s *memSource) one(ctx context.Context, r extract.ReadRequest, rng extract.Range, at int64) (*extract.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[r.Topic]
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case t == nil:
		return nil, extract.ErrNoTopic
	case t.id != r.ID:
		return nil, &extract.RecreatedError{Topic: r.Topic, Want: r.ID, Have: t.id}
	}
	p := t.parts[rng.Partition]
	if epoch, ok := r.Epochs[rng.Partition]; ok && at == rng.First {
		if e := p.endOf(epoch); e.Known() && (e.End < at || e.Epoch < epoch) {
			return nil, &extract.TruncatedError{Topic: r.Topic, Partition: rng.Partition, Position: at, End: e.End}
		}
	}
	if at < p.start {
		return nil, &extract.LostError{Topic: r.Topic, Partition: rng.Partition, Want: at, LogStart: p.start}
	}
	b := &extract.Batch{Partition: rng.Partition, First: at, Next: min(at+int64(s.batch), rng.Next), Epoch: -1}
	for o := b.First; o < b.Next; o++ {
		slot := p.slots[o]
		if slot.kind != aHole && slot.kind != aMystery {
			if slot.epoch != b.Epoch {
				b.Epochs = append(b.Epochs, extract.Epoch{Epoch: slot.epoch, First: o})
			}
			b.Epoch, b.Mark = slot.epoch, markOf(p, o)
		}
		switch slot.kind {
		case aMarker:
			b.Control++
			b.Skipped = append(b.Skipped, extract.Skip{First: o, Next: o + 1, Control: 1})
		case anAborted:
			b.Aborted++
			b.Skipped = append(b.Skipped, extract.Skip{First: o, Next: o + 1, Aborted: 1})
		case aHole:
			b.Compacted++
		case aMystery:
			b.Unexplained = append(b.Unexplained, extract.Range{Partition: b.Partition, First: o, Next: o + 1})
		default:
			b.Records = append(b.Records, record.Raw{Partition: b.Partition, Offset: o, Timestamp: slot.ts, Key: []byte(slot.key), Value: slot.val})
			b.MaxTime = max(b.MaxTime, slot.ts)
		}
	}
	return b, nil
}
