package json_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
)

// The oracle reads JSON into Go values with encoding/json, and turns those into rows by the rules in the package's documentation: with
// rationals, package time and no care for speed.

var errSyntax = errors.New("not JSON by the rules")

// An object keeps the order of its members.
type object []recordtest.Entry

func (o object) get(name string) (any, bool) {
	for _, e := range o {
		if e.Key == name {
			return e.Value, true
		}
	}
	return nil, false
}

func (o object) twice() bool {
	seen := map[string]bool{}
	for _, e := range o {
		if seen[e.Key] {
			return true
		}
		seen[e.Key] = true
	}
	return false
}

func parseJSON(text []byte) (any, error) {
	if !json.Valid(text) || !utf8.Valid(text) {
		return nil, errSyntax
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errSyntax
	}
	return v, nil
}

func parseValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		o := object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			o = append(o, recordtest.Entry{Key: name.(string), Value: v})
		}
		_, err = d.Token()
		return o, err
	}
	return t, nil
}

// oracleRow is the row of a record's text. An error is errSyntax or says that the value does not fit.
func oracleRow(s *record.Schema, text []byte) ([]any, error) {
	v, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	row, err := oracleValue(record.Type{Kind: record.Struct, Fields: s.Fields}, v)
	if err != nil {
		return nil, err
	}
	return row.([]any), nil
}

func oracleField(f record.Field, v any, there bool) (any, error) {
	if v == nil {
		switch {
		case f.Default != nil && string(f.Default) != "null" && !(there && f.Nullable):
			d, err := parseJSON(f.Default)
			if err != nil {
				return nil, err
			}
			return oracleValue(f.Type, d)
		case f.Nullable:
			return nil, nil
		}
		return nil, fmt.Errorf("%s: missing", f.Name)
	}
	return oracleValue(f.Type, v)
}

func oracleValue(t record.Type, v any) (any, error) {
	switch t.Kind {
	case record.Struct:
		if t.Union {
			return oracleUnion(t, v)
		}
		o, ok := v.(object)
		if !ok {
			return nil, errors.New("no object")
		}
		row := []any{}
		for _, f := range t.Fields {
			in, there := o.get(f.Name)
			for _, a := range f.Aliases {
				if !there && whose(t.Fields, a) == f.Name {
					in, there = o.get(a)
				}
			}
			x, err := oracleField(f, in, there)
			if err != nil {
				return nil, err
			}
			row = append(row, x)
		}
		return row, nil
	case record.List:
		list, ok := v.([]any)
		if !ok {
			return nil, errors.New("no array")
		}
		out := []any{}
		for _, e := range list {
			x, err := oracleField(*t.Elem, e, true)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		return out, nil
	case record.Map:
		o, ok := v.(object)
		if !ok {
			return nil, errors.New("no object")
		}
		out := []recordtest.Entry{}
		for _, e := range o {
			x, err := oracleField(*t.Elem, e.Value, true)
			if err != nil {
				return nil, err
			}
			out = append(out, recordtest.Entry{Key: e.Key, Value: x})
		}
		return out, nil
	}
	switch v := v.(type) {
	case bool:
		if t.Kind == record.Boolean {
			return v, nil
		}
	case json.Number:
		return oracleNumber(t, v)
	case string:
		return oracleText(t, v)
	}
	return nil, fmt.Errorf("%v for %s", v, t.Kind)
}

// whose is the field that a name stands for: that of the name, else the first with the alias.
func whose(fields []record.Field, name string) string {
	owner := ""
	for _, f := range slices.Backward(fields) {
		if f.Name == name {
			return name
		}
		if slices.Contains(f.Aliases, name) {
			owner = f.Name
		}
	}
	return owner
}

func oracleUnion(t record.Type, v any) (any, error) {
	integers := []record.Kind{record.Int32, record.Int64, record.Date, record.TimeMillis, record.TimeMicros, record.TimestampMillis, record.TimestampMicros, record.TimestampNanos, record.LocalMillis, record.LocalMicros, record.LocalNanos}
	n, number := v.(json.Number)
	for _, round := range []bool{true, false} {
		for i, m := range t.Fields {
			m.Type.Symbol = ""
			if number && (slices.Contains(integers, m.Type.Kind) == !strings.ContainsAny(string(n), ".eE")) != round || !number && !round {
				continue
			}
			if x, err := oracleValue(m.Type, v); err == nil {
				row := make([]any, len(t.Fields))
				row[i] = x
				return row, nil
			}
		}
	}
	for i, m := range t.Fields {
		if x, err := oracleValue(m.Type, v); err == nil && m.Type.Symbol != "" {
			row := make([]any, len(t.Fields))
			row[i] = x
			return row, nil
		}
	}
	return nil, errors.New("no member takes it")
}

func oracleNumber(t record.Type, n json.Number) (any, error) {
	switch t.Kind {
	case record.Double:
		v, err := strconv.ParseFloat(string(n), 64)
		return v, err
	case record.Float:
		v, err := strconv.ParseFloat(string(n), 32)
		return float32(v), err
	}
	x, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return nil, errors.New("no number")
	}
	if t.Kind == record.Decimal {
		return oracleDecimal(t, x)
	}
	if !x.IsInt() || !x.Num().IsInt64() {
		return nil, errors.New("no integer of 64 bits")
	}
	v := x.Num().Int64()
	return oracleInteger(t, v)
}

