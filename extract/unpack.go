package extract

import (
	"context"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"shadoof/record"
)

// An unpacker turns the answers of one range into batches: it decompresses, decodes, and accounts for every offset.
type unpacker struct {
	k       *Kafka
	topic   string
	rng     Range
	cleanup *cleanup

	answer *answer // being unpacked; nil: all of it was
	rest   []byte  // its batches that are left
	at     int64   // offset after the last batch that was made
	full   Share   // of a batch
	*slot          // of the batch that is being made
}

// A slot is the memory of one batch, which is used again for others.
type slot struct {
	batch   Batch
	mark    Mark
	rows    rows
	buffers *bufferPool
	memory  Memory
	lent    [][]byte // decompressed bytes that the rows point into
	held    int64    // of them, as counted in memory
	waiting int      // bytes that the rows point into
}

// A batch is full when its rows point into this many bytes, or number this many: what producers send in one batch differs
// between one record and megabytes.
const (
	fullBytes = 1 << 20
	fullRows  = 16 << 10
)

func newUnpacker(k *Kafka, topic string, r Range, c *cleanup) *unpacker {
	return &unpacker{k: k, topic: topic, rng: r, cleanup: c, at: r.First, full: Share{fullRows, fullBytes}}
}

// begin starts a batch of a partition at an offset, with everything of the one before it given back.
func (s *slot) begin(partition int32, at int64) {
	s.release()
	s.rows.partition = partition
	s.batch = Batch{Partition: partition, First: at, Next: at, Epoch: -1, Epochs: s.batch.Epochs[:0], Skipped: s.batch.Skipped[:0]}
}

func (s *slot) release() {
	s.rows.reset()
	for i, b := range s.lent {
		s.buffers.PutDecompressBytes(b)
		s.lent[i] = nil
	}
	s.memory.Release(s.held)
	s.lent, s.held, s.waiting = s.lent[:0], 0, 0
}

// load takes the next answer, which begins where the one before ended.
func (u *unpacker) load(a *answer) { u.answer, u.rest = a, a.batches }

// oldest is the time of the next records, as their batch says. What is no record is older than all.
func (u *unpacker) oldest() int64 {
	n, _, err := frame(u.rest)
	if err != nil || n == 0 {
		return math.MinInt64
	}
	h, err := readHeader(u.rest[:n])
	if err != nil {
		return math.MinInt64
	}
	if h.attrs&appendTimeBit != 0 {
		return h.maxTime
	}
	return h.firstTime
}

// next makes the answer's next batch in a slot. It is empty when there was nothing left to account for. Afterwards the answer is
// nil if all of it was unpacked.
func (u *unpacker) next(ctx context.Context, s *slot) error {
	u.slot = s
	s.begin(u.rng.Partition, u.at)
	a := u.answer
	for len(u.rest) > 0 && s.batch.Next < a.next && !u.full.given(int64(len(s.rows.records)), int64(s.waiting)) {
		n, _, err := frame(u.rest)
		if err != nil {
			return err
		}
		raw := u.rest[:n]
		u.rest = u.rest[n:]
		h, err := readHeader(raw)
		if err != nil {
			return err
		}
		if h.base >= a.next && h.magic == 2 {
			u.rest = nil
			break
		}
		if err := u.add(ctx, a, &h, raw); err != nil {
			return err
		}
	}
	if len(u.rest) == 0 || s.batch.Next >= a.next {
		if err := u.hole(ctx, a.next); err != nil {
			return err
		}
		u.answer, u.rest = nil, nil
	}
	return u.end(ctx)
}

// end checks and closes the batch.
func (u *unpacker) end(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := &u.batch
	b.Records, b.MaxTime = u.rows.records, u.rows.maxTime
	if sum := b.accounted(); sum != b.Next-b.First {
		return fmt.Errorf("offsets %d to %d: %d are accounted for (%d records, %d control, %d aborted, %d compacted, unexplained %v): a mistake in shadoof",
			b.First, b.Next, sum, len(b.Records), b.Control, b.Aborted, b.Compacted, b.Unexplained)
	}
	u.at = b.Next
	return nil
}

// hole accounts for the offsets up to next, of which no batch knows anything.
func (u *unpacker) hole(ctx context.Context, next int64) error {
	missing := next - u.batch.Next
	if missing <= 0 {
		return nil
	}
	if u.cleanup.compacted(ctx) {
		u.batch.Compacted += missing
	} else {
		u.unexplained(u.batch.Next, next)
	}
	u.batch.Next = next
	return ctx.Err() // an answer about the policy that did not come must not count
}

// unexplained adds [first, next) to the holes, which grow together where they touch.
func (u *unpacker) unexplained(first, next int64) {
	if n := len(u.batch.Unexplained); n > 0 && u.batch.Unexplained[n-1].Next == first {
		u.batch.Unexplained[n-1].Next = next
		return
	}
	u.batch.Unexplained = append(u.batch.Unexplained, Range{Partition: u.rng.Partition, First: first, Next: next})
}

// accounted is the number of offsets that are a record, or have a reason not to be.
func (b *Batch) accounted() int64 {
	n := int64(len(b.Records)) + b.Control + b.Aborted + b.Compacted
	for _, r := range b.Unexplained {
		n += r.Len()
	}
	return n
}

