package protobuf_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"shadoof/record"
	"shadoof/record/protobuf"
)

const everyJSON = `syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/any.proto"; import "google/protobuf/field_mask.proto";
	import "google/protobuf/empty.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto";
	message M { N n = 1; }
	message N { bool b = 1; int32 i_32 = 2; sint64 i64 = 3; uint32 u32 = 4; fixed64 u64 = 5; float f = 6; double d = 7; string s = 8; bytes y = 9; E e = 10; optional int32 o = 11; repeated E l = 12; map<bool, N> m = 13; N n = 14;
		oneof k { string x = 15; google.protobuf.NullValue nothing = 16; }
		google.protobuf.Timestamp t = 20; google.protobuf.Duration u = 21; google.protobuf.Any a = 22; google.protobuf.FieldMask p = 23; google.protobuf.Empty q = 24; google.protobuf.Struct st = 25; google.protobuf.Value v = 26;
		google.protobuf.ListValue lv = 27; google.protobuf.Int64Value w = 28; google.protobuf.StringValue sw = 29; map<int64, string> ms = 30; repeated int64 pl = 31; }
	enum E { ZERO = 0; ONE = 1; }`

func TestJSONText(t *testing.T) {
	t.Parallel()
	dec, md := decoder(t, parse(t, everyJSON, "n"), nil), message(t, everyJSON)
	for _, c := range []struct{ text, want string }{
		{``, `{}`},
		{`b: true i_32: -1 i64: -9223372036854775808 u32: 4294967295 u64: 18446744073709551615 f: 0.1 d: 0.1 s: "\n\t\r\"\\\001é\177" y: "\xff" e: ONE o: 0 l: [ZERO, ONE, 7]`,
			`{"b":true,"i_32":-1,"i64":"-9223372036854775808","u32":4294967295,"u64":"18446744073709551615","f":0.1,"d":0.1,"s":"\n\t\r\"\\\u0001é` + "\x7f" + `","y":"/w==","e":"ONE","o":0,"l":["ZERO","ONE",7]}`},
		{`f: nan d: -inf m {key: true value {f: inf}} m {key: false}`, `{"f":"NaN","d":"-Infinity","m":{"false":{},"true":{"f":"Infinity"}}}`},
		{`n {n {}}`, `{"n":{"n":{}}}`},
		{`nothing: NULL_VALUE`, `{"nothing":null}`},
		{`t {seconds: 1795000000 nanos: 120000000} u {seconds: -3 nanos: -500} p {paths: ["a.b", "c_d"]} q {} w {} sw {value: "x"}`,
			`{"t":"2026-11-18T11:06:40.120Z","u":"-3.000000500s","p":"a.b,c_d","q":{},"w":"0","sw":"x"}`},
		{`t {seconds: -62135596800} u {nanos: -5000}`, `{"t":"0001-01-01T00:00:00Z","u":"-0.000005s"}`},
		{`a {type_url: "type.googleapis.com/x" value: "abc"}`, `{"a":{"type_url":"type.googleapis.com/x","value":"YWJj"}}`},
		{`st {fields {key: "z" value {list_value {values {number_value: 1.5} values {} values {null_value: NULL_VALUE}}}} fields {key: "a" value {struct_value {fields {key: "" value {bool_value: false}}}}}} v {string_value: ""} lv {}`,
			`{"st":{"a":{"":false},"z":[1.5,null,null]},"v":"","lv":[]}`},
		{`ms {key: -1 value: "x"} ms {key: 10 value: "y"} pl: [1, 2]`, `{"ms":{"-1":"x","10":"y"},"pl":["1","2"]}`},
	} {
		in := dynamicpb.NewMessage(md.Fields().Get(0).Message())
		if err := prototext.Unmarshal([]byte(c.text), in); err != nil {
			t.Fatal(err)
		}
		outer := dynamicpb.NewMessage(md)
		outer.Set(md.Fields().Get(0), protoreflect.ValueOfMessage(in))
		value, err := proto.Marshal(outer)
		if err != nil {
			t.Fatal(err)
		}
		columns := record.NewColumns(dec.Schema())
		if err := dec.Decode(columns, &record.Raw{Value: value}); err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if d := gocmp.Diff(string(columns.Leaves[0].Value(0)), c.want); d != "" {
			t.Errorf("%s (-got +want)\n%s", c.text, d)
		}
		if !json.Valid([]byte(c.want)) {
			t.Errorf("%s is no JSON", c.want)
		}
	}
}