func oracleInteger(t record.Type, v int64) (any, error) {
	switch t.Kind {
	case record.Int32, record.Date:
		if v != int64(int32(v)) {
			return nil, errors.New("more than 32 bits")
		}
		return int32(v), nil
	case record.TimeMillis:
		if v < 0 || v >= 86_400_000 {
			return nil, errors.New("no time of day")
		}
		return int32(v), nil
	case record.TimeMicros:
		if v < 0 || v >= 86_400_000_000 {
			return nil, errors.New("no time of day")
		}
		return v, nil
	case record.TimestampMillis, record.LocalMillis:
		if v > math.MaxInt64/1000 || v < -math.MaxInt64/1000 {
			return nil, errors.New("no time in microseconds")
		}
		return v, nil
	case record.Int64, record.TimestampMicros, record.TimestampNanos, record.LocalMicros, record.LocalNanos:
		return v, nil
	}
	return nil, fmt.Errorf("a number for %s", t.Kind)
}

func oracleDecimal(t record.Type, x *big.Rat) (any, error) {
	ten := func(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
	x = new(big.Rat).Mul(x, new(big.Rat).SetInt(ten(t.Scale)))
	if !x.IsInt() || new(big.Int).Abs(x.Num()).Cmp(ten(t.Precision)) >= 0 {
		return nil, errors.New("too many digits")
	}
	size := t.Size
	if size == 0 {
		size = record.DecimalSize(t.Precision)
	}
	return recordtest.TwosComplement(x.Num(), size), nil
}

var (
	numberText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	timeText   = regexp.MustCompile(`^(?:(\d{4}-\d\d-\d\d)[Tt ])?(\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[-+]\d\d:\d\d)?$`)
)

func oracleText(t record.Type, s string) (any, error) {
	switch t.Kind {
	case record.String, record.UUID:
		return s, nil
	case record.Enum:
		if slices.Contains(t.Symbols, s) {
			return s, nil
		}
		if t.Symbol != "" {
			return t.Symbol, nil
		}
	case record.Bytes, record.Fixed:
		b, err := base64.StdEncoding.DecodeString(s)
		if err == nil && !strings.ContainsAny(s, "\r\n") && (t.Kind == record.Bytes || len(b) == t.Size) {
			return string(b), nil
		}
	case record.Decimal:
		if numberText.MatchString(s) {
			return oracleNumber(t, json.Number(s))
		}
	case record.Date:
		if d, err := time.Parse(time.DateOnly, s); err == nil {
			return int32(d.Unix() / 86400), nil
		}
	default:
		return oracleTime(t, s)
	}
	return nil, fmt.Errorf("%q for %s", s, t.Kind)
}

func oracleTime(t record.Type, s string) (any, error) {
	m := timeText.FindStringSubmatch(s)
	if m == nil {
		return nil, errors.New("no time")
	}
	kind := string(t.Kind)
	day, instant := strings.HasPrefix(kind, "time-"), strings.HasPrefix(kind, "timestamp-")
	if day != (m[1] == "") || instant != (m[4] != "") {
		return nil, errors.New("parts are missing, or too many")
	}
	if day {
		m[1] = "1970-01-01"
	}
	if !instant {
		m[4] = "Z"
	}
	fraction := m[3]
	if len(fraction) > 10 {
		fraction = fraction[:10]
	}
	x, err := time.Parse(time.RFC3339Nano, m[1]+"T"+m[2]+fraction+strings.ToUpper(m[4]))
	if err != nil {
		return nil, err
	}
	nanos := new(big.Int).Add(new(big.Int).Mul(big.NewInt(x.Unix()), big.NewInt(1e9)), big.NewInt(int64(x.Nanosecond())))
	unit := map[string]int64{"millis": 1e6, "micros": 1e3, "nanos": 1}[kind[strings.LastIndexByte(kind, '-')+1:]]
	v := new(big.Int).Div(nanos, big.NewInt(unit)) // towards the past
	if !v.IsInt64() {
		return nil, errors.New("out of range")
	}
	return oracleInteger(t, v.Int64())
}
