package jobs

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/writers"
)

// An OffsetReport explains one offset of a partition, in the current incarnation of its topic.
type OffsetReport struct {
	Topic       string      `json:"topic"`
	Partition   int32       `json:"partition"`
	Offset      int64       `json:"offset"`
	State       OffsetState `json:"state"`
	Incarnation int         `json:"incarnation"`
	Start       int64       `json:"start"`         // the first offset ever, in this incarnation
	Next        int64       `json:"next"`          // the committed offset
	End         *int64      `json:"end,omitempty"` // in Kafka, where it was asked

	Commit  *CommitRef       `json:"commit,omitempty"` // the commit, fill or skip that covers it
	Bundle  int              `json:"bundle"`
	Segment *offsets.Segment `json:"segment,omitempty"`
	Files   []OffsetFile     `json:"files"`          // whose ranges hold it
	Gaps    map[string]int64 `json:"gaps,omitempty"` // what its segment has besides rows, by reason
	Reason  string           `json:"reason,omitempty"`
	Earlier []EarlierOffset  `json:"earlier,omitempty"` // where former incarnations of the topic had an offset of that number
	Notes   []string         `json:"notes"`             // for people
}

// An OffsetState says in a word what became of an offset.
type OffsetState string

// The states.
const (
	OffsetRow         OffsetState = "row"          // it is a row of a visible file
	OffsetQuarantined OffsetState = "quarantined"  // it is in a quarantine file
	OffsetPending     OffsetState = "pending"      // it is committed; its version is not published yet
	OffsetGap         OffsetState = "gap"          // it is committed and has no row; Reason says why
	OffsetDropped     OffsetState = "dropped"      // its file was removed
	OffsetCommitted   OffsetState = "committed"    // its files do not tell more: see Files
	OffsetMissing     OffsetState = "missing"      // its file should be there and is not, or cannot be read
	OffsetNotLifted   OffsetState = "not_lifted"   // at or after the committed offset
	OffsetNotWritten  OffsetState = "not_written"  // at or after the end in Kafka
	OffsetBeforeStart OffsetState = "before_start" // below the first offset ever
	OffsetUncovered   OffsetState = "uncovered"    // below the committed offset, in no commit
	OffsetNeverRead   OffsetState = "never_read"   // nothing of the partition was
)

// An OffsetFile is a file that may hold a row, by its range.
type OffsetFile struct {
	Key       string           `json:"key"`
	Kind      string           `json:"kind"`
	V         int64            `json:"v"`
	First     int64            `json:"first"` // of the partition's rows in it
	Last      int64            `json:"last"`
	Rows      int64            `json:"rows"`
	Reasons   map[string]int64 `json:"reasons,omitempty"` // of a quarantine file
	Live      bool             `json:"live"`
	Published bool             `json:"published"`
	HasRow    *bool            `json:"has_row,omitempty"` // read back; absent where that was not possible

	file offsets.File
}

// An EarlierOffset is a place in a former incarnation.
type EarlierOffset struct {
	Incarnation int   `json:"incarnation"`
	V           int64 `json:"v"`
	From        int64 `json:"from"`
	To          int64 `json:"to"`
}

// InspectOffset explains an offset: in which commit it is, in which file its row, or why there is none. Kafka is asked only about
// offsets that are not committed, and an answer that does not come is a note.
func (e *Env) InspectOffset(ctx context.Context, n OffsetName) (*OffsetReport, error) {
	i, err := e.inspect(ctx, n.Topic)
	if err != nil {
		return nil, err
	}
	r := &OffsetReport{Topic: n.Topic, Partition: n.Partition, Offset: n.Offset, Incarnation: i.state.Incarnation, Files: []OffsetFile{}, Notes: []string{}}
	if err := i.places(ctx, r); err != nil {
		return nil, err
	}
	p, ok := i.state.Partitions[n.Partition]
	r.Start, r.Next = p.Start, p.Next
	switch {
	case !ok:
		r.State = OffsetNeverRead
		r.note("nothing of the partition was ever read")
		i.end(ctx, r)
	case n.Offset < p.Start && r.Commit == nil:
		r.State = OffsetBeforeStart
		r.note("the partition begins at %d: what lies before was there, or gone, when it was first read", p.Start)
	case n.Offset >= p.Next:
		r.State = OffsetNotLifted
		r.note("not lifted yet: the next offset is %d", p.Next)
		i.end(ctx, r)
	case r.Commit == nil:
		r.State = OffsetUncovered
		r.note("no record of the log covers it")
	case r.Segment == nil:
		r.State = OffsetGap
		r.note("%s accepted the gap: %s", r.Commit.By, r.Commit.Reason)
	default:
		return r, i.committed(ctx, r)
	}
	return r, nil
}

