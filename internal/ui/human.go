// Package ui is how shadoof shows things to people: numbers, tables and progress; and JSON to programs.
package ui

import (
	"fmt"
	"strconv"
	"time"
)

// Count writes a number with commas between its thousands.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Short writes a count in at most five characters: 999, 12.3k, 456k, 7.89M.
func Short(n int64) string {
	f := float64(n)
	if n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	for _, unit := range []string{"k", "M", "G", "T"} {
		f /= 1000
		switch {
		case f < 9.995:
			return strconv.FormatFloat(f, 'f', 2, 64) + unit
		case f < 99.95:
			return strconv.FormatFloat(f, 'f', 1, 64) + unit
		case f < 999.5:
			return strconv.FormatFloat(f, 'f', 0, 64) + unit
		}
	}
	return strconv.FormatFloat(f, 'f', 0, 64) + "T"
}

// Bytes writes a number of bytes with three digits or so, in binary units.
func Bytes(n int64) string {
	if n < 1024 && n > -1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f := float64(n)
	for _, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		f /= 1024
		if f < 999.95 && f > -999.95 {
			return fmt.Sprintf("%.1f %s", f, unit)
		}
	}
	return fmt.Sprintf("%.1f PiB", f/1024)
}

// Duration writes a duration in its two largest units.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return strconv.FormatInt(int64(d/time.Second), 10) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d m %02d s", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d m", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d %02d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// Time writes an instant in UTC, to the second.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// Millis writes milliseconds since 1970 as an instant; nothing for 0, which stands for none.
func Millis(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return Time(time.UnixMilli(ms))
}

// Plural writes a count and its noun: 1 file, 2 files.
func Plural[N int | int32 | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(int64(n)) + " " + noun + "s"
}
