package jobs

import (
	"context"
	"errors"
	"fmt"

	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/storage"
)

// errObsolete ends a repair that is no longer wanted: the file is visible, removed, or repaired by somebody else.
var errObsolete = errors.New("the repair is no longer wanted")

// repair rebuilds a committed file, whose staged bytes somebody took away before it was published, from Kafka, under the same key.
//
// The order carries the safety: the new bytes are staged; then the present token is discarded until the answer is definite, so
// that at most one token can ever make the key visible; then the key is looked at; only then the repair is appended.
// A crash before the append leaves the file lost, and the next run rebuilds it again.
func (w *worker) repair(ctx context.Context, v int64, bundle int, f *offsets.File) error {
	w.env.log.Warn("a committed file lost its staged bytes: rebuilding it from Kafka", "topic", w.topic, "version", v, "file", f.Key)
	pairs, err := w.log.FileTokens(ctx, v, f)
	if err != nil {
		return err
	}
	r, err := w.log.Record(ctx, v)
	if err != nil {
		return err
	}
	l := r.Lift()
	attempt := w.env.newAttempt()
	staged, err := w.restage(ctx, v, l, f, attempt)
	if err != nil {
		return w.cannotRepair(v, f, err)
	}
	w.env.hook("repair-staged")

	giveUp := func(cause error) error {
		_, err := w.discard(ctx, f.Key, staged)
		return errors.Join(cause, err)
	}
	publishAgain := func() error {
		if err := giveUp(nil); err != nil {
			return err
		}
		return w.publishFile(ctx, v, bundle, f)
	}
	answer, err := w.discard(ctx, f.Key, pairs[len(pairs)-1])
	if err != nil {
		return giveUp(partial(err))
	}
	w.env.hook("repair-discarded")
	if answer == storage.TokenUsed {
		return publishAgain()
	}
	there, err := w.exists(ctx, f.Key)
	if err != nil {
		return giveUp(partial(err))
	}
	if there {
		return publishAgain() // by somebody who held the token that is gone now; or it is another's object: publishing tells
	}

	body := &offsets.Repair{Attempt: attempt, File: offsets.FileRef{V: v, Key: f.Key}, Bytes: staged.Bytes, Token: staged.Token, After: len(pairs) - 1}
	_, err = w.append(ctx, func(s *offsets.State) (offsets.Body, error) {
		have, err := w.log.FileTokens(ctx, v, f)
		if err != nil {
			return nil, err
		}
		if !s.Live(v, bundle, f.Key) || len(have)-1 != body.After || s.Fenced[attempt] {
			return nil, errObsolete
		}
		return body, nil
	})
	switch {
	case errors.Is(err, errObsolete):
		if err := giveUp(nil); err != nil {
			return err
		}
	case errors.Is(err, offsets.ErrUnresolved):
		return err // the record may land: its token stays
	case err != nil:
		return giveUp(partial(fmt.Errorf("%s: append the repair of %s: %w", w.topic, f.Key, err)))
	}
	w.env.hook("repair-appended")
	return w.publishFile(ctx, v, bundle, f)
}

func (w *worker) cannotRepair(v int64, f *offsets.File, err error) error {
	var lost *extract.LostError
	var truncated *extract.TruncatedError
	var recreated *extract.RecreatedError
	var differs *differsError
	if !errors.As(err, &lost) && !errors.As(err, &truncated) && !errors.As(err, &recreated) && !errors.As(err, &differs) && !errors.Is(err, extract.ErrNoTopic) {
		return partial(fmt.Errorf("%s: rebuild %s of version %d: %w", w.topic, f.Key, v, err))
	}
	return halt(fmt.Errorf("%s: %s of version %d is committed, its staged bytes were removed by somebody before it was published, and Kafka cannot give them again: %w; "+
		"%s records its %d rows as a gap", w.topic, f.Key, v, err, w.resolution("--drop "+f.Key), f.Rows))
}

// A differsError says that the records in a source are not the ones that were committed.
type differsError struct{ source, want, have string }

func (e *differsError) Error() string {
	return fmt.Sprintf("%s differs from what was committed: %s, now %s", e.source, e.want, e.have)
}

