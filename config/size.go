package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

var sizeUnits = []struct {
	name  string
	bytes float64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

// ParseSize reads a number of bytes: 512MiB, 1.5GB, or a plain number.
func ParseSize(s string) (int64, error) {
	number, unit := s, 1.0
	for _, u := range sizeUnits {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			number, unit = strings.TrimRight(n, " "), u.bytes
			break
		}
	}
	if strings.Trim(number, "0123456789.") != "" || number == "" {
		return 0, fmt.Errorf("%q is not a size such as 512MiB, 10GiB, 1GB, or a number of bytes", clip(s))
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && float64(n)*unit < math.MaxInt64 {
		return n * int64(unit), nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f*unit >= math.MaxInt64 || f*unit != math.Trunc(f*unit) {
		return 0, fmt.Errorf("%q is not a whole number of bytes below 8EiB", clip(s))
	}
	return int64(f * unit), nil
}

// FormatSize writes a number of bytes so that [ParseSize] reads it back: in the largest unit that divides it.
func FormatSize(n int64) string {
	for _, u := range sizeUnits[:4] {
		if b := int64(u.bytes); n != 0 && n%b == 0 {
			return strconv.FormatInt(n/b, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
