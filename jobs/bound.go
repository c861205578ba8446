package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
)

// A bound is one end of what a backfill is asked for: an offset, which holds for every partition, a time, or an end of the topic.
type bound struct {
	text   string // as it was written
	kind   boundKind
	offset int64
	time   time.Time
}

type boundKind int

const (
	earliest boundKind = iota // what the cluster still has begins there
	latest                    // the end that stands now
	atOffset
	atTime
)

// parseBound reads an offset, an RFC 3339 time, a date, which is 00:00 in the zone, earliest or latest.
func parseBound(text string, zone *time.Location) (bound, error) {
	b := bound{text: text}
	switch text {
	case "earliest":
		return b, nil
	case "latest":
		b.kind = latest
		return b, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		b.kind, b.offset = atOffset, n
		return b, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t, err = time.ParseInLocation(time.DateOnly, text, zone)
	}
	if err != nil || t.UnixMilli() < 0 {
		return b, usage(fmt.Errorf("%q is no offset, no time such as 2026-11-20T13:00:00Z, no date such as 2026-11-20, and neither earliest nor latest", text))
	}
	b.kind, b.time = atTime, t
	return b, nil
}

// TimeFor reads a time, or a date, which is 00:00 in the zone of the job that claims a topic.
func (e *Env) TimeFor(topic, text string) (time.Time, error) {
	c, err := e.claimOf(topic)
	if err != nil {
		return time.Time{}, err
	}
	b, err := parseBound(text, c.job.Timezone)
	if err != nil || b.kind != atTime {
		return time.Time{}, usage(fmt.Errorf("%q is no time such as 2026-11-20T13:00:00Z, and no date such as 2026-11-20", text))
	}
	return b.time, nil
}

// after says that a bound lies behind another one whatever the topic holds, or at the same place.
func (b bound) after(c bound) bool {
	switch {
	case b.kind == atOffset && c.kind == atOffset:
		return b.offset >= c.offset
	case b.kind == atTime && c.kind == atTime:
		return !b.time.Before(c.time)
	}
	return b.kind == latest || c.kind == earliest
}

// A partitionSpan is what bounds come to in one partition.
type partitionSpan struct {
	extract.Partition
	end  int64         // that readers get to
	want offsets.Range // by the bounds; empty where they leave nothing of the partition
	gone bool          // there may have been records at or after the time of the first bound that the cluster no longer has
}

// spans finds out what two bounds come to in partitions. lateness is how much later than its time the second bound lies where it is one.
func (w *worker) spans(ctx context.Context, from, to bound, lateness time.Duration, partitions []extract.Partition) ([]partitionSpan, error) {
	at := func(b bound, late time.Duration) (map[int32]int64, error) {
		if b.kind != atTime {
			return nil, nil
		}
		m, err := w.env.source.OffsetsAt(ctx, w.topic, b.time.Add(late))
		if err != nil {
			return nil, fmt.Errorf("%s: offsets at %s: %w", w.topic, b.time.Add(late).Format(time.RFC3339), err)
		}
		return m, nil
	}
	first, err1 := at(from, 0)
	strict, err2 := at(to, 0)
	last, err3 := at(to, lateness)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	out, any, before, behind, beyond := []partitionSpan(nil), false, true, true, to.kind == atOffset
	for _, p := range partitions {
		s := partitionSpan{Partition: p, end: p.End(w.env.readCommitted)}
		place := func(b bound, times map[int32]int64) int64 {
			switch b.kind {
			case earliest:
				return p.LogStart
			case latest:
				return s.end
			case atTime:
				return times[p.Partition]
			}
			return b.offset
		}
		lo, hi := place(from, first), place(to, last)
		behind = behind && lo >= s.end
		beyond = beyond && to.offset > s.end
		before = before && to.kind == atTime && place(to, strict) <= p.LogStart
		s.gone = from.kind == atTime && lo <= p.LogStart && p.LogStart > 0
		if s.want = (offsets.Range{From: lo, To: min(hi, s.end)}); s.want.IsEmpty() {
			s.want = offsets.Range{From: lo, To: lo}
		}
		any = any || lo < hi
		out = append(out, s)
	}
	switch {
	case behind && from.kind == atTime:
		return nil, usage(fmt.Errorf("%s: no record is from %s or later: %s", w.topic, from.text, w.has(out)))
	case behind:
		return nil, usage(fmt.Errorf("%s: nothing lies at %s or behind it: %s", w.topic, from.text, w.has(out)))
	case before:
		return nil, usage(fmt.Errorf("%s: no record that the cluster still has stands before the first one of %s or later: %s", w.topic, to.text, w.has(out)))
	case beyond:
		return nil, usage(fmt.Errorf("%s: offset %s was not written in any partition: %s", w.topic, to.text, w.has(out)))
	case !any:
		return nil, usage(fmt.Errorf("%s: %s comes after %s in every partition", w.topic, from.text, to.text))
	}
	return out, nil
}

// has says what the cluster has of partitions.
func (w *worker) has(spans []partitionSpan) string {
	text := "it has "
	for i, s := range spans {
		if i == 8 && len(spans) > 9 {
			return text + fmt.Sprintf(", and so on for %d partitions", len(spans))
		}
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("offsets %s of partition %d", offsets.Range{From: s.LogStart, To: s.end}, s.Partition.Partition)
	}
	return text
}
