package main

import (
	"io"
	"time"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
)

// nextRuns is when a job runs next, as `config check` shows it.
type nextRuns struct {
	Job      string      `json:"job"`
	Schedule string      `json:"schedule"`
	Timezone string      `json:"timezone"`
	Next     []time.Time `json:"next"` // in the job's zone, without jitter
}

// shownRuns is how many times of a schedule are shown.
const shownRuns = 5

// schedulesOf lists the next runs of all jobs that have a schedule.
func schedulesOf(cfg *config.Config, now time.Time) ([]nextRuns, error) {
	out := []nextRuns{}
	for _, j := range cfg.Jobs {
		if j.Schedule == "" {
			continue
		}
		s, err := jobs.ParseSchedule(j.Schedule, j.Timezone)
		if err != nil {
			return nil, err
		}
		n := nextRuns{Job: j.Name, Schedule: j.Schedule, Timezone: j.Timezone.String()}
		for at := s.Next(now); len(n.Next) < shownRuns; at = s.Next(at) {
			n.Next = append(n.Next, at.In(j.Timezone))
		}
		out = append(out, n)
	}
	return out, nil
}

func printSchedules(w io.Writer, list []nextRuns) error {
	if len(list) == 0 {
		return nil
	}
	t := ui.NewTable("JOB", "SCHEDULE", "ZONE", "NEXT RUNS OF `serve`")
	for _, n := range list {
		job, schedule, zone := n.Job, n.Schedule, n.Timezone
		for _, at := range n.Next {
			t.Row(job, schedule, zone, at.Format("Mon 2006-01-02 15:04:05 MST"))
			job, schedule, zone = "", "", ""
		}
	}
	return t.Print(w)
}
