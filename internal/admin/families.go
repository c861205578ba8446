package admin

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// A family is a metric whose values are read when somebody asks.
type family struct {
	kind   prometheus.ValueType
	whole  *prometheus.Desc // with all labels
	of     *prometheus.Desc // without the job's, for one job's run
	labels []string
}

func newFamily(kind prometheus.ValueType, name, help string, labels ...string) *family {
	bare := slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return l == jobLabel })
	return &family{kind, prometheus.NewDesc(namespace+"_"+name, help, labels, nil), prometheus.NewDesc(namespace+"_"+name, help, bare, nil), labels}
}

func gauge(name, help string, labels ...string) *family {
	return newFamily(prometheus.GaugeValue, name, help, labels...)
}

func counter(name, help string, labels ...string) *family {
	return newFamily(prometheus.CounterValue, name, help, labels...)
}

// jobLabel is the label of a job of the configuration. Prometheus gives every series a label job of its own, and so does a Pushgateway.
const (
	jobLabel    = "job_name"
	topicLabel  = "topic"
	reasonLabel = "reason"
)

// Of the process.
var (
	build       = gauge("build_info", "The build of this process; always 1.", "version")
	ready       = gauge("ready", "1 when the process does its work, as /readyz says.")
	memoryLimit = gauge("memory_limit_bytes", "What is counted of the memory may be as much, by `memory` of the configuration.")
	memoryUsed  = gauge("memory_used_bytes", "What is counted of the memory: fetch buffers, rows, pages and upload tails.")
)

// Of a job.
var (
	jobRunning  = gauge("job_running", "1 while a run of the job is under way.", jobLabel)
	jobBegan    = gauge("job_run_began_timestamp_seconds", "When the run that is under way began; absent when none is.", jobLabel)
	jobNext     = gauge("job_next_run_timestamp_seconds", "When the job runs next, jitter included; absent when no run is planned.", jobLabel)
	jobSkipped  = counter("job_skipped_runs_total", "Runs that were due while the one before was not over.", jobLabel)
	jobMissed   = counter("job_missed_runs_total", "Runs that were due since the process began, that it did not see in time (the machine slept, the process stood still, its clock was set), and that were not made up.", jobLabel)
	jobRetries  = counter("job_retries_total", "Runs that tried again what the run before had failed at.", jobLabel)
	lastEnded   = gauge("last_run_timestamp_seconds", "When the job's last run ended.", jobLabel)
	lastTook    = gauge("last_run_duration_seconds", "How long the job's last run took.", jobLabel)
	lastStatus  = gauge("last_run_exit_status", "What the job's last run ended with: 0 done, 1 failed, 2 usage, 3 partial, 4 halted, 5 unknown.", jobLabel)
	lastSuccess = gauge("last_success_timestamp_seconds", "When a run of the job last ended with everything done; absent when none is known.", jobLabel)
)

// Of a topic.
var (
	topicVersion     = gauge("topic_version", "Version of the topic's commit log; 0 when nothing was committed.", jobLabel, topicLabel)
	topicCommitted   = gauge("topic_last_commit_timestamp_seconds", "When the topic's newest commit was made; absent when not known.", jobLabel, topicLabel)
	topicLag         = gauge("topic_lag_records", "Offsets between the committed and the last readable ones; absent when not known.", jobLabel, topicLabel)
	topicLagSeconds  = gauge("topic_lag_seconds", "Age of the newest committed record while there is a lag, else 0; absent when not known.", jobLabel, topicLabel)
	topicUnpublished = gauge("topic_unpublished_versions", "Commits whose files are not all visible yet.", jobLabel, topicLabel)
	topicHalted      = gauge("topic_halted", "1 when the topic's last run ended with something that a person must decide.", jobLabel, topicLabel)
	topicFailed      = gauge("topic_failed", "1 when the topic's last run ended with an error, halted or not.", jobLabel, topicLabel)
)

// Of a topic in the one run of a process that is over soon, where a counter would begin at 0 each time.
var (
	lastCommits     = gauge("last_run_commits", "Commits of the last run.", jobLabel, topicLabel)
	lastRows        = gauge("last_run_rows", "Rows committed by the last run.", jobLabel, topicLabel)
	lastQuarantined = gauge("last_run_quarantined_records", "Records committed to quarantine by the last run, by what was wrong with them; absent for none.", jobLabel, topicLabel, reasonLabel)
	lastGaps        = gauge("last_run_gap_offsets", "Offsets that the last run committed and that have no row, by the reason; absent for none.", jobLabel, topicLabel, reasonLabel)
	lastFiles       = gauge("last_run_files", "Files committed by the last run, those of quarantine included.", jobLabel, topicLabel)
	lastBytes       = gauge("last_run_file_bytes", "Bytes of the files committed by the last run.", jobLabel, topicLabel)
)

var (
	ofProcess = []*family{build, ready, memoryLimit, memoryUsed}
	ofJob     = []*family{jobRunning, jobBegan, jobNext, jobSkipped, jobMissed, jobRetries, lastEnded, lastTook, lastStatus, lastSuccess}
	ofTopic   = []*family{topicVersion, topicCommitted, topicLag, topicLagSeconds, topicUnpublished, topicHalted, topicFailed}
	ofRun     = []*family{lastCommits, lastRows, lastQuarantined, lastGaps, lastFiles, lastBytes}
	ofLastRun = []*family{lastEnded, lastTook, lastStatus, lastSuccess}
)
