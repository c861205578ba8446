package checker

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"shadoof/testbed/faults/history"
)

// A log is the fold of a topic's records.
type log struct {
	records      []*history.Record
	incarnations map[int]*incarnation
	bundles      []*bundle
	files        map[history.FileRef]*file
	named        map[string]int64   // the version that names a key
	removed      map[string][]int64 // the versions that remove a key
	next         []map[at]int64     // after each record: next[v-1]
	now          map[at]int64
	current      []int // incarnation after each record
	skips        []skip
	index        map[at][]covered // see covering
}

// at is a partition of an incarnation.
type at struct {
	incarnation int
	partition   int32
}

type incarnation struct {
	topicID string
	cause   string
	starts  map[int32]int64
	ended   bool // by another one
}

type bundle struct {
	history.Bundle
	v           int64
	incarnation int
	live        bool
	files       []*file
}

type file struct {
	*history.LogFile
	v       int64
	live    bool
	dropped bool    // by a person
	excused []int64 // by range: records that may be missing because it was dropped
}

type skip struct {
	at       at
	from, to int64
	gap      string
}

// fold carries out the records, and tells what does not fit.
func (c *check) fold(topic string, records []*history.Record) *log {
	l := &log{records: records, incarnations: map[int]*incarnation{}, files: map[history.FileRef]*file{}, named: map[string]int64{},
		removed: map[string][]int64{}, now: map[at]int64{}}
	prev, current := "", 0
	bad := func(v int64, format string, args ...any) {
		c.violate(RuleLog, "", time.Time{}, topic+", version %d: "+format, append([]any{v}, args...)...)
	}
	attempts := map[string]int64{}
	for i, r := range records {
		switch {
		case r.V != int64(i+1):
			bad(r.V, "it stands in slot %d", i+1)
		case r.Damage != "":
			bad(r.V, "%s", r.Damage)
		case r.Prev != prev:
			bad(r.V, "it follows %q, and %q is before it", r.Prev, prev)
		}
		prev = r.ID
		if r.Attempt != "" {
			if v, twice := attempts[r.Attempt]; twice {
				bad(r.V, "attempt %s is that of version %d", r.Attempt, v)
			}
			attempts[r.Attempt] = r.V
		}
		if r.Incarnation == 0 {
			r.Incarnation = current
		}
		l.apply(r, func(format string, args ...any) { bad(r.V, format, args...) })
		if r.Type == "init" || r.Type == "incarnate" {
			current = r.Incarnation
		}
		state := make(map[at]int64, len(l.now))
		for k, v := range l.now {
			state[k] = v
		}
		l.next = append(l.next, state)
		l.current = append(l.current, current)
	}
	return l
}

func (l *log) apply(r *history.Record, bad func(string, ...any)) {
	switch r.Type {
	case "init", "incarnate":
		l.begin(r)
	case "skip":
		where := at{r.Incarnation, r.Partition}
		if l.now[where] != r.From {
			bad("it skips from %d, and the position is %d", r.From, l.now[where])
		}
		l.now[where] = r.To
		l.skips = append(l.skips, skip{where, r.From, r.To, r.Gap})
	case "drop":
		for _, ref := range r.Files {
			f := l.files[ref]
			if f == nil || !f.live {
				bad("it drops %s of version %d, which is not live", ref.Key, ref.V)
				continue
			}
			f.live, f.dropped = false, true
			l.removed[ref.Key] = append(l.removed[ref.Key], r.V)
		}
	case "replace":
		l.remove(r, bad)
		l.lift(r, bad)
	case "commit", "fill":
		l.lift(r, bad)
	}
}

func (l *log) begin(r *history.Record) {
	inc := l.incarnations[r.Incarnation]
	if inc == nil {
		for _, before := range l.incarnations {
			before.ended = true
		}
		inc = &incarnation{topicID: r.TopicID, cause: r.Cause, starts: map[int32]int64{}}
		l.incarnations[r.Incarnation] = inc
	}
	for _, p := range r.Partitions {
		inc.starts[p.Partition] = p.Start
		l.now[at{r.Incarnation, p.Partition}] = p.Start
	}
}

func (l *log) remove(r *history.Record, bad func(string, ...any)) {
	for _, ref := range r.Remove {
		b := l.bundle(ref)
		if b == nil || !b.live {
			bad("it replaces bundle %d of version %d, which is not live", ref.Bundle, ref.V)
			continue
		}
		b.live = false
		for _, f := range b.files {
			if f.live {
				f.live = false
				l.removed[f.Key] = append(l.removed[f.Key], r.V)
			}
		}
	}
}

func (l *log) bundle(ref history.BundleRef) *bundle {
	for _, b := range l.bundles {
		if b.v == ref.V {
			if ref.Bundle == 0 {
				return b
			}
			ref.Bundle--
		}
	}
	return nil
}

func (l *log) lift(r *history.Record, bad func(string, ...any)) {
	if len(r.Bundles) == 0 {
		bad("it lifts nothing")
	}
	for i := range r.Bundles {
		b := &bundle{Bundle: r.Bundles[i], v: r.V, incarnation: r.Incarnation, live: true}
		for _, s := range b.Segments {
			where := at{r.Incarnation, s.Partition}
			switch r.Type {
			case "commit":
				if l.now[where] != s.From {
					bad("it commits partition %d from %d, and the position is %d", s.Partition, s.From, l.now[where])
				}
				l.now[where] = s.To
			case "fill":
				if s.To > l.now[where] {
					bad("it fills partition %d to %d, and the position is %d", s.Partition, s.To, l.now[where])
				}
			}
			l.overlap(b, s, bad)
		}
		l.bundles = append(l.bundles, b)
		for j := range b.Files {
			f := &file{LogFile: &b.Files[j], v: r.V, live: true, excused: make([]int64, len(b.Files[j].Ranges))}
			if v := l.named[f.Key]; v > 0 {
				bad("it names %s, which version %d did", f.Key, v)
			}
			l.named[f.Key] = r.V
			l.files[history.FileRef{V: r.V, Key: f.Key}] = f
			b.files = append(b.files, f)
		}
	}
}

// overlap tells when two live bundles have the same offsets.
func (l *log) overlap(b *bundle, s history.Segment, bad func(string, ...any)) {
	for i := len(l.bundles) - 1; i >= 0; i-- {
		o := l.bundles[i]
		if !o.live || o.incarnation != b.incarnation {
			continue
		}
		for _, t := range o.Segments {
			if t.Partition == s.Partition && t.From < s.To && s.From < t.To {
				bad("partition %d [%d, %d) is live, and in version %d [%d, %d)", s.Partition, s.From, s.To, o.v, t.From, t.To)
			}
		}
	}
}

// covering is the live segment with an offset, once all is folded.
func (l *log) covering(where at, offset int64) (*bundle, *history.Segment) {
	if l.index == nil {
		l.index = map[at][]covered{}
		for _, b := range l.bundles {
			for i := range b.Segments {
				if s := &b.Segments[i]; b.live {
					k := at{b.incarnation, s.Partition}
					l.index[k] = append(l.index[k], covered{b, s})
				}
			}
		}
		for _, all := range l.index {
			slices.SortFunc(all, func(a, b covered) int { return cmp.Compare(a.segment.From, b.segment.From) })
		}
	}
	all := l.index[where]
	i := sort.Search(len(all), func(i int) bool { return all[i].segment.To > offset })
	if i < len(all) && all[i].segment.From <= offset {
		return all[i].bundle, all[i].segment
	}
	return nil, nil
}

type covered struct {
	bundle  *bundle
	segment *history.Segment
}
