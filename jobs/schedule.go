package jobs

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"shadoof/config"
)

// A Schedule says when a job runs: by the clock on the wall in a zone, to the minute, or every so often. Each minute of the wall clock
// that it names is one run, also on the days when clocks are changed:
//
//   - what the clock skips in spring runs once, at the moment after the gap, however many minutes of it are named;
//   - what the clock shows twice in autumn runs the first time.
//
// @every D runs at multiples of D since Monday, 0001-01-01T00:00:00Z, whatever the zone: @every 1h on the hour of UTC, @every 7d on
// Mondays. It does not depend on when the process began, nor on when a job ran last.
type Schedule struct {
	every time.Duration // 0 for cron

	minutes, hours, days, months, weekdays uint64 // bit n says that n is named
	anyDay, anyWeekday                     bool   // by * or ?: the other kind of day alone decides
	zone                                   *time.Location
}

// cronParser reads fields and nothing else: what it makes of zones, of @every and of clocks that are changed is not for us.
var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// starBit is set by the parser where a field is * or ?, without a step.
const starBit = 1 << 63

// ParseSchedule reads a schedule as a configuration has it. Its errors are those of config.CheckSchedule.
func ParseSchedule(text string, zone *time.Location) (*Schedule, error) {
	if err := config.CheckSchedule(text); err != nil {
		return nil, err
	}
	if rest, ok := strings.CutPrefix(text, "@every "); ok {
		d, err := config.ParseDuration(rest)
		return &Schedule{every: d}, err
	}
	parsed, err := cronParser.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", text, err)
	}
	s, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("schedule %q is of a kind that is unknown here", text)
	}
	return &Schedule{
		minutes: s.Minute &^ starBit, hours: s.Hour &^ starBit, days: s.Dom &^ starBit, months: s.Month &^ starBit, weekdays: s.Dow &^ starBit,
		anyDay: s.Dom&starBit != 0, anyWeekday: s.Dow&starBit != 0, zone: zone,
	}, nil
}

// Next is the first run after a moment. Every schedule of ParseSchedule has one; it may be eight years away.
func (s *Schedule) Next(after time.Time) time.Time {
	if s.every > 0 {
		return after.UTC().Truncate(s.every).Add(s.every)
	}
	p := periodOf(after, s.zone)
	from := wallOf(after, p.offset).Truncate(time.Minute).Add(time.Minute)
	if shown := p.shownBefore(s.zone); from.Before(shown) {
		from = ceilMinute(shown)
	}
	wall := s.wallFrom(from)
	if wall.IsZero() {
		return time.Time{}
	}
	for !p.end.IsZero() && !wall.Before(wallOf(p.end, p.offset)) {
		p = periodOf(p.end, s.zone)
	}
	if !p.start.IsZero() && wall.Before(wallOf(p.start, p.offset)) {
		return p.start // the clock skipped it
	}
	return wall.Add(-p.offset)
}

// Last is the newest run after from, and not after to; zero where there is none.
func (s *Schedule) Last(from, to time.Time) time.Time {
	if s.every > 0 {
		if t := to.UTC().Truncate(s.every); t.After(from) {
			return t
		}
		return time.Time{}
	}
	if !from.Before(to) || s.Next(from).After(to) {
		return time.Time{}
	}
	// What is next never comes earlier when one asks later.
	for to.Sub(from) > time.Second {
		middle := from.Add(to.Sub(from) / 2)
		if s.Next(middle).After(to) {
			to = middle
		} else {
			from = middle
		}
	}
	return s.Next(from)
}

// Count is how many runs there are after from, and not after to; at most limit.
func (s *Schedule) Count(from, to time.Time, limit int64) (n int64) {
	if s.every > 0 {
		if to.Before(from) {
			return 0
		}
		return min(limit, int64(to.UTC().Truncate(s.every).Sub(from.UTC().Truncate(s.every))/s.every))
	}
	for t := s.Next(from); n < limit && !t.IsZero() && !t.After(to); t = s.Next(t) {
		n++
	}
	return n
}

// horizon is where the search for a day ends, in years: a 29 February may be eight years away.
const horizon = 9

// wallFrom is the first minute of the wall clock at or after w that the schedule names, and zero where there is none. Both stand for
// what a clock shows, as if it was one of UTC.
func (s *Schedule) wallFrom(w time.Time) time.Time {
	day := w.Truncate(24 * time.Hour)
	hour, minute := w.Hour(), w.Minute()
	for end := day.AddDate(horizon, 0, 0); day.Before(end); hour, minute = 0, 0 {
		if !has(s.months, int(day.Month())) {
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if s.onDay(day) {
			if h, m, ok := s.timeFrom(hour, minute); ok {
				return day.Add(time.Duration(h*60+m) * time.Minute)
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}
}

// timeFrom is the first named time of a day, from a time on.
func (s *Schedule) timeFrom(hour, minute int) (h, m int, ok bool) {
	if m := next(s.minutes, minute); has(s.hours, hour) && m < 60 {
		return hour, m, true
	}
	h = next(s.hours, hour+1)
	return h, next(s.minutes, 0), h < 24
}

// onDay says whether a day is one of the schedule's: where both kinds of days are named, either will do, as cron has it.
func (s *Schedule) onDay(day time.Time) bool {
	if !has(s.months, int(day.Month())) {
		return false
	}
	d, weekday := has(s.days, day.Day()), has(s.weekdays, int(day.Weekday()))
	if s.anyDay || s.anyWeekday {
		return d && weekday
	}
	return d || weekday
}

func has(set uint64, n int) bool { return set>>n&1 == 1 }

// next is the least member of a set from n on; 64 or more where there is none.
func next(set uint64, n int) int { return n + bits.TrailingZeros64(set>>n) }

// A period is a time during which a zone's clocks are not changed: from start on, to before end; zero times where that is for ever.
type period struct {
	start, end time.Time
	offset     time.Duration // of the wall clock, ahead of UTC
}

func periodOf(t time.Time, zone *time.Location) period {
	t = t.In(zone)
	start, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) { // of the last day of a leap year it answers with the day's beginning, as of Go 1.26
		end = t.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	_, offset := t.Zone()
	return period{start, end, time.Duration(offset) * time.Second}
}

// shownBefore is what clocks had shown before a period began: its first hours may be a repetition.
func (p period) shownBefore(zone *time.Location) (shown time.Time) {
	for t := p.start; !t.IsZero() && p.start.Sub(t) < 48*time.Hour; { // no two offsets are further apart
		before := periodOf(t.Add(-time.Nanosecond), zone)
		if w := wallOf(t, before.offset); w.After(shown) {
			shown = w
		}
		t = before.start
	}
	return shown
}

// wallOf is what a clock shows that is so far ahead of UTC.
func wallOf(t time.Time, offset time.Duration) time.Time { return t.UTC().Add(offset) }

func ceilMinute(t time.Time) time.Time { return t.Add(time.Minute - 1).Truncate(time.Minute) }
