package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"shadoof/config"
	"shadoof/internal/admin"
	"shadoof/jobs"
)

// topicFigures are a report's figures for metrics.
func topicFigures(r *jobs.TopicReport) admin.TopicRun {
	return admin.TopicRun{Job: r.Job, Topic: r.Topic, Commits: int64(r.Commits), Offsets: r.Offsets, Rows: r.Rows, Quarantined: r.Reasons, Gaps: r.Gaps, Files: int64(r.Files), Bytes: r.Bytes}
}

// topicStatus is how a report says that a topic stands.
func topicStatus(r *jobs.TopicReport) admin.Topic {
	return admin.Topic{Name: r.Topic, Job: r.Job, Version: r.Version, Committed: r.Committed, Lag: r.Lag, LagSeconds: r.LagSeconds, Unpublished: r.Unpublished,
		Problem: r.Error, Halted: r.Outcome == jobs.Halted}
}

// jobRun sums up what a run did for one job. err is about the run as a whole; a report of it may be missing then.
func jobRun(job, why string, began, ended time.Time, report *jobs.RunReport, err error) admin.Run {
	run := admin.Run{Why: why, Began: began, Ended: ended, Exit: exitCode(err)}
	mine := &jobs.RunReport{}
	if report != nil {
		run.ID = report.Run
		for _, t := range report.Topics {
			if t.Job != job {
				continue
			}
			mine.Topics = append(mine.Topics, t)
			run.Rows += t.Rows
			run.Quarantined += t.Quarantined
			run.Files += int64(t.Files)
			run.Bytes += t.Bytes
			run.Commits += int64(t.Commits)
			if run.Error == "" {
				run.Error = t.Error
			}
		}
	}
	run.Topics = len(mine.Topics)
	if err == nil {
		run.Exit = mine.ExitCode()
	} else {
		run.Error = err.Error()
	}
	run.Outcome = admin.Outcomes[run.Exit]
	return run
}

// leave leaves the figures of a run where the configuration says so. It never makes a run fail: whoever watches may be away.
func (a *app) leave(ctx context.Context, cfg *config.Config, o jobs.RunOptions, began time.Time, report *jobs.RunReport, err error) {
	m := cfg.Metrics
	if m.TextfileDir == "" && m.PushURL == "" {
		return
	}
	if len(o.Topics) > 0 {
		a.log.Info("a run of some topics leaves no metrics: those of the last run of the whole job stay")
		return
	}
	// What was told to stop has its figures, too.
	ctx = context.WithoutCancel(ctx)
	ended := time.Now()
	for _, j := range cfg.Jobs {
		if len(o.Jobs) > 0 && !slices.Contains(o.Jobs, j.Name) {
			continue
		}
		last := &admin.LastRun{Job: j.Name, Run: jobRun(j.Name, "asked", began, ended, report, err)}
		if o.Shards > 0 {
			last.Shard = fmt.Sprintf("%d-of-%d", o.Shard, o.Shards)
		}
		if report != nil {
			for _, t := range report.Topics {
				if t.Job == j.Name {
					last.Topics = append(last.Topics, topicStatus(t))
					last.Did = append(last.Did, topicFigures(t))
				}
			}
		}
		var wrong error
		if m.TextfileDir != "" {
			wrong = last.WriteTextfile(m.TextfileDir)
		}
		if m.PushURL != "" {
			wrong = errors.Join(wrong, last.Push(ctx, admin.Gateway{URL: m.PushURL, Job: m.PushJob, Username: m.Username, Password: m.Password.Reveal()}))
		}
		if wrong != nil {
			a.log.Warn("the run is not in the metrics", "job", j.Name, "error", wrong)
		}
	}
}
