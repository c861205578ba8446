package json

import (
	"math"
	"math/bits"

	"shadoof/record"
)

// A clock is how a time is counted and written.
type clock struct {
	perSecond int64
	day       bool // a time of day
	zone      bool // an instant: text names its zone
	expects   string
}

var clocks = map[record.Kind]clock{
	record.TimeMillis:      {perSecond: 1e3, day: true, expects: "milliseconds since midnight or HH:MM:SS, below 24 hours"},
	record.TimeMicros:      {perSecond: 1e6, day: true, expects: "microseconds since midnight or HH:MM:SS, below 24 hours"},
	record.TimestampMillis: {perSecond: 1e3, zone: true, expects: "milliseconds since 1970 or a time of RFC 3339"},
	record.TimestampMicros: {perSecond: 1e6, zone: true, expects: "microseconds since 1970 or a time of RFC 3339"},
	record.TimestampNanos:  {perSecond: 1e9, zone: true, expects: "nanoseconds since 1970 or a time of RFC 3339"},
	record.LocalMillis:     {perSecond: 1e3, expects: "milliseconds since 1970 or YYYY-MM-DDTHH:MM:SS without a zone"},
	record.LocalMicros:     {perSecond: 1e6, expects: "microseconds since 1970 or YYYY-MM-DDTHH:MM:SS without a zone"},
	record.LocalNanos:      {perSecond: 1e9, expects: "nanoseconds since 1970 or YYYY-MM-DDTHH:MM:SS without a zone"},
}

// time reads a date, a time of day or a timestamp: a number in its unit, or text.
func (d *Decoder) time(n *node, p int, rep uint8) (end int) {
	var v int64
	if d.b[p] == '"' {
		text, q := d.text(n, p)
		if q < 0 {
			return -1
		}
		var ok bool
		if v, ok = n.parseTime(text); !ok {
			return d.mismatch(n, p)
		}
		end = q
	} else if v, end = d.integer(n, p); end < 0 {
		return -1
	}
	if n.clock.day && (v < 0 || v >= 86400*n.clock.perSecond) {
		return d.mismatch(n, p)
	}
	if n.clock.perSecond == 1e3 && !record.InMicros(v) {
		return d.mismatch(n, p)
	}
	c := &d.leaves[n.leaf]
	if c.Physical == record.PhysInt32 {
		if v != int64(int32(v)) {
			return d.mismatch(n, p)
		}
		c.Int32s = append(c.Int32s, int32(v))
	} else {
		c.Int64s = append(c.Int64s, v)
	}
	c.AppendLevels(n.def, rep)
	return end
}

func (n *node) parseTime(s []byte) (v int64, ok bool) {
	if n.op == opDate {
		days, rest, ok := cutDate(s)
		return days, ok && len(rest) == 0
	}
	var days, offset int64
	if !n.clock.day {
		days, s, ok = cutDate(s)
		if !ok || len(s) == 0 || s[0] != 'T' && s[0] != 't' && s[0] != ' ' {
			return 0, false
		}
		s = s[1:]
	}
	seconds, nanos, s, ok := cutClock(s)
	if !ok {
		return 0, false
	}
	if n.clock.zone {
		if offset, s, ok = cutZone(s); !ok {
			return 0, false
		}
	}
	if len(s) > 0 {
		return 0, false
	}
	// What is finer than the unit goes: towards the past, as nanos count forward from the second.
	return scaled(days*86400+seconds-offset, nanos/(1e9/n.clock.perSecond), n.clock.perSecond)
}

// scaled is seconds × unit + rest, where 64 bits hold it.
func scaled(seconds, rest, unit int64) (int64, bool) {
	if seconds < 0 { // count the rest from the other side, so that the least time is in reach
		seconds++
		rest -= unit
	}
	magnitude := uint64(max(seconds, -seconds))
	high, low := bits.Mul64(magnitude, uint64(unit))
	if high != 0 || low > math.MaxInt64 {
		return 0, false
	}
	v := int64(low)
	if seconds < 0 {
		v = -v
	}
	sum := v + rest
	if v > 0 && rest > 0 && sum < 0 || v < 0 && rest < 0 && sum >= 0 {
		return 0, false
	}
	return sum, true
}

// cutDate reads YYYY-MM-DD as days since 1970, by the Gregorian calendar.
func cutDate(s []byte) (days int64, rest []byte, ok bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, nil, false
	}
	century, ok1 := twoDigits(s)
	year, ok2 := twoDigits(s[2:])
	month, ok3 := twoDigits(s[5:])
	day, ok4 := twoDigits(s[8:])
	year += century * 100
	if !ok1 || !ok2 || !ok3 || !ok4 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, nil, false
	}
	// Years begin in March here, so that the leap day comes last.
	y, m := year, month-3
	if m < 0 {
		y, m = y-1, m+12
	}
	y += 400 // no negative years
	return y*365 + y/4 - y/100 + y/400 + (153*m+2)/5 + day - 1 - 719468 - 146097, s[10:], true
}

func daysIn(year, month int64) int64 {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}

// cutClock reads HH:MM:SS, with a fraction of up to nine digits that count.
func cutClock(s []byte) (seconds, nanos int64, rest []byte, ok bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return 0, 0, nil, false
	}
	h, ok1 := twoDigits(s)
	m, ok2 := twoDigits(s[3:])
	sec, ok3 := twoDigits(s[6:])
	if !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || sec > 59 {
		return 0, 0, nil, false
	}
	s = s[8:]
	if len(s) > 0 && s[0] == '.' {
		digits := 0
		for s = s[1:]; len(s) > 0 && s[0]-'0' <= 9; s = s[1:] {
			if digits++; digits <= 9 {
				nanos = nanos*10 + int64(s[0]-'0')
			}
		}
		if digits == 0 {
			return 0, 0, nil, false
		}
		for ; digits < 9; digits++ {
			nanos *= 10
		}
	}
	return h*3600 + m*60 + sec, nanos, s, true
}

// cutZone reads Z or ±HH:MM as seconds east of UTC.
func cutZone(s []byte) (offset int64, rest []byte, ok bool) {
	if len(s) > 0 && s[0]|0x20 == 'z' {
		return 0, s[1:], true
	}
	if len(s) < 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, nil, false
	}
	h, ok1 := twoDigits(s[1:])
	m, ok2 := twoDigits(s[4:])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, nil, false
	}
	if offset = h*3600 + m*60; s[0] == '-' {
		offset = -offset
	}
	return offset, s[6:], true
}

func twoDigits(s []byte) (int64, bool) {
	return int64(s[0]-'0')*10 + int64(s[1]-'0'), s[0]-'0' <= 9 && s[1]-'0' <= 9
}