// rebuild stages a file's rows again, from its exact ranges in Kafka, by the settings and the clock of its commit. past says which records
// it had to begin with; nil: all.
func (w *worker) rebuild(ctx context.Context, l *offsets.Lift, f *offsets.File, id string, past past) (storage.Staged, error) {
	var none storage.Staged
	ctx, cancel := context.WithTimeout(ctx, w.readPeriod()) // a broker that does not answer must not hold up the run
	defer cancel()
	set, err := w.settingsOf(ctx, l.Settings)
	if err != nil {
		return none, err
	}
	desc, err := w.env.source.Describe(ctx, w.topic)
	if err != nil {
		return none, err
	}
	if s := w.log.State(); l.Incarnation != s.Incarnation || changedTopic(s, desc) != "" {
		return none, &extract.RecreatedError{Topic: w.topic, Want: s.TopicID, Have: desc.ID}
	}
	if err := w.stillThere(ctx, l, f); err != nil {
		return none, err
	}
	ranges := rangesOf(f)
	lf, err := w.newLifter(w.committedSchemas(set, l), w.attemptFor(l, id), ranges, f)
	if err != nil {
		return none, err
	}
	lf.past = past
	if err := lf.readFile(ctx, desc.ID, ranges); err != nil {
		return none, errors.Join(err, lf.abort(ctx))
	}
	return lf.finishOnly(ctx, "what Kafka holds there now")
}

// finishOnly ends the one file that was to be made again, and checks that it has the rows that were committed.
func (l *lifter) finishOnly(ctx context.Context, source string) (none storage.Staged, err error) {
	f := l.only
	files, err := l.finish(ctx)
	if err != nil {
		return none, errors.Join(err, l.abort(ctx))
	}
	if len(files) == 1 && files[0].Rows == f.Rows && files[0].Digest == f.Digest && files[0].MinTime == f.MinTime && files[0].MaxTime == f.MaxTime {
		return storage.Staged{Bytes: files[0].Bytes, Token: files[0].Token}, nil
	}
	have := "no rows"
	if len(files) > 0 {
		have = fmt.Sprintf("%d rows in %d files, digest %s", files[0].Rows, len(files), files[0].Digest)
	}
	return none, errors.Join(&differsError{source, fmt.Sprintf("%d rows, digest %s", f.Rows, f.Digest), have}, l.abort(ctx))
}

// stillThere checks that Kafka still holds the records that were committed: the same offsets may hold others since the log was cut
// back, or, where topics have no ids, since the topic was created anew.
func (w *worker) stillThere(ctx context.Context, l *offsets.Lift, f *offsets.File) error {
	for _, r := range f.Ranges {
		for _, b := range l.Bundles {
			for _, seg := range b.Segments {
				if seg.Partition != r.Partition || r.First < seg.From || r.Last >= seg.To {
					continue
				}
				if err := w.sameEpoch(ctx, &seg, r.Last); err != nil {
					return err
				}
				if w.log.State().TopicID == "" && seg.Mark != nil {
					m, err := w.env.source.Mark(ctx, w.topic, seg.Partition, seg.Mark.Offset+1)
					if err != nil {
						return fmt.Errorf("%s/%d: look at the last committed batch: %w", w.topic, seg.Partition, err)
					}
					if m != nil && ofAnother(m, seg.Mark) {
						return &extract.RecreatedError{Topic: w.topic, Want: "the one of its last committed batch", Have: "not known"}
					}
				}
			}
		}
	}
	return nil
}

// sameEpoch asks the leader whether the record at an offset of a segment, and all before it, are still of the epochs of those that were
// lifted.
func (w *worker) sameEpoch(ctx context.Context, seg *offsets.Segment, offset int64) error {
	epoch := epochAt(seg, offset)
	if epoch < 0 {
		return nil
	}
	ends, err := w.env.source.EpochEnds(ctx, w.topic, map[int32]int32{seg.Partition: epoch})
	e := ends[seg.Partition]
	if err := errors.Join(err, e.Err); err != nil {
		return fmt.Errorf("%s/%d: ask where leader epoch %d ended: %w", w.topic, seg.Partition, epoch, err)
	}
	if e.Known() && (e.End <= offset || e.Epoch < epoch) {
		return &extract.TruncatedError{Topic: w.topic, Partition: seg.Partition, Position: offset + 1, End: e.End}
	}
	return nil
}

// finishRepair sees that the file of a repair is visible or removed.
func (w *worker) finishRepair(ctx context.Context, b *offsets.Repair) error {
	r, err := w.log.Record(ctx, b.File.V)
	if err != nil {
		return err
	}
	l := r.Lift()
	if l == nil {
		return fmt.Errorf("%s: a repair names version %d, which has no files: %w", w.topic, b.File.V, offsets.ErrDamaged)
	}
	if swap, ok := r.Body.(*offsets.Replace); ok && !w.log.Marked(r.V) {
		return w.swap(ctx, r.V, swap) // in its order: nothing new is shown before the old is hidden, where that is to come first
	}
	for n := range l.Bundles {
		for i := range l.Bundles[n].Files {
			if f := &l.Bundles[n].Files[i]; f.Key == b.File.Key {
				return w.publishFile(ctx, b.File.V, n, f)
			}
		}
	}
	return fmt.Errorf("%s: a repair names %s, which version %d does not: %w", w.topic, b.File.Key, b.File.V, offsets.ErrDamaged)
}
