package generations_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

var protobufFormat = format{
	name: "protobuf", kind: "PROTOBUF", value: ", message: shop.Order",
	shared: "shop/money.proto", sharedTexts: [2]string{
		"syntax = \"proto3\";\npackage shop;\n\nmessage Money {\n  int64 cents = 1;\n  string currency = 2;\n}\n",
		"syntax = \"proto3\";\npackage shop;\n\nmessage Money {\n  int64 cents = 1;\n  string currency = 2;\n  sint32 scale = 3;\n}\n",
	},
	texts: [newest]string{`syntax = "proto3";
package shop;

import "google/protobuf/timestamp.proto";
import "shop/money.proto";

message Order {
  int32 id = 1;
  float ratio = 2;
  Status status = 3;
  Customer customer = 4;
  repeated Line lines = 5;
  map<string, Tag> tags = 6;
  string title = 7;
  sint64 legacy = 8;
  optional string note = 9;
  string code = 10;
  shop.Money total = 11;
  google.protobuf.Timestamp made = 12;
  bytes raw = 13;
}
enum Status {
  NEW = 0;
  PAID = 1;
}
message Customer {
  string name = 1;
  int32 visits = 2;
}
message Line {
  string sku = 1;
  int32 count = 2;
}
message Tag {
  int32 weight = 1;
}
`, `syntax = "proto3";
package shop;

import "google/protobuf/timestamp.proto";
import "shop/money.proto";

message Order {
  int64 id = 1;
  double ratio = 2;
  Status status = 3;
  Customer customer = 4;
  repeated Line lines = 5;
  map<string, Tag> tags = 6;
  string heading = 7;
  reserved 8;
  optional string note = 9;
  string code = 10;
  shop.Money total = 11;
  google.protobuf.Timestamp made = 12;
  bytes raw = 13;
  string region = 14;
  optional string memo = 15;
  oneof payment {
    Card card = 16;
    string iban = 17;
  }
}
enum Status {
  NEW = 0;
  PAID = 1;
  SHIPPED = 2;
}
message Customer {
  string name = 1;
  int64 visits = 2;
  optional string email = 3;
}
message Line {
  string sku = 1;
  int64 count = 2;
  double price = 3;
}
message Tag {
  int64 weight = 1;
  string kind = 2;
}
message Card {
  string number = 1;
}
`, `syntax = "proto3";
package shop;

import "google/protobuf/timestamp.proto";
import "shop/money.proto";

message Address {
  string street = 1;
  optional string zip = 2;
}
message Order {
  int64 id = 1;
  double ratio = 2;
  Status status = 3;
  Customer customer = 4;
  repeated Line lines = 5;
  map<string, Tag> tags = 6;
  string heading = 7;
  reserved 8, 9, 10;
  shop.Money total = 11;
  google.protobuf.Timestamp made = 12;
  bytes raw = 13;
  string region = 14;
  optional string memo = 15;
  oneof payment {
    Card card = 16;
    string iban = 17;
    bool cash = 18;
  }
  optional double score = 19;
}
enum Status {
  NEW = 0;
  PAID = 1;
  SHIPPED = 2;
  RETURNED = 3;
}
message Customer {
  string name = 1;
  int64 visits = 2;
  optional string email = 3;
  Address address = 4;
}
message Line {
  string sku = 1;
  int64 count = 2;
  double price = 3;
  repeated string options = 4;
}
message Tag {
  int64 weight = 1;
  string kind = 2;
}
message Card {
  string number = 1;
}
`},
	columns: []column{
		{name: "id"}, {name: "ratio"}, {name: "status"},
		{name: "customer", of: []column{{name: "name"}, {name: "visits"}, {name: "email", first: 2}, {name: "address", first: 3, of: []column{{name: "street"}, {name: "zip"}}}}},
		{name: "lines", of: []column{{name: "sku"}, {name: "count"}, {name: "price", first: 2, lacks: 0.0}, {name: "options", first: 3, lacks: []any{}}}},
		{name: "tags", of: []column{{name: "weight"}, {name: "kind", first: 2, lacks: ""}}},
		{name: "title", last: 1, lacks: ""}, {name: "heading", first: 2, lacks: ""},
		{name: "legacy", last: 1, lacks: int64(0)}, {name: "note", last: 2}, {name: "code", last: 2, lacks: ""},
		{name: "region", first: 2, lacks: ""}, {name: "memo", first: 2},
		{name: "card", first: 2, of: []column{{name: "number"}}}, {name: "iban", first: 2}, {name: "cash", first: 3}, {name: "score", first: 3},
		{name: "total", of: []column{{name: "cents"}, {name: "currency"}, {name: "scale", first: 3, lacks: int64(0)}}}, {name: "made"}, {name: "raw"},
	},
	order: func(generation, n int) document {
		o := order(generation, n)
		o["raw"] = []byte{0xff, 0, byte(n)}
		o["card"], o["iban"], o["cash"] = nil, nil, nil
		switch n / 3 % (generation + 1) {
		case 1:
			o["card"] = document{"number": fmt.Sprint("card ", n)}
		case 2:
			o["iban"] = fmt.Sprint("iban ", n)
		case 3:
			o["cash"] = n%2 == 0
		}
		return o
	},
	encode: func(_ *format, generation int, d document) []byte {
		indexes := []byte{0}
		if generation == 3 { // Order is its second message
			indexes = []byte{2, 2}
		}
		return orderMessage(generation).append(indexes, d)
	},
}

