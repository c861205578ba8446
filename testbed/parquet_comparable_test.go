package testbed_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/writers/sample"
)

// A value in its comparable form is nil, a string, a list of values, or an object of them; the entries of a map are a list.

func object(fields []record.Field, row sample.Row) map[string]any {
	o := make(map[string]any)
	for i, f := range fields {
		o[f.Name] = value(f.Type, row[i])
	}
	return o
}

// difference is the path to the first difference of two values, and both; "" when they are equal. What is deep takes a general difference minutes.
func difference(want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			break
		}
		for _, name := range slices.Sorted(maps.Keys(w)) {
			e, ok := g[name]
			if !ok {
				return fmt.Sprintf(": no %s", name)
			}
			if diff := difference(w[name], e); diff != "" {
				return "." + name + diff
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		for i := range w {
			if diff := difference(w[i], g[i]); diff != "" {
				return fmt.Sprintf("[%d]%s", i, diff)
			}
		}
		return ""
	default:
		if want == got {
			return ""
		}
	}
	return fmt.Sprintf(": %.300q, want %.300q", fmt.Sprint(got), fmt.Sprint(want))
}

func value(t record.Type, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case sample.Row:
		return object(t.Fields, v)
	case sample.List:
		list := []any{}
		for _, e := range v {
			list = append(list, value(t.Elem.Type, e))
		}
		return list
	case sample.Map:
		list := []any{}
		for _, e := range v {
			list = append(list, []any{e.Key, value(t.Elem.Type, e.Value)})
		}
		return list
	case float32:
		return double(float64(v))
	case float64:
		return double(v)
	case []byte:
		if t.Kind == record.Decimal {
			return fixedPoint(sample.Number(v), t.Scale)
		}
		return base64.StdEncoding.EncodeToString(v)
	case int32:
		return times(int64(v), nanos(t.Kind))
	case int64:
		return times(v, nanos(t.Kind))
	}
	return fmt.Sprint(v)
}

func nanos(k record.Kind) int64 {
	switch k {
	case record.TimeMillis, record.TimestampMillis, record.LocalMillis:
		return 1_000_000
	case record.TimeMicros, record.TimestampMicros, record.LocalMicros:
		return 1000
	}
	return 1
}

func times(a, b int64) string { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)).String() }

func double(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func fixedPoint(v *big.Int, scale int) string {
	digits := new(big.Int).Abs(v).String()
	digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
	sign := ""
	if v.Sign() < 0 {
		sign = "-"
	}
	if scale == 0 {
		return sign + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// parse reads a row as the readers show it.
func parse(t *testing.T, s *record.Schema, line string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return parsedObject(s.Fields, v)
}

func parsedObject(fields []record.Field, v map[string]any) map[string]any {
	o := maps.Clone(v)
	for _, f := range fields {
		if e, ok := v[f.Name]; ok {
			o[f.Name] = parsed(f.Type, e)
		}
	}
	return o
}

func parsed(t record.Type, v any) any {
	switch v := v.(type) {
	case map[string]any:
		return parsedObject(t.Fields, v)
	case []any:
		list := []any{}
		for _, e := range v {
			if t.Kind == record.Map {
				pair := e.([]any)
				list = append(list, []any{pair[0], parsed(t.Elem.Type, pair[1])})
			} else if t.Elem != nil {
				list = append(list, parsed(t.Elem.Type, e))
			}
		}
		return list
	case json.Number:
		if f, err := v.Float64(); err == nil && (t.Kind == record.Float || t.Kind == record.Double) {
			return double(f)
		}
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return v
}
