package jobs

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"shadoof/config"
	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/partitioning"
	"shadoof/record"
	"shadoof/storage"
)

// A worker is this process's work on one topic. Any number of workers, in any number of processes, may work on the same topic.
type worker struct {
	env         *Env
	job         *config.Job
	topic       string
	set         *Settings
	before      *Settings // of the newest commit; nil where there is none
	registry    func() (record.Registry, error)
	schemas     *schemas
	log         *offsets.Log
	desc        *extract.Topic
	described   string          // id of the newest record that was known when desc was asked for
	incarnation int             // of the topic then; 1 where there was no log
	until       time.Time       // as asked for; zero: to the end
	starts      map[int32]int64 // where partitions without a state begin, and which do; nil: by the job
	ends        map[int32]int64 // where this run ends, fixed at its start
	logEnds     map[int32]int64 // where the partitions ended then; a run with Until ends before
	asked       time.Time       // when that was
	endTime     time.Time       // the same, as records have it
	ahead       time.Duration   // by which it is ahead of the store's clock, or of ours as it is now, when that counted last
	mine        func(partition int32) bool
	decision    decisions
	limits      *limits
	shorter     shortening
	throttle    *throttle // the job's; nil where it may read as fast as it can
	task        task
	layout      *partitioning.Partitioner // for spanOf alone
	beside      int                       // topics that this run lifts side by side, this one included
	report      *TopicReport
	left        int64         // offsets, when it was looked
	looked      time.Time     // when that was
	spent       time.Duration // of the job's timeout
	ended       bool          // nothing more is done in this run

	// forgotten are epochs that leaders of partitions do not know any more: see cutter.parting.
	forgotten map[int32]int32

	mu     sync.Mutex
	failed map[int32]error
	gone   func(error) error // what a partition is failed with whose records the cluster dropped while they were read; may be another error
}

// decisions are a person's, by what they are about: recreated, moved, truncated, lost.
type decisions map[string]offsets.Decision

func (d decisions) of(what string) *offsets.Decision {
	if v, ok := d[what]; ok {
		return &v
	}
	return nil
}

func (e *Env) newWorker(job *config.Job, topic string) (*worker, error) {
	return e.newWorkerFor(e.run, job, topic)
}

func (e *Env) newWorkerFor(run string, job *config.Job, topic string) (*worker, error) {
	set, err := e.newSettings(job, topic)
	if err != nil {
		return nil, err
	}
	w := &worker{
		env: e, job: job, topic: topic, set: set, log: e.openLogFor(run, topic), failed: map[int32]error{}, forgotten: map[int32]int32{}, gone: func(err error) error { return err },
		mine: func(int32) bool { return true }, beside: 1, limits: newLimits(e.now, job.Limits), throttle: e.throttle(job), registry: e.oneRegistry(),
	}
	w.report = w.newReport()
	w.task = forward(w)
	w.schemas = w.newSchemas(set)
	return w, nil
}

// lookForMore folds the log, fixes where this run ends, and carries out what is committed and not done.
func (w *worker) lookForMore(ctx context.Context, until time.Time) error {
	if err := w.open(ctx); err != nil {
		return err
	}
	if err := w.fixEnds(ctx, until); err != nil {
		return err
	}
	if err := w.recover(ctx); err != nil {
		return err
	}
	return w.checkIdentity(ctx)
}

// liftLeft lifts what is left, attempt by attempt, until nothing is. ctx ends the reading; hard ends everything.
func (w *worker) liftLeft(ctx, hard context.Context) error {
	n, err := w.task.plan(hard)
	if err != nil {
		return err
	}
	w.env.progress.Begin(w.topic, n)
	decided := false
	for {
		if n, err = w.task.plan(hard); err != nil {
			return partialIf(w.report.Commits > 0, err)
		}
		if n == 0 {
			done, err := w.conclude(hard)
			if done || err != nil {
				return err
			}
			continue
		}
		if ctx.Err() != nil || w.limits.reached() {
			return errors.Join(w.stopped(ctx), w.completeUnless(ctx, hard))
		}
		if !decided {
			if err := w.rowsBefore(ctx); err != nil {
				return err
			}
			if err := w.decideTarget(ctx); err != nil {
				return err
			}
			decided = true
		}
		before := w.limits.used()
		a, err := w.task.lift(ctx, hard)
		if err == nil {
			w.shorter.succeeded(w.job.CommitEvery.Bytes)
			if err := w.tooManyBad(a); err != nil {
				w.discardBundles(hard, a.bundles) // nothing was proposed, so nothing names what was staged
				return partialIf(w.report.Commits > 0, err)
			}
			committed, err := w.task.commit(hard, a)
			if err != nil {
				return err
			}
			if !committed { // somebody else was first: see how far they came
				if _, err := w.log.Extend(hard); err != nil {
					return err
				}
			} else if err := w.completeFolders(hard); err != nil {
				return atLeastPartial(err)
			}
			continue
		}
		if growth := (*growthError)(nil); errors.As(err, &growth) {
			w.unread(before)
			w.grow(growth)
			continue
		}
		if !w.again(hard, before, err) {
			return err
		}
	}
}

