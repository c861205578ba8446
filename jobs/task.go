package jobs

import (
	"context"
	"errors"
	"fmt"

	"shadoof/extract"
	"shadoof/offsets"
)

// A task is what a worker lifts for: to move its partitions forward, to fill what nothing covers, or to replace bundles. Its worker asks it
// for one attempt after the other until nothing is left.
type task interface {
	// plan finds out what is left, by the log as it is known, and says how many offsets that is.
	plan(ctx context.Context) (int64, error)

	// lift stages what is left, or as much of it as one attempt takes.
	lift(ctx, hard context.Context) (*attempt, error)

	// commit appends the attempt's record, and carries it out. It reports whether anything was committed.
	commit(ctx context.Context, a *attempt) (bool, error)

	// reachesEnd says that a segment that ends where its partition ends shows the committed offset to have come there.
	reachesEnd() bool
}

// ranged is a task that lifts ranges of partitions: those of one attempt share bundles as it suits. It appends the records that it is for.
type ranged struct {
	w       *worker
	ranges  []extract.Range         // that are left
	planned int                     // the incarnation that they are of
	behind  map[int32]*offsets.Mark // the batches that they follow; nil: none was lifted

	left  func(s *offsets.State, partition int32) offsets.Range // of a partition, to be read next
	fits  func(s *offsets.State, seg offsets.Segment) bool      // whether a segment may be committed after s
	body  func(l offsets.Lift) offsets.Body                     // of the record
	same  func(incarnation int) error                           // whether the task is still one of this incarnation
	renew func(ctx context.Context) error                       // asks about the topic anew where that takes it
	ends  bool                                                  // reachesEnd
}

// forward moves partitions from their committed offsets to the ends of a run.
func forward(w *worker) *ranged {
	t := &ranged{
		w: w,
		left: func(s *offsets.State, partition int32) offsets.Range {
			return offsets.Range{From: s.Partitions[partition].Next, To: w.ends[partition]}
		},
		body:  func(l offsets.Lift) offsets.Body { return &offsets.Commit{Lift: l} },
		same:  func(int) error { return nil },
		renew: w.renew,
		ends:  true,
	}
	// The record that the segment was planned behind may have vanished with the store's leader, and one of the same offsets be in its place
	// that was read from another log: an unclean election in between. Then this one is of the old log.
	t.fits = func(s *offsets.State, seg offsets.Segment) bool {
		p, ok := s.Partitions[seg.Partition]
		return ok && p.Next == seg.From && sameBatch(p.Mark, t.behind[seg.Partition])
	}
	return t
}

func sameBatch(a, b *offsets.Mark) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// fill lifts what nothing covers of some ranges, below the committed offsets, which it does not move.
func fill(w *worker, incarnation int, wanted map[int32][]offsets.Range) *ranged {
	t := &ranged{
		w: w,
		left: func(s *offsets.State, partition int32) offsets.Range {
			for _, r := range wanted[partition] {
				if open := s.Uncovered(partition, r); len(open) > 0 {
					return open[0]
				}
			}
			return offsets.Range{}
		},
		body:  func(l offsets.Lift) offsets.Body { return &offsets.Fill{Lift: l} },
		same:  func(now int) error { return sameIncarnation(w.topic, incarnation, now) },
		renew: func(context.Context) error { return nil },
	}
	// What lies below the batch that it was planned behind is of the log that has that batch, as is all that is committed behind it. Beyond
	// it others may have committed meanwhile from a log that parts below them.
	t.fits = func(s *offsets.State, seg offsets.Segment) bool {
		r, behind := offsets.Range{From: seg.From, To: seg.To}, t.behind[seg.Partition]
		open := s.Uncovered(seg.Partition, r)
		sameLog := behind != nil && seg.To <= behind.Offset+1 || sameBatch(s.Partitions[seg.Partition].Mark, behind)
		return len(open) == 1 && open[0] == r && sameLog
	}
	return t
}

