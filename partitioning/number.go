package partitioning

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// perMilli are factors of units: how many of them make a millisecond; negative: how many milliseconds make one.
var perMilli = map[string]int64{"s": -1000, "ms": 1, "": 1, "us": 1000, "ns": 1_000_000}

// perDay is the factor of days.
const perDay = -86_400_000

// toMilli converts by a factor of perMilli, rounding down; ok is false when the result does not fit.
func toMilli(v, factor int64) (ms int64, ok bool) {
	if factor < 0 {
		if v > math.MaxInt64/-factor || v < math.MinInt64/-factor {
			return 0, false
		}
		return v * -factor, true
	}
	ms = v / factor
	if v%factor < 0 {
		ms--
	}
	return ms, true
}

// doubleToMilli is toMilli for a number with a fraction: exactly, so that the last instant of an hour is not taken for the next.
func doubleToMilli(v float64, factor int64) (ms int64, ok bool) {
	whole := math.Floor(v)
	if !(whole >= -1<<63 && whole < 1<<63) { // also NaN
		return 0, false
	}
	ms, ok = toMilli(int64(whole), factor)
	if !ok || factor > 0 {
		return ms, ok // the rest is less than a millisecond
	}
	rest := v - whole // exact
	scale := float64(-factor)
	more := rest * scale
	down := math.Floor(more)
	if down == more && math.FMA(rest, scale, -more) < 0 { // rounded up to it
		down--
	}
	sum := ms + int64(down)
	return sum, sum >= ms
}

// decimalToMilli is toMilli for a big-endian two's complement of at most 16 bytes, in units of 10^-scale.
func decimalToMilli(b []byte, scale int, factor int64) (ms int64, ok bool) {
	var wide [16]byte
	if len(b) == 0 || len(b) > len(wide) {
		return 0, false
	}
	negative := b[0] >= 0x80
	if negative {
		for i := range wide {
			wide[i] = 0xff
		}
	}
	copy(wide[len(wide)-len(b):], b)
	hi, lo := binary.BigEndian.Uint64(wide[:8]), binary.BigEndian.Uint64(wide[8:])
	if negative { // rounding down x/d is ^(^x/d)
		hi, lo = ^hi, ^lo
	}
	finer := scale + exponent(factor) // digits below a millisecond
	for left := finer; left > 0; left -= 19 {
		d := tenTo(min(left, 19))
		var rest uint64
		hi, rest = hi/d, hi%d
		lo, _ = bits.Div64(rest, lo, d)
	}
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	ms = int64(lo)
	if negative {
		ms = ^ms
	}
	if finer < 0 { // by no more than three
		return toMilli(ms, -int64(tenTo(-finer)))
	}
	return ms, true
}

// exponent is the power of ten that a factor of perMilli is.
func exponent(factor int64) int {
	switch factor {
	case -1000:
		return -3
	case 1000:
		return 3
	case 1_000_000:
		return 6
	}
	return 0
}

func tenTo(n int) uint64 {
	d := uint64(1)
	for range n {
		d *= 10
	}
	return d
}