// looksForLog is how often a log is looked for that is not there while things are that only a log explains. Whoever began the topic at the
// same time has written it by the second look; what was seen in a store that failed over is gone by then.
const looksForLog = 3

// open folds the log. A topic without a log is new only if nothing at all of it is in the store.
func (w *worker) open(ctx context.Context) error {
	for look := 1; ; look++ {
		s, err := w.log.Load(ctx)
		if err == nil {
			w.report.FromVersion = s.V
			return w.ownLog()
		}
		if !errors.Is(err, offsets.ErrEmpty) {
			return err
		}
		wrong, err := w.withoutLog(ctx)
		switch {
		case err != nil:
			return err
		case wrong == nil:
			return w.tryMoves(ctx)
		case look == looksForLog:
			return halt(wrong)
		}
	}
}

// withoutLog looks for what a topic without a log should not have. It returns what is wrong with the topic, or nil.
func (w *worker) withoutLog(ctx context.Context) (wrong, err error) {
	traces, err := w.log.Traces(ctx)
	if err != nil {
		return nil, err
	}
	if len(traces) > 0 {
		return fmt.Errorf("%s: the commit log is empty, but %s exists: a part of the log was deleted or expired; nothing was read: "+
			"restore `%s` from a backup (lifecycle rules must not touch _shadoof)", w.topic, traces[0], offsets.Dir(w.topic)), nil
	}
	for e, err := range w.env.store.List(ctx, storage.Query{Prefix: w.set.Folder + "/"}) {
		if err != nil {
			return nil, fmt.Errorf("%s: look into the topic's folder: %w", w.topic, err)
		}
		if w.decision.of("existing") != nil {
			break
		}
		return fmt.Errorf("%s: the topic has no commit log, but %w %s: files of another tool, or the log was deleted; nothing was read: "+
			"if the files are another tool's, %s leaves them as they are", w.topic, errForeign, e.Name, w.resolution("--accept-existing")), nil
	}
	return nil, nil
}

var errForeign = errors.New("its folder holds")

// fixEnds asks the cluster for the topic as it is now, and fixes where this run ends.
func (w *worker) fixEnds(ctx context.Context, until time.Time) error {
	w.asked = w.env.now() // before the answer: ends are at least as far by then
	w.described, w.incarnation, w.until = w.log.State().ID, max(w.log.State().Incarnation, 1), until
	desc, err := w.env.source.Describe(ctx, w.topic)
	if errors.Is(err, extract.ErrNoTopic) {
		return fmt.Errorf("%w: create it, or take it out of job %s", err, w.job.Name)
	}
	if err != nil {
		return err
	}
	w.desc, w.endTime, w.ends = desc, w.asked.UTC().Truncate(time.Millisecond), map[int32]int64{}
	w.logEnds, w.report.OpenTransactions = map[int32]int64{}, 0
	var at map[int32]int64
	if !until.IsZero() {
		if at, err = w.env.source.OffsetsAt(ctx, w.topic, until); err != nil {
			return fmt.Errorf("%s: offsets at %s: %w", w.topic, until.Format(time.RFC3339), err)
		}
	}
	for _, p := range desc.Partitions {
		if !w.mine(p.Partition) {
			continue
		}
		if p.Err != nil {
			w.fail(p.Partition, fmt.Errorf("%s/%d: %w", w.topic, p.Partition, p.Err))
			continue
		}
		end := p.End(w.env.readCommitted)
		if p.HighWatermark > p.LastStable && w.env.readCommitted {
			w.report.OpenTransactions += p.HighWatermark - p.LastStable
			w.env.log.Warn("an open transaction holds back the end of the partition", "topic", w.topic, "partition", p.Partition, "last_stable", p.LastStable, "high_watermark", p.HighWatermark)
		}
		w.logEnds[p.Partition] = end
		if t, ok := at[p.Partition]; ok {
			end = min(end, t)
		}
		w.ends[p.Partition] = end
	}
	return nil
}

