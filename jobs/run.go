package jobs

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"golang.org/x/sync/errgroup"
)

// topicsAtOnce is how many topics a run lifts side by side.
const topicsAtOnce = 4

// RunOptions say what one run does.
type RunOptions struct {
	Selection
	Shard, Shards int             // with Shards > 0: only the partitions that fall to this shard, counted from 0
	Until         time.Time       // do not read records from this time on, by the broker's time index
	Hard          context.Context // ends everything; the run's own ctx only ends the reading. nil: the same
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
	report := &RunReport{Run: e.run}
	registry := e.oneRegistry()
	var workers []*worker
	for _, c := range claims {
		w, err := e.newWorker(c.job, c.topic)
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
	var g errgroup.Group
	g.SetLimit(topicsAtOnce)
	for _, w := range workers {
		w.beside = min(topicsAtOnce, len(workers))
		g.Go(func() error {
			w.run(ctx, hard, o.Until)
			return nil
		})
	}
	return report, g.Wait()
}

// run lifts the topic and fills in its report.
func (w *worker) run(ctx, hard context.Context, until time.Time) {
	w.reported(ctx, hard, func(ctx, hard context.Context) error { return w.lift(ctx, hard, until) })
}

// reported does something within the job's timeout, and fills in the report.
func (w *worker) reported(ctx, hard context.Context, do func(ctx, hard context.Context) error) {
	began := w.env.now()
	if w.job.Timeout > 0 {
		// As a signal does: the reading ends, and what is staged by then is committed, as long as the grace allows.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.job.Timeout, fmt.Errorf("timeout of %s", w.job.Timeout))
		defer cancel()
		hard, cancel = context.WithTimeoutCause(hard, w.job.Timeout+w.env.grace, fmt.Errorf("timeout of %s, and shutdown_grace of %s", w.job.Timeout, w.env.grace))
		defer cancel()
	}
	r := w.report
	r.Err = do(ctx, hard)
	r.Seconds = w.env.now().Sub(began).Seconds()
	r.Outcome = outcomeOf(r)
	w.standing()
	if r.Err != nil {
		r.Error = r.Err.Error()
	}
	w.env.progress.End(r)
}

// shardOf spreads the partitions of all topics over shards: single-partition topics do not all fall to the same one.
func shardOf(topic string, partition int32, shards int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(topic))
	return int((uint64(h.Sum32()) + uint64(partition)) % uint64(shards))
}
