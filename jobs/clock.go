package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/writers"
)

// comparedFor is how long two clocks count as compared, by ours: one that is put back or forward is compared again.
const comparedFor = time.Minute

// A clockCompared is by how much our clock was ahead of the store's when both were looked at.
type clockCompared struct {
	sync.Mutex
	at    time.Time // by our clock; zero: never
	ahead time.Duration
}

// clockAhead is by how much our clock is ahead of the store's, and never negative. Where the store does not tell it is 0: what is judged
// goes by our clock then, and the log of the process says so.
func (w *worker) clockAhead(ctx context.Context) time.Duration {
	c := &w.env.compared
	c.Lock()
	defer c.Unlock()
	ours := w.env.now()
	if since := ours.Sub(c.at); !c.at.IsZero() && since.Abs() < comparedFor {
		return c.ahead
	}
	theirs, err := w.timeOfStaging(ctx)
	c.at, c.ahead = ours, 0
	switch ahead := ours.Sub(theirs); {
	case err != nil:
		w.env.log.Warn("the store does not tell its time: markers go by the clock of this machine alone", "topic", w.topic, "error", err)
	case ahead > comparedFor:
		w.env.log.Warn("the clock of this machine is ahead of the store's: markers go by the store's; set both by NTP", "ahead", ahead.Round(time.Second))
		c.ahead = ahead
	case ahead > 0:
		c.ahead = ahead
	}
	return c.ahead
}

// timeOfStaging stages a file, asks the store when that was, and discards it: what every worker may do, unlike to delete. Its name is that
// of a file of an attempt that never commits, so that gc finds what a crash leaves.
func (w *worker) timeOfStaging(ctx context.Context) (at time.Time, err error) {
	attempt := w.env.newID(8)
	name := writers.Name{Topic: w.topic, Partition: writers.Several, Attempt: attempt, Extension: ".time"}
	staging := name.Staging(offsets.StagingDir(w.topic, attempt))
	key := offsets.QuarantineDir(w.topic) + "/" + name.String()
	fail := func(err error) (time.Time, error) { return time.Time{}, fmt.Errorf("stage %s: %w", key, err) }
	file, err := w.env.store.Stage(ctx, storage.StageRequest{Key: key, Staging: staging})
	if err != nil {
		return fail(err)
	}
	if _, err := file.Write([]byte("{}\n")); err != nil {
		return fail(errors.Join(err, file.Abort(ctx)))
	}
	s, err := file.Finish(ctx)
	if err != nil {
		return fail(err)
	}
	defer func() {
		_, discarding := w.discard(ctx, key, s)
		err = errors.Join(err, discarding)
	}()
	for e, err := range w.env.store.List(ctx, storage.Query{Staged: true, Prefix: key, Staging: staging}) {
		if err != nil {
			return fail(err)
		}
		return e.Modified, nil
	}
	return fail(errors.New("a listing does not show it"))
}
