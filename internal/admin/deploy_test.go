package admin_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

var metricName = regexp.MustCompile(`\bshadoof_[a-z0-9_]+\b`)

// Rules and dashboards ask for metrics that exist, and every metric is asked for, or left out on purpose.
func TestRulesAndDashboardsNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, g := range []prometheus.Gatherer{everything(t), ofRun(t)} {
		families, err := g.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if !strings.HasPrefix(f.GetName(), "shadoof_") {
				continue
			}
			known[f.GetName()] = false
			if f.GetType() == dto.MetricType_HISTOGRAM {
				delete(known, f.GetName())
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					known[f.GetName()+suffix] = false
				}
			}
		}
	}
	var files []string
	for _, pattern := range []string{"../../deploy/prometheus/*.yml", "../../deploy/grafana/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, found, err)
		}
		files = append(files, found...)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, metric := range metricName.FindAllString(string(text), -1) {
			if _, ok := known[metric]; !ok {
				t.Errorf("%s: no metric is called %s", filepath.Base(name), metric)
			}
			known[metric] = true
		}
	}
	unused := []string{"shadoof_kafka_request_duration_seconds_sum", "shadoof_kafka_request_duration_seconds_count", "shadoof_offsets_total", "shadoof_last_run_timestamp_seconds",
		"shadoof_topic_last_commit_timestamp_seconds", "shadoof_last_run_rows", "shadoof_last_run_commits", "shadoof_last_run_files", "shadoof_last_run_file_bytes"}
	for metric, used := range known {
		if used == slices.Contains(unused, metric) {
			t.Errorf("%s: used in deploy is %v", metric, used)
		}
	}
}

func TestTheDashboardIsWhole(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/grafana/shadoof.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		UID    string
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	covered := map[[2]int]string{}
	for _, p := range board.Panels {
		if seen[p.ID] || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q: %d targets", p.ID, p.Title, len(p.Targets))
		}
		seen[p.ID] = true
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s is wider than the page", p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other, taken := covered[at]; taken {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				covered[at] = p.Title
			}
		}
		for _, e := range p.Targets {
			if strings.Count(e.Expr, "(") != strings.Count(e.Expr, ")") || strings.Count(e.Expr, "{") != strings.Count(e.Expr, "}") {
				t.Errorf("%s: %s", p.Title, e.Expr)
			}
		}
	}
}
