package protobuf_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"shadoof/record"
	"shadoof/record/protobuf"
)

// wire makes a message of hexadecimal digits, with texts in quotes between them.
func wire(tb testing.TB, text string) []byte {
	tb.Helper()
	out := []byte{}
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 {
			out = append(out, part...)
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}

// What comes more than once, and in any order, is what the specification says.
func TestFieldsThatComeAgain(t *testing.T) {
	t.Parallel()
	const proto = `syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto"; message M {
		int32 i = 1; string s = 2; N n = 3; repeated int32 l = 4; repeated N m = 5; map<string, N> p = 6; oneof o { int32 a = 7; N b = 8; string c = 9; google.protobuf.Struct j = 15; }
		google.protobuf.Timestamp t = 10; google.protobuf.Int32Value w = 11; uint64 u = 12; google.protobuf.Struct v = 13; map<int32, string> q = 14; }
		message N { int32 x = 1; repeated int32 y = 2; N2 z = 3; map<string, string> k = 4; } message N2 { optional string s = 1; oneof o { int32 a = 2; int32 b = 3; } }`
	w := parse(t, proto)
	md := message(t, proto)
	for _, c := range []struct{ name, wire, field, want string }{
		{"numbers", "08 01 08 02", "i", `2`},
		{"texts", `12 01"a" 12 03"bcd" 12 02"ef"`, "s", `"ef"`},
		{"decimals", "60 01 60 02", "u", `"2"`},
		{"messages are merged", `1a 02 08 01 1a 03 12 01 07 1a 04 08 02 10 08`, "n", `{"x":2,"y":[7,8],"z":null,"k":{}}`},
		{"messages within are merged", `1a 05 1a 03 0a 01"a" 1a 04 1a 02 10 05 1a 02 1a 00`, "n", `{"x":0,"y":[],"z":{"s":"a","a":5,"b":null},"k":{}}`},
		{"a oneof within", `1a 04 1a 02 10 05 1a 04 1a 02 18 06`, "n", `{"x":0,"y":[],"z":{"s":null,"a":null,"b":6},"k":{}}`},
		{"maps within", `1a 08 22 06 0a 01"a"12 01"b" 1a 10 22 06 0a 01"a"12 01"c" 22 06 0a 01"d"12 01"e"`, "n", `{"x":0,"y":[],"z":null,"k":{"a":"c","d":"e"}}`},
		{"lists between other fields", `20 01 08 09 22 02 02 03 12 00 20 04 22 00`, "l", `[1,2,3,4]`},
		{"lists of messages between other fields", `2a 02 08 01 20 01 2a 03 12 01 05 08 01 2a 00`, "m", `[{"x":1,"y":[],"z":null,"k":{}},{"x":0,"y":[5],"z":null,"k":{}},{"x":0,"y":[],"z":null,"k":{}}]`},
		{"lists within lists", `2a 08 10 01 08 02 10 03 12 00 2a 06 12 02 04 05 10 06`, "m", `[{"x":2,"y":[1,3],"z":null,"k":{}},{"x":0,"y":[4,5,6],"z":null,"k":{}}]`},
		{"entries of a map", `32 07 0a 01"a"12 02 10 01 08 01 32 03 0a 01"b" 32 07 12 02 08 03 0a 01"a"`, "p", `{"b":{"x":0,"y":[],"z":null,"k":{}},"a":{"x":3,"y":[],"z":null,"k":{}}}`},
		{"keys that are numbers", `72 05 08 01 12 01"a" 72 06 08 81 00 12 01"b" 72 0f 08 81 80 80 80 80 80 80 80 80 01 12 02"cc"`, "q", `{"1":"cc"}`},
		{"values of an entry are merged", `32 0d 0a 01"a" 12 02 08 01 12 04 10 02 10 03`, "p", `{"a":{"x":1,"y":[2,3],"z":null,"k":{}}}`},
		{"a member of a oneof gives way", `38 01 42 06 08 01 12 02 02 03 4a 01"c"`, "a,b,c", `null,null,"c"`},
		{"a message of a oneof gives way and comes back", `42 06 08 01 12 02 02 03 38 05 42 02 10 04`, "a,b,c", `null,{"x":0,"y":[4],"z":null,"k":{}},null`},
		{"a message of a oneof is merged", `42 06 08 01 12 02 02 03 42 02 10 04`, "a,b,c", `null,{"x":1,"y":[2,3,4],"z":null,"k":{}},null`},
		{"JSON of a oneof gives way", `7a 07 0a 05 0a 01"a"12 00 38 01`, "a,j", `1,null`},
		{"JSON of a oneof comes last", `38 01 7a 07 0a 05 0a 01"a"12 00`, "a,j", `null,{"a":null}`},
		{"times are merged", `52 02 08 05 52 04 10 80 89 7a 52 00`, "t", `"1970-01-01T00:00:05.002000Z"`},
		{"wrapped values are merged", `5a 02 08 05 5a 00`, "w", `5`},
		{"JSON is merged", `6a 07 0a 05 0a 01"a"12 00 6a 09 0a 07 0a 01"b"12 02 20 01 6a 09 0a 07 0a 01"a"12 02 20 00`, "v", `{"a":false,"b":true}`},
	} {
		value := wire(t, c.wire)
		dec := decoder(t, w, &record.Schema{Fields: only(w.Rows().Fields, strings.Split(c.field, ","))})
		got := printed(t, dec, value)
		var want []string
		names := strings.Split(c.field, ",")
		if len(names) == 1 {
			want = []string{fmt.Sprintf("%q:%s", c.field, c.want)}
		} else {
			depth, from := 0, 0
			for i, ch := range c.want + "," {
				switch ch {
				case '{', '[':
					depth++
				case '}', ']':
					depth--
				case ',':
					if depth == 0 {
						want = append(want, fmt.Sprintf("%q:%s", names[len(want)], c.want[from:i]))
						from = i + 1
					}
				}
			}
		}
		if s := "{" + strings.Join(want, ",") + "}"; got != s {
			t.Errorf("%s: got %s, want %s", c.name, got, s)
		}
		v := newVerdict(t, w, md)
		v.decode(t, value)
		v.check(t)
	}
}

func only(fields []record.Field, names []string) (out []record.Field) {
	for _, n := range names {
		out = append(out, fields[slices.IndexFunc(fields, func(f record.Field) bool { return f.Name == n })])
	}
	return out
}

// Bytes that are no message are refused, each with its reason, and leave no trace.
func TestBadMessages(t *testing.T) {
	t.Parallel()
	const proto = `syntax = "proto2"; message M { optional int32 i = 1; optional string s = 2; optional N n = 3; repeated fixed32 l = 4; optional group G = 5 { optional int32 x = 1; } map<string, string> m = 6; optional double d = 7;
		optional fixed64 f = 8; repeated int32 p = 9; optional bytes y = 10; optional float o = 11; } message N { optional int32 x = 1; }`
	w := parse(t, proto)
	for _, c := range []struct{ name, wire, want string }{
		{"a tag that is cut", `ff`, `byte 0 of 1: found the end of the data, expected a number`},
		{"a tag of more than 64 bits", `ff ff ff ff ff ff ff ff ff 7f 00`, `byte 0 of 11: found a number of more than 64 bits`},
		{"field 0", `00 00`, `byte 0 of 2: found the field number 0, expected one from 1 to 536870911`},
		{"a field number too large", `f8 ff ff ff 7f 00`, `byte 0 of 6: found the field number 4294967295, expected one from 1 to 536870911`},
		{"wire type 6", `0e`, `byte 0 of 1: found the wire type 6, expected one from 0 to 5`},
		{"wire type 7 of an unknown field", `a7 06`, `byte 0 of 2: found the wire type 7, expected one from 0 to 5`},
		{"a number that is cut", `08 80`, `i: byte 1 of 2: found the end of the data, expected a number`},
		{"no number", `08`, `i: byte 1 of 1: found the end of the data, expected a number`},
		{"a number of eleven bytes", `08 80 80 80 80 80 80 80 80 80 80 01`, `i: byte 1 of 12: found a number of more than 64 bits`},
		{"a number of 65 bits", `08 ff ff ff ff ff ff ff ff ff 02`, `i: byte 1 of 11: found a number of more than 64 bits`},
		{"a text that is cut", `12 05"abc"`, `s: byte 1 of 5: found the length 5, expected at most the 3 bytes left`},
		{"64 MB in a record of 20 bytes", `12 80 80 80 20 "0123456789abcde"`, `s: byte 1 of 20: found the length 67108864, expected at most the 15 bytes left`},
		{"a length of 64 bits", `12 ff ff ff ff ff ff ff ff ff 01`, `s: byte 1 of 11: found the length 18446744073709551615, expected at most the 0 bytes left`},
		{"no UTF-8", `12 02 c3 28`, `s: byte 2 of 4: found "\xc3(", expected UTF-8`},
		{"no UTF-8 in a key", `32 05 0a 01 ff 12 00`, `m.key: byte 4 of 7: found "\xff", expected UTF-8`},
		{"no UTF-8 in a map", `32 05 0a 00 12 01 ff`, `m{}: byte 6 of 7: found "\xff", expected UTF-8`},
		{"a message that is cut", `1a 03 08 01`, `n: byte 1 of 4: found the length 3, expected at most the 2 bytes left`},
		{"a number beyond its message", `1a 01 08 05`, `n.x: byte 3 of 4: found the end of the data, expected a number`},
		{"a double that is cut", `39 00 00`, `d: byte 1 of 3: found the end of the data, expected 8 bytes`},
		{"a fixed64 that is cut", `41 00 00`, `f: byte 1 of 3: found the end of the data, expected 8 bytes`},
		{"a float that is cut", `5d 00 00`, `o: byte 1 of 3: found the end of the data, expected 4 bytes`},
		{"a group without an end", `2b 08 01`, `g: byte 3 of 3: found the end of the data, expected the end of a group`},
		{"a group that another ends", `2b 08 01 34`, `g: byte 3 of 4: found the end of a group of field 6 that did not begin`},
		{"an end without a group", `2c`, `byte 0 of 1: found the end of a group of field 5 that did not begin`},
		{"an unknown group without an end", `a3 06 08 01`, `byte 4 of 4: found the end of the data, expected a number`},
		{"an unknown group with another's end", `a3 06 ac 06`, `byte 2 of 4: found the end of a group of field 101 that did not begin`},
		{"an unknown value that is cut", `a1 06 00`, `byte 3 of 3: found the end of the data within a value of field 100`},
		{"packed numbers that are cut", `22 05 01 00 00 00 02`, `l[]: byte 7 of 7: found the end of the data within a number`},
		{"packed varints that are cut", `4a 02 01 80`, `p[]: byte 3 of 4: found the end of the data, expected a number`},
	} {
		dec := decoder(t, w, nil)
		good := wire(t, `08 01 12 01"x" 1a 02 08 01 25 00 00 00 00 2b 2c 32 00`)
		before := printed(t, dec, good)
		for _, prefix := range []string{"", `08 07 12 01"x" 1a 02 08 01 4a 02 01 02 2b 08 01 2c 32 06 0a 01"a"12 01"b" a0 06 01 `} {
			value := wire(t, prefix+c.wire)
			got := printed(t, dec, value)
			if prefix == "" && got != "undecodable: "+c.want {
				t.Errorf("%s: got %s, want %s", c.name, got, c.want)
			}
			if !strings.HasPrefix(got, "undecodable: ") {
				t.Errorf("%s, later: got %s", c.name, got)
			}
		}
		if after := printed(t, dec, good); after != before || dec.(*protobuf.Decoder).UnknownFields() != 0 {
			t.Errorf("%s: then got %s, want %s; %d unknown fields", c.name, after, before, dec.(*protobuf.Decoder).UnknownFields())
		}
	}
	dec := decoder(t, w, nil)
	if err := dec.Decode(record.NewColumns(dec.Schema()), &record.Raw{}); err == nil || err.Error() != "tombstone: the record has no value" {
		t.Errorf("got %v for a tombstone", err)
	}
	if got := printed(t, dec, []byte{}); !strings.HasPrefix(got, `{"i":null`) {
		t.Errorf("got %s for a message of no bytes", got)
	}
}

// Unknown groups may be deep, and cost no stack.
func TestUnknownGroups(t *testing.T) {
	t.Parallel()
	w := parse(t, `syntax = "proto3"; message M { int32 i = 1; }`)
	nested := func(depth int) []byte {
		b := []byte{8, 5}
		for range depth {
			b = protowire.AppendTag(b, 7, protowire.StartGroupType)
		}
		for range depth {
			b = protowire.AppendTag(b, 7, protowire.EndGroupType)
		}
		return b
	}
	dec := decoder(t, w, nil)
	if got := printed(t, dec, nested(10_000)); got != `{"i":5}` || dec.(*protobuf.Decoder).UnknownFields() != 1 {
		t.Errorf("got %s and %d unknown fields", got, dec.(*protobuf.Decoder).UnknownFields())
	}
	if got, want := printed(t, dec, nested(10_001)), "undecodable: byte 10002 of 20004: found groups nested deeper than 10000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A record cannot make much more of few bytes than MaxEntries.
func TestEntriesAreBounded(t *testing.T) {
	t.Parallel()
	var fields strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&fields, "optional int32 f%d = %d;", i, i+1)
	}
	w := parse(t, `syntax = "proto3"; message M { repeated N n = 1; oneof o { N a = 2; int32 b = 3; } } message N { `+fields.String()+` }`)
	dec := decoder(t, w, nil)
	if got, want := printed(t, dec, []byte(strings.Repeat("\x0a\x00", record.MaxEntries/1000+1))), "unfit: n[]: byte 67108 of 67110: found more than 33554432 values in the lists of one record"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := printed(t, dec, []byte(strings.Repeat("\x12\x00\x18\x01", record.MaxEntries/1000+1000))), "more than 33554432 values"; !strings.Contains(got, want) {
		t.Errorf("got %.200s, want %s", got, want)
	}
}

