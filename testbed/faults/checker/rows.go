package checker

import (
	"slices"
	"time"

	"shadoof/testbed/faults/history"
)

// sums holds each live bundle against its files as they were read.
func (c *check) sums(topic string) {
	l := c.logs[topic]
	if l == nil {
		return
	}
	for i, b := range l.bundles {
		if !b.live {
			continue
		}
		var offsets, rows, gaps int64
		for _, s := range b.Segments {
			offsets += s.To - s.From
			gaps += s.Gaps.Sum()
		}
		for _, f := range b.files {
			if f.dropped {
				rows += f.LogFile.Rows
				continue
			}
			read := c.h.Files[f.Key]
			if read == nil {
				continue // told by files
			}
			rows += int64(len(read.Rows))
			if int64(len(read.Rows)) != f.LogFile.Rows && read.Error == "" {
				c.violate(RuleSums, "", time.Time{}, "%s has %d rows, and version %d says %d", f.Key, len(read.Rows), f.v, f.LogFile.Rows)
			}
			for _, r := range read.Rows {
				if !inside(b, r) {
					c.violate(RuleSums, "", time.Time{}, "%s has a row of partition %d, offset %d, and version %d has no such segment", f.Key, r.Partition, r.Offset, f.v)
				}
			}
		}
		if rows+gaps != offsets {
			c.violate(RuleSums, "", time.Time{}, "%s, version %d, bundle %d of the log: %d rows and %d gaps, of %d offsets", topic, b.v, i, rows, gaps, offsets)
		}
	}
}

func inside(b *bundle, r history.Row) bool {
	for _, s := range b.Segments {
		if s.Partition == r.Partition && s.From <= r.Offset && r.Offset < s.To {
			return true
		}
	}
	return false
}

// rows holds what was produced against what is in files.
func (c *check) rows(topic string) {
	l, s := c.logs[topic], c.sent[topic]
	if l == nil {
		l = &log{}
	}
	in := map[int64]string{} // the file of a sequence number
	for _, b := range l.bundles {
		if !b.live {
			continue
		}
		generation := s.generations[l.incarnations[b.incarnation].topicID]
		for _, f := range b.files {
			if read := c.h.Files[f.Key]; read != nil && f.live {
				for _, r := range read.Rows {
					c.row(topic, f.Key, generation, r, in)
				}
			}
		}
	}
	holes := map[*history.Segment]int64{} // acknowledged records that are counted among the gaps
	for seq, r := range s.records {
		if r.acked && r.fate != "aborted" && r.fate != "unclear" && in[seq] == "" {
			if why := c.absent(topic, l, s, r, holes); why != "" {
				c.violate(RuleLost, "", time.Time{}, "%s: record %d at partition %d, offset %d (generation %d): %s", topic, seq, r.Partition, r.Offset, r.generation, why)
			}
		}
	}
	for segment, n := range holes {
		if counted := segment.Gaps.Compacted + segment.Gaps.Tombstone + segment.Gaps.Dropped; n > counted {
			c.violate(RuleLost, "", time.Time{}, "%s: partition %d [%d, %d): %d records are not there, and its gaps have %d", topic, segment.Partition, segment.From, segment.To, n, counted)
		}
	}
}

func (c *check) row(topic, key string, generation int, r history.Row, in map[int64]string) {
	known := c.sent[topic].records[r.Seq]
	switch {
	case known == nil:
		c.violate(RuleStranger, "", time.Time{}, "%s: partition %d, offset %d: nobody produced record %d", key, r.Partition, r.Offset, r.Seq)
		return
	case known.generation != r.Generation || known.generation != generation:
		c.violate(RuleStranger, "", time.Time{}, "%s: record %d is of generation %d of the topic; the row says %d, and the log %d", key, r.Seq, known.generation, r.Generation, generation)
	case known.Partition != r.Partition || known.acked && known.Offset != r.Offset:
		c.violate(RuleStranger, "", time.Time{}, "%s: record %d is partition %d, offset %d; the row says %d and %d", key, r.Seq, known.Partition, known.Offset, r.Partition, r.Offset)
	}
	if known.fate == "aborted" {
		c.violate(RuleAborted, "", time.Time{}, "%s: record %d, partition %d, offset %d", key, r.Seq, r.Partition, r.Offset)
	}
	if before := in[r.Seq]; before != "" {
		c.violate(RuleOnce, "", time.Time{}, "%s: record %d, partition %d, offset %d: it is in %s and in %s", topic, r.Seq, r.Partition, r.Offset, before, key)
	}
	in[r.Seq] = key
}

// absent says why a record that is in no file ought to be; "" where its absence is explained.
func (c *check) absent(topic string, l *log, s *sent, r *record, holes map[*history.Segment]int64) string {
	var inc *incarnation
	var where at
	for n, i := range l.incarnations {
		if s.generations[i.topicID] != r.generation {
			continue
		}
		if start, ok := i.starts[r.Partition]; ok && r.Offset < start {
			continue // of an earlier incarnation, or gone before the first
		}
		if inc == nil || n < where.incarnation && r.Offset < l.now[at{n, r.Partition}] {
			inc, where = i, at{n, r.Partition}
		}
	}
	_, deleted := s.deleted[r.generation]
	forever := time.Unix(1<<40, 0)
	switch {
	case inc == nil && s.gone(r.generation, r.Partition, r.Offset, forever):
		return ""
	case inc == nil:
		return "no incarnation in the log begins at or before it"
	case r.Offset >= l.now[where] && deleted:
		return ""
	case r.Offset >= l.now[where]:
		return "it is not committed, the position is " + number(l.now[where])
	}
	b, segment := l.covering(where, r.Offset)
	if b == nil {
		for _, k := range l.skips {
			if k.at == where && k.from <= r.Offset && r.Offset < k.to && s.gone(r.generation, r.Partition, r.Offset, forever) {
				return ""
			}
		}
		return "its offset is below the position, and nothing covers it"
	}
	return c.uncovered(topic, b, segment, s, r, holes)
}

// uncovered judges a record in a committed segment that has no row.
func (c *check) uncovered(topic string, b *bundle, segment *history.Segment, s *sent, r *record, holes map[*history.Segment]int64) string {
	if history.In(segment.Gaps.Retention, r.Offset) || history.In(segment.Gaps.Truncated, r.Offset) {
		if !s.gone(r.generation, r.Partition, r.Offset, c.seenOf(topic, b.v)) {
			return "version " + number(b.v) + " has it as a loss, and Kafka still had it"
		}
		return ""
	}
	superseded := r.Tombstone || r.Key != "" && s.latest[keyed{place{r.generation, r.Partition}, r.Key}] > r.Offset
	for _, f := range b.files {
		n := rangeOf(f, r)
		if !f.dropped || n < 0 {
			continue
		}
		if s.gone(r.generation, r.Partition, r.Offset, time.Unix(1<<40, 0)) {
			return ""
		}
		if superseded && f.excused[n] < f.Ranges[n].Rows { // it was in the file when that was committed, and compacted when it was to be rebuilt
			f.excused[n]++
			return ""
		}
	}
	if superseded || segment.Gaps.Dropped > 0 {
		holes[segment]++
		return ""
	}
	return "version " + number(b.v) + " covers it, and has no row of it and no reason"
}

// rangeOf is the number of the range of a file that a record lies in; -1 for none.
func rangeOf(f *file, r *record) int {
	return slices.IndexFunc(f.Ranges, func(in history.RowRange) bool {
		return in.Partition == r.Partition && in.First <= r.Offset && r.Offset <= in.Last
	})
}
