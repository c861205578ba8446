package jobs

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"shadoof/config"
	"shadoof/extract"
)

// A throttle bounds how fast a job reads: the keys and values of all its topics together, decompressed, as limits.bytes counts them. Whoever
// has read more than there is time for waits before it reads on. It is safe for concurrent use.
type throttle struct{ limiter *rate.Limiter }

// leastBatch is what is read at once at least, however slow the job is to be.
const leastBatch = 16 << 10

// throttle is the one of a job, in this process; nil where it is not bounded.
func (e *Env) throttle(job *config.Job) *throttle {
	perSecond := job.Limits.BytesPerSecond
	if perSecond == 0 {
		return nil
	}
	e.throttling.Lock()
	defer e.throttling.Unlock()
	t := e.throttles[job.Name]
	if t == nil {
		// What was not used is saved up for a second at most. At first nothing is.
		t = &throttle{rate.NewLimiter(rate.Limit(perSecond), burst(perSecond))}
		t.limiter.AllowN(time.Now(), t.limiter.Burst())
		if e.throttles == nil {
			e.throttles = map[string]*throttle{}
		}
		e.throttles[job.Name] = t
	}
	return t
}

func burst(perSecond int64) int { return int(min(perSecond, 1<<30)) }

// wait returns when so many bytes, which were read, are paid for, or when ctx ends.
func (t *throttle) wait(ctx context.Context, bytes int64) {
	if t == nil {
		return
	}
	for bytes > 0 && ctx.Err() == nil {
		n := min(bytes, int64(t.limiter.Burst()))
		bytes -= n
		r := t.limiter.ReserveN(time.Now(), int(n))
		if !pauseFor(ctx, r.Delay()) {
			r.Cancel()
		}
	}
}

// pauseFor waits, and says whether ctx let it.
func pauseFor(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// slowly makes batches small enough for a throttle: a stop, or another limit, is looked at between two of them.
func (t *throttle) slowly(s extract.Share) extract.Share {
	if t == nil {
		return s
	}
	most := max(int64(t.limiter.Burst()), leastBatch)
	if s.Bytes == 0 || s.Bytes > most {
		s.Bytes = most
	}
	return s
}