func sameIncarnation(topic string, planned, now int) error {
	if planned == now {
		return nil
	}
	return halt(fmt.Errorf("%s: the log went on with incarnation %d of the topic, and this was planned for %d, which has other records under its offsets: `shadoof plan --topic %s` shows how the topic stands, `shadoof backfill --topic %s --from earliest --dry-run` what is left to do", topic, now, planned, topic, topic))
}

func (t *ranged) plan(ctx context.Context) (int64, error) {
	if err := t.renew(ctx); err != nil {
		return 0, err
	}
	w, s := t.w, t.w.log.State()
	if err := t.same(s.Incarnation); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	t.ranges, t.planned, t.behind = nil, s.Incarnation, map[int32]*offsets.Mark{}
	for p, have := range s.Partitions {
		if w.failed[p] != nil || !w.mine(p) {
			continue
		}
		if r := t.left(s, p); !r.IsEmpty() {
			t.ranges = append(t.ranges, extract.Range{Partition: p, First: r.From, Next: r.To})
			t.behind[p] = have.Mark
		}
	}
	longestFirst(t.ranges)
	return left(t.ranges), nil
}

func (t *ranged) lift(ctx, hard context.Context) (*attempt, error) {
	return t.w.liftAll(ctx, hard, t.ranges)
}

func (t *ranged) reachesEnd() bool { return t.ends }

// commit appends the attempt's record, and publishes it.
func (t *ranged) commit(ctx context.Context, a *attempt) (bool, error) {
	w := t.w
	if len(a.bundles) == 0 {
		return false, nil
	}
	if err := w.sameLog(ctx, a.bundles); err != nil {
		w.discardBundles(ctx, a.bundles)
		return false, err
	}
	settings, err := w.log.PutSettings(ctx, w.set.bytes())
	if err != nil {
		w.discardBundles(ctx, a.bundles)
		return false, fmt.Errorf("%s: store the settings of the commit: %w", w.topic, err)
	}
	changes, err := w.keepTarget(ctx)
	if err != nil {
		w.discardBundles(ctx, a.bundles)
		return false, err
	}
	incarnation := t.planned
	keep, dropped := a.bundles, []offsets.Bundle(nil)
	w.env.hook("before-put")
	rec, err := w.append(ctx, func(s *offsets.State) (offsets.Body, error) {
		// What fits no more never fits again, and a fence or a new incarnation is never taken back: what is dropped here stays dropped.
		var lost []offsets.Bundle
		keep, lost = split(keep, s.Incarnation == incarnation && changedTopic(s, w.desc) == "" && t.same(incarnation) == nil && !s.Fenced[a.id], func(seg offsets.Segment) bool { return t.fits(s, seg) })
		dropped = append(dropped, lost...)
		if len(keep) == 0 {
			return nil, errNothingLeft
		}
		if w.env.now().Sub(a.clock) > stageLifetime {
			return nil, errTooOld
		}
		l := offsets.Lift{Incarnation: incarnation, Attempt: a.id, Settings: settings, Clock: a.clock, Changes: changes, Bundles: keep}
		w.schemas.note(&l)
		return t.body(l), nil
	})
	switch {
	case errors.Is(err, offsets.ErrUnresolved):
		return false, err // the record may still land: every staged file stays as it is
	case errors.Is(err, errNothingLeft):
		w.env.log.Info("another worker was first", "topic", w.topic, "attempt", a.id)
		w.discardBundles(ctx, a.bundles)
		return false, nil
	case err != nil:
		// No put is unresolved: no record can name these files any more.
		w.discardBundles(ctx, a.bundles)
		return false, fmt.Errorf("%s: commit: %w", w.topic, err)
	}
	// Decided: the record stands in slot rec.V. From here on there is only forward.
	w.committed(rec, keep)
	w.before = w.set
	w.env.hook("committed")
	if err := w.carryOut(ctx, rec); err != nil {
		return true, atLeastPartial(err)
	}
	w.discardBundles(ctx, dropped)
	return true, nil
}
