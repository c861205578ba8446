package admin

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A moment collects what a Status shows.
type moment struct{ status func() Status }

// Describe says what Collect collects.
func (m *moment) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range slices.Concat(ofProcess, ofJob, ofTopic) {
		ch <- f.whole
	}
}

// Collect reads the status once.
func (m *moment) Collect(ch chan<- prometheus.Metric) {
	s := m.status()
	p := values{ch: ch}
	p.put(build, 1, s.Build)
	p.put(ready, one(s.NotReady == ""))
	p.put(memoryLimit, float64(s.Memory.Limit))
	p.put(memoryUsed, float64(s.Memory.Used))
	for _, j := range s.Jobs {
		p.put(jobRunning, one(!j.Since.IsZero()), j.Name)
		p.when(jobBegan, j.Since, j.Name)
		p.when(jobNext, j.Next, j.Name)
		p.put(jobSkipped, float64(j.Skipped), j.Name)
		p.put(jobMissed, float64(j.Missed), j.Name)
		p.put(jobRetries, float64(j.Retries), j.Name)
		p.when(lastSuccess, j.Success, j.Name)
		if j.Last != nil {
			p.run(*j.Last, j.Name)
		}
	}
	for _, t := range s.Topics {
		p.topic(t, t.Job, t.Name)
	}
}

// values sends values to whoever collects.
type values struct {
	ch   chan<- prometheus.Metric
	bare bool // without the label of the job
}

func (p values) put(f *family, v float64, labels ...string) {
	d := f.whole
	if p.bare {
		d = f.of
	}
	p.ch <- prometheus.MustNewConstMetric(d, f.kind, v, labels...)
}

// when is put for a time that may not be known.
func (p values) when(f *family, t time.Time, labels ...string) {
	if !t.IsZero() {
		p.put(f, float64(t.UnixMilli())/1000, labels...)
	}
}

func (p values) run(r Run, labels ...string) {
	p.when(lastEnded, r.Ended, labels...)
	p.put(lastTook, r.Took().Seconds(), labels...)
	p.put(lastStatus, float64(r.Exit), labels...)
}

func (p values) topic(t Topic, labels ...string) {
	p.put(topicVersion, float64(t.Version), labels...)
	p.when(topicCommitted, t.Committed, labels...)
	if t.Lag >= 0 {
		p.put(topicLag, float64(t.Lag), labels...)
	}
	if t.LagSeconds >= 0 {
		p.put(topicLagSeconds, t.LagSeconds, labels...)
	}
	p.put(topicUnpublished, float64(t.Unpublished), labels...)
	p.put(topicHalted, one(t.Halted), labels...)
	p.put(topicFailed, one(t.Halted || t.Problem != ""), labels...)
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
