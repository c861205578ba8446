package avro

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"shadoof/record"
)

// defaultJSON writes a field's default in the plain JSON that record/json reads. Floating-point numbers always have a fraction or an
// exponent, so that a union takes them for what they are.
func defaultJSON(t typ, v any) (json.RawMessage, error) {
	if t.Type == "union" {
		b, ok := t.branchOf(v)
		if !ok {
			return nil, fmt.Errorf("%v is of no type of its union", v)
		}
		t = b
	}
	switch v := v.(type) {
	case nil:
		return json.RawMessage("null"), nil
	case float32:
		return floatJSON(float64(v), 32)
	case float64:
		return floatJSON(v, 64)
	case []byte:
		return bytesJSON(t, v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			b, err := defaultJSON(t.inner(t.Items), e)
			if err != nil {
				return nil, err
			}
			parts[i] = string(b)
		}
		return json.RawMessage("[" + strings.Join(parts, ",") + "]"), nil
	case map[string]any:
		return objectJSON(t, v)
	}
	return json.Marshal(v)
}

// objectJSON writes a default of a record or map. Null fields and fields that the default leaves to their own default are left out.
func objectJSON(t typ, v map[string]any) (json.RawMessage, error) {
	var names []string
	types := map[string]typ{}
	if t.Type == "map" {
		names = slices.Sorted(maps.Keys(v))
		for _, name := range names {
			types[name] = t.inner(t.Values)
		}
	} else {
		for i := range t.Fields {
			f := &t.Fields[i]
			if in := t.inner(&f.Type); in.Type != "null" {
				if _, ok := v[f.Name]; ok {
					names = append(names, f.Name)
					types[f.Name] = in
				}
			}
		}
	}
	parts := make([]string, len(names))
	for i, name := range names {
		b, err := defaultJSON(types[name], v[name])
		if err != nil {
			return nil, err
		}
		k, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		parts[i] = string(k) + ":" + string(b)
	}
	return json.RawMessage("{" + strings.Join(parts, ",") + "}"), nil
}

// branchOf finds the type of a union that a default belongs to: the first of the Go type that the library read it as.
func (t typ) branchOf(v any) (typ, bool) {
	for i := range t.Branches {
		b := t.inner(&t.Branches[i])
		var ok bool
		switch v := v.(type) {
		case nil:
			ok = b.Type == "null"
		case bool:
			ok = b.Type == "boolean"
		case int32:
			ok = b.Type == "int"
		case int64:
			ok = b.Type == "long"
		case float32:
			ok = b.Type == "float"
		case float64:
			ok = b.Type == "double"
		case string:
			ok = b.Type == "string" || b.Type == "enum" && slices.Contains(b.Symbols, v)
		case []byte:
			ok = b.Type == "bytes" || b.Type == "fixed" && b.Size == len(v)
		case []any:
			ok = b.Type == "array"
		case map[string]any:
			ok = b.Type == "map" || b.kind() == "record"
		}
		if ok {
			return b, true
		}
	}
	return t, false
}

func floatJSON(v float64, bits int) (json.RawMessage, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, fmt.Errorf("%v: plain JSON has finite numbers only", v)
	}
	s := string(record.AppendFloat(nil, v, bits))
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return json.RawMessage(s), nil
}

func bytesJSON(t typ, v []byte) (json.RawMessage, error) {
	l, _, err := t.leaf()
	if err != nil {
		return nil, err
	}
	switch {
	case l.Kind == record.Decimal && len(v) == 0:
		return nil, errors.New("a decimal of no bytes")
	case l.Kind == record.Decimal:
		return record.AppendDecimal(nil, v, l.Scale), nil
	case l.Kind == record.UUID:
		return json.Marshal(string(appendUUID(nil, v)))
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(v))
}
