package recordtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"

	"shadoof/record"
)

// AppendJSON writes a row as plain JSON. r picks among the ways to write the same: order of fields, null or missing, white space,
// escapes, numbers; and adds fields that the schema does not have. With a nil r it is as most programs write.
func AppendJSON(dst []byte, r Rand, s *record.Schema, row []any) []byte {
	w := jsonWriter{r}
	return w.space(w.object(w.space(dst), s.Fields, row))
}

type jsonWriter struct{ r Rand }

// one is true once in n times.
func (w jsonWriter) one(n int) bool { return w.r != nil && w.r.IntN(n) == 0 }

func (w jsonWriter) space(dst []byte) []byte {
	if w.one(8) {
		dst = append(dst, []string{" ", "\n", "\t \r\n"}[w.r.IntN(3)]...)
	}
	return dst
}

func (w jsonWriter) object(dst []byte, fields []record.Field, row []any) []byte {
	order := make([]int, len(fields))
	for i := range order {
		order[i] = i
	}
	if w.one(4) {
		for i := range order {
			j := w.r.IntN(i + 1)
			order[i], order[j] = order[j], order[i]
		}
	}
	dst = append(dst, '{')
	n := 0
	name := func(s string) {
		if n > 0 {
			dst = append(dst, ',')
		}
		n++
		dst = append(w.space(w.text(w.space(dst), s)), ':')
	}
	for _, i := range order {
		if w.one(10) {
			name("unknown" + strconv.Itoa(n))
			dst = append(dst, []string{`null`, `-1.5e3`, `"\u0041\ud83d\ude00"`, `{"a":[{},[],{"b":[true,false]}]}`, `[1,"x",{"":null}]`, `"ü"`}[w.r.IntN(6)]...)
		}
		f := fields[i]
		if row[i] == nil && w.one(2) && f.Default == nil {
			continue
		}
		name(f.Name)
		dst = w.space(w.value(w.space(dst), f, row[i]))
	}
	return append(w.space(dst), '}')
}

func (w jsonWriter) value(dst []byte, f record.Field, v any) []byte {
	if v == nil {
		return append(dst, "null"...)
	}
	t := f.Type
	switch t.Kind {
	case record.Struct:
		if !t.Union {
			return w.object(dst, t.Fields, v.([]any))
		}
		for i, m := range v.([]any) {
			if m != nil {
				return w.value(dst, t.Fields[i], m)
			}
		}
		panic("a union without a value")
	case record.List:
		dst = append(dst, '[')
		for i, e := range v.([]any) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = w.space(w.value(w.space(dst), *t.Elem, e))
		}
		return append(w.space(dst), ']')
	case record.Map:
		dst = append(dst, '{')
		for i, e := range v.([]Entry) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(w.space(w.text(w.space(dst), e.Key)), ':')
			dst = w.space(w.value(w.space(dst), *t.Elem, e.Value))
		}
		return append(w.space(dst), '}')
	case record.Decimal:
		s := w.number(DecimalText(FromTwosComplement(v.(string)), t.Scale))
		if w.one(2) {
			s = `"` + s + `"`
		}
		return append(dst, s...)
	case record.Bytes, record.Fixed:
		return w.text(dst, base64.StdEncoding.EncodeToString([]byte(v.(string))))
	}
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(dst, v)
	case int32:
		return append(dst, w.number(fmt.Sprint(v))...)
	case int64:
		return append(dst, w.number(fmt.Sprint(v))...)
	case float32:
		return append(dst, formatFloat(float64(v), 32)...)
	case float64:
		return append(dst, formatFloat(v, 64)...)
	}
	return w.text(dst, v.(string))
}

func formatFloat(v float64, bits int) string {
	s := strconv.FormatFloat(v, 'g', -1, bits)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// number writes the same number in another way.
func (w jsonWriter) number(s string) string {
	switch {
	case w.one(8):
		if !strings.Contains(s, ".") {
			s += "."
		}
		return s + strings.Repeat("0", 1+w.r.IntN(25))
	case w.one(8):
		return s + "e0"
	case w.one(8):
		return s + "e+00"
	case w.one(8) && !strings.Contains(s, ".") && s != "0":
		return s + "000e-3"
	}
	return s
}

// text writes a string, some characters of it by escape sequences.
func (w jsonWriter) text(dst []byte, s string) []byte {
	dst = append(dst, '"')
	all := w.one(6)
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', byte(c))
		case c == '/' && all:
			dst = append(dst, `\/`...)
		case c == '\n' && all:
			dst = append(dst, `\n`...)
		case c < ' ' || all && w.one(2):
			if c > 0xffff {
				a, b := utf16.EncodeRune(c)
				dst = fmt.Appendf(dst, `\u%04x\u%04X`, a, b)
			} else {
				dst = fmt.Appendf(dst, `\u%04x`, c)
			}
		default:
			dst = append(dst, string(c)...)
		}
	}
	return append(dst, '"')
}

// DecimalText is the number of an unscaled decimal.
func DecimalText(u *big.Int, scale int) string {
	s := new(big.Int).Abs(u).String()
	if scale > 0 {
		s = strings.Repeat("0", max(scale+1-len(s), 0)) + s
		s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	}
	if u.Sign() < 0 {
		s = "-" + s
	}
	return s
}

// EventsJSON encodes Events.
func EventsJSON(n int) [][]byte {
	s := EventType().Schema()
	out := make([][]byte, n)
	for i, row := range Events(n) {
		out[i] = AppendJSON(nil, nil, s, row)
		if !json.Valid(out[i]) {
			panic(string(out[i]))
		}
	}
	return out
}
