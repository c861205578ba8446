package admin

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
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
			{Name: "payments", Schedule: "*/15 * * * *", Timezone: "UTC", Since: noon.Add(-95 * time.Second), Next: noon.Add(15 * time.Minute)},
			{Name: "by-hand", Timezone: "UTC", Last: &Run{Why: "asked", Began: noon.Add(-5 * time.Second), Ended: noon.Add(-4 * time.Second), Outcome: "failed", Exit: 1, Error: "kafka-1:9092: connection refused"}},
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
