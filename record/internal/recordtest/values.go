package recordtest

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strings"

	"shadoof/record"
)

// RandomRow makes a row of a record.
func RandomRow(r Rand, t *Type) []any {
	row := []any{}
	for _, f := range t.Fields {
		if f.Type.Kind != "null" {
			row = append(row, randomValue(r, f.Type))
		}
	}
	return row
}

func randomValue(r Rand, t *Type) any {
	t, null := t.nullable()
	if null && r.IntN(3) == 0 {
		return nil
	}
	switch t.Kind {
	case "union":
		var v []any
		pick := r.IntN(len(t.Branches))
		if t.Branches[pick].Kind == "null" {
			return nil
		}
		for i, b := range t.Branches {
			switch {
			case b.Kind == "null":
			case i == pick:
				v = append(v, randomValue(r, b))
			default:
				v = append(v, nil)
			}
		}
		return v
	case "record":
		return RandomRow(r, t)
	case "array":
		v := []any{}
		for range length(r) {
			v = append(v, randomValue(r, t.Elem))
		}
		return v
	case "map":
		v := []Entry{}
		for i := range length(r) {
			v = append(v, Entry{fmt.Sprint(i, randomText(r)), randomValue(r, t.Elem)})
		}
		return v
	}
	return randomLeaf(r, t)
}

func length(r Rand) int {
	if r.IntN(30) == 0 {
		return 20 + r.IntN(60)
	}
	return r.IntN(4)
}

func randomLeaf(r Rand, t *Type) any {
	switch t.Logical {
	case "decimal":
		return randomDecimal(r, t)
	case "uuid":
		s := hex.EncodeToString([]byte(randomBytes(r, 16)))
		return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
	case "time-millis":
		return int32(r.IntN(86_400_000))
	case "time-micros":
		return int64(r.IntN(86_400_000_000))
	case "timestamp-millis", "local-timestamp-millis":
		return randomInt(r, 64) / 1000 // more is no time in microseconds
	}
	switch t.Kind {
	case "boolean":
		return r.IntN(2) == 0
	case "int":
		return int32(randomInt(r, 32))
	case "long":
		return randomInt(r, 64)
	case "float":
		return float32(randomFloat(r, 32))
	case "double":
		return randomFloat(r, 64)
	case "string":
		return randomText(r)
	case "bytes":
		return randomBytes(r, r.IntN(12))
	case "enum":
		return t.Symbols[r.IntN(len(t.Symbols))]
	case "fixed":
		return randomBytes(r, t.Size)
	}
	panic("a leaf of type " + t.Kind)
}

// randomInt likes numbers of few bits, and the ends.
func randomInt(r Rand, bits int) int64 {
	switch r.IntN(12) {
	case 0:
		return -1 << (bits - 1)
	case 1:
		return 1<<(bits-1) - 1
	}
	n := 1 + r.IntN(bits)
	v := uint64(r.IntN(math.MaxInt64))<<1 | uint64(r.IntN(2))
	s := int64(v) >> (64 - n)
	if bits == 32 {
		s = int64(int32(s))
	}
	return s
}

func randomFloat(r Rand, bits int) float64 {
	switch r.IntN(6) {
	case 0:
		return 0
	case 1:
		return math.Copysign(0, -1)
	case 2:
		return float64(randomInt(r, 32))
	case 3:
		return float64(randomInt(r, 32)) / 1000
	}
	for {
		f := math.Float64frombits(uint64(randomInt(r, 64)))
		if bits == 32 {
			f = float64(math.Float32frombits(uint32(randomInt(r, 32))))
		}
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
}

var texts = []string{"", "a", "shadoof", "a longer string, beyond eight bytes", "tab\tquote\"back\\slash\nend", "größe", "水をくむ", "😀 and \U0010FFFF", "\u0000\u001f\u007f", "</script>&\u2028"}

func randomText(r Rand) string {
	s := texts[r.IntN(len(texts))]
	if r.IntN(4) == 0 {
		s += strings.Repeat(texts[r.IntN(len(texts))], r.IntN(4))
	}
	return s
}

func randomBytes(r Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	return string(b)
}

// randomDecimal is the decimal in the form of its column.
func randomDecimal(r Rand, t *Type) string {
	digits := 1 + r.IntN(t.Precision)
	v := new(big.Int)
	for range digits {
		v.Mul(v, big.NewInt(10)).Add(v, big.NewInt(int64(r.IntN(10))))
	}
	if r.IntN(10) == 0 {
		v.Exp(big.NewInt(10), big.NewInt(int64(t.Precision)), nil).Sub(v, big.NewInt(1))
	}
	if r.IntN(2) == 0 {
		v.Neg(v)
	}
	size := t.Size
	if size == 0 {
		size = record.DecimalSize(t.Precision)
	}
	return TwosComplement(v, size)
}

// TwosComplement is v in size bytes, big-endian.
func TwosComplement(v *big.Int, size int) string {
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return string(v.FillBytes(make([]byte, size)))
}

// FromTwosComplement is the number that TwosComplement wrote.
func FromTwosComplement(b string) *big.Int {
	v := new(big.Int).SetBytes([]byte(b))
	if len(b) > 0 && b[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}
