package jobs

import (
	"context"
	"errors"
	"time"

	"shadoof/offsets"
)

// An Outcome says how a run over a topic ended.
type Outcome string

const (
	UpToDate Outcome = "up_to_date" // nothing to read
	Lifted   Outcome = "lifted"     // at the end that was fixed at the start
	Limited  Outcome = "limited"    // a limit of the job was reached
	Partial  Outcome = "partial"
	Failed   Outcome = "failed"
	Halted   Outcome = "halted"
	Unknown  Outcome = "unknown"
)

// A RunReport is what a run did.
type RunReport struct {
	Run     string         `json:"run"`
	Topics  []*TopicReport `json:"topics"` // by name
	Seconds float64        `json:"seconds"`
}

// A TopicReport is what a run did to one topic, and how the topic stands after it.
type TopicReport struct {
	Job              string           `json:"job"`
	Topic            string           `json:"topic"`
	Outcome          Outcome          `json:"outcome"`
	Commits          int              `json:"commits"`
	Versions         []int64          `json:"versions"`
	Offsets          int64            `json:"offsets"`
	Rows             int64            `json:"rows"`
	Quarantined      int64            `json:"quarantined"`
	Reasons          map[string]int64 `json:"reasons,omitempty"` // of the quarantined records
	Gaps             map[string]int64 `json:"gaps,omitempty"`    // offsets that this run went past and that hold no record, by the reasons of offsets.Gaps
	Files            int              `json:"files"`
	EarlyFiles       int64            `json:"early_files,omitempty"` // finished before they had their size, for want of memory or of open files
	Bytes            int64            `json:"bytes"`
	Complete         int              `json:"complete,omitempty"`          // folders that this run said to be complete
	Retries          int              `json:"retries,omitempty"`           // attempts whose staging failed, and whose ranges were read again
	OpenTransactions int64            `json:"open_transactions,omitempty"` // offsets between the last stable offset and the high watermark
	FromVersion      int64            `json:"from_version"`
	Version          int64            `json:"version"`            // of the log, after the run; 0: nothing was ever committed, or the log could not be read
	Committed        time.Time        `json:"committed,omitzero"` // when this run made its last commit; zero: it made none
	Unpublished      int              `json:"unpublished"`        // versions that are committed and whose files are not all known to be visible

	// How far this worker's partitions are behind the ends that were fixed at the start of the run. -1: not known.
	Lag        int64   `json:"lag"`         // offsets
	LagSeconds float64 `json:"lag_seconds"` // age of the newest committed record, of the partition where that is the oldest; 0 without a lag

	positions map[int32]position // after the run, of all partitions of the log

	Limited bool    `json:"-"`
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
	Advice  string  `json:"advice,omitempty"` // what to do about it, where the error itself does not say
	Err     error   `json:"-"`
}

// ExitCode is the exit status of the run.
func (r *RunReport) ExitCode() int {
	codes := []int{ExitDone}
	done := 0
	for _, t := range r.Topics {
		codes = append(codes, ExitCode(t.Err))
		if t.Err == nil || t.Commits > 0 {
			done++
		}
	}
	code := worst(codes...)
	if code == ExitFailed && done > 0 {
		return ExitPartial
	}
	return code
}

func outcomeOf(r *TopicReport) Outcome {
	switch {
	case errors.Is(r.Err, context.Canceled) && r.Commits == 0:
		return Failed
	case r.Err != nil:
		return map[int]Outcome{ExitHalted: Halted, ExitPartial: Partial, ExitUnknown: Unknown}[ExitCode(r.Err)].or(Failed)
	case r.Limited:
		return Limited
	case r.Commits > 0:
		return Lifted
	}
	return UpToDate
}

func (o Outcome) or(other Outcome) Outcome {
	if o == "" {
		return other
	}
	return o
}

func (w *worker) newReport() *TopicReport {
	return &TopicReport{Job: w.job.Name, Topic: w.topic, Versions: []int64{}, Lag: -1, LagSeconds: -1}
}

// committed accounts for a commit of this process.
func (w *worker) committed(r *offsets.Record, bundles []offsets.Bundle) {
	w.report.Commits++
	w.report.Versions = append(w.report.Versions, r.V)
	w.report.Committed = r.Time
	for _, b := range bundles {
		for _, s := range b.Segments {
			w.report.Offsets += s.To - s.From
			w.report.gaps(s.Gaps)
		}
		for _, f := range b.Files {
			if f.Kind == "data" {
				w.report.Rows += f.Rows
			} else {
				w.report.Quarantined += f.Rows
				for reason, n := range f.Reasons {
					count(&w.report.Reasons, reason, n)
				}
			}
			w.report.Files++
			w.report.Bytes += f.Bytes
		}
	}
}

func (r *TopicReport) gaps(g offsets.Gaps) {
	for reason, n := range map[string]int64{"control": g.Control, "aborted": g.Aborted, "compacted": g.Compacted, "tombstone": g.Tombstone, "dropped": g.Dropped} {
		count(&r.Gaps, reason, n)
	}
	for reason, ranges := range map[string][]offsets.Range{"retention": g.Retention, "truncated": g.Truncated, "operator": g.Operator, "unexplained": g.Unexplained} {
		for _, at := range ranges {
			count(&r.Gaps, reason, at.Len())
		}
	}
}

// count adds to one of some counters; those that are 0 are not there.
func count(counters *map[string]int64, name string, n int64) {
	if n == 0 {
		return
	}
	if *counters == nil {
		*counters = map[string]int64{}
	}
	(*counters)[name] += n
}

// A position is where a partition was committed to.
type position struct {
	next int64
	time time.Time // of the newest committed record; zero: not known
}

func positionsOf(s *offsets.State) map[int32]position {
	out := make(map[int32]position, len(s.Partitions))
	for p, have := range s.Partitions {
		at := position{next: have.Next}
		if t, ok := newestLifted(s, have); ok {
			at.time = t
		}
		out[p] = at
	}
	return out
}

// newestLifted is the time of the newest record that was lifted of a partition. How far back a backfill went, where nothing else was
// lifted yet, says nothing of how far behind the job is.
func newestLifted(s *offsets.State, have offsets.PartitionState) (time.Time, bool) {
	if have.Mark == nil || s.Incarnation == 1 && have.Mark.Offset < have.Start {
		return time.Time{}, false
	}
	return time.UnixMilli(have.Mark.Timestamp), true
}

// standing says in the report how the topic stands, by what is known at the end of the run.
func (w *worker) standing() {
	r, s := w.report, w.log.State()
	r.Version, r.Unpublished, r.positions = s.V, len(w.log.Unmarked()), positionsOf(s)
	if w.ends == nil || s.V == 0 {
		return
	}
	r.Lag, r.LagSeconds = 0, 0
	now, dated := w.env.now(), false
	for p, end := range w.logEnds {
		have, ok := s.Partitions[p]
		if !ok || have.Next >= end {
			continue
		}
		r.Lag += end - have.Next
		if t, ok := newestLifted(s, have); ok {
			dated = true
			r.LagSeconds = max(r.LagSeconds, now.Sub(t).Seconds())
		}
	}
	if r.Lag > 0 && !dated {
		r.LagSeconds = -1
	}
}
