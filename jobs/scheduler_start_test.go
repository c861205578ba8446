package jobs

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
)

// A run that is due while the process starts is one that it was there for: on time for a minute, and counted where it is missed.
func TestRunsThatAreDueWhileTheProcessStarts(t *testing.T) {
	t.Parallel()
	noon := day.Add(-time.Hour)
	for name, c := range map[string]struct {
		schedule string
		catchUp  time.Duration
		begins   time.Time
		learn    time.Duration
		last     time.Time // zero: nothing was ever committed
		want     []string
		missed   int64
	}{
		"a short start":                            {schedule: "@daily", begins: day.Add(11*time.Hour - 20*time.Second), learn: 40 * time.Second, last: noon, want: []string{"schedule 00:00:20"}},
		"a start right after":                      {schedule: "@daily", begins: day.Add(11*time.Hour + 59*time.Second), last: noon, want: []string{"schedule 00:00:59"}},
		"a start that is too late":                 {schedule: "@daily", begins: day.Add(11*time.Hour + time.Minute), last: noon},
		"a long start":                             {schedule: "@daily", begins: day.Add(11*time.Hour - 20*time.Second), learn: 2 * time.Minute, last: noon, missed: 1},
		"a long start of what was never lifted":    {schedule: "@daily", begins: day.Add(11*time.Hour - 20*time.Second), learn: 2 * time.Minute, missed: 1},
		"a long start, and another process was up": {schedule: "@daily", begins: day.Add(11*time.Hour - 20*time.Second), learn: 2 * time.Minute, last: day.Add(11*time.Hour + time.Second)},
		"a short start within catch_up":            {schedule: "@daily", catchUp: time.Hour, begins: day.Add(11*time.Hour - 20*time.Second), learn: 40 * time.Second, last: noon, want: []string{"catch_up 00:00:20"}},
		"a long start within catch_up":             {schedule: "@daily", catchUp: time.Hour, begins: day.Add(11*time.Hour - 20*time.Second), learn: 2 * time.Minute, last: noon, want: []string{"catch_up 00:01:40"}},
		"a start during which several were due":    {schedule: "59,0,1,2 23,0 * * *", catchUp: time.Hour, begins: day.Add(11*time.Hour - 90*time.Second), learn: 3 * time.Minute, last: noon, want: []string{"catch_up 00:01:30", "schedule 00:02:00"}, missed: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newTheatre(t, c.begins, &config.Job{Name: "job", Schedule: c.schedule, Timezone: time.UTC, CatchUp: c.catchUp})
				h.last, h.learn = []lastRun{{job: "job", topic: "t", time: c.last}}, c.learn
				h.begin()
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				var got []string
				for _, r := range h.started() {
					got = append(got, r.Why+" "+r.At.Format(time.TimeOnly))
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				if j := h.jobStatus("job"); j.Missed != c.missed || j.Skipped != 0 {
					t.Errorf("missed %d, want %d: %+v", j.Missed, c.missed, j)
				}
				if err := h.end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
