package config

import (
	"fmt"
	"strconv"
	"strings"
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
	if err := checkSchedule(s); err != nil {
		m.reject(key, "%v", err)
		return ""
	}
	return s
}

func checkSchedule(s string) error {
	if rest, ok := strings.CutPrefix(s, "@every "); ok {
		d, err := ParseDuration(rest)
		if err == nil && d <= 0 {
			err = fmt.Errorf("@every wants a duration above zero")
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
	for i, f := range fields {
		for part := range strings.SplitSeq(f, ",") {
			if !cronPart(i, part) {
				c := cronFields[i]
				return fmt.Errorf("%q is not a %s: %d to %d, *, lists, ranges and steps", clip(part), c.name, c.least, c.most)
			}
		}
	}
	return nil
}

// cronPart says whether s may stand in a field: *, n, a-b, each also with /step.
func cronPart(field int, s string) bool {
	span, step, stepped := strings.Cut(s, "/")
	if stepped {
		n, err := strconv.ParseUint(step, 10, 8)
		if err != nil || n == 0 || int(n) > cronFields[field].most {
			return false
		}
	}
	if span == "*" || span == "?" {
		return true
	}
	from, to, ranged := strings.Cut(span, "-")
	a, ok := cronValue(field, from)
	if !ok || !ranged {
		return ok
	}
	b, ok := cronValue(field, to)
	return ok && a <= b
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
