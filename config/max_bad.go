package config

import (
	"math/big"
	"strconv"
	"strings"
)

// A MaxBad is how many records of a commit may go to quarantine: a number such as 100, a share such as 0.1%, or "" for any number.
type MaxBad string

// percentDigits are how many a share may have behind the point.
const percentDigits = 6

// Of is how many of so many records may. A share is rounded up: of few records it allows one, and none only where it is 0. bounded is
// false when any number may.
func (m MaxBad) Of(records int64) (allowed int64, bounded bool) {
	if m == "" {
		return 0, false
	}
	if n, ok := m.number(); ok {
		return n, true
	}
	share, _ := m.share()
	whole := big.NewInt(1e8) // 100 % with six digits behind the point
	n := new(big.Int).Mul(big.NewInt(records), big.NewInt(share))
	n.Add(n, new(big.Int).Sub(whole, big.NewInt(1)))
	return n.Quo(n, whole).Int64(), true
}

func (m MaxBad) number() (int64, bool) {
	if strings.Trim(string(m), "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(string(m), 10, 64)
	return n, err == nil
}

// share is in millionths of a percent.
func (m MaxBad) share() (int64, bool) {
	text, ok := strings.CutSuffix(string(m), "%")
	whole, digits, _ := strings.Cut(strings.TrimRight(text, " "), ".")
	if !ok || whole == "" || len(whole) > 3 || len(digits) > percentDigits || strings.Trim(whole+digits, "0123456789") != "" || strings.HasSuffix(text, ".") {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+digits+strings.Repeat("0", percentDigits-len(digits)), 10, 64)
	return n, err == nil && n <= 1e8
}

func (m *mapping) maxBad(key string) MaxBad {
	b := MaxBad(m.text(key, ""))
	_, number := b.number()
	_, share := b.share()
	if b != "" && !number && !share {
		m.reject(key, "%q is neither a number of records such as 100, nor a share of them such as 0.1%%", clip(string(b)))
		return ""
	}
	return b
}
