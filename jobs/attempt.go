package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"shadoof/extract"
	"shadoof/offsets"
)

// stageTries is how often a range is staged anew, each time under a fresh attempt, when the store fails while files are written.
const stageTries = 3

// A partitionError is about one partition alone: the others go on.
type partitionError struct{ err error }

func (e *partitionError) Error() string { return e.err.Error() }
func (e *partitionError) Unwrap() error { return e.err }

// errNothingLeft ends a proposal whose ranges others have committed meanwhile.
var errNothingLeft = errors.New("others have committed these ranges")

// errPeriodOver ends the reading of an attempt.
var errPeriodOver = errors.New("the period of the commit is over")

// readPeriod is how long an attempt waits for partitions that do not answer: commit_every.duration, but no less than a slow broker needs.
func (w *worker) readPeriod() time.Duration { return max(w.job.CommitEvery.Duration, time.Minute) }

// errTooOld ends a proposal whose staged bytes may be gone by the time they are published.
var errTooOld = errors.New("what was staged is too old to be committed: lower commit_every.duration, or run again")

// An attempt is one planned record and the files that were staged for it.
type attempt struct {
	id      string
	clock   time.Time
	maxOpen int // files that may be open at once for each range
	bundles []offsets.Bundle
}

// liftAll reads the ranges, several partitions at once, and stages their files under one fresh attempt.
// It returns when all ranges were read to their end, the attempt is full, or ctx (stop reading) is done.
func (w *worker) liftAll(ctx, hard context.Context, ranges []extract.Range) (*attempt, error) {
	a := &attempt{id: w.env.newAttempt(), clock: w.env.now().UTC()}
	a.maxOpen = max(1, w.env.cfg.MaxOpenFiles/(w.beside*min(w.env.parallel, len(ranges))))
	var (
		mu    sync.Mutex
		bytes atomic.Int64
	)
	began := w.env.now()
	every := w.job.CommitEvery
	// A partition that does not answer holds up only itself: after this period the others are committed without it.
	ctx, cancel := context.WithTimeoutCause(ctx, w.readPeriod(), errPeriodOver)
	defer cancel()
	full := func() bool {
		return bytes.Load() >= every.Bytes || w.env.now().Sub(began) >= every.Duration || w.limits.reached()
	}
	g, gctx := errgroup.WithContext(hard)
	g.SetLimit(w.env.parallel)
	for _, r := range ranges {
		g.Go(func() error {
			select {
			case w.env.reading <- struct{}{}:
				defer func() { <-w.env.reading }()
			case <-ctx.Done():
				return nil
			case <-gctx.Done():
				return gctx.Err()
			}
			if ctx.Err() != nil || full() {
				return nil
			}
			b, err := w.liftRange(ctx, gctx, a, r, func(n int64) bool { bytes.Add(n); return full() })
			if pe := (*partitionError)(nil); errors.As(err, &pe) {
				w.fail(r.Partition, err)
				return nil
			}
			if err != nil || b == nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			a.bundles = append(a.bundles, *b)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		// Nothing was proposed, so nothing names what was staged.
		w.discardBundles(hard, a.bundles)
		return nil, err
	}
	sortBundles(a.bundles)
	return a, nil
}

// liftRange stages the files of one range. It returns nil when nothing was read.
func (w *worker) liftRange(ctx, hard context.Context, a *attempt, r extract.Range, more func(bytes int64) bool) (*offsets.Bundle, error) {
	l, err := w.newLifter(w.set, a, r.Partition, nil)
	if err != nil {
		return nil, err
	}
	seen := int64(0)
	s, err := l.read(ctx, hard, w.desc.ID, r, func() bool {
		n := l.bytes - seen
		seen = l.bytes
		return more(n)
	})
	if err != nil {
		return nil, errors.Join(err, l.abort(hard))
	}
	if s.To == s.From {
		err := l.abort(hard)
		if errors.Is(context.Cause(ctx), errPeriodOver) && l.ended != nil {
			err = errors.Join(&partitionError{fmt.Errorf("read %s/%s: not one record in %s: %w", w.topic, r, w.readPeriod(), l.ended)}, err)
		}
		return nil, err
	}
	files, err := l.finish(hard)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("stage %s/%s: %w", w.topic, r, err), l.abort(hard))
	}
	if end := w.logEnds[r.Partition]; s.To >= end {
		s.AtEnd, s.EndTime = true, &w.endTime
	}
	w.env.hook("staged")
	return &offsets.Bundle{Segments: []offsets.Segment{s.Segment}, Files: files}, nil
}

// commit appends the attempt's record, and publishes it. It reports whether anything was committed.
func (w *worker) commit(ctx context.Context, a *attempt) (bool, error) {
	if len(a.bundles) == 0 {
		return false, nil
	}
	settings, err := w.log.PutSettings(ctx, w.set.bytes())
	if err != nil {
		w.discardBundles(ctx, a.bundles)
		return false, fmt.Errorf("%s: store the settings of the commit: %w", w.topic, err)
	}
	incarnation := w.log.State().Incarnation
	keep, dropped := a.bundles, []offsets.Bundle(nil)
	w.env.hook("before-put")
	rec, err := w.append(ctx, func(s *offsets.State) (offsets.Body, error) {
		// next only grows, and a fence or a new incarnation is never taken back: what is dropped here stays dropped.
		var lost []offsets.Bundle
		keep, lost = stillNext(s, keep, s.Incarnation == incarnation && !s.Fenced[a.id])
		dropped = append(dropped, lost...)
		if len(keep) == 0 {
			return nil, errNothingLeft
		}
		if w.env.now().Sub(a.clock) > stageLifetime {
			return nil, errTooOld
		}
		return &offsets.Commit{Lift: offsets.Lift{Incarnation: incarnation, Attempt: a.id, Settings: settings, Clock: a.clock, Bundles: keep}}, nil
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
	w.env.hook("committed")
	if err := w.carryOut(ctx, rec); err != nil {
		return true, atLeastPartial(err)
	}
	w.discardBundles(ctx, dropped)
	return true, nil
}

// atLeastPartial is the error of what comes after a commit: nothing of it undoes the commit.
func atLeastPartial(err error) error {
	if ExitCode(err) == ExitFailed {
		return partial(err)
	}
	return err
}

// stillNext splits bundles into those that a commit may name in state s, and the rest.
func stillNext(s *offsets.State, bundles []offsets.Bundle, allowed bool) (keep, lost []offsets.Bundle) {
	for _, b := range bundles {
		ok := allowed
		for _, seg := range b.Segments {
			p, there := s.Partitions[seg.Partition]
			ok = ok && there && p.Next == seg.From
		}
		if ok {
			keep = append(keep, b)
		} else {
			lost = append(lost, b)
		}
	}
	return keep, lost
}

// discardBundles gives up staged files that no record names and none can name any more. What it does not manage is left to gc.
func (w *worker) discardBundles(ctx context.Context, bundles []offsets.Bundle) {
	ctx, cancel := forCleanup(ctx)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(w.env.publishers)
	for _, b := range bundles {
		for _, f := range b.Files {
			g.Go(func() error {
				_, err := w.discard(ctx, f.Key, staged(f))
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		w.env.log.Warn("staged files are left behind, gc discards them", "topic", w.topic, "error", err)
	}
}

// cleanupTime bounds what a run that was told to stop still does to take back its own staged files. What it does not manage is gc's.
const cleanupTime = 20 * time.Second

// forCleanup detaches from a cancelled context for a bounded time.
func forCleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
}