func left(ranges []extract.Range) (n int64) {
	for _, r := range ranges {
		n += r.Len()
	}
	return n
}

// conclude ends a run that has nothing left to read. What it rests on was read from the log, so it must be durable (rule 10); if
// a record turns out to have vanished, there is something to do after all.
func (w *worker) conclude(ctx context.Context) (done bool, err error) {
	if err := w.log.ConfirmNewest(ctx); err != nil {
		return false, err
	}
	if len(w.log.Unmarked()) > 0 { // other workers' versions, which they publish themselves as a rule
		if err := w.log.RefreshMarks(ctx); err != nil {
			return false, err
		}
	}
	if err := w.recover(ctx); err != nil {
		return false, err
	}
	n, err := w.task.plan(ctx)
	if err != nil {
		return false, err
	}
	if err := w.failures(); n > 0 || err != nil {
		return n == 0, err
	}
	return true, atLeastPartialIf(w.report.Commits > 0, w.completeFolders(ctx))
}

// stopped ends a run before its end: by a limit of the job, which is success, or by a signal.
func (w *worker) stopped(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return errors.Join(w.failures(), partialIf(w.report.Commits > 0, fmt.Errorf("%s: stopped before the end of the run: %w", w.topic, context.Cause(ctx))))
	}
	w.report.Limited = true
	return w.failures()
}

// completeUnless is completeFolders for a run that ends before its end, by a limit. One that was told to stop does no more.
func (w *worker) completeUnless(ctx, hard context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	return atLeastPartialIf(w.report.Commits > 0, w.completeFolders(hard))
}

func atLeastPartialIf(committed bool, err error) error {
	if err != nil && committed {
		return atLeastPartial(err)
	}
	return err
}

func partialIf(committed bool, err error) error {
	if committed {
		return partial(err)
	}
	return err
}

func (w *worker) fail(partition int32, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed[partition] == nil {
		w.failed[partition] = err
	}
}

// failures joins what kept single partitions from being read. It is partial when other partitions are done.
func (w *worker) failures() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.failed) == 0 {
		return nil
	}
	var parts []int32
	for p := range w.failed {
		parts = append(parts, p)
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i] < parts[j] })
	var errs []error
	code := ExitFailed
	for _, p := range parts {
		errs = append(errs, w.failed[p])
		code = worst(code, ExitCode(w.failed[p]))
	}
	mine := 0
	for _, p := range w.desc.Partitions {
		if w.mine(p.Partition) {
			mine++
		}
	}
	if code == ExitFailed && (w.report.Commits > 0 || len(parts) < mine) {
		code = ExitPartial
	}
	return &codedError{code, errors.Join(errs...)}
}

// append proposes a record, after the store was found fit, and keeps the caches of the log up.
func (w *worker) append(ctx context.Context, decide func(*offsets.State) (offsets.Body, error)) (*offsets.Record, error) {
	if err := w.env.fitStore(ctx); err != nil {
		return nil, err
	}
	r, err := w.log.Append(ctx, func(s *offsets.State) (offsets.Body, error) {
		body, err := decide(s)
		if err != nil {
			return nil, err
		}
		return w.stamp(ctx, s, body)
	})
	if err != nil {
		return nil, err
	}
	if err := w.log.Checkpoint(ctx); err != nil {
		w.env.log.Warn("checkpoint of the commit log failed; the log itself is whole", "topic", w.topic, "error", err)
	}
	return r, nil
}

func (w *worker) progress(records, bytes int64) {
	w.limits.add(records, bytes)
	w.env.progress.Add(w.topic, records, bytes)
}

func staged(f offsets.File) storage.Staged { return storage.Staged{Bytes: f.Bytes, Token: f.Token} }
