package jobs

import (
	"context"
	"errors"
	"time"

	"shadoof/storage"
)

const (
	// stageTries is how often ranges are staged anew, each time under a fresh attempt, when the store fails while files are written.
	stageTries = 3

	// awayTries is the same where the store, or a part of it, does not answer, as long as awayPatience is not over. That passes: each
	// data node of a cluster that is restarted node by node takes files with it, and is back within half a minute.
	awayTries    = 12
	awayPatience = 2 * time.Minute

	// leastAttempt is what an attempt may always read, in bytes of keys and values.
	leastAttempt = 1 << 20
)

// A shortening bounds attempts while staging fails. A failed attempt is read again whole, so that one that takes longer than the store
// goes without a fault never succeeds, however often it is tried. After a failure the next attempt may read half of what that one
// had, and after a success twice as much as before, until commit_every is the nearer bound again. The price is smaller files meanwhile.
type shortening struct {
	tries int       // that failed, in a row
	since time.Time // when the first of them did
	bytes int64     // that an attempt may read; 0: no bound
}

// failed notes that an attempt failed, after it had read so many bytes, and says whether there is another.
func (s *shortening) failed(now time.Time, read int64, err error) bool {
	if s.tries++; s.tries == 1 {
		s.since = now
	}
	if s.bytes == 0 || read < s.bytes {
		s.bytes = read
	}
	s.bytes = max(s.bytes/2, leastAttempt)
	if errors.Is(err, storage.ErrAway) && now.Sub(s.since) < awayPatience {
		return s.tries < awayTries
	}
	return s.tries < stageTries
}

// succeeded notes that an attempt was staged. most is what one may read when nothing fails.
func (s *shortening) succeeded(most int64) {
	s.tries = 0
	if s.bytes *= 2; s.bytes >= most {
		s.bytes = 0
	}
}

// most is what an attempt may read.
func (s *shortening) most(every int64) int64 {
	if s.bytes == 0 {
		return every
	}
	return min(s.bytes, every)
}

// again says whether an attempt that failed is followed by another, and waits before it. Nothing was proposed, and a fresh attempt shares
// no name with the one that failed.
func (w *worker) again(ctx context.Context, before [2]int64, err error) bool {
	if read := w.unread(before); !w.shorter.failed(w.env.now(), read, err) || ctx.Err() != nil || ExitCode(err) != ExitFailed {
		return false
	}
	w.report.Retries++
	w.env.log.Warn("staging failed, trying again under a new attempt", "topic", w.topic, "try", w.shorter.tries, "error", err)
	return w.env.pause(ctx, w.shorter.tries+4) == nil
}

// unread takes back what an attempt read that comes to nothing, and says how many bytes that was.
func (w *worker) unread(before [2]int64) int64 {
	now := w.limits.used()
	w.limits.restore(before)
	w.env.progress.Add(w.topic, before[0]-now[0], before[1]-now[1])
	return now[1] - before[1]
}
