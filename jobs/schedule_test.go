package jobs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
)

// A slotOracle says what a cron expression names, and when, by looking at every minute: it knows nothing of how Schedule works.
type slotOracle struct {
	fields   [5]map[int]bool
	anyDay   bool
	anyOther bool
}

var oracleBounds = [5][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}}

var descriptors = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

func newSlotOracle(text string) slotOracle {
	if t, ok := descriptors[text]; ok {
		text = t
	}
	words := strings.NewReplacer("jan", "1", "feb", "2", "mar", "3", "apr", "4", "may", "5", "jun", "6", "jul", "7", "aug", "8", "sep", "9", "oct", "10", "nov", "11", "dec", "12",
		"sun", "0", "mon", "1", "tue", "2", "wed", "3", "thu", "4", "fri", "5", "sat", "6", "?", "*")
	var o slotOracle
	for i, f := range strings.Fields(strings.ToLower(text)) {
		set := map[int]bool{}
		for _, part := range strings.Split(words.Replace(f), ",") {
			span, step, stepped := strings.Cut(part, "/")
			by := 1
			if stepped {
				by, _ = strconv.Atoi(step)
			}
			from, to := oracleBounds[i][0], oracleBounds[i][1]
			if a, b, ranged := strings.Cut(span, "-"); ranged {
				from, _ = strconv.Atoi(a)
				to, _ = strconv.Atoi(b)
			} else if span != "*" {
				from, _ = strconv.Atoi(span)
				if !stepped {
					to = from
				}
			}
			for n := oracleBounds[i][0]; n <= oracleBounds[i][1]; n++ {
				if n >= from && n <= to && (n-from)%by == 0 {
					set[n] = true
				}
			}
			if span == "*" && by == 1 && i == 2 {
				o.anyDay = true
			}
			if span == "*" && by == 1 && i == 4 {
				o.anyOther = true
			}
		}
		o.fields[i] = set
	}
	return o
}

// names says whether the oracle's expression names what a clock shows.
func (o slotOracle) names(wall time.Time) bool {
	if !o.fields[0][wall.Minute()] || !o.fields[1][wall.Hour()] || !o.fields[3][int(wall.Month())] {
		return false
	}
	day, weekday := o.fields[2][wall.Day()], o.fields[4][int(wall.Weekday())]
	if o.anyDay || o.anyOther {
		return day && weekday
	}
	return day || weekday
}

// walls calls fn with every whole minute after one moment and up to another, with what a clock in the zone shows for the first time
// then: nothing where it shows a minute again, and also what it skips.
func walls(zone *time.Location, after, to time.Time, fn func(at time.Time, shows []time.Time) bool) {
	var shown time.Time // everything up to here was shown, or skipped
	for t := after.Truncate(time.Minute).Add(-49 * time.Hour); !t.After(to); t = t.Add(time.Minute) {
		l := t.In(zone)
		wall := time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
		if shown.IsZero() {
			shown = wall.Add(-time.Minute)
		}
		var first []time.Time
		for shown.Before(wall) {
			shown = shown.Add(time.Minute)
			first = append(first, shown)
		}
		if t.After(after) && !fn(t, first) {
			return
		}
	}
}

// oracleRuns are the runs of some schedules after one moment and up to another.
func oracleRuns(zone *time.Location, schedules []string, after, to time.Time) [][]time.Time {
	oracles, runs := make([]slotOracle, len(schedules)), make([][]time.Time, len(schedules))
	for i, text := range schedules {
		oracles[i] = newSlotOracle(text)
	}
	walls(zone, after, to, func(at time.Time, shows []time.Time) bool {
		for i, o := range oracles {
			if slices.ContainsFunc(shows, o.names) {
				runs[i] = append(runs[i], at)
			}
		}
		return true
	})
	return runs
}

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func scheduleOf(t testing.TB, text string, zone *time.Location) *Schedule {
	t.Helper()
	s, err := ParseSchedule(text, zone)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return s
}

