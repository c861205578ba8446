package partitioning

import (
	"math"
	"time"
)

// parse reads a text whole. What its milliseconds are says names: since 1970, or what clocks that show them would be since then
// if they were of UTC. What is finer than a millisecond is cut off, downwards.
func (p *pattern) parse(b []byte) (ms int64, ok bool) {
	if p.steps == nil {
		return parseRFC3339(b)
	}
	var v [elements]int64
	v[month], v[day] = 1, 1
	for i := range p.steps {
		n := p.steps[i].take(b, &v)
		if n == 0 {
			return 0, false
		}
		b = b[n:]
	}
	switch {
	case len(b) > 0:
		return 0, false
	case p.epoch:
		return p.sinceEpoch(&v), true
	case p.yearDay:
		if v[dayOfYear] == 366 && !leap(v[year]) {
			return 0, false
		}
		v[day] = v[dayOfYear] // of January: package time carries it over
	case v[day] > daysOf(v[year], v[month]):
		return 0, false
	}
	t := time.Date(int(v[year]), time.Month(v[month]), int(v[day]), int(v[hour]+v[afternoon]), int(v[minute]), int(v[second]), int(v[nanos]), time.UTC)
	return t.UnixMilli() - v[shift]*1000, true
}

func (p *pattern) sinceEpoch(v *[elements]int64) int64 {
	ms := v[since] + v[nanos]/1e6
	if v[minus] == 0 {
		return ms
	}
	if v[nanos]%1e6 > 0 {
		ms++
	}
	return -ms
}

// take reads a step from the beginning of b and returns how many bytes that were: 0 when they are not of this step.
func (s *step) take(b []byte, v *[elements]int64) int {
	switch s.read {
	case literally:
		if len(b) < len(s.text) || string(b[:len(s.text)]) != s.text {
			return 0
		}
		return len(s.text)
	case number:
		return s.number(b, v)
	case spacedNumber:
		if len(b) < 2 || b[0] != ' ' {
			return s.number(b, v)
		}
		if d := b[1] - '0'; d >= 1 && d <= 9 {
			v[s.element] = int64(d)
			return 2
		}
	case fraction:
		return takeFraction(b, v)
	case seconds, millis:
		return s.epoch(b, v)
	case shortMonth, fullMonth:
		i, n := name(b, months[:], s.read == shortMonth)
		v[month] = int64(i + 1)
		return n
	case shortWeekday, fullWeekday:
		_, n := name(b, weekdays[:], s.read == shortWeekday)
		return n
	case half:
		return takeHalf(b, v)
	case offset:
		return takeOffset(b, v)
	case zoneName:
		_, n := name(b, zoneNames, false)
		return n
	}
	return 0
}

func digit(b []byte, i int) (d int64, ok bool) {
	if i >= len(b) || b[i]-'0' > 9 {
		return 0, false
	}
	return int64(b[i] - '0'), true
}

func (s *step) number(b []byte, v *[elements]int64) int {
	x, n := int64(0), 0
	for n < len(b) && n < s.digits[1] && b[n]-'0' <= 9 {
		x = x*10 + int64(b[n]-'0')
		n++
	}
	if n < s.digits[0] || x < int64(s.least) || x > int64(s.most) {
		return 0
	}
	switch s.element {
	case hour:
		if s.most == 12 {
			x %= 12
		}
	case year:
		switch {
		case s.most > 99:
		case x < 69: // as POSIX has it
			x += 2000
		default:
			x += 1900
		}
	}
	v[s.element] = x
	return n
}

// takeFraction reads the digits after a decimal sign: one to nine.
func takeFraction(b []byte, v *[elements]int64) int {
	scale := int64(1e9)
	for n := 0; ; n++ {
		d, ok := digit(b, n)
		switch {
		case !ok:
			return n
		case n == 9:
			return 0
		}
		scale /= 10
		v[nanos] += d * scale
	}
}

// epoch reads a time since 1970 as milliseconds, and its sign.
func (s *step) epoch(b []byte, v *[elements]int64) int {
	n := 0
	if len(b) > 0 && b[0] == '-' {
		v[minus] = 1
		n++
	}
	first := n
	x := int64(0)
	for {
		d, ok := digit(b, n)
		if !ok {
			break
		}
		if x > math.MaxInt64/100_000 { // no calendar reaches
			return 0
		}
		x = x*10 + d
		n++
	}
	if n == first {
		return 0
	}
	if s.read == seconds {
		x *= 1000
	}
	v[since] = x
	return n
}

func takeHalf(b []byte, v *[elements]int64) int {
	if len(b) < 2 || b[1]|0x20 != 'm' {
		return 0
	}
	switch b[0] | 0x20 {
	case 'a':
		return 2
	case 'p':
		v[afternoon] = 12
		return 2
	}
	return 0
}

// takeOffset reads Z, +01, +0100 or +01:00.
func takeOffset(b []byte, v *[elements]int64) int {
	if len(b) > 0 && b[0] == 'Z' {
		return 1
	}
	if len(b) == 0 || b[0] != '+' && b[0] != '-' {
		return 0
	}
	hours, ok := twoDigits(b, 1)
	if !ok || hours > 23 {
		return 0
	}
	n, minutes := 3, int64(0)
	colon := len(b) > 3 && b[3] == ':'
	if colon {
		n++
	}
	if m, ok := twoDigits(b, n); ok {
		n, minutes = n+2, m
	} else if colon {
		n--
	}
	if minutes > 59 {
		return 0
	}
	v[shift] = hours*3600 + minutes*60
	if b[0] == '-' {
		v[shift] = -v[shift]
	}
	return n
}

func twoDigits(b []byte, i int) (v int64, ok bool) {
	tens, ok := digit(b, i)
	if !ok {
		return 0, false
	}
	ones, ok := digit(b, i+1)
	return tens*10 + ones, ok
}

var (
	months = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
		"december"}
	weekdays  = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	zoneNames = []string{"utc", "gmt", "z"} // others, such as CST, are of several zones
)

// name reads one of a list of words in letters of either case: their first three, or the whole. n is 0 when it is none of them.
func name(b []byte, words []string, short bool) (i, n int) {
	for i, w := range words {
		if short {
			w = w[:3]
		}
		if len(b) >= len(w) && sameLetters(b[:len(w)], w) {
			return i, len(w)
		}
	}
	return 0, 0
}

func sameLetters(b []byte, lower string) bool {
	for i := range b {
		if c := b[i] | 0x20; c != lower[i] {
			return false
		}
	}
	return true
}

func leap(y int64) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func daysOf(y, m int64) int64 {
	switch {
	case m == 2 && leap(y):
		return 29
	case m == 2:
		return 28
	case m == 4 || m == 6 || m == 9 || m == 11:
		return 30
	}
	return 31
}
