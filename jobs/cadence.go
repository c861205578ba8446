package jobs

import (
	"strconv"
	"strings"
	"time"

	"shadoof/config"
)

// longestGap is the longest time between two runs by a schedule that config took for one; 0 where it is none. Runs that are missed and
// made up are not in it.
func longestGap(schedule string) time.Duration {
	const day = 24 * time.Hour
	if rest, ok := strings.CutPrefix(schedule, "@every "); ok {
		d, err := config.ParseDuration(rest)
		if err != nil {
			return 0
		}
		return d
	}
	switch schedule {
	case "":
		return 0
	case "@hourly":
		return time.Hour
	case "@daily", "@midnight":
		return day
	case "@weekly":
		return 7 * day
	case "@monthly":
		return 31 * day
	case "@yearly", "@annually":
		return 366 * day
	}
	fields := strings.Fields(schedule)
	if len(fields) != 5 {
		return 0
	}
	c := cadence{minutes: members(fields[0], 0, 59, ""), hours: members(fields[1], 0, 23, ""), days: members(fields[2], 1, 31, ""),
		months: members(fields[3], 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"), weekdays: members(fields[4], 0, 6, "sun mon tue wed thu fri sat"),
		anyDay: free(fields[2]), anyWeekday: free(fields[4])}
	return c.longest()
}

// A cadence is a cron expression: bit n of a field says that n is in it.
type cadence struct {
	minutes, hours, days, months, weekdays uint64
	anyDay, anyWeekday                     bool
}

func free(field string) bool { return strings.HasPrefix(field, "*") || strings.HasPrefix(field, "?") }

// onDay says whether a day is one of those: where both kinds of days are named, either will do, as cron has it.
func (c cadence) onDay(t time.Time) bool {
	if c.months>>uint(t.Month())&1 == 0 {
		return false
	}
	day, weekday := c.days>>uint(t.Day())&1 == 1, c.weekdays>>uint(t.Weekday())&1 == 1
	if c.anyDay || c.anyWeekday {
		return day && weekday
	}
	return day || weekday
}

// longest goes over nine years, which have two leap days among them.
func (c cadence) longest() time.Duration {
	var times []int // minutes of a day
	for h := range 24 {
		for m := range 60 {
			if c.hours>>h&1 == 1 && c.minutes>>m&1 == 1 {
				times = append(times, h*60+m)
			}
		}
	}
	if len(times) == 0 {
		return 0
	}
	within := 0
	for i := 1; i < len(times); i++ {
		within = max(within, times[i]-times[i-1])
	}
	longest, last := 0, -1
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := range 9 * 366 {
		if !c.onDay(start.AddDate(0, 0, d)) {
			continue
		}
		at := d * 24 * 60
		if last >= 0 {
			longest = max(longest, at+times[0]-last)
		}
		longest = max(longest, within)
		last = at + times[len(times)-1]
	}
	return time.Duration(longest) * time.Minute
}

// members are the values that a field of cron names: lists of *, n and a-b, each also with /step.
func members(field string, least, most int, words string) (set uint64) {
	value := func(s string) int {
		for i, w := range strings.Fields(words) {
			if strings.EqualFold(s, w) {
				return least + i
			}
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	for part := range strings.SplitSeq(field, ",") {
		span, step, stepped := strings.Cut(part, "/")
		by := 1
		if stepped {
			by = max(1, value(step))
		}
		from, to := least, most
		if span != "*" && span != "?" {
			a, b, ranged := strings.Cut(span, "-")
			from = value(a)
			switch {
			case ranged:
				to = value(b)
			case !stepped:
				to = from
			}
		}
		for n := max(from, least); n <= min(to, most); n += by {
			set |= 1 << n
		}
	}
	return set
}