var (
	oddZones = []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago", "Asia/Kolkata", "Asia/Kathmandu", "Antarctica/Troll", "UTC"}

	someSchedules = []string{"7 * * * *", "*/15 * * * *", "30 2 * * *", "0 2 * * *", "0 3 * * *", "15 1-2 * * *", "0,30 1,2,3 * * sun", "0 0 * * *", "45 23 * * *", "0 0 29 2 *",
		"30 2 29 3 *", "* 2 * * *", "0 0 1,15 * mon", "59 1 */2 * *", "@hourly", "@daily", "@weekly", "@monthly", "@yearly"}
)

// Each minute of the wall clock that a schedule names is one run, in a year with all changes of the clocks.
func TestAYearOfRunsInOddZones(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("nothing runs side by side in it: HISTORIES of the Makefile runs it without the race detector")
	}
	for _, name := range oddZones {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone := zoneOf(t, name)
			from := time.Date(2025, 12, 31, 23, 59, 30, 0, time.UTC)
			to := from.AddDate(1, 0, 2)
			want := oracleRuns(zone, someSchedules, from, to)
			for i, text := range someSchedules {
				s := scheduleOf(t, text, zone)
				var got []time.Time
				for at := s.Next(from); !at.After(to); at = s.Next(at) {
					got = append(got, at.UTC())
				}
				if diff := cmp.Diff(want[i], got); diff != "" {
					t.Errorf("%q in %s: oracle (-) and schedule (+) differ:\n%s", text, name, diff)
				}
				if n := s.Count(from, to, 1<<40); n != int64(len(got)) {
					t.Errorf("%q in %s: %d runs are counted as %d", text, name, len(got), n)
				}
			}
		})
	}
}

func TestRunsWhereClocksAreChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		schedule, zone, after string
		want                  []string
	}{
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}}, // in the gap
		{"*/20 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"7 * * * *", "Europe/Berlin", "2026-03-29T01:07:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:07:00+02:00", "2026-03-29T04:07:00+02:00"}},
		{"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}}, // shown twice
		{"7 * * * *", "Europe/Berlin", "2026-10-25T02:00:00+02:00", []string{"2026-10-25T02:07:00+02:00", "2026-10-25T03:07:00+01:00"}},
		{"30 2 * * *", "Europe/Berlin", "2026-10-25T02:10:00+01:00", []string{"2026-10-26T02:30:00+01:00"}},                                    // asked in the repetition
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30", []string{"2026-10-04T02:30:00+11:00"}},                              // half an hour is skipped
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00+11:00", []string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}}, // and repeated
		{"0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00-10:00", []string{"2011-12-31T00:00:00+14:00", "2012-12-30T12:00:00+14:00"}},      // a day that never was
		{"0 0 * * *", "America/Santiago", "2026-09-05T12:00:00-04:00", []string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"}},     // no midnight
		{"30 23 * * *", "America/Santiago", "2026-04-04T12:00:00-03:00", []string{"2026-04-04T23:30:00-03:00", "2026-04-05T23:30:00-04:00"}},   // 23:30 twice
		{"30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00:00+01:00", []string{"2026-02-15T02:30:00+01:00", "2026-02-16T02:30:00Z"}},        // Ramadan begins
		{"0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},                                                        // 2100 has none
		{"0 0 13 * fri", "UTC", "2026-11-08T00:00:00Z", []string{"2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"}},                              // either kind of day
		{"@every 90m", "Europe/Berlin", "2026-10-25T00:00:00Z", []string{"2026-10-25T01:30:00Z", "2026-10-25T03:00:00Z"}},                      // no zone at all
		{"@every 7d", "Asia/Kolkata", "2026-11-20T13:00:00Z", []string{"2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"}},                        // Mondays
		{"0 0 1 1 *", "UTC", "2025-12-31T23:59:59.999999999Z", []string{"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"}},                       // parts of seconds
		{"0 0 31 2 sun", "UTC", "2026-01-31T00:00:00Z", []string{"2026-02-01T00:00:00Z", "2026-02-08T00:00:00Z"}},                              // the days of the week are left
		{"*/7 0 */10 * *", "UTC", "2026-11-21T00:50:00Z", []string{"2026-11-21T00:56:00Z", "2026-12-01T00:00:00Z"}},                            // steps begin at the least
		{"0 4 8-14 * *", "America/New_York", "2026-11-14T03:59:59-05:00", []string{"2026-11-14T04:00:00-05:00", "2026-12-08T04:00:00-05:00"}},  // ranges
		{"30 1 * * *", "Europe/Berlin", "2026-10-25T01:30:00+02:00", []string{"2026-10-26T01:30:00+01:00"}},                                    // before the repetition
		{"0 3 * * *", "Europe/Berlin", "2026-03-29T01:59:59.5+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"}},      // the end of the gap
		{"* * * * *", "Europe/Berlin", "2026-03-29T01:59:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:01:00+02:00"}},        // sixty minutes are one run
		{"* * * * *", "Europe/Berlin", "2026-10-25T02:59:00+02:00", []string{"2026-10-25T03:00:00+01:00"}},                                     // and sixty are none
		{"30 0 1 1 *", "Africa/Monrovia", "1972-01-01T12:00:00Z", []string{"1973-01-01T00:30:00Z"}},                                            // offsets with seconds
		{"20 0 7 1 *", "Africa/Monrovia", "1972-01-06T12:00:00Z", []string{"1972-01-07T00:44:30Z", "1973-01-07T00:20:00Z"}},                    // and a gap that ends in between
		{"0 1 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00-03:00", []string{"2018-11-04T01:00:00-02:00", "2018-11-05T01:00:00-02:00"}},    // a gap at midnight
		{"59 23 31 12 *", "Pacific/Kiritimati", "1994-12-01T00:00:00Z", []string{"1995-01-01T00:00:00+14:00", "1995-12-31T23:59:00+14:00"}},    // New Year's Eve was left out
		{"0 0 1 6 *", "Antarctica/Troll", "2026-03-29T00:59:59Z", []string{"2026-06-01T00:00:00+02:00", "2027-06-01T00:00:00+02:00"}},          // two hours
		{"30 2 * * *", "Antarctica/Troll", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},         // two hours
		{"30 12 31 12 *", "Europe/Berlin", "2044-12-30T12:00:00Z", []string{"2044-12-31T12:30:00+01:00", "2045-12-31T12:30:00+01:00"}},         // the last day of a leap year
		{"30 1,2 * * *", "Antarctica/Troll", "2026-10-24T23:40:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T01:30:00Z"}},            // two hours
	} {
		s := scheduleOf(t, c.schedule, zoneOf(t, c.zone))
		after, err := time.Parse(time.RFC3339Nano, c.after)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, w := range c.want {
			at, err := time.Parse(time.RFC3339, w)
			if err != nil {
				t.Fatal(err)
			}
			after = s.Next(after)
			got, want = append(got, after.UTC().Format(time.RFC3339Nano)), append(want, at.UTC().Format(time.RFC3339Nano))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q in %s after %s:\n%s", c.schedule, c.zone, c.after, diff)
		}
	}
}

// randomSchedule is a cron expression, most often one that people would write.
func randomSchedule(r *rand.Rand) string {
	field := func(least, most int) string {
		n := func() int { return least + r.IntN(most-least+1) }
		switch r.IntN(6) {
		case 0, 1:
			return "*"
		case 2:
			return fmt.Sprintf("*/%d", 1+r.IntN(most))
		case 3:
			a, b := n(), n()
			return fmt.Sprintf("%d-%d", min(a, b), max(a, b))
		case 4:
			return fmt.Sprintf("%d,%d", n(), n())
		}
		return strconv.Itoa(n())
	}
	return strings.Join([]string{field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)}, " ")
}

