package infer

import (
	"regexp"
	"strings"
	"time"
)

// textStats are what is known of strings.
type textStats struct {
	seen     int
	dates    int
	instants int // with a zone
	locals   int // without one
	fine     int // times finer than microseconds
	offsets  int // instants of zones other than UTC
	uuids    int
	min, max string // in the order of bytes, shortened
	longest  int    // bytes
}

func (s *textStats) note(text string) {
	short := shorten(text, 40)
	if s.seen == 0 || short < s.min {
		s.min = short
	}
	if s.seen == 0 || short > s.max {
		s.max = short
	}
	s.seen++
	s.longest = max(s.longest, len(text))
	if uuidText.MatchString(text) {
		s.uuids++
	}
	t, ok := parseTime(text)
	if !ok {
		return
	}
	switch {
	case t.date:
		s.dates++
	case t.zone:
		s.instants++
	default:
		s.locals++
	}
	if t.fine {
		s.fine++
	}
	if t.offset {
		s.offsets++
	}
}

func (s *textStats) merge(o *textStats) {
	if o.seen == 0 {
		return
	}
	if s.seen == 0 || o.min < s.min {
		s.min = o.min
	}
	if s.seen == 0 || o.max > s.max {
		s.max = o.max
	}
	s.seen += o.seen
	s.dates += o.dates
	s.instants += o.instants
	s.locals += o.locals
	s.fine += o.fine
	s.offsets += o.offsets
	s.uuids += o.uuids
	s.longest = max(s.longest, o.longest)
}

var (
	uuidText = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	timeText = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(\.\d+)?([Zz]|[-+](?:[01]\d|2[0-3]):[0-5]\d)?)?$`)
)

type timeForm struct {
	date   bool // no more than that
	zone   bool
	offset bool // a zone other than UTC
	fine   bool // more than microseconds
}

// parseTime says which time a string is in one of the forms that record/json takes.
func parseTime(s string) (f timeForm, ok bool) {
	if len(s) < 10 || s[4] != '-' {
		return f, false
	}
	m := timeText.FindStringSubmatch(s)
	if m == nil {
		return f, false
	}
	if _, err := time.Parse(time.DateOnly, m[1]); err != nil {
		return f, false
	}
	fraction := strings.TrimRight(m[5], "0")
	zone := strings.ToUpper(m[6])
	return timeForm{
		date:   m[2] == "",
		zone:   zone != "",
		offset: zone != "" && zone != "Z" && zone[1:] != "00:00",
		fine:   len(fraction) > len(".123456"),
	}, true
}
