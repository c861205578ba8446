package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
)

// A LastRun is what one run did for one job, left behind by a process that is over before anybody can scrape it.
type LastRun struct {
	Job    string
	Shard  string // of a run that is one of several, such as 0-of-4; "": it is the only one
	Run    Run
	Topics []Topic    // as they stand after the run
	Did    []TopicRun // what it did to them

	success time.Time // for a textfile
}

// Describe says what Collect collects.
func (l *LastRun) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range slices.Concat(ofLastRun, ofTopic, ofRun) {
		ch <- f.of
	}
}

// Collect collects the figures of the run, without a label for its job.
func (l *LastRun) Collect(ch chan<- prometheus.Metric) {
	p := values{ch: ch, bare: true}
	p.run(l.Run)
	p.when(lastSuccess, l.success)
	for _, t := range l.Topics {
		p.topic(t, t.Name)
	}
	for _, t := range l.Did {
		p.put(lastCommits, float64(t.Commits), t.Topic)
		p.put(lastRows, float64(t.Rows), t.Topic)
		p.put(lastFiles, float64(t.Files), t.Topic)
		p.put(lastBytes, float64(t.Bytes), t.Topic)
		for reason, n := range t.Quarantined {
			p.put(lastQuarantined, float64(n), t.Topic, reason)
		}
		for reason, n := range t.Gaps {
			p.put(lastGaps, float64(n), t.Topic, reason)
		}
	}
}

// labels are what tells this run's series from those of other jobs and shards.
func (l *LastRun) labels() prometheus.Labels {
	labels := prometheus.Labels{jobLabel: l.Job}
	if l.Shard != "" {
		labels["shard"] = l.Shard
	}
	return labels
}

// WriteTextfile writes the figures into a folder that node_exporter reads, in place of those of the job's run before: in one step, so that
// nobody reads half of them. After a run that was not a success the file keeps the time of the last one that was.
func (l *LastRun) WriteTextfile(dir string) error {
	name := "shadoof-" + l.Job
	if l.Shard != "" {
		name += "-" + l.Shard
	}
	name = filepath.Join(dir, name+".prom")
	known, err := successIn(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("metrics of the last run: %w", err)
	}
	whole := *l
	if whole.success = known; l.Run.Exit == 0 {
		whole.success = l.Run.Ended
	}
	all := prometheus.NewRegistry()
	prometheus.WrapRegistererWith(l.labels(), all).MustRegister(&whole)
	if err := prometheus.WriteToTextfile(name, all); err != nil {
		return fmt.Errorf("metrics of the run: %w", err)
	}
	return nil
}

// successIn reads the time of the last success from the file of a run before.
func successIn(name string) (time.Time, error) {
	f, err := os.Open(name)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); strings.HasPrefix(line, namespace+"_last_success_timestamp_seconds{") {
			v, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
			if err != nil {
				return time.Time{}, nil // somebody else's line
			}
			return time.UnixMilli(int64(v * 1000)), nil
		}
	}
	return time.Time{}, nil
}

// A Gateway is a Pushgateway.
type Gateway struct {
	URL      string
	Job      string // label job of what is pushed
	Username string
	Password string
}

// pushTime is how long a push may take: a run does not wait for whoever watches it.
const pushTime = 5 * time.Second

// Push sends the figures to a Pushgateway, in place of those of the run before: as the group of this job and shard. The time of the last
// success is a group of its own, with a label kind, so that a run that was none leaves it where it is.
func (l *LastRun) Push(ctx context.Context, g Gateway) error {
	ctx, cancel := context.WithTimeout(ctx, pushTime)
	defer cancel()
	group := func(c prometheus.Collector) *push.Pusher {
		p := push.New(g.URL, g.Job).Client(&http.Client{}).Collector(c)
		for label, value := range l.labels() {
			p = p.Grouping(label, value)
		}
		if g.Username != "" {
			p = p.BasicAuth(g.Username, g.Password)
		}
		return p
	}
	err := group(l).PushContext(ctx)
	if l.Run.Exit == 0 && err == nil {
		err = group(success{l.Run.Ended}).Grouping("kind", "success").PushContext(ctx)
	}
	if err != nil {
		return fmt.Errorf("push metrics of the run: %w", err)
	}
	return nil
}

// A success is when a run ended that left nothing undone.
type success struct{ at time.Time }

// Describe says what Collect collects.
func (s success) Describe(ch chan<- *prometheus.Desc) { ch <- lastSuccess.of }

// Collect collects the time.
func (s success) Collect(ch chan<- prometheus.Metric) {
	values{ch: ch, bare: true}.when(lastSuccess, s.at)
}
