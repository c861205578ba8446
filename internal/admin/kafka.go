package admin

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Kafka counts what goes over the connections to brokers, of all clients of the process together. It is an extract.Traffic.
type Kafka struct {
	connects  *prometheus.CounterVec
	bytes     *prometheus.CounterVec
	errors    *prometheus.CounterVec
	answers   *prometheus.HistogramVec
	throttled *prometheus.CounterVec
}

func newKafka() Kafka {
	counter := func(name, help string, more ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: "kafka", Name: name, Help: help}, append([]string{"broker"}, more...))
	}
	return Kafka{
		connects: counter("connects_total", "Connections opened to a broker, by what came of them: done, failed.", "outcome"),
		bytes:    counter("bytes_total", "Bytes on connections to a broker, compressed as they are: read, write.", "direction"),
		errors:   counter("errors_total", "Requests to a broker whose connection failed: read, write.", "direction"),
		answers: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Subsystem: "kafka", Name: "request_duration_seconds",
			Help: "From the first byte of a request to the last byte of its answer; a broker may hold back an answer that would be empty.", Buckets: []float64{.002, .01, .05, .25, 1, 5, 30}}, []string{"broker"}),
		throttled: counter("throttled_seconds_total", "For how long a broker asked us to wait, because of a quota."),
	}
}

func (k *Kafka) collectors() []prometheus.Collector {
	return []prometheus.Collector{k.connects, k.bytes, k.errors, k.answers, k.throttled}
}

// Connected is a connection that was opened, or could not be.
func (k *Kafka) Connected(broker string, err error) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	k.connects.WithLabelValues(broker, outcome).Inc()
}

// Written is a request that was sent, or could not be.
func (k *Kafka) Written(broker string, bytes int, err error) { k.moved(broker, "write", bytes, err) }

// Read is an answer that was read, or could not be.
func (k *Kafka) Read(broker string, bytes int, err error) { k.moved(broker, "read", bytes, err) }

func (k *Kafka) moved(broker, direction string, bytes int, err error) {
	k.bytes.WithLabelValues(broker, direction).Add(float64(bytes))
	if err != nil {
		k.errors.WithLabelValues(broker, direction).Inc()
	}
}

// Answered is a request that has its answer, after so long.
func (k *Kafka) Answered(broker string, took time.Duration) {
	k.answers.WithLabelValues(broker).Observe(took.Seconds())
}

// Throttled is an answer by which a broker asks for a pause.
func (k *Kafka) Throttled(broker string, pause time.Duration) {
	k.throttled.WithLabelValues(broker).Add(pause.Seconds())
}
