package main

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/jobs"
)

func report(topics int, of func(i int, t *jobs.TopicReport)) *jobs.RunReport {
	r := &jobs.RunReport{Seconds: 6.5}
	for i := range topics {
		t := &jobs.TopicReport{Topic: fmt.Sprintf("clicks-%04d", i), Job: "web", Outcome: jobs.UpToDate, Seconds: 0.25}
		of(i, t)
		r.Topics = append(r.Topics, t)
	}
	return r
}

func TestOfManyTopicsThoseThatDidSomethingAreShown(t *testing.T) {
	for name, test := range map[string]struct {
		report *jobs.RunReport
		want   string
	}{
		"nothing new": {report(1000, func(int, *jobs.TopicReport) {}), "1,000 topics: 1,000 up to date; 6.5 s\n"},
		"some": {report(1000, func(i int, r *jobs.TopicReport) {
			switch {
			case i == 7:
				r.Outcome, r.Rows, r.Files, r.Bytes, r.Versions = jobs.Lifted, 1200, 2, 1<<20, []int64{3, 4}
			case i == 8:
				r.Outcome, r.Rows, r.Files, r.Bytes, r.Versions, r.Limited, r.Lag = jobs.Limited, 100, 1, 1<<10, []int64{9}, true, 12345
			case i >= 975:
				r.Outcome, r.Error = jobs.Failed, r.Topic+": it did not answer"
			}
		}), someText},
		"few": {report(2, func(i int, r *jobs.TopicReport) {}), fewText},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := printRun(&b, test.report); err != nil {
				t.Fatal(err)
			}
			got := b.String()
			if name == "some" { // the table has a row for each topic that failed
				lines := bytes.SplitAfter(b.Bytes(), []byte("\n"))
				got = string(bytes.Join(slices.Concat(lines[:4], lines[28:29], lines[47:]), nil))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

const someText = `TOPIC        JOB  OUTCOME   ROWS  QUARANTINED  FILES    BYTES  VERSIONS    TIME
clicks-0007  web  lifted   1,200            0      2  1.0 MiB  3-4       250 ms
clicks-0008  web  limited    100            0      1  1.0 KiB  9         250 ms
clicks-0975  web  failed       0            0      0      0 B  -         250 ms
clicks-0008: a limit was reached, 12,345 offsets are left
failed: clicks-0993: it did not answer
failed: clicks-0994: it did not answer
and 5 more topics with an error: ` + "`run --json`" + ` has them all
1,000 topics: 973 up to date, 1 lifted, 1 limited, 25 failed; 1,300 rows, 0 in quarantine, 3 files, 1.0 MiB; 6.5 s
`

const fewText = `TOPIC        JOB  OUTCOME     ROWS  QUARANTINED  FILES  BYTES  VERSIONS    TIME
clicks-0000  web  up_to_date     0            0      0    0 B  -         250 ms
clicks-0001  web  up_to_date     0            0      0    0 B  -         250 ms
`