// A message is the fields of one type of message, by which it is written. It owes nothing to the product, nor to a library that it has.
type message []field

type field struct {
	number protowire.Number
	name   string
	as     func(b []byte, v any) []byte // the value behind the tag
	wire   protowire.Type
}

func orderMessage(generation int) message {
	ratio := field{2, "ratio", double, protowire.Fixed64Type}
	heading := "heading"
	if generation == 1 {
		ratio = field{2, "ratio", single, protowire.Fixed32Type}
		heading = "title"
	}
	status := func(b []byte, v any) []byte {
		return protowire.AppendVarint(b, uint64(slices.Index([]string{"NEW", "PAID", "SHIPPED", "RETURNED"}, v.(string))))
	}
	address := message{{1, "street", text, protowire.BytesType}, {2, "zip", text, protowire.BytesType}}
	return message{ // not in the order of numbers
		{13, "raw", text, protowire.BytesType}, {11, "total", message{{1, "cents", varint, protowire.VarintType}, {2, "currency", text, protowire.BytesType}, {3, "scale", zigzag, protowire.VarintType}}.in, protowire.BytesType},
		{1, "id", varint, protowire.VarintType}, ratio, {3, "status", status, protowire.VarintType},
		{4, "customer", message{{1, "name", text, protowire.BytesType}, {2, "visits", varint, protowire.VarintType}, {3, "email", text, protowire.BytesType}, {4, "address", address.in, protowire.BytesType}}.in, protowire.BytesType},
		{5, "lines", message{{1, "sku", text, protowire.BytesType}, {2, "count", varint, protowire.VarintType}, {3, "price", double, protowire.Fixed64Type}, {4, "options", text, protowire.BytesType}}.in, protowire.BytesType},
		{6, "tags", message{{1, "weight", varint, protowire.VarintType}, {2, "kind", text, protowire.BytesType}}.in, protowire.BytesType},
		{7, heading, text, protowire.BytesType}, {8, "legacy", zigzag, protowire.VarintType}, {9, "note", text, protowire.BytesType}, {10, "code", text, protowire.BytesType},
		{12, "made", timestamp, protowire.BytesType}, {14, "region", text, protowire.BytesType}, {15, "memo", text, protowire.BytesType},
		{16, "card", message{{1, "number", text, protowire.BytesType}}.in, protowire.BytesType}, {17, "iban", text, protowire.BytesType}, {18, "cash", boolean, protowire.VarintType}, {19, "score", double, protowire.Fixed64Type},
	}
}

func (m message) append(b []byte, d document) []byte {
	left := len(d)
	for _, f := range m {
		v, ok := d[f.name]
		if ok {
			left--
		}
		switch v := v.(type) {
		case nil:
		case []any:
			for _, item := range v {
				b = f.as(protowire.AppendTag(b, f.number, f.wire), item)
			}
		case table:
			for name, value := range v {
				entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), name)
				b = protowire.AppendBytes(protowire.AppendTag(b, f.number, f.wire), f.as(protowire.AppendTag(entry, 2, f.wire), value))
			}
		default:
			b = f.as(protowire.AppendTag(b, f.number, f.wire), v)
		}
	}
	if left > 0 {
		panic(fmt.Sprintf("the message has not all fields of %v", d))
	}
	return b
}

// in writes a message within another.
func (m message) in(b []byte, v any) []byte {
	return protowire.AppendBytes(b, m.append(nil, v.(document)))
}

func varint(b []byte, v any) []byte { return protowire.AppendVarint(b, uint64(v.(int64))) }

func zigzag(b []byte, v any) []byte { return binary.AppendVarint(b, v.(int64)) }

func boolean(b []byte, v any) []byte {
	return protowire.AppendVarint(b, protowire.EncodeBool(v.(bool)))
}

func single(b []byte, v any) []byte {
	return protowire.AppendFixed32(b, math.Float32bits(v.(float32)))
}

func double(b []byte, v any) []byte {
	return protowire.AppendFixed64(b, math.Float64bits(v.(float64)))
}

func text(b []byte, v any) []byte {
	if s, ok := v.(string); ok {
		return protowire.AppendString(b, s)
	}
	return protowire.AppendBytes(b, v.([]byte))
}

func timestamp(b []byte, v any) []byte {
	at := int64(v.(instant))
	return message{{1, "seconds", varint, protowire.VarintType}, {2, "nanos", varint, protowire.VarintType}}.in(b, document{"seconds": at / 1000, "nanos": at % 1000 * 1_000_000})
}

var account = message{{1, "tenant", text, protowire.BytesType}, {2, "id", varint, protowire.VarintType}, {3, "zone", text, protowire.BytesType}}
