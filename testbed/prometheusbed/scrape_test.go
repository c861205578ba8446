package prometheusbed_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/process"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/prometheusbed"
	"shadoof/testbed/runs"
	"shadoof/testbed/servers"
)

const token = "0123456789abcdef0123456789abcdef"

// A scene is a real process of the product on the real broker, and a real Prometheus that scrapes it.
type scene struct {
	t      *testing.T
	kafka  *kgo.Client
	topic  string
	url    string
	prom   *prometheusbed.Server
	server *process.Process
}

func newScene(t *testing.T) *scene {
	t.Helper()
	tools(t)
	s := &scene{t: t, topic: produce.Name("scraped")}
	brokers := servers.Kafka(t).Brokers()
	var err error
	if s.kafka, err = kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kafka.Close)
	if _, err := kadm.NewClient(s.kafka).CreateTopic(t.Context(), 1, 1, nil, s.topic); err != nil {
		t.Fatal(err)
	}
	ports, err := runs.Ports(1)
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := runs.Address(ports[0])
	s.url = "http://" + address
	job := product.NewJob(t, brokers, product.Local(t), s.topic, fmt.Sprintf("admin: {listen: %q, token_file: %q}\n", address, secret), "value: {format: string}\n")
	log := filepath.Join(t.TempDir(), "serve.log")
	if s.server, err = process.Start(process.Spec{Name: "serve", Args: []string{product.Release(t), "--config", job.Config, "serve"}, Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.server.Kill()
		if text, _ := os.ReadFile(log); t.Failed() {
			t.Logf("%s", text)
		}
	})
	rule, err := filepath.Abs(filepath.Join(rules, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if s.prom, err = prometheusbed.Start(t.Context(), prometheusbed.Options{Scrape: []string{address}, Rules: []string{rule}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.prom.Close(t.Failed()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *scene) produce(n int) {
	s.t.Helper()
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: s.topic, Value: fmt.Appendf(nil, "v%d", i)})
	}
	if err := s.kafka.ProduceSync(s.t.Context(), records...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// ask sends a request to the product.
func (s *scene) ask(method, path, bearer string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// until waits until an expression has a value in Prometheus.
func (s *scene) until(expr string, want float64) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		got, err := s.prom.Query(ctx, expr)
		if err == nil && len(got) == 1 && got[0].Value == want {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s is %v, %v; want %v", expr, got, err, want)
		case <-again.C:
		}
	}
}

func (s *scene) run() {
	s.t.Helper()
	if code, said := s.ask("POST", "/api/v1/jobs/job/run", token); code != http.StatusAccepted {
		s.t.Fatalf("run: %d %s", code, said)
	}
}

func TestPrometheusSeesATopicFallBehindAndCatchUp(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.until("shadoof_ready", 1)
	if code, said := s.ask("POST", "/api/v1/jobs/job/run", "wrong"); code != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d %s", code, said)
	}
	topic := fmt.Sprintf("{topic=%q}", s.topic)

	s.produce(100)
	s.run()
	s.until("shadoof_rows_total"+topic, 100)
	s.until("shadoof_topic_lag_records"+topic, 0)
	s.until(`shadoof_runs_total{job_name="job", outcome="done"}`, 1)
	s.until(`shadoof_last_run_exit_status{job_name="job"}`, 0)
	s.until("sum(shadoof_read_records_total"+topic+")", 100)
	s.until(`count(shadoof_kafka_bytes_total{direction="read"} > 0) > bool 0`, 1)

	s.produce(50) // nobody runs: the lag is seen all the same
	s.until("shadoof_topic_lag_records"+topic, 50)
	s.until("(shadoof_topic_lag_seconds"+topic+" > bool 0)", 1)
	s.run()
	s.until("shadoof_topic_lag_records"+topic, 0)
	s.until("shadoof_topic_lag_seconds"+topic, 0)
	s.until("shadoof_rows_total"+topic, 150)
	s.until("shadoof_commits_total"+topic, 2)

	// The labels of the product are its own: nothing had to be renamed for those of Prometheus.
	if got, err := s.prom.Query(t.Context(), `count({__name__=~"shadoof_.*", exported_job!=""})`); err != nil || len(got) > 0 {
		t.Errorf("labels that clash: %v, %v", got, err)
	}
	list, err := s.prom.Rules(t.Context())
	if err != nil || len(list) != 12 {
		t.Fatalf("rules %v, %v", list, err)
	}
	for _, r := range list {
		if r.Health != "ok" || r.State != "inactive" {
			t.Errorf("rule %+v", r)
		}
	}
	_, metrics := s.ask("GET", "/metrics", "")
	promtool(t, []byte(metrics), "check", "metrics")
	if bytes.Contains([]byte(metrics), []byte(token)) {
		t.Error("the token is among the metrics")
	}
	if err := s.server.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.server.ExitCode(); code != 0 {
		t.Errorf("serve ended with %d", code)
	}
	s.until(`up{job="shadoof"}`, 0)
}
