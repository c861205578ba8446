package admin_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"shadoof/internal/admin"
)

// everything is a registry in which every metric of a process has a value.
func everything(t *testing.T) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewRegistry()
	m := admin.NewMetrics(r, func() admin.Status {
		return admin.Status{
			Build: "v1", Memory: admin.Memory{Limit: 512 << 20, Used: 1 << 20},
			Jobs: []admin.Job{
				{Name: "tracking", Next: start.Add(time.Hour), Since: start, Success: start, Skipped: 1, Missed: 2, Last: &admin.Run{Began: start.Add(-time.Minute), Ended: start, Outcome: "halted", Exit: 4}},
				{Name: "idle"},
			},
			Topics: []admin.Topic{
				{Name: "clicks", Job: "tracking", Version: 7, Committed: start, Lag: 12, LagSeconds: 3.5, Unpublished: 1, Halted: true},
				{Name: "views", Job: "tracking", Lag: -1, LagSeconds: -1, Problem: "x"},
			},
		}
	})
	m.Begin("tracking")
	m.RunEnded("tracking", admin.Run{Began: start, Ended: start.Add(90 * time.Second), Outcome: "done"})
	m.TopicEnded(did)
	m.Read("clicks", 100, 1000)
	m.Read("clicks", -10, -100)
	k := m.Kafka()
	k.Connected("1", nil)
	k.Connected("1", errors.New("no"))
	k.Written("1", 10, nil)
	k.Read("1", 20, errors.New("reset"))
	k.Answered("1", time.Millisecond)
	k.Throttled("1", 1500*time.Millisecond)
	return r
}

var did = admin.TopicRun{Job: "tracking", Topic: "clicks", Commits: 2, Offsets: 110, Rows: 100, Files: 3, Bytes: 4096,
	Quarantined: map[string]int64{"undecodable": 4}, Gaps: map[string]int64{"control": 6}}

func lastRun() *admin.LastRun {
	return &admin.LastRun{Job: "tracking", Run: admin.Run{Began: start.Add(-time.Minute), Ended: start, Outcome: "done"}, Did: []admin.TopicRun{did},
		Topics: []admin.Topic{{Name: "clicks", Job: "tracking", Version: 7, Committed: start, Lag: 12, LagSeconds: 3.5, Unpublished: 1}}}
}

func TestMetricsOfAProcess(t *testing.T) {
	t.Parallel()
	families, err := everything(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "shadoof_") {
			continue
		}
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			fmt.Fprintf(&b, "%s %s %s\n", f.GetName(), strings.Join(labels, " "), value(m))
		}
	}
	golden(t, "testdata/metrics.txt", b.String())
}

func value(m *dto.Metric) string {
	if h := m.Histogram; h != nil {
		return fmt.Sprintf("%d in %g", h.GetSampleCount(), h.GetSampleSum())
	}
	return fmt.Sprint(m.Counter.GetValue() + m.Gauge.GetValue())
}

// The same checks as those of `promtool check metrics`.
func TestMetricsKeepToTheConventions(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]prometheus.Gatherer{"process": everything(t), "run": ofRun(t)} {
		families, err := g.Gather()
		if err != nil {
			t.Fatal(err)
		}
		problems, err := promlint.NewWithMetricFamilies(families).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s: %s", name, p.Metric, p.Text)
		}
	}
}

func ofRun(t *testing.T) prometheus.Gatherer {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := prometheus.WrapRegistererWith(prometheus.Labels{"job_name": "tracking"}, r).Register(lastRun()); err != nil {
		t.Fatal(err)
	}
	return r
}

// documented is the table of docs/metrics.md.
func documented(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	section := func(title string, g prometheus.Gatherer, skip []string) (names []string) {
		families, err := g.Gather()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n### %s\n\n| name | type | labels | meaning |\n| --- | --- | --- | --- |\n", title)
		for _, f := range families {
			if !strings.HasPrefix(f.GetName(), "shadoof_") || slices.Contains(skip, f.GetName()) {
				continue
			}
			names = append(names, f.GetName())
			var labels []string
			for _, l := range f.Metric[0].Label {
				labels = append(labels, l.GetName())
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp())
		}
		return names
	}
	process := section("Of `serve`", everything(t), nil)
	section("Left behind by `run`, besides those above that begin with last_ or topic_", ofRun(t), process)
	return b.String()
}

func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	const name, begin, end = "../../docs/metrics.md", "<!-- metrics -->\n", "<!-- end of metrics -->"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", name)
	}
	golden(t, name, before+begin+documented(t)+"\n"+end+after)
}

