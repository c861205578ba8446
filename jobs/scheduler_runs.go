package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"shadoof/internal/admin"
	"shadoof/internal/ui"
	"shadoof/offsets"
)

// record takes in a run that ended.
func (s *Scheduler) record(e ending) {
	began := e.report != nil || e.err != nil
	if began {
		sum(&e.run, e.report, e.err)
		if e.due.retry != nil {
			addHalted(&e.run, e.due.retry.halted)
		}
		s.tryAgain(e.job, s.retryOf(e))
	}
	e.job.cut = nil
	var gone []string
	s.mu.Lock()
	e.job.since = time.Time{}
	if began {
		e.job.last = &e.run
		if e.run.Exit == ExitDone {
			e.job.success = e.run.Ended
		}
		if e.report != nil {
			for _, t := range e.report.Topics {
				e.job.committed(admin.Commit{Time: t.Committed, Run: e.run.ID, Topic: t.Topic})
			}
		}
		if e.due.topics == nil {
			gone = s.forget(e.job.job.Name, e.report)
		}
	}
	s.mu.Unlock()
	if s.gone != nil {
		for _, topic := range gone {
			s.gone(e.job.job.Name, topic)
		}
	}
	if s.isIdle() {
		s.idle()
	}
	if !began {
		return
	}
	s.tell(e)
	if s.told != nil {
		s.told(e.job.job.Name, e.run)
	}
}

// leavesUnknown says whether a run leaves a commit behind of which nobody knows what became, whatever else it ended with.
func (e ending) leavesUnknown() bool {
	return errors.Is(e.err, offsets.ErrUnresolved) ||
		e.report != nil && slices.ContainsFunc(e.report.Topics, func(t *TopicReport) bool { return errors.Is(t.Err, offsets.ErrUnresolved) })
}

func (s *Scheduler) isIdle() bool {
	for _, j := range s.jobs {
		if !j.since.IsZero() {
			return false
		}
	}
	return true
}

// sum says what a run came to.
func sum(r *admin.Run, report *RunReport, err error) {
	if err != nil {
		r.Exit, r.Error = ExitCode(err), err.Error()
	} else {
		r.Exit = report.ExitCode()
	}
	r.Outcome = admin.Outcomes[r.Exit]
	if report == nil {
		return
	}
	failed := 0
	for _, t := range report.Topics {
		r.Topics++
		r.Rows += t.Rows
		r.Quarantined += t.Quarantined
		r.Files += int64(t.Files)
		r.Bytes += t.Bytes
		r.Commits += int64(t.Commits)
		if t.Err != nil {
			if failed++; r.Error == "" {
				r.Error = t.Error
			}
		}
	}
	if failed > 1 {
		r.Error += fmt.Sprintf(" (and %s more)", ui.Plural(failed-1, "topic"))
	}
}

// tell writes to the log how a run ended.
func (s *Scheduler) tell(e ending) {
	name, r := e.job.job.Name, e.run
	if e.report != nil {
		for _, t := range e.report.Topics {
			if t.Err != nil {
				s.log.Log(context.Background(), levelOf(ExitCode(t.Err)), "topic not lifted to its end", "job", name, "run", r.ID, "topic", t.Topic, "outcome", t.Outcome, "error", t.Error)
			}
		}
	}
	args := []any{"job", name, "run", r.ID, "why", r.Why, "outcome", r.Outcome, "took", r.Took().Round(time.Millisecond).String(), "topics", r.Topics, "commits", r.Commits,
		"rows", r.Rows, "quarantined", r.Quarantined, "files", r.Files, "bytes", r.Bytes, "next", s.nextOf(e.job)}
	if again := e.job.again; again != nil {
		args = append(args, "retry", again.at.In(e.job.job.Timezone).Format(time.RFC3339))
	}
	if r.Error != "" {
		args = append(args, "error", r.Error)
	}
	s.log.Log(context.Background(), levelOf(r.Exit), "run ended", args...)
}

// levelOf is how loud the log is about an exit status: what needs a person is an error, what the next run tries again is not.
func levelOf(exit int) slog.Level {
	switch exit {
	case ExitDone:
		return slog.LevelInfo
	case ExitUsage, ExitHalted:
		return slog.LevelError
	}
	return slog.LevelWarn
}
