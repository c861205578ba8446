package json

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"unsafe"

	"shadoof/record"
)

// A num is a number as it is written: ± its digits × 10^exp, exactly.
type num struct {
	text     []byte
	negative bool
	mantissa uint64 // the digits, where they are at most 19
	long     bool   // they are more
	exp      int
}

// number reads the number at p.
func (d *Decoder) number(p int) (num, int) {
	n, end := scanNumber(d.b, p)
	if end < 0 {
		return n, d.syntax(p, "a value")
	}
	return n, end
}

// scanNumber reads a number by the grammar of JSON; end is -1 when there is none.
func scanNumber(b []byte, p int) (n num, end int) {
	from := p
	if p < len(b) && b[p] == '-' {
		n.negative = true
		p++
	}
	digits := p
	for p < len(b) && b[p]-'0' <= 9 {
		n.add(b[p])
		p++
	}
	if p == digits || b[digits] == '0' && p-digits > 1 {
		return n, -1
	}
	if p < len(b) && b[p] == '.' {
		p++
		fraction := p
		for p < len(b) && b[p]-'0' <= 9 {
			n.add(b[p])
			p++
		}
		if n.exp = fraction - p; n.exp == 0 {
			return n, -1
		}
	}
	if p < len(b) && b[p]|0x20 == 'e' {
		e, q := scanExponent(b, p+1)
		if q < 0 {
			return n, -1
		}
		n.exp += e
		p = q
	}
	n.text = b[from:p]
	return n, p
}

func (n *num) add(digit byte) {
	if n.mantissa >= math.MaxUint64/10 {
		n.long = true
		return
	}
	n.mantissa = n.mantissa*10 + uint64(digit-'0')
}

// scanExponent stops counting at a million: no type comes near.
func scanExponent(b []byte, p int) (e, end int) {
	negative := p < len(b) && b[p] == '-'
	if negative || p < len(b) && b[p] == '+' {
		p++
	}
	from := p
	for ; p < len(b) && b[p]-'0' <= 9; p++ {
		e = min(e*10+int(b[p]-'0'), 1_000_000)
	}
	if p == from {
		return 0, -1
	}
	if negative {
		e = -e
	}
	return e, p
}

// integer reads the integer that n takes at p: exactly, or it does not fit.
func (d *Decoder) integer(n *node, p int) (int64, int) {
	b, q := d.b, p
	if q < len(b) && b[q] == '-' {
		q++
	}
	from, u := q, uint64(0)
	for q < len(b) && b[q]-'0' <= 9 {
		u = u*10 + uint64(b[q]-'0')
		q++
	}
	// Up to 18 digits do not overflow. What is odd is left to the exact way.
	if k := q - from; k == 0 || k > 18 || k > 1 && b[from] == '0' || q < len(b) && (b[q] == '.' || b[q]|0x20 == 'e') {
		return d.exactInteger(n, p)
	}
	if from > p {
		return -int64(u), q
	}
	return int64(u), q
}

func (d *Decoder) exactInteger(n *node, p int) (int64, int) {
	if c := d.b[p]; c != '-' && (c < '0' || c > '9') {
		return 0, d.mismatch(n, p)
	}
	x, end := d.number(p)
	if end < 0 {
		return 0, -1
	}
	u, ok := d.unscaled(x, 0)
	switch {
	case !ok:
	case x.negative && u <= 1<<63:
		return -int64(u), end
	case !x.negative && u < 1<<63:
		return int64(u), end
	}
	return 0, d.mismatch(n, p)
}

// unscaled is the magnitude of x × 10^scale. ok is false when that is not an integer, or has more than 64 bits.
func (d *Decoder) unscaled(x num, scale int) (u uint64, ok bool) {
	if x.long {
		digits, ok := d.shifted(x, scale)
		if !ok || len(digits) > 20 {
			return 0, false
		}
		u, err := strconv.ParseUint(string(digits), 10, 64)
		return u, err == nil
	}
	u = x.mantissa
	shift := x.exp + scale
	if u == 0 {
		return 0, true
	}
	for ; shift < 0; shift++ {
		if u%10 != 0 {
			return 0, false
		}
		u /= 10
	}
	for ; shift > 0; shift-- {
		high, low := bits.Mul64(u, 10)
		if high != 0 {
			return 0, false
		}
		u = low
	}
	return u, true
}

