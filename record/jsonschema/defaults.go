package jsonschema

import (
	"encoding/base64"
	"math/big"
	"strconv"
	"strings"
	"time"

	"shadoof/record"
)

// fits says whether a default is one that decoders take for the field. It refuses some of those that they take: times in forms that
// nobody writes.
func fits(f *record.Field, v *value) bool {
	if v.Kind == 'n' {
		return f.Nullable || f.Type.Kind == record.JSON
	}
	switch t := &f.Type; t.Kind {
	case record.JSON:
		return true
	case record.Boolean:
		return v.Is("tf")
	case record.Int64, record.Date, record.TimestampMillis, record.TimeMillis, record.TimeMicros, record.TimestampMicros, record.LocalMillis, record.LocalMicros, record.LocalNanos:
		if v.Is("\"") {
			return isTime(t.Kind, v.Text)
		}
		return v.Is("0") && isCount(t.Kind, v.Text)
	case record.Double:
		if !v.Is("0") {
			return false
		}
		_, err := strconv.ParseFloat(v.Text, 64)
		return err == nil
	case record.Decimal:
		return v.Is("0") && isDecimal(t, v.Text)
	case record.String, record.UUID:
		return v.Is("\"")
	case record.Bytes:
		_, err := base64.StdEncoding.DecodeString(v.Text)
		return v.Is("\"") && err == nil && !strings.ContainsAny(v.Text, "\r\n")
	case record.List:
		for _, item := range v.Items {
			if !fits(t.Elem, item) {
				return false
			}
		}
		return v.Is("[")
	case record.Map:
		for _, m := range v.Members {
			if !fits(t.Elem, m) {
				return false
			}
		}
		return v.Is("{")
	case record.Struct:
		return v.Is("{") && fitsFields(t.Fields, v)
	}
	return false
}

func fitsFields(fields []record.Field, v *value) bool {
	for i := range fields {
		f := &fields[i]
		if m := v.Get(f.Name); m != nil && !fits(f, m) || m == nil && !f.Nullable && f.Default == nil {
			return false
		}
	}
	return true
}

// isCount says whether a number is one that counts in a kind's unit.
func isCount(k record.Kind, n string) bool {
	i, err := strconv.ParseInt(n, 10, 64)
	if err != nil {
		return false
	}
	switch k {
	case record.Date:
		return i == int64(int32(i))
	case record.TimeMillis:
		return i >= 0 && i < 86_400_000
	case record.TimeMicros:
		return i >= 0 && i < 86_400_000_000
	case record.TimestampMillis, record.LocalMillis:
		return record.InMicros(i)
	}
	return true
}

func isTime(k record.Kind, s string) bool {
	layout := ""
	switch k {
	case record.Date:
		layout = time.DateOnly
	case record.TimestampMillis, record.TimestampMicros:
		layout = time.RFC3339Nano
	default:
		return false
	}
	t, err := time.Parse(layout, s)
	return err == nil && t.Year() > 0 && t.Year() < 9999 && !strings.Contains(s, ",")
}

func isDecimal(t *record.Type, n string) bool {
	if len(n) > 100 || strings.ContainsAny(n, "eE") {
		return false
	}
	x, ok := new(big.Rat).SetString(n)
	if !ok {
		return false
	}
	ten := func(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
	x.Mul(x, new(big.Rat).SetInt(ten(t.Scale)))
	return x.IsInt() && x.Num().CmpAbs(ten(t.Precision)) < 0
}
