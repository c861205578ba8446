package admin

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A moment collects what a Status shows.
type moment struct{ status func() Status }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

var (
	build       = desc("build_info", "The build of this process; always 1.", "version")
	ready       = desc("ready", "1 when the process does its work, as /readyz says.")
	memoryLimit = desc("memory_limit_bytes", "What is counted of the memory may be as much, by `memory` of the configuration.")
	memoryUsed  = desc("memory_used_bytes", "What is counted of the memory: fetch buffers, rows, pages and upload tails.")

	jobRunning  = desc("job_running", "1 while a run of the job is under way.", "job_name")
	jobBegan    = desc("job_run_began_timestamp_seconds", "When the run that is under way began; absent when none is.", "job_name")
	jobNext     = desc("job_next_run_timestamp_seconds", "When the job runs next, jitter included; absent when no run is planned.", "job_name")
	jobSkipped  = desc("job_skipped_runs_total", "Runs that were due while the one before was not over.", "job_name")
	jobMissed   = desc("job_missed_runs_total", "Runs that were due while the process was not there, and were not made up.", "job_name")
	lastEnded   = desc("last_run_timestamp_seconds", "When the job's last run ended.", "job_name")
	lastTook    = desc("last_run_duration_seconds", "How long the job's last run took.", "job_name")
	lastStatus  = desc("last_run_exit_status", "What the job's last run ended with: 0 done, 1 failed, 2 usage, 3 partial, 4 halted, 5 unknown.", "job_name")
	lastSuccess = desc("last_success_timestamp_seconds", "When a run of the job last ended with everything done; absent when none is known.", "job_name")

	topicVersion     = desc("topic_version", "Version of the topic's commit log; 0 when nothing was committed.", "job_name", "topic")
	topicCommitted   = desc("topic_last_commit_timestamp_seconds", "When the topic's newest commit was made.", "job_name", "topic")
	topicLag         = desc("topic_lag_records", "Offsets between the committed and the last readable ones; absent when not known.", "job_name", "topic")
	topicLagSeconds  = desc("topic_lag_seconds", "Age of the newest committed record while there is a lag, else 0; absent when not known.", "job_name", "topic")
	topicUnpublished = desc("topic_unpublished_versions", "Commits whose files are not all visible yet.", "job_name", "topic")
	topicHalted      = desc("topic_halted", "1 when the topic's last run ended with something that a person must decide.", "job_name", "topic")
	topicFailed      = desc("topic_failed", "1 when the topic's last run ended with an error, halted or not.", "job_name", "topic")
)

// Describe says what Collect collects.
func (m *moment) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{build, ready, memoryLimit, memoryUsed,
		jobRunning, jobBegan, jobNext, jobSkipped, jobMissed, lastEnded, lastTook, lastStatus, lastSuccess,
		topicVersion, topicCommitted, topicLag, topicLagSeconds, topicUnpublished, topicHalted, topicFailed} {
		ch <- d
	}
}

// Collect reads the status once.
func (m *moment) Collect(ch chan<- prometheus.Metric) {
	s := m.status()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	when := func(d *prometheus.Desc, t time.Time, labels ...string) {
		if !t.IsZero() {
			gauge(d, seconds(t), labels...)
		}
	}
	gauge(build, 1, s.Build)
	gauge(ready, one(s.NotReady == ""))
	gauge(memoryLimit, float64(s.Memory.Limit))
	gauge(memoryUsed, float64(s.Memory.Used))
	for _, j := range s.Jobs {
		gauge(jobRunning, one(!j.Since.IsZero()), j.Name)
		when(jobBegan, j.Since, j.Name)
		when(jobNext, j.Next, j.Name)
		ch <- prometheus.MustNewConstMetric(jobSkipped, prometheus.CounterValue, float64(j.Skipped), j.Name)
		ch <- prometheus.MustNewConstMetric(jobMissed, prometheus.CounterValue, float64(j.Missed), j.Name)
		when(lastSuccess, j.Success, j.Name)
		if r := j.Last; r != nil {
			when(lastEnded, r.Ended, j.Name)
			gauge(lastTook, r.Ended.Sub(r.Began).Seconds(), j.Name)
			gauge(lastStatus, float64(r.Exit), j.Name)
		}
	}
	for _, t := range s.Topics {
		gauge(topicVersion, float64(t.Version), t.Job, t.Name)
		when(topicCommitted, t.Committed, t.Job, t.Name)
		if t.Lag >= 0 {
			gauge(topicLag, float64(t.Lag), t.Job, t.Name)
		}
		if t.LagSeconds >= 0 {
			gauge(topicLagSeconds, t.LagSeconds, t.Job, t.Name)
		}
		gauge(topicUnpublished, float64(t.Unpublished), t.Job, t.Name)
		gauge(topicHalted, one(t.Halted), t.Job, t.Name)
		gauge(topicFailed, one(t.Halted || t.Problem != ""), t.Job, t.Name)
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
