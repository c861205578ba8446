package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// ParseDuration reads a duration: Go's units, and d for days of 24 hours in front of them (90s, 1h30m, 7d, 1d12h).
func ParseDuration(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a duration such as 90s, 15m, 24h or 7d", clip(s))
	rest := s
	var days int64
	if count, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(count, 10, 32)
		if err != nil || int64(n) > int64(math.MaxInt64/day) {
			return 0, wrong
		}
		days, rest = int64(n), after
		if rest == "" {
			return time.Duration(days) * day, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || strings.HasPrefix(rest, "+") || d > math.MaxInt64-time.Duration(days)*day {
		return 0, wrong
	}
	return time.Duration(days)*day + d, nil
}

// FormatDuration writes a duration so that [ParseDuration] reads it back, without units that are zero.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
