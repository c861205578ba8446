package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/writers"
)

// comparedFor is how long two clocks count as compared, by ours: one that is put back or forward is compared again.
const comparedFor = time.Minute

// A clockCompared is by how much our clock was ahead of the store's when both were looked at.
type clockCompared struct {
	turn  chan struct{} // holds one element while somebody uses what follows
	at    time.Time     // by our clock, as it showed it; zero: never
	ahead time.Duration
}

// clockAhead is by how much our clock is ahead of the store's, and never negative. known is false where the store is away, or there is no
// time left to ask it: another time it will tell. A store that does not tell at all leaves it at 0: what is judged goes by our clock then, and the
// log of the process says so.
func (w *worker) clockAhead(ctx context.Context) (ahead time.Duration, known bool) {
	c := &w.env.compared
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return 0, false
	}
	ours := w.env.now().Round(0) // without the reading that a clock keeps when it is set, and that stands still while the machine sleeps
	if since := ours.Sub(c.at); !c.at.IsZero() && since.Abs() < comparedFor {
		return c.ahead, true
	}
	theirs, err := w.timeOfStaging(ctx)
	switch ahead = ours.Sub(theirs); {
	case err != nil && (ctx.Err() != nil || errors.Is(err, storage.ErrAway)):
		w.env.log.Warn("the store could not be asked for its time: nothing is said to be complete for now", "topic", w.topic, "error", err)
		return 0, false
	case err != nil:
		w.env.log.Warn("the store does not tell its time: markers go by the clock of this machine alone", "topic", w.topic, "error", err)
		ahead = 0
	case ahead > comparedFor:
		w.env.log.Warn("the clock of this machine is ahead of the store's: markers go by the store's; set both by NTP", "ahead", ahead.Round(time.Second))
	}
	c.at, c.ahead = ours, max(0, ahead)
	return c.ahead, true
}

// tooFar is by how much the time of the end of a run lies behind the moment when the ends were asked for, by the clock that is behind.
// The clock may have been put right since.
func (w *worker) tooFar(ahead time.Duration) time.Duration {
	now := w.env.now()
	return max(0, w.endTime.Sub(now.Add(-ahead-max(0, now.Sub(w.asked)))))
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