// add accounts for one record batch, as far as it lies between what was accounted for and the end of the answer.
func (u *unpacker) add(ctx context.Context, a *answer, h *header, raw []byte) error {
	if h.magic < 2 {
		return u.addMessage(ctx, a, h, raw)
	}
	if h.last < u.batch.Next {
		return nil // below the position
	}
	if err := h.checkCRC(raw); err != nil {
		return err
	}
	if err := u.hole(ctx, h.base); err != nil {
		return err
	}
	lo, hi := u.batch.Next, min(h.last+1, a.next)
	n, err := u.count(a, h, raw[batchHeaderBytes:], lo, hi)
	if err != nil {
		return err
	}
	u.batch.Compacted += hi - lo - n
	u.batch.Next = hi
	u.seen(h, lo)
	return nil
}

// count accounts for the records of a batch in [lo, hi), by the batch's kind, and returns their number.
func (u *unpacker) count(a *answer, h *header, body []byte, lo, hi int64) (n int64, err error) {
	switch {
	case h.control():
		a.aborts.marker(h, body)
		n, err = u.skip(h, body, lo, hi)
		u.batch.Control += n
		u.skipped(Skip{First: lo, Next: hi, Control: n})
	case a.aborts.aborted(h):
		n, err = u.skip(h, body, lo, hi)
		u.batch.Aborted += n
		u.skipped(Skip{First: lo, Next: hi, Aborted: n})
	case h.records > 0:
		if body, err = u.open(h, body); err == nil {
			n, err = u.rows.decode(h, body, lo, hi, true)
		}
	}
	return n, err
}

// skipped notes where a batch lies that is not read. Those of a kind that touch grow together.
func (u *unpacker) skipped(s Skip) {
	if s.Control+s.Aborted == 0 {
		return // all of it was compacted away
	}
	if n := len(u.batch.Skipped); n > 0 {
		if last := &u.batch.Skipped[n-1]; last.Next == s.First && (last.Control > 0) == (s.Control > 0) {
			last.Next, last.Control, last.Aborted = s.Next, last.Control+s.Control, last.Aborted+s.Aborted
			return
		}
	}
	u.batch.Skipped = append(u.batch.Skipped, s)
}

// skip counts the records in [lo, hi) of a batch that is not read. Nearly always the header says how many.
func (u *unpacker) skip(h *header, body []byte, lo, hi int64) (int64, error) {
	switch {
	case h.whole():
		return hi - lo, nil
	case lo <= h.base && hi > h.last:
		return int64(h.records), nil
	}
	body, err := u.open(h, body)
	if err != nil {
		return 0, err
	}
	return u.rows.decode(h, body, lo, hi, false)
}

// open decompresses a batch. The bytes stay lent until the rows are released.
func (u *unpacker) open(h *header, body []byte) ([]byte, error) {
	codec := kgo.CompressionCodecType(h.attrs & codecBits)
	if codec == kgo.CodecNone {
		u.waiting += len(body)
		return body, nil
	}
	out, err := u.k.decompressor.Decompress(body, codec)
	if err != nil {
		return nil, fmt.Errorf("record batch at offset %d: decompress: %w", h.base, err)
	}
	u.lent = append(u.lent, out)
	u.held += int64(cap(out))
	u.memory.Reserve(int64(cap(out)))
	u.waiting += len(out)
	return out, nil
}

// seen notes a batch that was accounted for from an offset on.
func (u *unpacker) seen(h *header, from int64) {
	u.mark = h.mark()
	if h.epoch >= 0 && h.epoch != u.batch.Epoch {
		u.batch.Epochs = append(u.batch.Epochs, Epoch{h.epoch, from})
	}
	u.batch.Mark, u.batch.Epoch = &u.mark, h.epoch
}

// addMessage accounts for a message of the formats before Kafka 0.11, which may be a compressed set of them. They have neither
// transactions nor a first offset in their header.
func (u *unpacker) addMessage(ctx context.Context, a *answer, h *header, raw []byte) error {
	if h.last < u.batch.Next {
		return nil
	}
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.Partition = u.rng.Partition
	rp.RecordBatches = raw
	p, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: u.batch.Next, Topic: u.topic, Partition: u.rng.Partition}, &rp, u.k.legacy, nil)
	if p.Err != nil {
		return fmt.Errorf("message at offset %d: %w", h.base, p.Err)
	}
	for _, r := range p.Records {
		if r.Offset >= a.next {
			break
		}
		if r.Offset < u.batch.Next || r.Offset > h.last {
			return fmt.Errorf("%w at offset %d: it holds a message with offset %d", errCorrupt, h.base, r.Offset)
		}
		if err := u.hole(ctx, r.Offset); err != nil {
			return err
		}
		kept := record.Raw{Partition: u.rng.Partition, Offset: r.Offset, Timestamp: -1, Key: r.Key, Value: r.Value}
		if h.magic == 1 {
			kept.Timestamp = r.Timestamp.UnixMilli()
		}
		u.rows.add(kept)
		u.waiting += len(r.Key) + len(r.Value)
		u.batch.Next = r.Offset + 1
	}
	if err := u.hole(ctx, min(h.last+1, a.next)); err != nil {
		return err
	}
	u.seen(h, h.base)
	return nil
}
