package admin

import (
	"fmt"
	"strings"
	"time"
)

// span is a duration in one or two units: 45 s, 12 min, 3 h 20 min, 5 days.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return span(-d)
	case d < time.Second:
		return "less than 1 s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < 48*time.Hour:
		if m := int(d/time.Minute) % 60; m > 0 {
			return fmt.Sprintf("%d h %d min", int(d/time.Hour), m)
		}
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
}

// since says how long ago, or how far ahead, a time is.
func since(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d >= time.Second:
		return span(d) + " ago"
	case d <= -time.Second:
		return "in " + span(d)
	}
	return "now"
}

// clock writes a time of the day in a zone, with the date where it is another day than now's.
func clock(now, t time.Time, zone *time.Location) string {
	now, t = now.In(zone), t.In(zone)
	if now.Format(time.DateOnly) == t.Format(time.DateOnly) {
		return t.Format("15:04:05 ") + zone.String()
	}
	return t.Format("2006-01-02 15:04:05 ") + zone.String()
}

// A piece is a part of a text; code is what stood between backquotes.
type piece struct {
	text string
	code bool
}

// pieces takes a text with commands in backquotes apart.
func pieces(text string) []piece {
	parts := strings.Split(text, "`")
	if len(parts)%2 == 0 { // a backquote that nobody closed is one
		parts = append(parts[:len(parts)-2], parts[len(parts)-2]+"`"+parts[len(parts)-1])
	}
	var out []piece
	for i, p := range parts {
		if p != "" {
			out = append(out, piece{p, i%2 == 1})
		}
	}
	return out
}
