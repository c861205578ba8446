package sample

import (
	"math/big"
	"math/rand/v2"

	"shadoof/record"
)

// decimal is a number of the type's precision, in the bytes that its column holds.
func decimal(r *rand.Rand, t *record.Type) []byte {
	size := t.Size
	if size == 0 {
		size = record.DecimalSize(t.Precision)
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(1+r.IntN(t.Precision))), nil)
	v := new(big.Int).SetBytes(randomBytes(r, size+8))
	v.Mod(v, limit)
	if r.IntN(2) == 0 {
		v.Neg(v)
	}
	return twosComplement(v, size)
}

func twosComplement(v *big.Int, size int) []byte {
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return v.FillBytes(make([]byte, size))
}

// Number is the unscaled value of a decimal.
func Number(b []byte) *big.Int {
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}
