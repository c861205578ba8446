package partitioning

import "time"

// parseRFC3339 reads what [time.Time.UnmarshalText] reads, as milliseconds since 1970. That one allocates for a text that it refuses,
// which another pattern may take; it is asked only where a text looks as if it could be one, and is not quite: it takes one digit of an
// hour, and a comma.
func parseRFC3339(b []byte) (ms int64, ok bool) {
	if ms, ok = strictRFC3339(b); ok {
		return ms, true
	}
	n := len(b)
	if n < len("2026-11-20T1:30:05Z") || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[n-1] != 'Z' && b[n-6] != '+' && b[n-6] != '-' {
		return 0, false
	}
	var t time.Time
	if err := t.UnmarshalText(b); err != nil {
		return 0, false
	}
	return t.UnixMilli(), true
}

func strictRFC3339(b []byte) (ms int64, ok bool) {
	const shape = "dddd-dd-ddTdd:dd:dd"
	if len(b) <= len(shape) {
		return 0, false
	}
	for i := range len(shape) {
		if c := shape[i]; c == 'd' && b[i]-'0' > 9 || c != 'd' && b[i] != c {
			return 0, false
		}
	}
	two := func(i int) int { return int(b[i]-'0')*10 + int(b[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	if month < 1 || month > 12 || day < 1 || int64(day) > daysOf(int64(year), int64(month)) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	ms, b = t.UnixMilli(), b[len(shape):]
	if b[0] == '.' {
		n, scale := 1, int64(100)
		for ; n < len(b) && b[n]-'0' <= 9; n++ {
			ms += int64(b[n]-'0') * scale
			scale /= 10
		}
		if n == 1 {
			return 0, false
		}
		b = b[n:]
	}
	switch {
	case len(b) == 1 && b[0] == 'Z':
		return ms, true
	case len(b) != len("+00:00") || b[0] != '+' && b[0] != '-' || b[3] != ':':
		return 0, false
	}
	var v [elements]int64
	n := takeOffset(b, &v)
	return ms - v[shift]*1000, n == len(b)
}
