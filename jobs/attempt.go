package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"shadoof/config"
	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/record"
	"shadoof/writers"
)

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
	id       string
	clock    time.Time
	maxOpen  int // files that each lifter may have open at once
	together int // ranges that each lifter reads at once
	share    extract.Share
	sequence writers.Sequence
	unknown  atomic.Int64           // fields that records had and nobody has described
	early    atomic.Int64           // files that were finished for want of memory or of open files
	example  atomic.Pointer[string] // a record that was quarantined
	bundles  []offsets.Bundle
}

// liftAll reads the ranges, several bundles at once, and stages their files under one fresh attempt.
// It returns when all ranges were read to their end, the attempt is full, or ctx (stop reading) is done.
func (w *worker) liftAll(ctx, hard context.Context, ranges []extract.Range) (*attempt, error) {
	last, err := w.lastLift(ctx, lastRecords)
	if err != nil {
		return nil, fmt.Errorf("%s: see what the last commit made of its offsets: %w", w.topic, err)
	}
	parts := w.divide(ranges, yieldOf(last))
	oldestFirst(parts, w.log.State())
	return w.liftParts(ctx, hard, parts, false)
}

// liftParts reads parts, each of which becomes a bundle, several at once, and stages their files under one fresh attempt. With whole a
// part is read to its end or not at all: one that was begun is not cut off when the attempt is full.
func (w *worker) liftParts(ctx, hard context.Context, parts [][]extract.Range, whole bool) (*attempt, error) {
	lifters := min(w.beside*min(w.env.parallel, len(parts)), cap(w.env.lifting))
	a := &attempt{id: w.env.newAttempt(), clock: w.env.now().UTC(), maxOpen: max(1, w.env.cfg.MaxOpenFiles/lifters), together: w.env.together(lifters)}
	if !whole {
		a.share = w.throttle.slowly(w.limits.share(ranges(parts)))
	}
	var (
		mu    sync.Mutex
		bytes atomic.Int64
	)
	began := w.env.now()
	every := w.job.CommitEvery
	every.Bytes = w.shorter.most(every.Bytes)
	ctx, came, cancel := w.withPeriod(ctx, whole)
	defer cancel()
	full := func() bool {
		return bytes.Load() >= every.Bytes || w.env.now().Sub(began) >= every.Duration || w.limits.reached()
	}
	g, gctx := errgroup.WithContext(hard)
	g.SetLimit(w.env.parallel)
	for _, part := range parts {
		g.Go(func() error {
			select {
			case w.env.lifting <- struct{}{}:
				defer func() { <-w.env.lifting }()
			case <-ctx.Done():
				return nil
			case <-gctx.Done():
				return gctx.Err()
			}
			if ctx.Err() != nil || full() && a.share == (extract.Share{}) {
				return nil
			}
			b, err := w.liftBundle(ctx, gctx, a, part, whole, func(n int64) bool { bytes.Add(n); came(); return !whole && full() })
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
	w.tellAbout(a)
	return a, nil
}

// withPeriod bounds how long an attempt waits for partitions that do not answer: such a one holds up only itself. The period is one for all
// that is read; or begins anew whenever something came.
func (w *worker) withPeriod(ctx context.Context, anew bool) (_ context.Context, came, cancel func()) {
	period := w.readPeriod()
	if !anew {
		ctx, cancel := context.WithTimeoutCause(ctx, period, errPeriodOver)
		return ctx, func() {}, cancel
	}
	ctx, end := context.WithCancelCause(ctx)
	t := time.AfterFunc(period, func() { end(errPeriodOver) })
	return ctx, func() { t.Reset(period) }, func() { t.Stop(); end(nil) }
}

// tellAbout logs what an operator may want to change.
func (w *worker) tellAbout(a *attempt) {
	if n := a.unknown.Load(); n > 0 {
		w.env.log.Info("records had fields that their schema does not name: they are left out", "topic", w.topic, "fields", n)
	}
	if n := a.early.Load(); n > 0 {
		w.report.EarlyFiles += n
		w.env.log.Warn("files were finished before they had their size, for want of memory or of open files: raise memory or max_open_files if they are too small",
			"topic", w.topic, "files", n, "memory", config.FormatSize(w.env.cfg.Memory), "max_open_files", w.env.cfg.MaxOpenFiles)
	}
}

// liftBundle stages the files of ranges, which they share. It returns nil when nothing was read; with whole, when not all was. Partitions
// that fail are noted with the worker: the ranges of the others stand.
func (w *worker) liftBundle(ctx, hard context.Context, a *attempt, ranges []extract.Range, whole bool, full func(bytes int64) bool) (*offsets.Bundle, error) {
	l, err := w.newLifter(w.schemas, a, ranges, nil)
	if err != nil {
		return nil, err
	}
	seen := int64(0)
	segments, err := l.read(ctx, hard, w.desc.ID, ranges, func() bool {
		n := l.bytes - seen
		seen = l.bytes
		return full(n)
	})
	if err != nil {
		err = errors.Join(err, l.abort(hard))
		if pe := (*partitionError)(nil); errors.As(err, &pe) && l.failed >= 0 {
			// Rows of the partition's unfinished batch are among the others: all of them are read again, without it.
			w.fail(l.failed, err)
			w.progress(-l.rows, -l.told)
			return nil, nil
		}
		return nil, err
	}
	b, short := &offsets.Bundle{}, false
	for i, s := range segments {
		w.judge(ctx, s, ranges[i], whole)
		short = short || s.To < ranges[i].Next
		if s.To > s.From {
			if len(s.epochs) > 1 {
				s.Epochs = s.epochs
			}
			b.Segments = append(b.Segments, s.Segment)
		}
	}
	if len(b.Segments) == 0 || whole && short {
		w.progress(-l.rows, -l.told)
		return nil, l.abort(hard)
	}
	if b.Files, err = l.finish(hard); err != nil {
		return nil, errors.Join(fmt.Errorf("stage %s, %d partitions from %s on: %w", w.topic, len(ranges), ranges[0], err), l.abort(hard))
	}
	a.early.Add(int64(l.data.ClosedEarly()))
	a.unknown.Add(record.UnknownFields(l.decoder))
	if l.example != "" {
		a.example.CompareAndSwap(nil, &l.example)
	}
	w.env.hook("staged")
	return b, nil
}

// judge says what the end of a segment means: whether its partition is at its end, or failed.
func (w *worker) judge(ctx context.Context, s *segment, r extract.Range, whole bool) {
	if pe := (*partitionError)(nil); errors.As(s.failed, &pe) {
		w.fail(s.Partition, w.gone(s.failed))
	} else if s.failed != nil && (whole || s.To == s.From) && errors.Is(context.Cause(ctx), errPeriodOver) {
		w.fail(s.Partition, fmt.Errorf("read %s/%s: not one record in %s: %w", w.topic, extract.Range{Partition: r.Partition, First: s.To, Next: r.Next}, w.readPeriod(), s.failed))
	}
	if w.task.reachesEnd() && slices.ContainsFunc(w.desc.Partitions, func(p extract.Partition) bool {
		// Where a transaction is open the high watermark is out of reach: what it holds back may be older than what was read.
		return p.Partition == s.Partition && p.Err == nil && s.To >= p.HighWatermark
	}) {
		s.AtEnd, s.EndTime = true, &w.endTime
	}
}

// atLeastPartial is the error of what comes after a commit: nothing of it undoes the commit.
func atLeastPartial(err error) error {
	if ExitCode(err) == ExitFailed {
		return partial(err)
	}
	return err
}

// split divides bundles into those all segments of which fit, and the rest.
func split(bundles []offsets.Bundle, allowed bool, fits func(offsets.Segment) bool) (keep, lost []offsets.Bundle) {
	for _, b := range bundles {
		if allowed && !slices.ContainsFunc(b.Segments, func(s offsets.Segment) bool { return !fits(s) }) {
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
