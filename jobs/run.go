package jobs

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// liftsAtOnce is how many topics a process lifts side by side: each has its part of the memory. Beside them go so many of whom each is over
	// in a moment, most of which is waiting for the store.
	liftsAtOnce, smallAtOnce = 4, 12

	// small is how many offsets such a topic has at most.
	small = 20_000

	// looksAtOnce is how many topics a process looks at side by side, for what is left to lift: that is waiting for the store and for Kafka, and
	// takes next to no memory.
	looksAtOnce = 32
)

// RunOptions say what one run does.
type RunOptions struct {
	Selection
	Shard, Shards int             // with Shards > 0: only the partitions that fall to this shard, counted from 0
	Until         time.Time       // do not read records from this time on, by the broker's time index
	Hard          context.Context // ends everything; the run's own ctx only ends the reading. nil: the same
	ID            string          // of the run, in the records that it writes; "": that of the process
	Beside        bool            // the process may have other runs under way
}

// Run lifts the selected topics once, each from its committed offsets to the end that stands now. ctx ends the reading: what is
// staged by then is still committed, as long as o.Hard allows. The report is complete also when the error is not nil: the error is
// about the run as a whole, errors of topics are in the report.
func (e *Env) Run(ctx context.Context, o RunOptions) (*RunReport, error) {
	hard := o.Hard
	if hard == nil {
		hard = ctx
	}
	claims, err := e.claims(ctx, o.Selection)
	if err != nil {
		return nil, err
	}
	if err := e.checkRoot(ctx); err != nil {
		return nil, err
	}
	began, report := e.now(), &RunReport{Run: cmp.Or(o.ID, e.run)}
	registry := e.oneRegistry()
	var workers []*worker
	for _, c := range claims {
		w, err := e.newWorkerFor(report.Run, c.job, c.topic)
		if err == nil {
			_, err = e.compile(w.set, w.schemas.find)
		}
		if err != nil {
			return nil, err // before any topic is touched
		}
		w.registry = registry
		if o.Shards > 0 {
			w.mine = func(p int32) bool { return shardOf(c.topic, p, o.Shards) == o.Shard }
		}
		workers = append(workers, w)
		report.Topics = append(report.Topics, w.report)
	}
	e.lookAll(ctx, hard, workers, o.Until)
	e.liftInTurn(ctx, hard, workers, o.Beside)
	report.Seconds = e.now().Sub(began).Seconds()
	return report, nil
}

// lookAll finds out what is left to lift of each topic. Those with nothing new are done.
func (e *Env) lookAll(ctx, hard context.Context, workers []*worker, until time.Time) {
	var g errgroup.Group
	g.SetLimit(looksAtOnce)
	for _, w := range workers {
		g.Go(func() error {
			defer take(ctx, e.looks)()
			w.look(ctx, hard, until)
			return nil
		})
	}
	_ = g.Wait() // errors are the topics'
}

// liftInTurn lifts what is left. The topic whose log was written longest ago goes first, so that those that a run does not come to, because
// somebody ends it, come before all others in the next one. beside: other runs of the process may do the same now.
func (e *Env) liftInTurn(ctx, hard context.Context, workers []*worker, beside bool) {
	var turns []*worker
	for _, w := range workers {
		if !w.ended {
			turns = append(turns, w)
		}
	}
	slices.SortStableFunc(turns, func(a, b *worker) int { return a.log.Written().Compare(b.log.Written()) })
	large, few := halves(turns, func(w *worker) bool { return w.left > small })
	side := min(e.topicsAtOnce, len(large)) + min(e.smallAtOnce, len(few))
	if beside {
		side = e.topicsAtOnce + e.smallAtOnce
	}
	var g errgroup.Group
	g.Go(func() error { return liftSome(ctx, hard, large, e.turns, side) })
	g.Go(func() error { return liftSome(ctx, hard, few, e.smallTurns, side) })
	_ = g.Wait()
}