func TestTextfile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := lastRun()
	if err := first.WriteTextfile(dir); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/textfile.prom", read("shadoof-tracking.prom"))

	failed := lastRun()
	failed.Run.Exit, failed.Run.Ended = 1, start.Add(time.Hour)
	sharded := lastRun()
	sharded.Shard = "0-of-4"
	for _, l := range []*admin.LastRun{failed, sharded} {
		if err := l.WriteTextfile(dir); err != nil {
			t.Fatal(err)
		}
	}
	text := read("shadoof-tracking.prom")
	for _, want := range []string{
		fmt.Sprintf("shadoof_last_success_timestamp_seconds{job_name=\"tracking\"} %g\n", float64(start.Unix())),
		"shadoof_last_run_exit_status{job_name=\"tracking\"} 1\n",
		fmt.Sprintf("shadoof_last_run_timestamp_seconds{job_name=\"tracking\"} %g\n", float64(start.Unix()+3600)),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if text := read("shadoof-tracking-0-of-4.prom"); !strings.Contains(text, `shadoof_last_run_rows{job_name="tracking",shard="0-of-4",topic="clicks"} 100`) {
		t.Errorf("shard:\n%s", text)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestATextfileThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	if err := lastRun().WriteTextfile(filepath.Join(t.TempDir(), "gone")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	for _, old := range []string{"", "shadoof_last_success_timestamp_seconds{", "shadoof_last_success_timestamp_seconds{} x", "\x00\xff"} {
		dir := t.TempDir()
		name := filepath.Join(dir, "shadoof-tracking.prom")
		if err := os.WriteFile(name, []byte(old), 0o644); err != nil {
			t.Fatal(err)
		}
		l := lastRun()
		l.Run.Exit = 1
		if err := l.WriteTextfile(dir); err != nil {
			t.Errorf("%q: %v", old, err)
		}
		if b, err := os.ReadFile(name); err != nil || bytes.Contains(b, []byte("last_success")) {
			t.Errorf("%q: %v\n%s", old, err, b)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update writes it:\n%s", name, diff)
	}
}

// A run that began later than it ended, by a clock that was put back, took no time: what is counted never falls.
func TestARunDuringWhichTheClockWasPutBack(t *testing.T) {
	t.Parallel()
	run := admin.Run{Began: start, Ended: start.Add(-time.Hour), Outcome: "done"}
	r := prometheus.NewRegistry()
	m := admin.NewMetrics(r, func() admin.Status { return admin.Status{Jobs: []admin.Job{{Name: "tracking", Last: &run}}} })
	m.RunEnded("tracking", run)
	for name, want := range map[string]string{"shadoof_run_duration_seconds": "1 in 0", "shadoof_last_run_duration_seconds": "0"} {
		if got := valuesOf(t, r, name); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
}

func TestTopicsThatAreForgottenHaveNoSeries(t *testing.T) {
	t.Parallel()
	r := prometheus.NewRegistry()
	m := admin.NewMetrics(r, func() admin.Status { return admin.Status{} })
	for _, topic := range []string{"clicks", "views"} {
		m.TopicEnded(admin.TopicRun{Job: "tracking", Topic: topic, Quarantined: did.Quarantined, Gaps: map[string]int64{"control": 6, "aborted": 1}})
		m.Read(topic, 1, 1)
	}
	m.Forget("tracking", "clicks")
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, f := range families {
		for _, metric := range f.Metric {
			for _, l := range metric.Label {
				if l.GetName() == "topic" && l.GetValue() == "clicks" {
					t.Errorf("%s of the topic is there", f.GetName())
				} else if l.GetName() == "topic" {
					left++
				}
			}
		}
	}
	if left != 10 {
		t.Errorf("the other topic has %d series", left)
	}
}

// valuesOf are the values of a metric.
func valuesOf(t *testing.T, g prometheus.Gatherer, name string) (out []string) {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.Metric {
				out = append(out, value(m))
			}
		}
	}
	return out
}

// What a page and a scrape of a thousand topics weigh.
func TestAThousandTopics(t *testing.T) {
	t.Parallel()
	s := admin.Status{Now: start, Jobs: []admin.Job{{Name: "tracking", Last: &admin.Run{Began: start, Ended: start, Outcome: "done"}}}}
	r := prometheus.NewRegistry()
	m := admin.NewMetrics(r, func() admin.Status { return s })
	for i := range 1000 {
		name := fmt.Sprintf("tracking.some-topic-%04d", i)
		s.Topics = append(s.Topics, admin.Topic{Name: name, Job: "tracking", Version: 1000, Committed: start, Lag: 1000, LagSeconds: 60})
		m.TopicEnded(admin.TopicRun{Job: "tracking", Topic: name, Commits: 1, Offsets: 10, Rows: 10, Files: 1, Bytes: 1000})
		m.Read(name, 10, 100)
	}
	url := serve(t, func(o *admin.Options) { o.Gatherer, o.Status = r, func() admin.Status { return s } })
	for path, most := range map[string]int{"/": 2 << 20, "/metrics": 2 << 20, "/api/v1/status": 1 << 20} {
		began := time.Now()
		code, body, _ := ask(t, "GET", url+path)
		t.Logf("%s: %d KB in %s", path, len(body)>>10, time.Since(began))
		if code != 200 || len(body) > most || strings.Count(body, "tracking.some-topic-0999") == 0 {
			t.Errorf("%s: %d, %d bytes", path, code, len(body))
		}
	}
}
