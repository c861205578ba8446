package protobuf_test

import (
	"errors"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/record/protobuf"
)

// What one schema wrote is read as another, by names.
func TestTargets(t *testing.T) {
	t.Parallel()
	leaf := func(k record.Kind) record.Type { return record.Type{Kind: k} }
	decimal := func(p, s int) record.Type { return record.Type{Kind: record.Decimal, Precision: p, Scale: s} }
	enum := func(symbol string, symbols ...string) record.Type {
		return record.Type{Kind: record.Enum, Symbols: symbols, Symbol: symbol}
	}
	for _, c := range []struct {
		name, field string // of the writer, named f
		target      record.Type
		values      string // of the writer's message: several, with | between
		want        string
	}{
		{"int32 to int64", "int32 f", leaf(record.Int64), "f: -5", "-5"},
		{"sint32 to int64", "sint32 f", leaf(record.Int64), "f: -5|", "-5|0"},
		{"sfixed32 to double", "sfixed32 f", leaf(record.Double), "f: -2147483648", "-2.147483648e+09"},
		{"uint32 to double", "uint32 f", leaf(record.Double), "f: 4294967295", "4.294967295e+09"},
		{"int64 to double", "int64 f", leaf(record.Double), "f: 9007199254740992|f: -9223372036854775808|f: 9007199254740993|f: 9223372036854775807",
			"9.007199254740992e+15|-9.223372036854776e+18|unfit: f: found 9007199254740993, expected a number that the target's double has exactly|unfit: f: found 9223372036854775807, expected a number that the target's double has exactly"},
		{"int32 to float", "int32 f", leaf(record.Float), "f: 16777216|f: 16777217", "1.6777216e+07|unfit: f: found 16777217, expected a number that the target's float has exactly"},
		{"uint64 to int64", "uint64 f", leaf(record.Int64), "f: 5|f: 9223372036854775808", "5|unfit: f: found 9223372036854775808, expected a number that the target's int64 has exactly"},
		{"fixed64 to double", "fixed64 f", leaf(record.Double), "f: 9223372036854775808|f: 18446744073709551615", "9.223372036854776e+18|unfit: f: found 18446744073709551615, expected a number that the target's double has exactly"},
		{"sint64 to decimal", "sint64 f", decimal(20, 0), "f: -9223372036854775808|f: 7|", `"-9223372036854775808"|"7"|"0"`},
		{"int32 to decimal", "int32 f", decimal(3, 0), "f: -999|f: 1000", `"-999"|unfit: f: found 1000, expected a number that the target's decimal(3,0) has exactly`},
		{"uint64 to decimal", "uint64 f", decimal(38, 0), "f: 18446744073709551615", `"18446744073709551615"`},
		{"float to double", "float f", leaf(record.Double), "f: 1.5|f: nan", `1.5|"NaN"`},
		{"lists of numbers", "repeated int32 f", record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: leaf(record.Int64)}}, "f: [1, -1]|", "[1,-1]|[]"},
		{"maps of numbers", "map<int32, uint32> f", record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Type: leaf(record.Double)}}, "f {key: 1 value: 2} f {key: 3}", `{"1":2,"3":0}`},
		{"nullable elements", "repeated int32 f", record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Nullable: true, Type: leaf(record.Int32)}}, "f: [1, -1]|", "[1,-1]|[]"},
		{"string to bytes", "string f", leaf(record.Bytes), `f: "a"`, `"YQ=="`},
		{"bytes to string", "bytes f", leaf(record.String), `f: "a"|f: "\xff"|`, `"a"|unfit: f: byte 2 of 3: found "\xff", expected UTF-8 for a string|""`},
		{"enum to symbols", "E f", enum("", "B", "A"), "f: B|f: C|f: 77|", `"B"|unfit: f: found the symbol C, expected one that the target has|unfit: f: found the symbol 77, expected one that the target has|"A"`},
		{"enum to symbols with one for others", "E f", enum("OTHER", "A", "OTHER"), "f: B|f: 77|f: A", `"OTHER"|"OTHER"|"A"`},
		{"timestamp to millis", "google.protobuf.Timestamp f", leaf(record.TimestampMillis), "f {seconds: -1 nanos: 999999}", `"1969-12-31T23:59:59.000Z"`},
		{"timestamp to nanos", "google.protobuf.Timestamp f", leaf(record.TimestampNanos), "f {seconds: 1 nanos: 999999999}|f {seconds: 9223372036}|f {seconds: -9223372037}",
			`"1970-01-01T00:00:01.999999999Z"|unfit: f: found a Timestamp of 9223372036 seconds, expected one that 64 bits of nanoseconds hold|unfit: f: found a Timestamp of -9223372037 seconds, expected one that 64 bits of nanoseconds hold`},
		{"duration to a larger decimal", "google.protobuf.Duration f", decimal(38, 9), "f {seconds: -1 nanos: -5}", `"-1.000000005"`},
		{"message to JSON", "N f", leaf(record.JSON), "f {x: 1}|", `{"x":1}|null`},
		{"list to JSON", "repeated N f", record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: leaf(record.JSON)}}, "f {x: 1} f {}", `[{"x":1},{}]`},
		{"struct with less and more", "N f", record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "z", Type: leaf(record.Int32), Nullable: true}, {Name: "y", Type: leaf(record.String)},
			{Name: "d", Type: leaf(record.Double), Default: []byte("1.5")}}}, `f {x: 1 y: "a"}|f {}`, `{"z":null,"y":"a","d":1.5}|{"z":null,"y":"","d":1.5}`},
	} {
		const types = `} enum E { A = 0; B = 1; C = 2; } message N { int32 x = 1; string y = 2; }`
		text := `syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; message M { ` + c.field + ` = 1; ` + types
		w := parse(t, text)
		dec, err := w.Decoder(&record.Schema{Fields: []record.Field{{Name: "f", Type: c.target, Nullable: w.Rows().Fields[0].Nullable}}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for v := range strings.SplitSeq(c.values, "|") {
			s := printed(t, dec, encode(t, message(t, text), v))
			s = strings.TrimPrefix(s, `{"f":`)
			if !strings.HasPrefix(s, "unfit") {
				s = s[:len(s)-1]
			}
			got = append(got, s)
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%s: got %s, want %s", c.name, s, c.want)
		}
	}
}

// What cannot be is told when the pair is compiled, with its field.
func TestMisfits(t *testing.T) {
	t.Parallel()
	w := parse(t, `syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto";
		message M { int64 i = 1; string s = 2; N n = 3; repeated int32 l = 4; map<string, N> m = 5; google.protobuf.Timestamp t = 6; google.protobuf.Duration d = 7; google.protobuf.Struct j = 8;
		Nothing e = 9; google.protobuf.Int32Value w = 10; double x = 11; bool b = 12; uint64 u = 13; } message N { float f = 1; } message Nothing {}`)
	leaf := func(k record.Kind) record.Type { return record.Type{Kind: k} }
	within := func(f record.Field) record.Type {
		return record.Type{Kind: record.Struct, Fields: []record.Field{f}}
	}
	elem := func(k record.Kind, t record.Type) record.Type {
		return record.Type{Kind: k, Elem: &record.Field{Name: "element", Type: t}}
	}
	for _, c := range []struct {
		field record.Field
		want  string
	}{
		{record.Field{Name: "i", Type: leaf(record.Int32)}, "field i: the writer has int64, the target int32"},
		{record.Field{Name: "i", Type: leaf(record.String)}, "field i: the writer has int64, the target string"},
		{record.Field{Name: "i", Type: leaf(record.TimestampMillis)}, "field i: the writer has int64, the target timestamp-millis"},
		{record.Field{Name: "i", Type: elem(record.List, leaf(record.Int64))}, "field i: the writer has int64, the target list<int64>"},
		{record.Field{Name: "s", Type: leaf(record.Int64)}, "field s: the writer has string, the target int64"},
		{record.Field{Name: "n", Type: leaf(record.String), Nullable: true}, "field n: the writer has N, the target string"},
		{record.Field{Name: "n", Type: within(record.Field{Name: "f", Type: leaf(record.Float)}), Nullable: true}, ""},
		{record.Field{Name: "n", Type: within(record.Field{Name: "f", Type: leaf(record.Boolean)}), Nullable: true}, "field n.f: the writer has float, the target boolean"},
		{record.Field{Name: "n", Type: within(record.Field{Name: "g", Type: leaf(record.Float)}), Nullable: true}, "field n.g: the writer has no such field, and the target no default for it"},
		{record.Field{Name: "n", Type: within(record.Field{Name: "g", Type: within(record.Field{Name: "h", Type: leaf(record.Int32)}), Default: []byte(`{"h":1}`)})}, `field n.g: the writer has no such field, and the target's default for it, {"h":1}, is none that Protobuf has`},
		{record.Field{Name: "l", Type: leaf(record.Int32)}, "field l: the writer has repeated int32, the target int32"},
		{record.Field{Name: "l", Type: elem(record.List, leaf(record.String))}, "field l[]: the writer has int32, the target string"},
		{record.Field{Name: "m", Type: elem(record.List, leaf(record.String))}, "field m: the writer has map of N, the target list<string>"},
		{record.Field{Name: "m", Type: elem(record.Map, leaf(record.String))}, "field m{}: the writer has N, the target string"},
		{record.Field{Name: "t", Type: leaf(record.Int64)}, "field t: the writer has google.protobuf.Timestamp, the target int64"},
		{record.Field{Name: "d", Type: record.Type{Kind: record.Decimal, Precision: 20, Scale: 9}}, "field d: the writer has google.protobuf.Duration, the target decimal(20,9)"},
		{record.Field{Name: "j", Type: within(record.Field{Name: "fields", Type: leaf(record.Int64)})}, "field j: the writer has google.protobuf.Struct, the target struct<fields int64>"},
		{record.Field{Name: "e", Type: leaf(record.Int64)}, "field e: the writer has Nothing, which has no fields and is a boolean; the target has int64"},
		{record.Field{Name: "w", Type: leaf(record.String)}, "field w: the writer has int32, the target string"},
		{record.Field{Name: "x", Type: leaf(record.Float)}, "field x: the writer has double, the target float"},
		{record.Field{Name: "b", Type: leaf(record.Int32)}, "field b: the writer has bool, the target int32"},
		{record.Field{Name: "u", Type: record.Type{Kind: record.Decimal, Precision: 20, Scale: 2}}, "field u: the writer has uint64, the target decimal(20,2)"},
		{record.Field{Name: "new", Type: leaf(record.Int64)}, "field new: the writer has no such field, and the target no default for it"},
		{record.Field{Name: "new", Type: leaf(record.Int64), Default: []byte(`"x"`)}, `field new: the writer has no such field, and the target's default for it, "x", is none that Protobuf has`},
	} {
		_, err := w.Decoder(&record.Schema{Fields: []record.Field{c.field}})
		got := ""
		if err != nil {
			got = err.Error()
			if m := (*record.MisfitError)(nil); !errors.As(err, &m) {
				t.Errorf("%s: %T", got, err)
			}
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// Columns that the writer lacks have their defaults.
func TestDefaultsOfTheTarget(t *testing.T) {
	t.Parallel()
	w := parse(t, `syntax = "proto3"; message M { int32 i = 1; optional string s = 2; N n = 3; repeated N l = 4; } message N { int32 x = 1; }`)
	md := message(t, `syntax = "proto3"; message M { int32 i = 1; optional string s = 2; N n = 3; repeated N l = 4; } message N { int32 x = 1; }`)
	target := parse(t, `syntax = "proto3"; message M { int32 i = 1; optional string s = 2; N n = 3; repeated N l = 4; bool b = 5; repeated int32 rr = 6; map<string, N> mm = 7; optional int32 o = 8; uint64 u = 9; bytes y = 10; double d = 11; E e = 12; string t = 13; float f = 14; }
		message N { int32 x = 1; repeated int32 y = 2; map<int32, int32> z = 3; N2 n = 4; sint64 q = 5; } message N2 { int32 v = 1; } enum E { ZERO = 0; }`)
	for _, c := range []struct{ text, want string }{
		{``, `{"i":0,"s":null,"n":null,"l":[],"b":false,"rr":[],"mm":{},"o":null,"u":"0","y":"","d":0,"e":"ZERO","t":"","f":0}`},
		{`i: 1 n {} l {x: 1} l {}`, `{"i":1,"s":null,"n":{"x":0,"y":[],"z":{},"n":null,"q":0},"l":[{"x":1,"y":[],"z":{},"n":null,"q":0},{"x":0,"y":[],"z":{},"n":null,"q":0}],"b":false,"rr":[],"mm":{},"o":null,"u":"0","y":"","d":0,"e":"ZERO","t":"","f":0}`},
	} {
		if got := printed(t, decoder(t, w, target.Rows()), encode(t, md, c.text)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
	other := &record.Schema{Fields: []record.Field{
		{Name: "i", Type: record.Type{Kind: record.Int64}},
		{Name: "s", Type: record.Type{Kind: record.String}, Default: []byte(`"none"`)},
		{Name: "n", Type: record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "x", Type: record.Type{Kind: record.Int32}}}}},
		{Name: "d", Type: record.Type{Kind: record.Decimal, Precision: 5, Scale: 2}, Default: []byte(`-12`)},
		{Name: "y", Type: record.Type{Kind: record.Bytes}, Nullable: true, Default: []byte(`"/w=="`)},
		{Name: "j", Type: record.Type{Kind: record.JSON}, Default: []byte(`{"a": 1}`)},
		{Name: "z", Type: record.Type{Kind: record.Bytes}, Nullable: true, Default: []byte(`null`)},
		{Name: "k", Type: record.Type{Kind: record.Int32}, Nullable: true, Default: []byte(`7`)},
	}}
	dec := decoder(t, w, other)
	if got, want := printed(t, dec, encode(t, md, `i: -1 n {x: 2}`)), `{"i":-1,"s":"none","n":{"x":2},"d":"-12.00","y":"/w==","j":{"a":1},"z":null,"k":7}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := printed(t, dec, encode(t, md, `s: "x"`)), `unfit: n: found no value, and the target may not be null there`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Columns are found by their aliases, where there is no field of their name.
func TestAliases(t *testing.T) {
	t.Parallel()
	const text = `syntax = "proto3"; message M { int32 old = 1; int32 b = 2; N n = 3; } message N { string was = 1; }`
	w, md := parse(t, text), message(t, text)
	target := &record.Schema{Fields: []record.Field{
		{Name: "b", Type: record.Type{Kind: record.Int32}, Aliases: []string{"old"}},
		{Name: "new", Type: record.Type{Kind: record.Int32}, Aliases: []string{"older", "b", "old"}},
		{Name: "renamed", Type: record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "is", Type: record.Type{Kind: record.String}, Aliases: []string{"was"}}}}, Nullable: true, Aliases: []string{"n"}},
	}}
	dec := decoder(t, w, target)
	if got, want := printed(t, dec, encode(t, md, `old: 1 b: 2 n {was: "x"}`)), `{"b":2,"new":1,"renamed":{"is":"x"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if n := dec.(*protobuf.Decoder).UnknownFields(); n != 0 {
		t.Errorf("%d unknown fields", n)
	}
}

// What the target lacks is left out, and is no unknown field; but the message must be what its schema says.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	const text = `syntax = "proto2"; message M { optional int32 i = 1; required int32 r = 2; optional N n = 3; repeated int32 p = 4; oneof o { string a = 5; int32 b = 6; } optional group G = 7 { optional int32 x = 1; } map<int32, int32> m = 8; optional E e = 9; }
		message N { required int32 x = 1; } enum E { A = 1; }`
	w, md := parse(t, text), message(t, text)
	dec := decoder(t, w, &record.Schema{Fields: []record.Field{{Name: "i", Type: record.Type{Kind: record.Int32}, Nullable: true}, {Name: "b", Type: record.Type{Kind: record.Int32}, Nullable: true}}})
	for _, c := range []struct{ text, want string }{
		{`i: 1 r: 2 n {} p: [1, 2] a: "x" G {x: 1} m {key: 1} e: A`, `{"i":1,"b":null}`},
		{`i: 1 r: 2 b: 3`, `{"i":1,"b":3}`},
		{`i: 1`, `undecodable: r: found no value, and the message's schema requires one`},
	} {
		if got := printed(t, dec, encode(t, md, c.text)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
	if got, want := printed(t, dec, wire(t, `10 01 30 05 2a 01"x"`)), `{"i":null,"b":null}`; got != want {
		t.Errorf("a member that the target lacks takes the place of one that it has: got %s, want %s", got, want)
	}
	if n := dec.(*protobuf.Decoder).UnknownFields(); n != 0 {
		t.Errorf("%d unknown fields", n)
	}
}
