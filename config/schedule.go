package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

var cronFields = []struct {
	name        string
	least, most int
	words       string // from the value of least on
}{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of the month", 1, 31, ""},
	{"month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"},
	{"day of the week", 0, 6, "sun mon tue wed thu fri sat"},
}

// schedule reads a cron expression of five fields, or @hourly and the like.
func (m *mapping) schedule(key string) string {
	s := m.text(key, "")
	if s == "" {
		return ""
	}
	if err := CheckSchedule(s); err != nil {
		m.reject(key, "%v", err)
		return ""
	}
	return s
}

// CheckSchedule says what is wrong with a schedule: that it is none, or that it never comes to a run.
func CheckSchedule(s string) error {
	if rest, ok := strings.CutPrefix(s, "@every "); ok {
		d, err := ParseDuration(rest)
		if err == nil && d < time.Second {
			err = fmt.Errorf("@every wants a duration of a second or more")
		}
		return err
	}
	switch s {
	case "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly":
		return nil
	}
	if strings.HasPrefix(s, "@") {
		return fmt.Errorf("%q is none of @hourly, @daily, @weekly, @monthly, @yearly and @every DURATION", clip(s))
	}
	if strings.Contains(s, "TZ=") {
		return fmt.Errorf("a schedule names no zone: timezone does")
	}
	fields := strings.Fields(s)
	if len(fields) != len(cronFields) {
		return fmt.Errorf("%q has %d fields, not the five of cron: minute, hour, day of the month, month, day of the week", clip(s), len(fields))
	}
	parts := make([][]cronPart, len(fields))
	for i, f := range fields {
		for text := range strings.SplitSeq(f, ",") {
			part, ok := parseCronPart(i, text)
			if !ok {
				c := cronFields[i]
				return fmt.Errorf("%q is not a %s: %d to %d, *, lists, ranges and steps", clip(text), c.name, c.least, c.most)
			}
			parts[i] = append(parts[i], part)
		}
	}
	return checkDays(s, parts[2], parts[3], parts[4])
}

// daysOf are the days of the months from January on, in a leap year.
var daysOf = [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// checkDays refuses a 30 February. Where days of the week are named as well, either kind of day will do, and those come in every month.
func checkDays(s string, days, months, weekdays []cronPart) error {
	if !slices.ContainsFunc(weekdays, func(p cronPart) bool { return p.any }) {
		return nil
	}
	least, most := 31, 0
	for _, p := range days {
		least = min(least, p.from)
	}
	for _, p := range months {
		for month := p.from; month <= p.to; month += p.step {
			most = max(most, daysOf[month-1])
		}
	}
	if least > most {
		return fmt.Errorf("%q never comes: none of its months has a day %d", clip(s), least)
	}
	return nil
}

// A cronPart is what may stand in a field between commas: *, n, a-b, each also with /step.
type cronPart struct {
	from, to, step int
	any            bool // no restriction at all
}

func parseCronPart(field int, s string) (p cronPart, ok bool) {
	f := cronFields[field]
	span, step, stepped := strings.Cut(s, "/")
	p = cronPart{from: f.least, to: f.most, step: 1}
	if stepped {
		n, err := strconv.ParseUint(step, 10, 8)
		if err != nil || n == 0 || int(n) > f.most {
			return p, false
		}
		p.step = int(n)
	}
	if span == "*" || span == "?" {
		p.any = p.step == 1
		return p, true
	}
	from, to, ranged := strings.Cut(span, "-")
	if p.from, ok = cronValue(field, from); !ok {
		return p, false
	}
	switch {
	case ranged:
		p.to, ok = cronValue(field, to)
	case !stepped:
		p.to = p.from
	}
	return p, ok && p.from <= p.to
}

func cronValue(field int, s string) (int, bool) {
	f := cronFields[field]
	for i, w := range strings.Fields(f.words) {
		if strings.EqualFold(s, w) {
			return f.least + i, true
		}
	}
	n, err := strconv.ParseUint(s, 10, 8)
	return int(n), err == nil && int(n) >= f.least && int(n) <= f.most
}
