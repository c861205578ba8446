package extract

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Mark implements [Source]. "The batch before offset next" is the record batch of any kind, also of markers, that
// holds offset next-1; where compaction left that offset empty, it is the nearest one before it. The log cleaner writes batches
// anew, so that a mark in a compacted topic may have another CRC later.
func (k *Kafka) Mark(ctx context.Context, topic string, partition int32, next int64) (*Mark, error) {
	what := fmt.Sprintf("fingerprint of %s/%d before offset %d", topic, partition, next)
	var found *Mark
	err := k.atLeader(ctx, what, topic, partition, func(l *layout, p placement) (err error) {
		found, err = k.markBefore(ctx, topic, l, p, next)
		return err
	})
	return found, err
}

// markBefore looks ever further back until it sees a batch that starts before next.
func (k *Kafka) markBefore(ctx context.Context, topic string, l *layout, p placement, next int64) (*Mark, error) {
	w := k.watermarksAt(ctx, topic, p.leader, []placement{p})[p.partition]
	if w.err != nil {
		return nil, w.err
	}
	start, end := w.offset[0], w.offset[2]
	if next <= start {
		return nil, nil
	}
	if next > end {
		return nil, permanent{fmt.Errorf("the log ends at %d: try again", end)} // or a new leader does not know its followers yet
	}
	began, c := time.Now(), cleanup{k: k, topic: topic}
	believed := func() bool { return time.Since(began) > emptyDoubt || c.compacted(ctx) }
	for back := int64(1); ; back *= 4 {
		from := max(next-back, start)
		m, err := k.lastMark(ctx, topic, l, p, from, next, believed)
		if err != nil || m != nil || from == start {
			return m, err
		}
	}
}

// lastMark is that of the last batch that starts before next and ends at or after from; nil when there is none. believed says whether answers
// without a batch are to be believed by now.
func (k *Kafka) lastMark(ctx context.Context, topic string, l *layout, p placement, from, next int64, believed func() bool) (m *Mark, err error) {
	bytes := k.opts.FetchBytes
	for empty := 0; from < next; {
		a, err := k.fetch(ctx, query{topic: topic, id: l.id, at: p, offset: from, lastEpoch: -1, bytes: bytes})
		if errors.Is(err, kerr.OffsetOutOfRange) {
			return nil, errMoved // deleted or cut back since its watermarks were asked for, which tell
		}
		if err != nil {
			return nil, err
		}
		s, err := scan(a.RecordBatches, from)
		if err != nil {
			return nil, permanent{err}
		}
		if s.next <= from {
			if s.any && s.need > 0 && s.need < maxAnswerBytes/2 && int(bytes) < s.need {
				bytes = int32(s.need)
				continue
			}
			if empty++; empty >= emptyAnswers && believed() {
				return m, nil
			}
			continue
		}
		last, past, err := lastBefore(s.whole, from, next)
		if err != nil {
			return nil, permanent{err}
		}
		if last != nil {
			m = last
		}
		if past {
			return m, nil
		}
		from = s.next
	}
	return m, nil
}

// lastBefore is the mark of the last of the batches that starts before next and ends at or after from. past says that a later
// batch was seen, so that there is none after it.
func lastBefore(batches []byte, from, next int64) (m *Mark, past bool, err error) {
	for len(batches) > 0 {
		n, _, err := frame(batches)
		if err != nil {
			return nil, false, err
		}
		h, err := readHeader(batches[:n])
		if err != nil {
			return nil, false, err
		}
		batches = batches[n:]
		if h.base >= next {
			return m, true, nil
		}
		if h.last >= from {
			mark := h.mark()
			m = &mark
		}
	}
	return m, false, nil
}