// liftSome lifts topics in their order, as many at once as there are places, beside others. It returns nil: errors are the topics'.
func liftSome(ctx, hard context.Context, turns []*worker, places chan struct{}, beside int) error {
	var g errgroup.Group
	g.SetLimit(cap(places))
	for _, w := range turns {
		w.beside = beside
		g.Go(func() error {
			defer take(ctx, places)()
			w.run(ctx, hard)
			return nil
		})
	}
	return g.Wait()
}

func halves(all []*worker, first func(*worker) bool) (yes, no []*worker) {
	for _, w := range all {
		if first(w) {
			yes = append(yes, w)
		} else {
			no = append(no, w)
		}
	}
	return yes, no
}

// take waits for one of the places that all runs of a process share, and returns what gives it back. When ctx ends first there is nothing to
// give back, and nothing left to do but to say so.
func take(ctx context.Context, places chan struct{}) (release func()) {
	select {
	case places <- struct{}{}:
		return func() { <-places }
	case <-ctx.Done():
		return func() {}
	}
}

// look finds out what is left to lift of the topic, after it has carried out what is committed already.
func (w *worker) look(ctx, hard context.Context, until time.Time) {
	w.spend(ctx, hard, func(ctx, hard context.Context) (done bool, err error) {
		if err = w.lookForMore(ctx, until); err != nil {
			return true, err
		}
		if w.left, err = w.task.plan(hard); err != nil || w.left > 0 {
			return err != nil, err
		}
		return w.conclude(hard)
	})
}

// run lifts what is left of the topic.
func (w *worker) run(ctx, hard context.Context) {
	w.spend(ctx, hard, func(ctx, hard context.Context) (bool, error) {
		w.limits.begin()
		if err := w.catchUp(ctx); err != nil {
			return true, err
		}
		return true, w.liftLeft(ctx, hard)
	})
}

// reported does something within the job's timeout, and fills in the report.
func (w *worker) reported(ctx, hard context.Context, do func(ctx, hard context.Context) error) {
	w.spend(ctx, hard, func(ctx, hard context.Context) (bool, error) { return true, do(ctx, hard) })
}

// spend does a part of the run over the topic, within what is left of the job's timeout, and fills in the report after the last one.
func (w *worker) spend(ctx, hard context.Context, do func(ctx, hard context.Context) (done bool, err error)) {
	began := w.env.now()
	if w.job.Timeout > 0 {
		// As a signal does: the reading ends, and what is staged by then is committed, as long as the grace allows.
		left := w.job.Timeout - w.spent
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, left, fmt.Errorf("timeout of %s", w.job.Timeout))
		defer cancel()
		hard, cancel = context.WithTimeoutCause(hard, left+w.env.grace, fmt.Errorf("timeout of %s, and shutdown_grace of %s", w.job.Timeout, w.env.grace))
		defer cancel()
	}
	r := w.report
	w.ended, r.Err = do(ctx, hard)
	w.looked = w.env.now()
	w.spent += w.looked.Sub(began)
	if !w.ended {
		return
	}
	r.Seconds = w.spent.Seconds()
	r.Outcome = outcomeOf(r)
	w.standing()
	if r.Err != nil {
		r.Error, r.Advice = r.Err.Error(), Advice(w.topic, r.Err)
	}
	w.env.progress.End(r)
}

// stale is how long after a look a topic's log is looked at again before anything is lifted: another worker may have gone on with it.
const stale = time.Minute

func (w *worker) catchUp(ctx context.Context) error {
	if ctx.Err() != nil || w.env.now().Sub(w.looked) < stale {
		return nil
	}
	_, err := w.log.Extend(ctx)
	return err
}

// shardOf spreads the partitions of all topics over shards: single-partition topics do not all fall to the same one.
func shardOf(topic string, partition int32, shards int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(topic))
	return int((uint64(h.Sum32()) + uint64(partition)) % uint64(shards))
}
