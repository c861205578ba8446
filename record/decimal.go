package record

import (
	"bytes"
	"math/big"
)

// DecimalSize is the number of bytes that hold every decimal of a precision in two's complement.
func DecimalSize(precision int) int {
	if precision < len(decimalSizes) {
		return decimalSizes[max(precision, 0)]
	}
	return decimalSize(precision)
}

var decimalSizes = func() (sizes [39]int) {
	for p := range sizes {
		sizes[p] = decimalSize(p)
	}
	return sizes
}()

func decimalSize(precision int) int { return pow10(precision).BitLen()/8 + 1 }

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// Decimals brings the decimals of one field into the form of its column. It is immutable.
type Decimals struct {
	Precision, Scale int
	Size             int    // bytes of a value in the column
	low, high        []byte // -(10^precision - 1) and 10^precision - 1 in Size bytes
}

// NewDecimals is for a valid decimal type.
func NewDecimals(t Type) *Decimals {
	d := &Decimals{Precision: t.Precision, Scale: t.Scale, Size: t.Size}
	if d.Size == 0 {
		d.Size = DecimalSize(t.Precision)
	}
	high := pow10(t.Precision)
	high.Sub(high, big.NewInt(1))
	d.high = high.FillBytes(make([]byte, d.Size))
	d.low = make([]byte, d.Size)
	new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(8*d.Size)), high).FillBytes(d.low)
	return d
}

// Append appends an unscaled value, big-endian two's complement of any length but 0, to the data of a column. ok is false, and
// nothing appended, when the value has more digits than the precision.
func (d *Decimals) Append(data []byte, v []byte) (_ []byte, ok bool) {
	if len(v) == 0 {
		return data, false
	}
	sign := byte(int8(v[0]) >> 7)
	for len(v) > d.Size {
		if v[0] != sign {
			return data, false
		}
		v = v[1:]
	}
	from := len(data)
	for range d.Size - len(v) {
		data = append(data, sign)
	}
	data = append(data, v...)
	got := data[from:]
	if sign == 0 { // bytes compare as numbers among those of one sign; one whose sign the cut has turned lies beyond the end
		ok = bytes.Compare(got, d.high) <= 0
	} else {
		ok = bytes.Compare(got, d.low) >= 0
	}
	if !ok {
		return data[:from], false
	}
	return data, true
}