func (r *OffsetReport) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// places finds the record that covers the offset, and the files that may hold it.
func (i *inspector) places(ctx context.Context, r *OffsetReport) error {
	for rec, err := range i.log.Records(ctx, 1, i.state.V) {
		if err != nil {
			return err
		}
		if b, ok := rec.Body.(*offsets.Skip); ok && b.Partition == r.Partition && b.From <= r.Offset && r.Offset < b.To {
			i.covered(r, rec, b.Incarnation, offsets.Range{From: b.From, To: b.To}, 0, nil, nil)
			if b.Incarnation == r.Incarnation {
				r.Reason = b.Gap
			}
		}
		l := rec.Lift()
		if l == nil {
			i.repaired(r, rec)
			continue
		}
		for n := range l.Bundles {
			for k, s := range l.Bundles[n].Segments {
				if s.Partition == r.Partition && s.From <= r.Offset && r.Offset < s.To {
					i.covered(r, rec, l.Incarnation, offsets.Range{From: s.From, To: s.To}, n, &l.Bundles[n].Segments[k], l.Bundles[n].Files)
				}
			}
		}
	}
	return nil
}

// covered notes a record that covers the offset. Of several in one incarnation the last counts: a fill after a skip, a replace after a
// commit.
func (i *inspector) covered(r *OffsetReport, rec *offsets.Record, incarnation int, at offsets.Range, bundle int, s *offsets.Segment, files []offsets.File) {
	if incarnation != r.Incarnation {
		r.Earlier = append(r.Earlier, EarlierOffset{incarnation, rec.V, at.From, at.To})
		return
	}
	r.Commit, r.Bundle, r.Segment, r.Reason = i.ref(rec), bundle, s, ""
	for _, f := range files {
		for _, fr := range f.Ranges {
			if fr.Partition == r.Partition && fr.First <= r.Offset && r.Offset <= fr.Last {
				r.Files = append(r.Files, OffsetFile{Key: f.Key, Kind: f.Kind, V: rec.V, First: fr.First, Last: fr.Last, Rows: f.Rows, Reasons: f.Reasons,
					Live: i.state.Live(rec.V, bundle, f.Key), Published: !i.pending[rec.V], file: f})
			}
		}
	}
}

// repaired gives files the length that their repair has.
func (i *inspector) repaired(r *OffsetReport, rec *offsets.Record) {
	if b, ok := rec.Body.(*offsets.Repair); ok {
		for k := range r.Files {
			if r.Files[k].Key == b.File.Key {
				r.Files[k].file.Bytes = b.Bytes
			}
		}
	}
}

// end adds where the partition ends in Kafka.
func (i *inspector) end(ctx context.Context, r *OffsetReport) {
	desc, err := i.e.source.Describe(ctx, i.topic)
	if err == nil && changedTopic(i.state, desc) != "" {
		err = errors.New("the topic there is another one: `shadoof run` says what to decide")
	}
	if err != nil {
		r.note("where the partition ends in Kafka cannot be told: %v", err)
		return
	}
	for _, p := range desc.Partitions {
		if p.Partition != r.Partition {
			continue
		}
		if p.Err != nil {
			r.note("where the partition ends in Kafka cannot be told: %v", p.Err)
			return
		}
		end := p.End(i.e.readCommitted)
		r.End = &end
		switch {
		case r.Offset >= p.HighWatermark:
			r.State = OffsetNotWritten
			r.note("nothing was written there yet: the partition ends at %d", p.HighWatermark)
		case r.Offset >= end:
			r.note("it lies behind an open transaction: runs get to %d, and the log ends at %d", end, p.HighWatermark)
		case r.Offset < p.LogStart:
			r.note("it was deleted before it was read: the log in Kafka starts at %d", p.LogStart)
		default:
			r.note("the partition ends at %d", end)
		}
		return
	}
	r.note("the topic has no partition %d", r.Partition)
}

