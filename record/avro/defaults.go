package avro

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/avro"

	"shadoof/record"
)

// defaultJSON writes a field's default in the plain JSON that record/json reads. Floating-point numbers always have a fraction or an
// exponent, so that a union takes them for what they are.
func (c *compiler) defaultJSON(n *avro.SchemaNode, v any, namespace string) (json.RawMessage, error) {
	n = c.definition(n, namespace)
	if n.Type == "union" {
		b := c.branchOf(n, v, namespace)
		if b == nil {
			return nil, fmt.Errorf("%v is of no type of its union", v)
		}
		n = b
	}
	switch v := v.(type) {
	case nil:
		return json.RawMessage("null"), nil
	case float32:
		return floatJSON(float64(v), 32)
	case float64:
		return floatJSON(v, 64)
	case []byte:
		return bytesJSON(n, v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			b, err := c.defaultJSON(n.Items, e, namespace)
			if err != nil {
				return nil, err
			}
			parts[i] = string(b)
		}
		return json.RawMessage("[" + strings.Join(parts, ",") + "]"), nil
	case map[string]any:
		return c.objectJSON(n, v, namespace)
	}
	return json.Marshal(v)
}

// objectJSON writes a default of a record or map. Null fields and fields that the default leaves to their own default are left out.
func (c *compiler) objectJSON(n *avro.SchemaNode, v map[string]any, namespace string) (json.RawMessage, error) {
	var names []string
	types := map[string]*avro.SchemaNode{}
	if n.Type == "map" {
		for k := range v {
			names = append(names, k)
			types[k] = n.Values
		}
		slices.Sort(names)
	} else {
		namespace = namespaceOf(fullName(n))
		for i := range n.Fields {
			f := &n.Fields[i]
			if _, ok := v[f.Name]; ok && c.definition(&f.Type, namespace).Type != "null" {
				names = append(names, f.Name)
				types[f.Name] = &f.Type
			}
		}
	}
	parts := make([]string, len(names))
	for i, name := range names {
		b, err := c.defaultJSON(types[name], v[name], namespace)
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
func (c *compiler) branchOf(n *avro.SchemaNode, v any, namespace string) *avro.SchemaNode {
	for i := range n.Branches {
		b := c.definition(&n.Branches[i], namespace)
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
			ok = b.Type == "map" || b.Type == "record" || b.Type == "error"
		}
		if ok {
			return b
		}
	}
	return nil
}

func floatJSON(v float64, bits int) (json.RawMessage, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, fmt.Errorf("%v: plain JSON has finite numbers only", v)
	}
	s := strconv.FormatFloat(v, 'g', -1, bits)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return json.RawMessage(s), nil
}

func bytesJSON(n *avro.SchemaNode, v []byte) (json.RawMessage, error) {
	t, _, err := leafType(n)
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case record.Decimal:
		if len(v) == 0 {
			return nil, errors.New("a decimal of no bytes")
		}
		u := new(big.Int).SetBytes(v)
		if v[0] >= 0x80 {
			u.Sub(u, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
		}
		return json.RawMessage(decimalText(u, t.Scale)), nil
	case record.UUID:
		return json.Marshal(string(appendUUID(nil, v)))
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(v))
}

func decimalText(u *big.Int, scale int) string {
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
