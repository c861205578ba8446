package jobs

import (
	"testing"
	"time"

	"shadoof/config"
)

func TestTheLongestGapOfASchedule(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for schedule, want := range map[string]time.Duration{
		"":                 0,
		"@hourly":          time.Hour,
		"@every 90m":       90 * time.Minute,
		"@monthly":         31 * day,
		"7 * * * *":        time.Hour,
		"*/15 * * * *":     15 * time.Minute,
		"0,50 * * * *":     50 * time.Minute,
		"0 8-18/2 * * *":   14 * time.Hour,
		"30 2 * * *":       day,
		"0 6 * * mon-fri":  3 * day,
		"0 0 1 * *":        31 * day,
		"0 0 29 2 *":       4*365*day + day,
		"0 0 1 * 0":        7 * day,
		"0 0 ? * SUN":      7 * day,
		"0 12 1 jan,jul *": 184 * day,
		"* * * * *":        time.Minute,
		"5/20 0 * * *":     day - 40*time.Minute,
		"59 23 * * *":      day,
	} {
		if got := longestGapOf(&config.Job{Schedule: schedule, Timezone: time.UTC}); got != want {
			t.Errorf("%q: %s, want %s", schedule, got, want)
		}
	}
}