// Numbers of fields may be as large as they can be.
func TestLargeFieldNumbers(t *testing.T) {
	t.Parallel()
	const proto = `syntax = "proto3"; message M { int32 i = 536870911; repeated string s = 100000; oneof o { string a = 300000; int32 b = 7; } map<int32, int32> m = 1; repeated int32 p = 200000; }`
	md := message(t, proto)
	value := encode(t, md, `i: 1 s: "x" s: "y" a: "z" m {key: 1 value: 2} p: [1, 2]`)
	if got, want := printed(t, decoder(t, parse(t, proto), nil), value), `{"i":1,"s":["x","y"],"a":"z","b":null,"m":{"1":2},"p":[1,2]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Maps with more keys than are compared one by one keep the last of equal ones.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	const proto = `syntax = "proto3"; message M { map<string, N> m = 1; } message N { repeated string s = 1; optional double d = 2; map<int32, bool> b = 3; bytes y = 4; uint64 u = 5; float f = 6; }`
	w, md := parse(t, proto), message(t, proto)
	for n := range 40 {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, `m {key: "k%d" value {s: "a%d" s: "b" b {key: %d} y: "%d" u: %d f: %d} } `, i*i%13, i, i%3, i, i, i)
			if i%2 == 0 {
				fmt.Fprintf(&text, `m {key: "k%d" value {d: %d} } `, i%5, i)
			}
		}
		// The text form of a map refuses equal keys no more than the wire does.
		var value []byte
		for part := range strings.SplitSeq(text.String(), "} } ") {
			if part != "" {
				value = append(value, encode(t, md, part+"} }")...)
			}
		}
		if value == nil {
			value = []byte{}
		}
		v := newVerdict(t, w, md)
		v.decode(t, value)
		v.check(t)
	}
}
