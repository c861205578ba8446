package admin

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

const namespace = "shadoof"

// A TopicRun is what a run did to one topic.
type TopicRun struct {
	Job         string
	Topic       string
	Commits     int64
	Offsets     int64 // rows, quarantined records and gaps
	Rows        int64
	Quarantined map[string]int64 // records, by reason
	Gaps        map[string]int64 // offsets without a record, or whose record has no row, by reason
	Files       int64
	Bytes       int64 // of the files
}

// Metrics counts what a process that goes on for long does. Its methods are safe for concurrent use. Labels come from closed sets: jobs
// and topics of the configuration, and words of this program.
type Metrics struct {
	runs        *prometheus.CounterVec
	durations   *prometheus.HistogramVec
	records     *prometheus.CounterVec
	readBytes   *prometheus.CounterVec
	commits     *prometheus.CounterVec
	offsets     *prometheus.CounterVec
	rows        *prometheus.CounterVec
	quarantined *prometheus.CounterVec
	gaps        *prometheus.CounterVec
	files       *prometheus.CounterVec
	bytes       *prometheus.CounterVec
	kafka       Kafka
}

// NewMetrics registers the metrics of a process. What a moment shows (lag, memory, next runs) is read from status at each scrape, which
// is called by several goroutines at once and must not wait for Kafka or a store.
func NewMetrics(r prometheus.Registerer, status func() Status) *Metrics {
	topic := func(name, help string, more ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, append([]string{jobLabel, topicLabel}, more...))
	}
	m := &Metrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "runs_total",
			Help: "Runs that ended, by what they ended with: done, failed, usage, partial, halted, unknown."}, []string{jobLabel, "outcome"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "run_duration_seconds", Help: "How long runs took.",
			Buckets: []float64{1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400}}, []string{jobLabel}),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "read_records_total",
			Help: "Records read from Kafka, while runs are under way; what is read again counts again."}, []string{topicLabel}),
		readBytes: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "read_bytes_total",
			Help: "Bytes of keys and values read from Kafka, while runs are under way; what is read again counts again."}, []string{topicLabel}),
		commits:     topic("commits_total", "Commits of this process."),
		offsets:     topic("offsets_total", "Offsets committed: rows, quarantined records and gaps."),
		rows:        topic("rows_total", "Rows committed."),
		quarantined: topic("quarantined_records_total", "Records committed to quarantine, by what was wrong with them.", reasonLabel),
		gaps:        topic("gap_offsets_total", "Offsets committed that have no row, by the reason.", reasonLabel),
		files:       topic("files_total", "Files committed, those of quarantine included."),
		bytes:       topic("file_bytes_total", "Bytes of the files committed."),
		kafka:       newKafka(),
	}
	r.MustRegister(m.runs, m.durations, m.records, m.readBytes, m.commits, m.offsets, m.rows, m.quarantined, m.gaps, m.files, m.bytes,
		&moment{status}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.MustRegister(m.kafka.collectors()...)
	return m
}

// Begin makes the series of jobs, so that rates are right from the first run on.
func (m *Metrics) Begin(jobs ...string) {
	for _, job := range jobs {
		for _, outcome := range Outcomes {
			m.runs.WithLabelValues(job, outcome)
		}
		m.durations.WithLabelValues(job)
	}
}

// RunEnded counts a run of a job.
func (m *Metrics) RunEnded(job string, r Run) {
	m.runs.WithLabelValues(job, r.Outcome).Inc()
	m.durations.WithLabelValues(job).Observe(r.Took().Seconds())
}

// TopicEnded counts what a run did to one of its topics, as soon as the run is through with it.
func (m *Metrics) TopicEnded(t TopicRun) {
	m.commits.WithLabelValues(t.Job, t.Topic).Add(float64(t.Commits))
	m.offsets.WithLabelValues(t.Job, t.Topic).Add(float64(t.Offsets))
	m.rows.WithLabelValues(t.Job, t.Topic).Add(float64(t.Rows))
	m.files.WithLabelValues(t.Job, t.Topic).Add(float64(t.Files))
	m.bytes.WithLabelValues(t.Job, t.Topic).Add(float64(t.Bytes))
	for reason, n := range t.Quarantined {
		m.quarantined.WithLabelValues(t.Job, t.Topic, reason).Add(float64(n))
	}
	for reason, n := range t.Gaps {
		m.gaps.WithLabelValues(t.Job, t.Topic, reason).Add(float64(n))
	}
}

// Read counts records of a topic as they are read. What a run takes back, as a negative number, was read all the same.
func (m *Metrics) Read(topic string, records, bytes int64) {
	m.records.WithLabelValues(topic).Add(float64(max(0, records)))
	m.readBytes.WithLabelValues(topic).Add(float64(max(0, bytes)))
}

// Forget drops what was counted of a topic that its job no longer has.
func (m *Metrics) Forget(job, topic string) {
	for _, v := range []*prometheus.CounterVec{m.commits, m.offsets, m.rows, m.quarantined, m.gaps, m.files, m.bytes} {
		v.DeletePartialMatch(prometheus.Labels{jobLabel: job, topicLabel: topic})
	}
	for _, v := range []*prometheus.CounterVec{m.records, m.readBytes} {
		v.DeleteLabelValues(topic)
	}
}

// Kafka is what the client of Kafka is to tell.
func (m *Metrics) Kafka() *Kafka { return &m.kafka }
