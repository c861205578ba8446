package jobs

import (
	"context"
	"errors"
	"slices"
	"time"

	"shadoof/internal/admin"
)

// longestWait bounds how long the wait before a retry grows. A wait that is configured to be longer stays as it is.
const longestWait = time.Hour

// errNextIsDue ends a retry.
var errNextIsDue = errors.New("the next run of the job is due, and goes on with it")

// A nextTry is what is left to be tried again of a run that failed.
type nextTry struct {
	number int           // from 1, of the times that the job allows
	wait   time.Duration // before it
	at     time.Time
	topics []string // the only ones that are tried again; nil: all of the job
	halted admin.Run
}

// retryOf is what is to be tried again of a run that ended; nil for nothing. It is for the same slot of the schedule: what does not fit in
// before the next one is left to that.
func (s *Scheduler) retryOf(e ending) *nextTry {
	j, before := e.job, e.due.retry
	r := &nextTry{number: 1, wait: j.job.Retry.Wait}
	if before != nil {
		r.number, r.wait = before.number+1, max(before.wait, min(2*before.wait, longestWait))
		r.halted = before.halted
	}
	select {
	case <-s.over:
		return nil
	default:
	}
	if r.number > j.job.Retry.Times || j.waiting != nil {
		return nil
	}
	var any bool
	if r.topics, any = failedTopics(e); !any {
		return nil
	}
	r.at = s.now().Add(r.wait)
	if j.table.schedule != nil && !r.at.Before(j.table.at) {
		return nil
	}
	if halted := haltedOf(e.report); halted.Exit != ExitDone {
		r.halted = halted
	}
	return r
}

// worthARetry says whether what ended with a status may end better the next time, without anybody's doing. What needs a person does not.
func worthARetry(exit int) bool {
	return exit == ExitFailed || exit == ExitPartial || exit == ExitUnknown
}

// failedTopics are those of a run that are worth a retry; nil are all that the run was for.
func failedTopics(e ending) (topics []string, any bool) {
	if e.err != nil || e.report == nil {
		return e.due.topics, worthARetry(ExitCode(e.err))
	}
	for _, t := range e.report.Topics {
		if worthARetry(ExitCode(t.Err)) {
			topics = append(topics, t.Topic)
		}
	}
	if len(topics) == len(e.report.Topics) {
		return e.due.topics, len(topics) > 0
	}
	return topics, len(topics) > 0
}

// haltedOf is what a run came to by the topics that a person must look at. Its retries leave them out, and are not over well for it.
func haltedOf(report *RunReport) (r admin.Run) {
	if report == nil {
		return r
	}
	stuck := slices.DeleteFunc(slices.Clone(report.Topics), func(t *TopicReport) bool { return t.Err == nil || worthARetry(ExitCode(t.Err)) })
	if len(stuck) > 0 {
		sum(&r, &RunReport{Topics: stuck}, nil)
	}
	return r
}

// addHalted lets a retry end with what the topics halted at that it left out.
func addHalted(r *admin.Run, halted admin.Run) {
	if halted.Exit == ExitDone {
		return
	}
	r.Exit = worst(r.Exit, halted.Exit)
	r.Outcome = admin.Outcomes[r.Exit]
	if r.Error != "" {
		r.Error += "; and "
	}
	r.Error += halted.Error
}

// tryAgain plans a retry of a job; nil: there is none any more.
func (s *Scheduler) tryAgain(j *scheduledJob, r *nextTry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.again = r
}

// dueAgain is the retry of a job that is due now; nil where none is.
func (s *Scheduler) dueAgain(j *scheduledJob, now time.Time) *nextTry {
	r := j.again
	if r == nil {
		return nil
	}
	if r.at.Sub(now) > r.wait { // the clock was put back
		s.mu.Lock()
		r.at = now.Add(r.wait)
		s.mu.Unlock()
	}
	if now.Before(r.at) {
		return nil
	}
	return r
}

// cuttable is a context for a retry and one for its hard end, and what ends it when the next run is due: as a signal does, the reading at
// once, and the rest after the grace. release gives back what that takes.
func (s *Scheduler) cuttable(ctx, hard context.Context) (soft, end context.Context, cut, release func()) {
	soft, stop := context.WithCancelCause(ctx)
	end, halt := context.WithCancelCause(hard)
	over := make(chan struct{})
	context.AfterFunc(soft, func() {
		timer := time.NewTimer(s.grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			halt(errNextIsDue)
		case <-over:
		}
	})
	return soft, end, func() { stop(errNextIsDue) }, func() {
		close(over)
		stop(nil)
		halt(nil)
	}
}
