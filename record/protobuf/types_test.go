package protobuf_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"shadoof/record/protobuf"
)

const scalars = `syntax = "proto3"; package t; message M {
	bool b = 1; int32 i32 = 2; sint32 s32 = 3; sfixed32 sf32 = 4; uint32 u32 = 5; fixed32 f32 = 6; int64 i64 = 7; sint64 s64 = 8; sfixed64 sf64 = 9;
	uint64 u64 = 10; fixed64 f64 = 11; float f = 12; double d = 13; string s = 14; bytes y = 15; E e = 16; }
	enum E { ZERO = 0; ONE = 1; UNO = 1; option allow_alias = true; MINUS = -1; FAR = 100000; }`

// Every type, in each syntax, as a schema of rows and as values.
func TestTypes(t *testing.T) {
	t.Parallel()
	type value struct{ text, want string }
	for _, c := range []struct {
		name, proto, rows string
		values            []value
	}{
		{"scalars", scalars, `b boolean = false
i32 int32 = 0
s32 int32 = 0
sf32 int32 = 0
u32 int64 = 0
f32 int64 = 0
i64 int64 = 0
s64 int64 = 0
sf64 int64 = 0
u64 decimal(20,0) = 0
f64 decimal(20,0) = 0
f float = 0
d double = 0
s string = ""
y bytes = ""
e string = "ZERO"
`, []value{
			{``, `{"b":false,"i32":0,"s32":0,"sf32":0,"u32":0,"f32":0,"i64":0,"s64":0,"sf64":0,"u64":"0","f64":"0","f":0,"d":0,"s":"","y":"","e":"ZERO"}`},
			{`b: true i32: -2147483648 s32: -2147483648 sf32: -2147483648 u32: 4294967295 f32: 4294967295 i64: -9223372036854775808 s64: -9223372036854775808
				sf64: -9223372036854775808 u64: 18446744073709551615 f64: 18446744073709551615 f: 1.5 d: -inf s: "é" y: "\xff" e: UNO`,
				`{"b":true,"i32":-2147483648,"s32":-2147483648,"sf32":-2147483648,"u32":4294967295,"f32":4294967295,"i64":-9223372036854775808,"s64":-9223372036854775808,` +
					`"sf64":-9223372036854775808,"u64":"18446744073709551615","f64":"18446744073709551615","f":1.5,"d":"-Infinity","s":"é","y":"/w==","e":"ONE"}`},
			{`e: FAR i32: 2147483647 s32: 2147483647 i64: 9223372036854775807 s64: 9223372036854775807`,
				`{"b":false,"i32":2147483647,"s32":2147483647,"sf32":0,"u32":0,"f32":0,"i64":9223372036854775807,"s64":9223372036854775807,"sf64":0,"u64":"0","f64":"0","f":0,"d":0,"s":"","y":"","e":"FAR"}`},
			{`e: MINUS`, `{"b":false,"i32":0,"s32":0,"sf32":0,"u32":0,"f32":0,"i64":0,"s64":0,"sf64":0,"u64":"0","f64":"0","f":0,"d":0,"s":"","y":"","e":"MINUS"}`},
			{`e: -7`, `{"b":false,"i32":0,"s32":0,"sf32":0,"u32":0,"f32":0,"i64":0,"s64":0,"sf64":0,"u64":"0","f64":"0","f":0,"d":0,"s":"","y":"","e":"-7"}`},
		}},
		{"presence", `syntax = "proto3"; message M { optional int32 i = 1; optional string s = 2; optional E e = 3; N n = 4; } message N { int32 x = 1; } enum E { A = 0; }`,
			"i int32 null\ns string null\ne string null\nn struct null\n  x int32 = 0\n", []value{
				{``, `{"i":null,"s":null,"e":null,"n":null}`},
				{`i: 0 s: "" e: A n {}`, `{"i":0,"s":"","e":"A","n":{"x":0}}`},
			}},
		{"lists", `syntax = "proto3"; message M { repeated int32 i = 1; repeated string s = 2; repeated N n = 3; } message N { repeated uint64 x = 1; optional bool b = 2; }`,
			"i list = [] of int32\ns list = [] of string\nn list = [] of struct\n  x list = [] of decimal(20,0)\n  b boolean null\n", []value{
				{``, `{"i":[],"s":[],"n":[]}`},
				{`i: [1, -2] s: ["", "x"] n {} n {x: [1,2]} n {b: true}`, `{"i":[1,-2],"s":["","x"],"n":[{"x":[],"b":null},{"x":["1","2"],"b":null},{"x":[],"b":true}]}`},
			}},
		{"maps", `syntax = "proto3"; message M { map<string, int32> s = 1; map<sint64, N> i = 2; map<bool, string> b = 3; map<fixed64, bytes> u = 4; } message N { int32 x = 1; }`,
			"s map = {} of int32\ni map = {} of struct\n  x int32 = 0\nb map = {} of string\nu map = {} of bytes\n", []value{
				{``, `{"s":{},"i":{},"b":{},"u":{}}`},
				{`s {key: "a" value: 1} s {value: 2} i {key: -5 value {x: 1}} i {key: 7} b {key: true} b {value: "f"} u {key: 18446744073709551615 value: "x"}`,
					`{"s":{"":2,"a":1},"i":{"-5":{"x":1},"7":{"x":0}},"b":{"false":"f","true":""},"u":{"18446744073709551615":"eA=="}}`},
			}},
		{"oneof", `syntax = "proto3"; message M { oneof k { int32 i = 1; string s = 2; N n = 3; Nothing e = 4; } } message N { int32 x = 1; } message Nothing {}`,
			"i int32 null\ns string null\nn struct null\n  x int32 = 0\ne boolean null\n", []value{
				{``, `{"i":null,"s":null,"n":null,"e":null}`},
				{`i: 0`, `{"i":0,"s":null,"n":null,"e":null}`},
				{`n {}`, `{"i":null,"s":null,"n":{"x":0},"e":null}`},
				{`e {}`, `{"i":null,"s":null,"n":null,"e":true}`},
			}},
		{"well-known", `syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/any.proto"; import "google/protobuf/field_mask.proto";
			import "google/protobuf/empty.proto"; message M { google.protobuf.Timestamp t = 1; google.protobuf.Duration d = 2; google.protobuf.Any a = 3; google.protobuf.FieldMask f = 4; google.protobuf.Empty e = 5;
			repeated google.protobuf.Timestamp tt = 6; map<string, google.protobuf.Duration> dd = 7; repeated google.protobuf.Empty ee = 8; }`,
			"t timestamp-micros null\nd decimal(21,9) null\na struct null\n  type_url string = \"\"\n  value bytes = \"\"\nf struct null\n  paths list = [] of string\ne boolean null\n" +
				"tt list = [] of timestamp-micros\ndd map = {} of decimal(21,9)\nee list = [] of boolean\n", []value{
				{``, `{"t":null,"d":null,"a":null,"f":null,"e":null,"tt":[],"dd":{},"ee":[]}`},
				{`t {seconds: 1795000000 nanos: 123456789} d {seconds: -5 nanos: -1} a {type_url: "x/y" value: "z"} f {paths: "p.q"} e {} tt {} tt {seconds: -1 nanos: 999999999} dd {key: "k"} ee {} ee {}`,
					`{"t":"2026-11-18T11:06:40.123456Z","d":"-5.000000001","a":{"type_url":"x/y","value":"eg=="},"f":{"paths":["p.q"]},"e":true,` +
						`"tt":["1970-01-01T00:00:00.000000Z","1969-12-31T23:59:59.999999Z"],"dd":{"k":"0.000000000"},"ee":[true,true]}`},
				{`t {seconds: 253402300799 nanos: 999999999} d {seconds: 315576000000 nanos: 999999999}`,
					`{"t":"9999-12-31T23:59:59.999999Z","d":"315576000000.999999999","a":null,"f":null,"e":null,"tt":[],"dd":{},"ee":[]}`},
				{`t {seconds: -62135596800} d {seconds: -315576000000 nanos: -999999999}`,
					`{"t":"0001-01-01T00:00:00.000000Z","d":"-315576000000.999999999","a":null,"f":null,"e":null,"tt":[],"dd":{},"ee":[]}`},
				{`t {seconds: 253402300800}`, `unfit: t: found a Timestamp of 253402300800 seconds and 0 nanoseconds, expected the years 1 to 9999, and less than a second`},
				{`t {nanos: -1}`, `unfit: t: found a Timestamp of 0 seconds and -1 nanoseconds, expected the years 1 to 9999, and less than a second`},
				{`tt {nanos: 1000000000}`, `unfit: tt[]: found a Timestamp of 0 seconds and 1000000000 nanoseconds, expected the years 1 to 9999, and less than a second`},
				{`d {seconds: 1 nanos: -1}`, `unfit: d: found a Duration of 1 seconds and -1 nanoseconds, expected at most 315576000000 seconds, and one sign`},
				{`dd {value {seconds: 315576000001}}`, `unfit: dd{}: found a Duration of 315576000001 seconds and 0 nanoseconds, expected at most 315576000000 seconds, and one sign`},
			}},
		{"wrappers", `syntax = "proto3"; import "google/protobuf/wrappers.proto"; message M { google.protobuf.DoubleValue d = 1; google.protobuf.FloatValue f = 2; google.protobuf.Int64Value i = 3;
			google.protobuf.UInt64Value u = 4; google.protobuf.Int32Value j = 5; google.protobuf.UInt32Value v = 6; google.protobuf.BoolValue b = 7; google.protobuf.StringValue s = 8; google.protobuf.BytesValue y = 9;
			repeated google.protobuf.StringValue ss = 10; map<string, google.protobuf.Int32Value> jj = 11; }`,
			"d double null\nf float null\ni int64 null\nu decimal(20,0) null\nj int32 null\nv int64 null\nb boolean null\ns string null\ny bytes null\nss list = [] of string\njj map = {} of int32\n", []value{
				{``, `{"d":null,"f":null,"i":null,"u":null,"j":null,"v":null,"b":null,"s":null,"y":null,"ss":[],"jj":{}}`},
				{`d {} f {} i {} u {} j {} v {} b {} s {} y {} ss {} ss {value: "x"} jj {key: "k"}`, `{"d":0,"f":0,"i":0,"u":"0","j":0,"v":0,"b":false,"s":"","y":"","ss":["","x"],"jj":{"k":0}}`},
				{`d {value: 1.5} u {value: 18446744073709551615} jj {key: "k" value {value: 3}}`, `{"d":1.5,"f":null,"i":null,"u":"18446744073709551615","j":null,"v":null,"b":null,"s":null,"y":null,"ss":[],"jj":{"k":3}}`},
			}},
		{"proto2", `syntax = "proto2"; message M { optional int32 i = 1 [default = 5]; required string s = 2; optional E e = 3 [default = B]; optional group G = 4 { optional int32 x = 1; } repeated group H = 5 { optional int32 y = 1; }
			repeated E ee = 6; map<string, E> em = 7; extensions 100 to max; } enum E { A = 0; B = 2; }`,
			"i int32 null\ns string\ne enum[A B] null\ng struct null\n  x int32 null\nh list = [] of struct\n  y int32 null\nee list = [] of enum[A B]\nem map = {} of enum[A B]\n", []value{
				{`s: ""`, `{"i":null,"s":"","e":null,"g":null,"h":[],"ee":[],"em":{}}`},
				{`s: "" e: A G {x: 1} H {} H {y: 2} ee: [B, A] em {key: "k" value: B} em {key: "l"}`, `{"i":null,"s":"","e":"A","g":{"x":1},"h":[{"y":null},{"y":2}],"ee":["B","A"],"em":{"k":"B","l":"A"}}`},
				{`i: 1`, `undecodable: s: found no value, and the message's schema requires one`},
			}},
		{"editions", `edition = "2023"; message M { int32 i = 1; int32 j = 2 [features.field_presence = IMPLICIT]; int32 k = 3 [features.field_presence = LEGACY_REQUIRED]; N n = 4 [features.message_encoding = DELIMITED];
			repeated int32 l = 5 [features.repeated_field_encoding = EXPANDED]; E e = 6; F f = 7; repeated N m = 8 [features.message_encoding = DELIMITED]; } message N { int32 x = 1; }
			enum E { A = 0; } enum F { option features.enum_type = CLOSED; B = 1; }`,
			"i int32 null\nj int32 = 0\nk int32\nn struct null\n  x int32 null\nl list = [] of int32\ne string null\nf enum[B] null\nm list = [] of struct\n  x int32 null\n", []value{
				{`k: 0`, `{"i":null,"j":0,"k":0,"n":null,"l":[],"e":null,"f":null,"m":[]}`},
				{`k: 1 n {x: 1} l: [1, 2] e: 9 f: B m {} m {x: 2}`, `{"i":null,"j":0,"k":1,"n":{"x":1},"l":[1,2],"e":"9","f":"B","m":[{"x":null},{"x":2}]}`},
				{`i: 1`, `undecodable: k: found no value, and the message's schema requires one`},
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, md := parse(t, c.proto), message(t, c.proto)
			if d := gocmp.Diff(described(w.Rows()), c.rows); d != "" {
				t.Errorf("the schema of rows (-got +want)\n%s", d)
			}
			dec := decoder(t, w, nil)
			for _, v := range c.values {
				if d := gocmp.Diff(printed(t, dec, encode(t, md, v.text)), v.want); d != "" {
					t.Errorf("%s (-got +want)\n%s", v.text, d)
				}
			}
		})
	}
}

