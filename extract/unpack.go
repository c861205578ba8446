package extract

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"shadoof/record"
)

// An unpacker turns answers into batches to yield: it decompresses, decodes, and accounts for every offset.
type unpacker struct {
	k       *Kafka
	topic   string
	rng     Range
	cleanup *cleanup

	batch   Batch
	mark    Mark
	rows    rows
	lent    [][]byte // decompressed bytes that the rows point into
	waiting int      // bytes that the rows point into
}

// A batch is yielded when its rows point into this many bytes, or number this many: what producers send in one batch differs
// between one record and megabytes.
const (
	yieldBytes = 1 << 20
	yieldRows  = 16 << 10
)

func newUnpacker(k *Kafka, r ReadRequest, c *cleanup) *unpacker {
	return &unpacker{k: k, topic: r.Topic, rng: r.Range, cleanup: c, rows: rows{partition: r.Range.Partition}}
}

// begin starts a batch at an offset, with everything of the one before it given back.
func (u *unpacker) begin(at int64) {
	u.release()
	u.batch = Batch{Partition: u.rng.Partition, First: at, Next: at, Epoch: -1, Skipped: u.batch.Skipped[:0]}
}

func (u *unpacker) release() {
	u.rows.reset()
	for i, b := range u.lent {
		u.k.buffers.PutDecompressBytes(b)
		u.lent[i] = nil
	}
	u.lent, u.waiting = u.lent[:0], 0
}

// unpack yields the batches of an answer, which together are [a.from, a.next).
func (u *unpacker) unpack(ctx context.Context, a *answer, yield func(*Batch) bool) error {
	u.begin(a.from)
	for rest := a.batches; len(rest) > 0; {
		n, _, err := frame(rest)
		if err != nil {
			return err
		}
		raw := rest[:n]
		rest = rest[n:]
		h, err := readHeader(raw)
		if err != nil {
			return err
		}
		if h.base >= a.next && h.magic == 2 {
			break
		}
		if err := u.add(ctx, a, &h, raw); err != nil {
			return err
		}
		if u.batch.Next >= a.next {
			break
		}
		if u.waiting >= yieldBytes || len(u.rows.records) >= yieldRows {
			if err := u.flush(ctx, yield); err != nil {
				return err
			}
		}
	}
	if err := u.hole(ctx, a.next); err != nil {
		return err
	}
	if u.batch.Next == u.batch.First {
		return nil
	}
	return u.flush(ctx, yield)
}

func (u *unpacker) flush(ctx context.Context, yield func(*Batch) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := &u.batch
	b.Records, b.MaxTime = u.rows.records, u.rows.maxTime
	if sum := b.accounted(); sum != b.Next-b.First {
		return fmt.Errorf("offsets %d to %d: %d are accounted for (%d records, %d control, %d aborted, %d compacted, unexplained %v): a mistake in shadoof",
			b.First, b.Next, sum, len(b.Records), b.Control, b.Aborted, b.Compacted, b.Unexplained)
	}
	if !yield(b) {
		return errStopped
	}
	u.begin(b.Next)
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
	u.seen(h)
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
	u.waiting += len(out)
	return out, nil
}

func (u *unpacker) seen(h *header) {
	u.mark = h.mark()
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
	u.seen(h)
	return nil
}
