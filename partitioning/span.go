package partitioning

import (
	"strings"
	"time"
)

// Span is the stretch of time of a folder: the shortest that holds all times that go there, half open. Where clocks are set back,
// it holds what they show twice: an hour's folder then spans two hours, and spans of minutes overlap. ok is false for a name
// that is not of the layout, or of an hour that clocks skip: no time goes there. Nor has the fixed folder of [Options].Otherwise a
// span, whatever its name: all times may go there.
func (p *Partitioner) Span(bucket string) (from, to time.Time, ok bool) {
	start, end, ok := p.layout.parse(bucket)
	if !ok || bucket == p.o.Otherwise {
		return from, to, false
	}
	// start and end are what clocks show. In each stretch with one offset from UTC they are instants; their union is the span.
	found := false
	const beyond = 48 * time.Hour // more than any offset
	for t := start.Add(-beyond).In(p.o.Zone); ; {
		_, offset := t.Zone()
		shift := time.Duration(offset) * time.Second
		first, last := start.Add(-shift), end.Add(-shift)
		segment, next := bounds(t)
		if !segment.IsZero() && segment.After(first) {
			first = segment
		}
		if !next.IsZero() && next.Before(last) {
			last = next
		}
		if first.Before(last) {
			if !found {
				from, found = first, true
			}
			to = last
		}
		if next.IsZero() || next.After(end.Add(beyond)) {
			return from.In(p.o.Zone), to.In(p.o.Zone), found
		}
		t = next
	}
}

// bounds is t.ZoneBounds, but that the end lies after t: far in the future, on the last day of leap years, package time has it at
// the day's beginning.
func bounds(t time.Time) (start, end time.Time) {
	start, end = t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		end = t.Add(time.Hour)
	}
	return start, end
}

// parse reads a folder's name as the stretch that clocks show, in UTC.
func (l *layout) parse(bucket string) (start, end time.Time, ok bool) {
	n := map[byte]int{'m': 1, 'd': 1}
	rest := bucket
	for _, part := range l.parts {
		if part.directive == 0 {
			if rest, ok = strings.CutPrefix(rest, part.literal); !ok {
				return start, end, false
			}
			continue
		}
		width := 2
		if part.directive == 'Y' {
			width = 4
		}
		if len(rest) < width {
			return start, end, false
		}
		v := 0
		for _, c := range []byte(rest[:width]) {
			if c < '0' || c > '9' {
				return start, end, false
			}
			v = v*10 + int(c-'0')
		}
		n[part.directive] = v
		rest = rest[width:]
	}
	start = time.Date(n['Y'], time.Month(n['m']), n['d'], n['H'], n['M'], 0, 0, time.UTC)
	if rest != "" || l.format(start) != bucket { // a day or hour that no calendar has; a directive with two values
		return start, end, false
	}
	switch l.finest {
	case 'Y':
		end = start.AddDate(1, 0, 0)
	case 'm':
		end = start.AddDate(0, 1, 0)
	case 'd':
		end = start.AddDate(0, 0, 1)
	default:
		end = start.Add(l.unit)
	}
	return start, end, true
}