func TestJSONRefuses(t *testing.T) {
	t.Parallel()
	dec, md := decoder(t, parse(t, everyJSON, "n"), nil), message(t, everyJSON)
	deep := "n {" + strings.Repeat("n {", 1000) + strings.Repeat("}", 1001)
	for _, c := range []struct{ text, want string }{
		{`n {v {number_value: nan}}`, `unfit: n: found NaN in a google.protobuf.Value, expected a number that JSON has`},
		{`n {t {nanos: -1}}`, `unfit: n: found a Timestamp of 0 seconds and -1 nanoseconds, expected the years 1 to 9999, and less than a second`},
		{`n {u {seconds: 1 nanos: -1}}`, `unfit: n: found a Duration of 1 seconds and -1 nanoseconds, expected at most 315576000000 seconds, and one sign`},
		{deep, ``},
		{`n {` + deep + `}`, `undecodable: n: byte 0 of 2942: found messages nested deeper than 1000`},
	} {
		got := printed(t, dec, encode(t, md, c.text))
		if c.want != "" && got != c.want || c.want == "" && !strings.HasPrefix(got, `{"n":{"n":`) {
			t.Errorf("%.60s: got %.200s, want %s", c.text, got, c.want)
		}
	}
	for _, c := range []struct{ wire, want string }{
		{`0a 02 42 01`, `undecodable: n: byte 0 of 4: found data that is no message`},
		{`0a 03 42 01 ff`, `undecodable: n: byte 0 of 5: s: found "\xff", expected UTF-8`},
		{`0a 01 0b`, `undecodable: n: byte 0 of 3: found data that is no message`},
		{`0a 01 0c`, `undecodable: n: byte 0 of 3: found data that is no message`},
		{`0a 02 0e 00`, `undecodable: n: byte 0 of 4: found data that is no message`},
		{`0a 05 fa 01 02 01 80`, `undecodable: n: byte 0 of 7: found data that is no message`},
		{`0a 07 6a 05 08 01 12 01 08`, `undecodable: n: byte 0 of 9: found data that is no message`},
	} {
		if got := printed(t, dec, wire(t, c.wire)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.wire, got, c.want)
		}
	}
	required := `syntax = "proto2"; message M { optional N n = 1; repeated group G = 2 { required int32 x = 1; optional G g = 2; } } message N { optional N n = 1; required int32 i = 2; optional E e = 3; map<string, E> m = 4; repeated E p = 5 [packed = true]; } enum E { A = 0; }`
	w := parse(t, required, "n", "g")
	for _, c := range []struct{ wire, want string }{
		{`0a 00`, `undecodable: n: N.i: found no value, and the message's schema requires one`},
		{`0a 04 0a 00 10 01`, `undecodable: n: N.i: found no value, and the message's schema requires one`},
		{`0a 02 10 01 0a 02 0a 00 0a 04 0a 02 10 05`, `{"n":{"n":{"i":5},"i":1},"g":[]}`},
		{`13 08 01 14 13 08 02 12 02 08 03 14`, `{"n":null,"g":[{"x":1},{"x":2,"g":{"x":3}}]}`},
		{`13 08 01 14 13 14`, `undecodable: g: M.G.x: found no value, and the message's schema requires one`},
		{`0a 18 10 01 18 09 18 00 22 05 0a 01"a"10 09 22 05 0a 01"b"10 00 2a 02 09 00`, `{"n":{"i":1,"e":"A","m":{"b":"A"},"p":["A"]},"g":[]}`},
	} {
		if got := printed(t, decoder(t, w, nil), wire(t, c.wire)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.wire, got, c.want)
		}
	}
}

// Random messages of a recursive type mean in JSON what protojson says.
func TestRandomJSONIsWhatTheLibraryWrites(t *testing.T) {
	t.Parallel()
	const text = `syntax = "proto3"; message M { N n = 1; repeated N l = 2; map<string, N> m = 3; int64 i = 4; }
		message N { bool b = 1; int32 i = 2; sint64 j = 3; uint32 u = 4; fixed64 f = 5; float g = 6; double d = 7; string s = 8; bytes y = 9; E e = 10; optional int32 o = 11; repeated E l = 12; map<bool, N> m = 13; N n = 14;
		oneof k { string x = 15; N z = 16; } repeated sfixed32 p = 17; map<uint64, E> me = 18; } enum E { ZERO = 0; ONE = 1; }`
	md := message(t, text)
	whole := `syntax = "proto3"; message W { M m = 1; } ` + strings.TrimPrefix(text, `syntax = "proto3";`)
	w, err := protobuf.Parse(&record.SchemaText{Text: whole}, record.ReadOptions{AsJSON: []string{"m"}, Message: "W"})
	if err != nil {
		t.Fatal(err)
	}
	dec := decoder(t, w, nil)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	accepted := 0
	for range 3000 {
		value := g.wire(md, 10)
		if g.IntN(10) == 0 && len(value) > 0 {
			value[g.IntN(len(value))] ^= 1 << g.IntN(8)
		}
		m := dynamicpb.NewMessage(md)
		filtered, wantErr := (&filter{}).message(md, value)
		var want []byte
		if wantErr == nil {
			wantErr = proto.Unmarshal(filtered, m)
		}
		if wantErr == nil {
			if want, wantErr = (protojson.MarshalOptions{UseProtoNames: true}).Marshal(m); wantErr != nil {
				t.Fatal(wantErr)
			}
		}
		outer := append([]byte{0x0a}, protowireBytes(value)...)
		columns := record.NewColumns(dec.Schema())
		err := dec.Decode(columns, &record.Raw{Value: outer})
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("%x: got the error %v, want %v", value, err, wantErr)
		}
		if err != nil {
			continue
		}
		accepted++
		if got := columns.Leaves[0].Value(0); meaning(t, got) != meaning(t, want) {
			t.Fatalf("%x: got %s, want %s", value, got, want)
		}
	}
	if accepted < 1000 {
		t.Errorf("%d messages accepted: that says little", accepted)
	}
}

func protowireBytes(b []byte) []byte {
	out := []byte{}
	n := len(b)
	for n >= 0x80 {
		out = append(out, byte(n)|0x80)
		n >>= 7
	}
	return append(append(out, byte(n)), b...)
}

// meaning is JSON with sorted names, and its numbers as numbers.
func meaning(tb testing.TB, text []byte) string {
	tb.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}
