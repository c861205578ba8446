package infer

import (
	"math"
	"strconv"
	"strings"
)

// maxDigits is how many a decimal has that all readers take.
const maxDigits = 38

// numberStats are what is known of numbers.
type numberStats struct {
	seen  int
	wide  int // written as integers, and of more than 64 bits
	lossy int // a double has other digits
	far   int // no double comes near
	huge  int // more digits before or behind the point than a decimal has
	cents int // behind the point they end in 0 after another digit, as amounts of money do

	before, behind int     // most digits before the point, and behind it without zeros at the end
	written        int     // most digits behind the point
	min, max       float64 // by value, with their texts
	minText        string
	maxText        string
}

func (s *numberStats) note(text string) {
	n := parseNumber(text)
	v, err := strconv.ParseFloat(text, 64)
	if s.seen == 0 || v < s.min {
		s.min, s.minText = v, shorten(text, 40)
	}
	if s.seen == 0 || v > s.max {
		s.max, s.maxText = v, shorten(text, 40)
	}
	s.seen++
	if n.integer {
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			s.wide++
		}
	}
	if n.digits == "" {
		return // zero, however it is written
	}
	before, behind := max(n.exp, 0), max(len(n.digits)-n.exp, 0)
	if before > maxDigits || behind > maxDigits {
		s.huge++
	} else {
		s.before, s.behind = max(s.before, before), max(s.behind, behind)
	}
	switch {
	case err != nil:
		s.far++
	case !n.is(v):
		s.lossy++
	}
	s.written = max(s.written, n.written)
	if n.cents {
		s.cents++
	}
}

func (s *numberStats) merge(o *numberStats) {
	if o.seen == 0 {
		return
	}
	if s.seen == 0 || o.min < s.min {
		s.min, s.minText = o.min, o.minText
	}
	if s.seen == 0 || o.max > s.max {
		s.max, s.maxText = o.max, o.maxText
	}
	s.seen += o.seen
	s.wide += o.wide
	s.lossy += o.lossy
	s.far += o.far
	s.huge += o.huge
	s.cents += o.cents
	s.before, s.behind, s.written = max(s.before, o.before), max(s.behind, o.behind), max(s.written, o.written)
}

// A decimal is a number as it is written: 0.digits × 10^exp.
type decimal struct {
	digits  string // neither begins nor ends with 0
	exp     int
	integer bool // written as one
	written int  // digits behind the point
	cents   bool
}

// parseNumber reads a number of JSON.
func parseNumber(text string) decimal {
	mantissa := strings.TrimPrefix(text, "-")
	d := decimal{integer: true}
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		e, err := strconv.Atoi(mantissa[i+1:])
		if err != nil || e > 1e6 || e < -1e6 {
			e = 1e6
			if mantissa[i+1] == '-' {
				e = -1e6
			}
		}
		d.exp, d.integer, mantissa = e, false, mantissa[:i]
	}
	before, behind, point := strings.Cut(mantissa, ".")
	d.integer = d.integer && !point
	d.written = len(behind)
	d.cents = len(behind) > 1 && behind[len(behind)-1] == '0'
	all := before + behind
	d.digits = strings.TrimLeft(all, "0")
	d.exp += len(before) - (len(all) - len(d.digits))
	d.digits = strings.TrimRight(d.digits, "0")
	return d
}

// is says whether a double, written with as many digits, has the same ones. So one that somebody wrote down is not suspected: whether
// it is the shortest text of it, or one of 17 digits.
func (d decimal) is(v float64) bool {
	if len(d.digits) > 60 {
		return false
	}
	text := strconv.FormatFloat(math.Abs(v), 'e', len(d.digits)-1, 64)
	o := parseNumber(text)
	return o.digits == d.digits && o.exp == d.exp
}