// shifted is the digits of x × 10^scale, without leading zeros: at least one. ok is false when it is not an integer, or absurdly long.
func (d *Decoder) shifted(x num, scale int) (digits []byte, ok bool) {
	digits = d.digits[:0]
	defer func() { d.digits = digits[:0] }()
	for _, c := range x.text {
		if c|0x20 == 'e' {
			break
		}
		if c-'0' <= 9 && (c != '0' || len(digits) > 0) {
			digits = append(digits, c)
		}
	}
	shift := x.exp + scale
	for shift < 0 && len(digits) > 0 {
		if digits[len(digits)-1] != '0' {
			return digits, false
		}
		digits = digits[:len(digits)-1]
		shift++
	}
	if len(digits) == 0 {
		return append(digits, '0'), true
	}
	if shift > 10_000 {
		return digits, false
	}
	for range shift {
		digits = append(digits, '0')
	}
	return digits, true
}

// powers are those that a double holds exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// float reads a float or double: the nearest one.
func (d *Decoder) float(n *node, p int, rep uint8) int {
	if c := d.b[p]; c != '-' && (c < '0' || c > '9') {
		return d.mismatch(n, p)
	}
	x, end := d.number(p)
	if end < 0 {
		return -1
	}
	c := &d.leaves[n.leaf]
	if n.op == opDouble {
		v, ok := x.double()
		if !ok {
			return d.mismatch(n, p)
		}
		c.Doubles = append(c.Doubles, v)
	} else {
		v, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(x.text), len(x.text)), 32)
		if err != nil {
			return d.mismatch(n, p)
		}
		c.Floats = append(c.Floats, float32(v))
	}
	c.AppendLevels(n.def, rep)
	return end
}

// double is the nearest double; ok is false when that is infinite. One rounding of two exact numbers is right; the rest is strconv's.
func (n *num) double() (v float64, ok bool) {
	if !n.long && n.mantissa < 1<<53 && -22 <= n.exp && n.exp <= 22 {
		v = float64(n.mantissa)
		if n.exp < 0 {
			v /= powers[-n.exp]
		} else {
			v *= powers[n.exp]
		}
		if n.negative {
			v = -v
		}
		return v, true
	}
	v, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(n.text), len(n.text)), 64)
	return v, err == nil
}

// decimal reads a decimal, from a number or a string that holds one.
func (d *Decoder) decimal(n *node, p int, rep uint8) int {
	var x num
	var end int
	if d.b[p] == '"' {
		var text []byte
		if text, end = d.text(n, p); end < 0 {
			return -1
		}
		var q int
		if x, q = scanNumber(text, 0); q != len(text) {
			return d.mismatch(n, p)
		}
	} else {
		if c := d.b[p]; c != '-' && (c < '0' || c > '9') {
			return d.mismatch(n, p)
		}
		if x, end = d.number(p); end < 0 {
			return -1
		}
	}
	c := &d.leaves[n.leaf]
	if !d.appendDecimal(c, n.decimals, x) {
		return d.mismatch(n, p)
	}
	c.AppendLevels(n.def, rep)
	return end
}

// appendDecimal appends the value of x, without its levels, or nothing when it has more digits than the decimal.
func (d *Decoder) appendDecimal(c *record.Column, dec *record.Decimals, x num) bool {
	words := d.words[:0]
	if u, ok := d.unscaled(x, dec.Scale); ok {
		words = append(words, u)
	} else {
		digits, ok := d.shifted(x, dec.Scale)
		if !ok || len(digits) > dec.Precision {
			return false
		}
		for _, digit := range digits {
			carry := uint64(digit - '0')
			for i, w := range words {
				high, low := bits.Mul64(w, 10)
				var c uint64
				words[i], c = bits.Add64(low, carry, 0)
				carry = high + c
			}
			if carry > 0 {
				words = append(words, carry)
			}
		}
	}
	d.words = words
	words = append(words, 0) // for the sign
	if x.negative {
		borrow := uint64(1)
		for i, w := range words {
			words[i], borrow = bits.Add64(^w, 0, borrow)
		}
	}
	big := d.digits[:0]
	for _, w := range slices.Backward(words) {
		for shift := 56; shift >= 0; shift -= 8 {
			big = append(big, byte(w>>shift))
		}
	}
	d.digits = big[:0]
	data, ok := dec.Append(c.Data, big)
	if ok {
		c.Data = data
	}
	return ok
}