// A closed enum gives numbers that it has not got to the unknown fields.
func TestClosedEnumsLeaveUnknownNumbersOut(t *testing.T) {
	t.Parallel()
	w := parse(t, `syntax = "proto2"; message M { optional E e = 1; repeated E l = 2; repeated E p = 3 [packed = true]; map<string, E> m = 4; oneof o { E x = 5; int32 y = 6; } } enum E { O = 0; A = 1; B = 2; }`)
	tag := func(n protowire.Number, v ...byte) []byte {
		return append(protowire.AppendTag(nil, n, protowire.VarintType), v...)
	}
	block := func(n protowire.Number, v ...byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), v)
	}
	for _, c := range []struct {
		name    string
		parts   [][]byte
		want    string
		unknown int64
	}{
		{"a known one stays", [][]byte{tag(1, 2), tag(1, 9)}, `{"e":"B","l":[],"p":[],"m":{},"x":null,"y":null}`, 1},
		{"a known one comes", [][]byte{tag(1, 9), tag(1, 2)}, `{"e":"B","l":[],"p":[],"m":{},"x":null,"y":null}`, 1},
		{"none", [][]byte{tag(1, 9), tag(2, 9), block(3, 9, 8)}, `{"e":null,"l":[],"p":[],"m":{},"x":null,"y":null}`, 4},
		{"in lists", [][]byte{tag(2, 9), tag(2, 1), block(2, 9, 2), block(3, 9, 1, 7, 2), tag(3, 1)}, `{"e":null,"l":["A","B"],"p":["A","B","A"],"m":{},"x":null,"y":null}`, 4},
		{"entries", [][]byte{block(4, 10, 1, 'a', 16, 9), block(4, 10, 1, 'b', 16, 1), block(4, 10, 1, 'c', 16, 9), block(4, 10, 1, 'd', 16, 2, 16, 9)}, `{"e":null,"l":[],"p":[],"m":{"b":"A","d":"B"},"x":null,"y":null}`, 3},
		{"no entry", [][]byte{block(4, 16, 9)}, `{"e":null,"l":[],"p":[],"m":{},"x":null,"y":null}`, 1},
		{"a oneof stays", [][]byte{tag(6, 1), tag(5, 9)}, `{"e":null,"l":[],"p":[],"m":{},"x":null,"y":1}`, 1},
	} {
		dec := decoder(t, w, nil)
		var value []byte
		for _, p := range c.parts {
			value = append(value, p...)
		}
		if got := printed(t, dec, value); got != c.want || dec.(*protobuf.Decoder).UnknownFields() != c.unknown {
			t.Errorf("%s: got %s and %d unknown fields, want %s and %d", c.name, got, dec.(*protobuf.Decoder).UnknownFields(), c.want, c.unknown)
		}
	}
}