// committed looks for the row of a committed offset.
func (i *inspector) committed(ctx context.Context, r *OffsetReport) error {
	r.Gaps = gapCounts(&r.Segment.Gaps)
	unsure := false // some live file could not be asked
	for k := range r.Files {
		f := &r.Files[k]
		if !f.Live {
			continue
		}
		if !f.Published {
			r.State, unsure = OffsetPending, true
			r.note("version %d is committed and not known to be published: the next run publishes it first", f.V)
			continue
		}
		found, known, err := i.find(ctx, r, f)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			r.State, unsure = OffsetMissing, true
			r.note("%s cannot be read back: %v", f.Key, err)
		case !known:
			unsure = true
			r.note("whether %s has its row cannot be told: the file has no Kafka columns, or is of a kind that is not read back", f.Key)
		default:
			f.HasRow = &found
		}
		if found {
			if r.State = OffsetRow; f.Kind == offsets.KindQuarantine {
				r.State, r.Reason = OffsetQuarantined, theOnly(f.Reasons)
			}
			return nil
		}
	}
	switch {
	case r.State != "":
	case unsure:
		r.State = OffsetCommitted
	default:
		i.gap(r)
	}
	return nil
}

// find reads a file back.
func (i *inspector) find(ctx context.Context, r *OffsetReport, f *OffsetFile) (found, known bool, err error) {
	reader, err := i.e.drivers.Reader(f.Key)
	if err != nil {
		return false, false, err
	}
	finder, ok := reader.(writers.Finder)
	if !ok {
		return false, false, nil
	}
	return finder.Find(ctx, storage.ReaderAt(ctx, i.e.store, f.Key, f.file.Bytes), f.file.Bytes, r.Partition, r.Offset)
}

// gap says why a committed offset has no row.
func (i *inspector) gap(r *OffsetReport) {
	for reason, ranges := range map[string][]offsets.Range{
		"retention": r.Segment.Gaps.Retention, "truncated": r.Segment.Gaps.Truncated, "operator": r.Segment.Gaps.Operator, "unexplained": r.Segment.Gaps.Unexplained,
	} {
		for _, g := range ranges {
			if g.From <= r.Offset && r.Offset < g.To {
				r.State, r.Reason = OffsetGap, reason
				return
			}
		}
	}
	counted := map[string]int64{}
	for _, reason := range []string{"control", "aborted", "compacted", "tombstone", "dropped"} {
		if n := r.Gaps[reason]; n > 0 {
			counted[reason] = n
		}
	}
	dropped := false
	for _, f := range r.Files { // of the record that covers the offset now: what it replaced is not counted as dropped
		dropped = dropped || !f.Live && r.Commit != nil && f.V == r.Commit.V
	}
	r.State, r.Reason = OffsetGap, theOnly(counted)
	switch {
	case dropped && len(counted) == 0:
		r.State, r.Reason = OffsetDropped, ""
		r.note("its file was removed")
	case dropped:
		r.State, r.Reason = OffsetDropped, ""
		r.note("it was in a file that was removed, or it never had a row")
	case len(counted) == 0:
		r.State = OffsetMissing
		r.note("no file has its row, and no gap of its segment explains that: `shadoof verify --deep --topic %s` looks at all of them", r.Topic)
	case r.Reason == "":
		r.note("it holds no record for readers; the log counts why by segment, and this one has several reasons: peek shows which, while Kafka has it")
	}
}

// theOnly is the key of a map with one; "" for others.
func theOnly(counts map[string]int64) string {
	var keys []string
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	if len(keys) != 1 {
		return ""
	}
	return keys[0]
}