// Next, Last and Count agree with the oracle from any moment, above all from those where clocks are changed.
func TestRandomSchedulesFromRandomMoments(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		zone := zoneOf(t, oddZones[r.IntN(len(oddZones))])
		text := randomSchedule(r)
		at := time.Date(1975+r.IntN(70), 1, 1, 0, r.IntN(366*24*60), r.IntN(60), r.IntN(1e9), time.UTC)
		if _, change := at.In(zone).ZoneBounds(); !change.IsZero() && r.IntN(3) > 0 {
			at = change.Add(time.Duration(r.Int64N(int64(8*time.Hour))) - 4*time.Hour)
		}
		if err := checkAgainstOracle(text, zone, at); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// checkAgainstOracle compares a schedule that config takes with the oracle, in the days after a moment.
func checkAgainstOracle(text string, zone *time.Location, at time.Time) error {
	s, err := ParseSchedule(text, zone)
	if err != nil {
		if config.CheckSchedule(text) == nil {
			return fmt.Errorf("config takes %q, the parser does not: %w", text, err)
		}
		return nil
	}
	got := s.Next(at)
	if got.IsZero() || !got.After(at) {
		return fmt.Errorf("%q in %s: the next run after %s is %s", text, zone, at, got)
	}
	if s.every > 0 {
		return nil
	}
	o := newSlotOracle(text)
	end := at.AddDate(0, 0, 5)
	var want time.Time
	walls(zone, at, end, func(t time.Time, shows []time.Time) bool {
		for _, wall := range shows {
			if o.names(wall) {
				want = t
				return false
			}
		}
		return true
	})
	switch {
	case want.IsZero() && got.After(end):
		return nil
	case !want.Equal(got):
		return fmt.Errorf("%q in %s after %s: %s, and the oracle says %s", text, zone, at, got.UTC(), want)
	}
	if last := s.Last(at, got.Add(time.Second/2)); !last.Equal(got) {
		return fmt.Errorf("%q in %s: the last run between %s and %s is %s", text, zone, at, got, last)
	}
	if last := s.Last(at, got.Add(-time.Nanosecond)); !last.IsZero() {
		return fmt.Errorf("%q in %s: there is a run at %s, between two others", text, zone, last)
	}
	if n := s.Count(at, got, 10); n != 1 {
		return fmt.Errorf("%q in %s: %d runs up to the next", text, zone, n)
	}
	return nil
}

func TestTheLastOfManyRuns(t *testing.T) {
	t.Parallel()
	to := time.Date(2026, 12, 1, 11, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		schedule string
		within   time.Duration
		want     string // "": none
	}{
		{"* * 3 jan *", 365 * 24 * time.Hour, "2026-01-03T23:59:00Z"},
		{"* * * * *", time.Hour, "2026-12-01T11:30:00Z"},
		{"30 11 * * *", time.Nanosecond, "2026-12-01T11:30:00Z"},
		{"30 11 * * *", 0, ""},
		{"31 11 * * *", 24 * time.Hour, "2026-11-30T11:31:00Z"},
		{"31 11 * * *", 24*time.Hour - time.Minute, ""},
		{"@every 7h", 7 * time.Hour, "2026-12-01T11:00:00Z"},
		{"@every 7h", 30 * time.Minute, ""},
	} {
		got := ""
		if last := scheduleOf(t, c.schedule, time.UTC).Last(to.Add(-c.within), to); !last.IsZero() {
			got = last.UTC().Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("%q within %s: %q, want %q", c.schedule, c.within, got, c.want)
		}
	}
}

// What config takes the parser takes, without a panic, and its runs are the oracle's.
func FuzzSchedule(f *testing.F) {
	for i, text := range append(someSchedules, "TZ=UTC", "CRON_TZ=UTC * * * * *", "@every -5s", "@every 90m", "0 0 30 2 *", "*-5 * * * *", ", * * * *", "1/0 * * * *", "? ? ? ? ?", "+1 * * * *", "0 0 31 2 *") {
		f.Add(text, oddZones[i%len(oddZones)], int64(1774746000+i*3600))
	}
	f.Fuzz(func(t *testing.T, text, name string, unix int64) {
		zone, err := time.LoadLocation(name)
		if err != nil || name == "Local" || unix < 0 || unix > 4e9 { // of times before 1970 zones have odd seconds, which the oracle does not know
			return
		}
		if err := checkAgainstOracle(text, zone, time.Unix(unix, 0)); err != nil {
			t.Error(err)
		}
	})
}
