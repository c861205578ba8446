package generations_test

import (
	"encoding/json"
	"fmt"
)

var jsonFormat = format{
	name: "json", kind: "JSON",
	shared: "money.json", sharedTexts: [2]string{
		`{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"cents": {"type": "integer"}, "currency": {"type": "string"}}, "required": ["cents", "currency"]}`,
		`{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"cents": {"type": "integer"}, "currency": {"type": "string"},
			"scale": {"type": "integer", "default": 2}}, "required": ["cents", "currency"]}`,
	},
	texts: [newest]string{
		`{"$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object", "properties": {
			"id": {"type": "integer"}, "ratio": {"type": "number"}, "status": {"type": "string", "enum": ["NEW", "PAID"]},
			"customer": {"type": "object", "properties": {"name": {"type": "string"}, "visits": {"type": "integer"}}, "required": ["name", "visits"]},
			"lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}}, "required": ["sku"]}},
			"tags": {"type": "object", "additionalProperties": {"type": "object", "properties": {"weight": {"type": "integer"}}, "required": ["weight"]}},
			"title": {"type": "string"}, "legacy": {"type": "integer"}, "note": {"type": ["string", "null"]}, "code": {"type": "string"},
			"total": {"$ref": "money.json"}, "made": {"type": "string", "format": "date-time"}, "raw": {"type": "string", "contentEncoding": "base64"}},
			"required": ["id", "ratio", "status", "customer", "lines", "tags", "legacy", "code", "total", "raw"]}`,
		`{"$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object", "properties": {
			"id": {"type": "integer"}, "ratio": {"type": "number"}, "status": {"type": "string", "enum": ["NEW", "PAID", "SHIPPED"]},
			"customer": {"type": "object", "properties": {"name": {"type": "string"}, "visits": {"type": "integer"}, "email": {"type": ["null", "string"]}}, "required": ["name", "visits"]},
			"lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}, "price": {"type": "number", "default": 1.5}}, "required": ["sku"]}},
			"tags": {"type": "object", "additionalProperties": {"type": "object", "properties": {"weight": {"type": "integer"}, "kind": {"type": "string", "default": "plain"}}, "required": ["weight"]}},
			"title": {"type": "string"}, "note": {"type": ["string", "null"]}, "code": {"type": "string", "default": "none"},
			"region": {"type": "string", "default": "eu"}, "memo": {"type": ["null", "string"]},
			"total": {"$ref": "money.json"}, "made": {"type": "string", "format": "date-time"}, "raw": {"type": ["null", "string"], "contentEncoding": "base64"}},
			"required": ["id", "ratio", "status", "customer", "lines", "tags", "total"]}`,
		`{"$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object", "properties": {
			"id": {"type": "integer"}, "ratio": {"type": "number"}, "status": {"type": "string", "enum": ["NEW", "PAID", "SHIPPED", "RETURNED"]},
			"customer": {"type": "object", "properties": {"name": {"type": "string"}, "visits": {"type": "integer"}, "email": {"type": ["null", "string"]},
				"address": {"oneOf": [{"type": "null"}, {"$ref": "#/definitions/address"}]}}, "required": ["name", "visits"]},
			"lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}, "price": {"type": "number", "default": 1.5},
				"options": {"type": "array", "items": {"type": "string"}, "default": []}}, "required": ["sku"]}},
			"tags": {"type": "object", "additionalProperties": {"type": "object", "properties": {"weight": {"type": "integer"}, "kind": {"type": "string", "default": "plain"}}, "required": ["weight"]}},
			"title": {"type": "string"}, "region": {"type": "string", "default": "eu"}, "memo": {"type": ["null", "string"]},
			"payment": {"oneOf": [
				{"type": "object", "properties": {"card": {"type": "string"}}, "required": ["card"], "additionalProperties": false},
				{"type": "object", "properties": {"iban": {"type": "string"}, "bank": {"type": "integer"}}, "required": ["iban"], "additionalProperties": false}]},
			"score": {"type": ["number", "null"]},
			"total": {"$ref": "money.json"}, "made": {"type": "string", "format": "date-time"}, "raw": {"type": ["null", "string"], "contentEncoding": "base64"}},
			"required": ["id", "ratio", "status", "customer", "lines", "tags", "total"],
			"definitions": {"address": {"type": "object", "properties": {"street": {"type": "string"}, "zip": {"type": ["string", "null"]}}, "required": ["street"]}}}`,
	},
	columns: []column{
		{name: "id"}, {name: "ratio"}, {name: "status"},
		{name: "customer", of: []column{{name: "name"}, {name: "visits"}, {name: "email", first: 2}, {name: "address", first: 3, of: []column{{name: "street"}, {name: "zip"}}}}},
		{name: "lines", of: []column{{name: "sku"}, {name: "count"}, {name: "price", first: 2, lacks: 1.5}, {name: "options", first: 3, lacks: []any{}}}},
		{name: "tags", of: []column{{name: "weight"}, {name: "kind", first: 2, lacks: "plain"}}},
		{name: "title"}, {name: "legacy", last: 1}, {name: "note", last: 2}, {name: "code", last: 2, lacks: "none"},
		{name: "region", first: 2, lacks: "eu"}, {name: "memo", first: 2},
		{name: "payment", first: 3, of: []column{{name: "card"}, {name: "iban"}, {name: "bank"}}},
		{name: "score", first: 3},
		{name: "total", of: []column{{name: "cents"}, {name: "currency"}, {name: "scale", first: 3, lacks: int64(2)}}}, {name: "made"}, {name: "raw"},
	},
	order: func(generation, n int) document {
		o := order(generation, n)
		o["ratio"] = 1e300 / float64(n+3)
		o["payment"] = []any{document{"card": fmt.Sprint("card ", n)}, document{"iban": fmt.Sprint("iban ", n), "bank": int64(n)}}[n/3%2]
		return o
	},
	encode: func(_ *format, _ int, d document) []byte {
		b, err := json.Marshal(d)
		if err != nil {
			panic(err)
		}
		return b
	},
}
