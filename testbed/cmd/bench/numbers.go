package main

import (
	"math"
	"strconv"
)

// decimals is a number with so many decimals; nothing where it was not measured.
func decimals(n int, v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', n, 64)
}

// significant is a number of any size with three digits or more.
func significant(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func whole(v int64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatInt(v, 10)
}

func megabytes(v int64) string { return decimals(1, float64(v)/1e6) }
