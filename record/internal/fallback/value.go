package fallback

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"shadoof/record"
)

// appendValue appends a value of a leaf, without its levels; nothing on an error.
func appendValue(c *record.Column, text json.RawMessage) error {
	bad := fmt.Errorf("found %s, expected a value of the kind %s", record.Shorten(text), c.Type.Kind)
	switch c.Type.Kind {
	case record.Boolean:
		var v bool
		if json.Unmarshal(text, &v) != nil {
			return bad
		}
		c.Bools = append(c.Bools, v)
	case record.Float:
		var v float32
		if json.Unmarshal(text, &v) != nil {
			return bad
		}
		c.Floats = append(c.Floats, v)
	case record.Double:
		var v float64
		if json.Unmarshal(text, &v) != nil {
			return bad
		}
		c.Doubles = append(c.Doubles, v)
	case record.Decimal:
		if !appendDecimal(c, text) {
			return bad
		}
	case record.JSON:
		c.AppendBytes(text)
	case record.String, record.UUID, record.Enum, record.Bytes, record.Fixed:
		if !appendText(c, text) {
			return bad
		}
	default:
		v, ok := integer(c.Type.Kind, text)
		switch {
		case !ok || c.Physical == record.PhysInt32 && v != int64(int32(v)):
			return bad
		case c.Physical == record.PhysInt32:
			c.Int32s = append(c.Int32s, int32(v))
		default:
			c.Int64s = append(c.Int64s, v)
		}
	}
	return nil
}

// appendText appends what is a string in JSON.
func appendText(c *record.Column, text json.RawMessage) bool {
	var s string
	if json.Unmarshal(text, &s) != nil {
		return false
	}
	switch c.Type.Kind {
	case record.Enum:
		if !slices.Contains(c.Type.Symbols, s) {
			return false
		}
	case record.Bytes, record.Fixed:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil || strings.ContainsAny(s, "\r\n") || c.Type.Kind == record.Fixed && len(b) != c.Type.Size {
			return false
		}
		if c.Type.Kind == record.Fixed {
			c.Data = append(c.Data, b...)
			return true
		}
		s = string(b)
	}
	c.AppendString(s)
	return true
}

// number reads a number exactly, also one in a string.
func number(text json.RawMessage) (*big.Rat, bool) {
	var n json.Number
	if json.Unmarshal(text, &n) != nil || n == "" {
		return nil, false
	}
	if i := strings.IndexAny(string(n), "eE"); i >= 0 {
		if e, err := strconv.Atoi(string(n[i+1:])); err != nil || e < -1000 || e > 1000 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(string(n))
}

func appendDecimal(c *record.Column, text json.RawMessage) bool {
	v, ok := number(text)
	if !ok {
		return false
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Type.Scale)), nil)
	if v.Mul(v, new(big.Rat).SetInt(scale)); !v.IsInt() {
		return false
	}
	u := v.Num()
	size := u.BitLen()/8 + 1
	if u.Sign() < 0 {
		u = new(big.Int).Add(u, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	data, ok := record.NewDecimals(c.Type).Append(c.Data, u.FillBytes(make([]byte, size)))
	c.Data = data
	return ok
}

// times are how texts of a kind look, and how many a second has of its unit.
var times = map[record.Kind]struct {
	layout string
	unit   int64
}{
	record.Date:            {time.DateOnly, 0},
	record.TimeMillis:      {time.TimeOnly, 1e3},
	record.TimeMicros:      {time.TimeOnly, 1e6},
	record.TimestampMillis: {time.RFC3339, 1e3},
	record.TimestampMicros: {time.RFC3339, 1e6},
	record.TimestampNanos:  {time.RFC3339, 1e9},
	record.LocalMillis:     {"2006-01-02T15:04:05", 1e3},
	record.LocalMicros:     {"2006-01-02T15:04:05", 1e6},
	record.LocalNanos:      {"2006-01-02T15:04:05", 1e9},
}

// integer reads an integer, or a time.
func integer(k record.Kind, text json.RawMessage) (v int64, ok bool) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte(`"`)) {
		v, ok = timeOf(k, text)
	} else if n, is := number(text); is && n.IsInt() && n.Num().IsInt64() {
		v, ok = n.Num().Int64(), true
	}
	if k == record.TimeMillis || k == record.TimeMicros {
		return v, ok && v >= 0 && v < 86400*times[k].unit
	}
	return v, ok && (times[k].unit != 1e3 || record.InMicros(v))
}

func timeOf(k record.Kind, text json.RawMessage) (int64, bool) {
	var s string
	how, ok := times[k]
	if !ok || json.Unmarshal(text, &s) != nil {
		return 0, false
	}
	t, err := time.Parse(how.layout, s)
	if err != nil {
		return 0, false
	}
	switch k {
	case record.Date:
		return t.Unix() / 86400, true
	case record.TimeMillis, record.TimeMicros:
		t = t.AddDate(1970, 0, 0)
	}
	if how.unit == 1e9 && (t.Year() < 1678 || t.Year() > 2261) {
		return 0, false
	}
	return t.Unix()*how.unit + int64(t.Nanosecond())/(1e9/how.unit), true
}
