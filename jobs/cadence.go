package jobs

import (
	"time"

	"shadoof/config"
)

// longestGapOf is the longest time between two runs of a job by its schedule; 0 where it has none.
func longestGapOf(j *config.Job) time.Duration {
	if j.Schedule == "" {
		return 0
	}
	s, err := ParseSchedule(j.Schedule, j.Timezone)
	if err != nil {
		return 0 // config said so
	}
	return s.longestGap()
}

// longestGap is the longest time between two runs. The hour that clocks may be changed by, and runs that are missed and made up, are
// not in it.
func (s *Schedule) longestGap() time.Duration {
	if s.every > 0 {
		return s.every
	}
	first, last, longest := s.timesOfDay()
	var before time.Time
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := range 9 * 366 { // two leap days are among them
		day := start.AddDate(0, 0, d)
		if !s.onDay(day) {
			continue
		}
		if !before.IsZero() {
			longest = max(longest, day.Add(first).Sub(before))
		}
		before = day.Add(last)
	}
	return longest
}

// timesOfDay are the first and the last time of a day, and the longest gap between them.
func (s *Schedule) timesOfDay() (first, last, gap time.Duration) {
	first = -1
	for m := range 24 * 60 {
		if !has(s.hours, m/60) || !has(s.minutes, m%60) {
			continue
		}
		at := time.Duration(m) * time.Minute
		if first < 0 {
			first, last = at, at
		}
		gap, last = max(gap, at-last), at
	}
	return first, last, gap
}
