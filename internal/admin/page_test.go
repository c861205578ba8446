package admin

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// busy is a process in which much goes on.
func busy() Status {
	return Status{
		Build: "v1.2.3 (linux/amd64)", Store: "s3://lake/kafka", Started: noon.Add(-77 * time.Hour), Now: noon, Ticked: noon.Add(-3 * time.Second),
		Memory: Memory{Limit: 512 << 20, Used: 300 << 20},
		Jobs: []Job{
			{Name: "tracking", Schedule: "7 * * * *", Timezone: "UTC", Next: noon.Add(7 * time.Minute), Success: noon.Add(-52 * time.Minute),
				Last: &Run{ID: "a1", Why: "schedule", Began: noon.Add(-53 * time.Minute), Ended: noon.Add(-52 * time.Minute), Outcome: "done", Topics: 3, Rows: 1234567, Files: 40, Bytes: 1 << 30, Commits: 3}},
			{Name: "orders", Schedule: "@daily", Timezone: "Europe/Berlin", Next: noon.Add(11 * time.Hour), Skipped: 2, Missed: 1, Success: noon.Add(-37 * time.Hour),
				Last: &Run{ID: "a2", Why: "catch_up", Began: noon.Add(-13 * time.Hour), Ended: noon.Add(-12 * time.Hour), Outcome: "halted", Exit: 4, Rows: 17, Quarantined: 4}},
			{Name: "payments", Schedule: "*/15 * * * *", Timezone: "UTC", Since: noon.Add(-95 * time.Second), Next: noon.Add(15 * time.Minute),
				Commit: &Commit{Time: noon.Add(-80 * time.Hour), Run: "0123456789abcdef", Topic: "payments"}},
			{Name: "by-hand", Timezone: "UTC", Last: &Run{Why: "asked", Began: noon.Add(-5 * time.Second), Ended: noon.Add(-4 * time.Second), Outcome: "failed", Exit: 1, Error: "kafka-1:9092: connection refused"}},
			{Name: "nightly", Schedule: "0 2 * * *", Timezone: "UTC", Next: noon.Add(14 * time.Hour), Retry: &Retry{At: noon.Add(3 * time.Minute), Number: 2, Of: 5, Topics: 1}, Retries: 1,
				Last: &Run{Why: "retry", Began: noon.Add(-2 * time.Minute), Ended: noon.Add(-time.Minute), Outcome: "failed", Exit: 1, Error: "PutObject: connection refused"}},
		},
		Topics: []Topic{
			{Name: "tracking.clicks", Job: "tracking", Version: 1204, Committed: noon.Add(-52 * time.Minute)},
			{Name: "tracking.views", Job: "tracking", Version: 1204, Committed: noon.Add(-52 * time.Minute), Lag: 8_123_456, LagSeconds: 3100},
			{Name: "tracking.impressions.with.a.very.long.name.that.has.no.space.in.it", Job: "tracking", Lag: -1, LagSeconds: -1},
			{Name: "orders", Job: "orders", Version: 77, Committed: noon.Add(-36 * time.Hour), Lag: 1000, LagSeconds: 130000, Unpublished: 1, Halted: true,
				Problem: "orders/3: offsets [120,480) were deleted before they were read: policy.lost_records is halt",
				Advice:  "`shadoof resolve --topic orders --accept-loss --reason ...` goes on behind them"},
			{Name: "returns", Job: "orders", Version: 3, Committed: noon.Add(-36 * time.Hour), Lag: 5, LagSeconds: 12, Problem: "returns: publish version 3: PutObject: 503 Slow Down"},
		},
	}
}

func render(t *testing.T, s Status) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := page(newView(s)).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPage(t *testing.T) {
	t.Parallel()
	calm := busy()
	calm.Jobs, calm.Topics = calm.Jobs[:1], calm.Topics[:1]
	fresh := Status{Build: "dev", Store: "file:///data/lake", Started: noon, Now: noon, NotReady: "the brokers do not answer: kafka-1:9092: connection refused", Memory: Memory{Limit: 64 << 20},
		Jobs: []Job{{Name: "a", Schedule: "@hourly", Timezone: "UTC", Next: noon.Add(time.Hour)}}}
	for name, s := range map[string]Status{"busy": busy(), "calm": calm, "fresh": fresh} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, filepath.Join("testdata", "page", name+".html"), render(t, s))
		})
	}
}

