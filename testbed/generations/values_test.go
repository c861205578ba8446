package generations_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// A document is what was produced: nil, bool, int64, float32, float64, string, []byte, instant, []any, table, document.
type document map[string]any

// A table is a map whose names are data.
type table map[string]any

// An instant is a time in milliseconds since 1970.
type instant int64

// MarshalJSON writes it as JSON has it: RFC 3339.
func (i instant) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.UnixMilli(int64(i)).UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}

// shown is a value as readers show it.
func shown(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v
	case float32:
		return float64(v)
	case instant:
		return int64(v) * 1e6
	case []byte:
		if v == nil {
			return nil
		}
		return base64.StdEncoding.EncodeToString(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = shown(e)
		}
		return out
	case table:
		out := []any{}
		for name, e := range v {
			out = append(out, []any{name, shown(e)})
		}
		slices.SortFunc(out, func(a, b any) int { return cmp.Compare(a.([]any)[0].(string), b.([]any)[0].(string)) })
		return out
	case document:
		out := map[string]any{}
		for name, e := range v {
			out[name] = shown(e)
		}
		return out
	}
	panic(fmt.Sprintf("no reader shows %T", v))
}

// parsed is a line of a reader. What has a fraction or an exponent is a float64, every other number an int64, exactly.
func parsed(line string) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(line)))
	d.UseNumber()
	var row map[string]any
	if err := d.Decode(&row); err != nil {
		return nil, err
	}
	v, err := numbers(row)
	if err != nil {
		return nil, err
	}
	return v.(map[string]any), nil
}

func numbers(v any) (_ any, err error) {
	switch v := v.(type) {
	case json.Number:
		if bytes.ContainsAny([]byte(v), ".eE") {
			return v.Float64()
		}
		return v.Int64()
	case []any:
		for i := range v {
			if v[i], err = numbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name := range v {
			if v[name], err = numbers(v[name]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
