package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
)

func TestCheckShowsTheNextRunsInTheZoneOfTheJob(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse("shadoof.yaml", []byte(`
kafka: {brokers: [a:1]}
store: {url: "file:///x"}
defaults: {value: {format: bytes}}
jobs:
  - {name: hourly, topics: [a], schedule: "7 * * * *", timezone: Europe/Berlin}
  - {name: asked, topics: [b]}
  - {name: often, topics: [c], schedule: "@every 90s"}
`), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	list, err := schedulesOf(cfg, time.Date(2026, 10, 24, 22, 30, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := printSchedules(&got, list); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"JOB     SCHEDULE    ZONE           NEXT RUNS OF `serve`\n" +
		"hourly  7 * * * *   Europe/Berlin  Sun 2026-10-25 01:07:00 CEST\n" +
		"                                   Sun 2026-10-25 02:07:00 CEST\n" +
		"                                   Sun 2026-10-25 03:07:00 CET\n" +
		"                                   Sun 2026-10-25 04:07:00 CET\n" +
		"                                   Sun 2026-10-25 05:07:00 CET\n" +
		"often   @every 90s  UTC            Sat 2026-10-24 22:31:30 UTC\n" +
		"                                   Sat 2026-10-24 22:33:00 UTC\n" +
		"                                   Sat 2026-10-24 22:34:30 UTC\n" +
		"                                   Sat 2026-10-24 22:36:00 UTC\n" +
		"                                   Sat 2026-10-24 22:37:30 UTC\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}