// Names come from brokers, and errors from anywhere.
func TestNothingOnThePageIsMarkupOfOthers(t *testing.T) {
	t.Parallel()
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'</style></title>`
	s := busy()
	s.Store, s.Build, s.NotReady = hostile, hostile, hostile
	for i := range s.Jobs {
		j := &s.Jobs[i]
		j.Name, j.Timezone = hostile, hostile
		if j.Schedule != "" {
			j.Schedule = hostile
		}
		if j.Last != nil {
			j.Last.Outcome, j.Last.Why, j.Last.Error = hostile, hostile, hostile
		}
		if j.Commit != nil {
			j.Commit.Run = hostile
		}
	}
	for i := range s.Topics {
		s.Topics[i].Name, s.Topics[i].Job, s.Topics[i].Problem, s.Topics[i].Advice = hostile, hostile, hostile, "`"+hostile+"`"
	}
	plain := tags(t, render(t, s))
	for tag := range plain {
		if tag == "script" || tag == "img" {
			t.Errorf("the page has a <%s>", tag)
		}
	}
	if n := strings.Count(string(render(t, s)), "onerror=alert(1)>"); n != 0 {
		t.Errorf("%d attributes are not escaped", n)
	}
}

// tags counts the elements of a page, and finds those that are not closed.
func tags(t *testing.T, page []byte) map[string]int {
	t.Helper()
	seen := map[string]int{}
	var open []string
	for _, m := range regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)`).FindAllStringSubmatch(string(page), -1) {
		name := m[2]
		seen[name]++
		switch {
		case name == "meta" || name == "link":
		case m[1] == "":
			open = append(open, name)
		case len(open) == 0 || open[len(open)-1] != name:
			t.Fatalf("</%s> closes %v", name, open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%v are not closed", open)
	}
	return seen
}

func TestCellsHaveHeadersAndLabels(t *testing.T) {
	t.Parallel()
	p := string(render(t, busy()))
	cells, labels := strings.Count(p, "<td"), strings.Count(p, "<td role=\"cell\" data-label=\"")
	if cells == 0 || cells != labels {
		t.Errorf("%d cells, %d with a label", cells, labels)
	}
	if n, scopes := strings.Count(p, "<th "), strings.Count(p, " scope=\""); n != scopes {
		t.Errorf("%d headers, %d with a scope", n, scopes)
	}
	// A header of a column has a cell or a header of a row below it, in each row.
	for _, table := range strings.Split(p, "<table")[1:] {
		table, _, _ = strings.Cut(table, "</table>")
		columns := strings.Count(table, "columnheader")
		for i, row := range strings.Split(table, "<tr")[2:] {
			if n := strings.Count(row, "<td") + strings.Count(row, "rowheader"); n != columns {
				t.Errorf("row %d has %d cells for %d columns", i, n, columns)
			}
		}
	}
}

func TestThePageLoadsItselfAnewOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	v := newView(busy())
	for _, refresh := range []int{0, 30} {
		v.refresh = refresh
		var b bytes.Buffer
		if err := page(v).Render(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), `<meta http-equiv="refresh" content="30">`); got != (refresh > 0) {
			t.Errorf("refresh %d: %v", refresh, got)
		}
	}
}

func TestWordsOfTime(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "now", 999 * time.Millisecond: "now", time.Second: "1 s ago", -time.Second: "in 1 s", 119 * time.Second: "119 s ago", 2 * time.Minute: "2 min ago", -59 * time.Minute: "in 59 min",
		time.Hour: "1 h ago", 90 * time.Minute: "1 h 30 min ago", 47*time.Hour + 59*time.Minute: "47 h 59 min ago", 48 * time.Hour: "2 days ago", -400 * 24 * time.Hour: "in 400 days",
	} {
		if got := since(noon, noon.Add(-d)); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

func TestCommandsInTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]piece{
		"":              nil,
		"plain":         {{"plain", false}},
		"a `b` c":       {{"a ", false}, {"b", true}, {" c", false}},
		"`b`":           {{"b", true}},
		"a `b":          {{"a `b", false}},
		"`a` `b` and `": {{"a", true}, {" ", false}, {"b", true}, {" and `", false}},
	} {
		if diff := cmp.Diff(want, pieces(text), cmp.AllowUnexported(piece{})); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// The page that is compiled in is the one of page.templ.
func TestGeneratedPageIsUpToDate(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the generator")
	}
	source, err := os.ReadFile("page.go")
	if err != nil {
		t.Fatal(err)
	}
	generator := regexp.MustCompile(`//go:generate go run (\S+) generate`).FindSubmatch(source)
	dir := t.TempDir()
	text, err := os.ReadFile("page.templ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "page.templ"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", string(generator[1]), "generate", "-f", "page.templ")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(filepath.Join(dir, "page_templ.go"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("page_templ.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Error("page_templ.go is not what page.templ makes: go generate ./internal/admin")
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), -update writes it:\n%s", name, diff)
	}
}
