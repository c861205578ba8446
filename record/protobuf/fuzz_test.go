package protobuf_test

import (
	"math/rand/v2"
	"testing"

	"shadoof/record"
	"shadoof/record/protobuf"
)

// everything has each type, in each place.
const everything = `syntax = "proto2"; import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto"; import "google/protobuf/empty.proto";
	message M { optional bool b = 1; optional int32 i = 2; optional sint64 j = 3; optional uint64 u = 4; optional fixed32 f = 5; optional sfixed64 g = 6; optional float h = 7; optional double d = 8; optional string s = 9; optional bytes y = 10;
	optional E e = 11; repeated E le = 12; repeated E pe = 13 [packed = true]; repeated string ls = 14; repeated sint32 li = 15; repeated N n = 16; optional N o = 17; map<string, N> m = 18; map<sint32, E> me = 19; map<bool, string> mb = 21;
	oneof k { int32 ki = 22; string ks = 23; N kn = 24; google.protobuf.Struct kj = 25; E ke = 26; G3 kg = 41; } optional group Gr = 27 { optional int32 x = 1; repeated group H = 2 { optional string z = 1; } }
	optional google.protobuf.Timestamp t = 28; repeated google.protobuf.Timestamp lt = 29; optional google.protobuf.Duration u2 = 30; optional google.protobuf.Value v = 31; repeated google.protobuf.Value lv = 32;
	map<int32, google.protobuf.ListValue> mv = 33; optional google.protobuf.UInt64Value w = 34; repeated google.protobuf.StringValue lw = 35; optional google.protobuf.Empty em = 36; repeated double ld = 37; map<string, string> ms = 40; extensions 1000 to max; }
	message N { optional int32 x = 1; repeated string l = 2; optional N2 n = 3; map<string, int32> m = 4; } message N2 { repeated int32 i = 1; oneof o { string a = 2; int32 b = 3; } required bool r = 4; } enum E { A = 0; B = 1; C = 100000; D = -1; }
	message G3 { optional int32 q = 1; }`

// Bytes are taken and refused as dynamicpb does, and mean the same.
func FuzzDecode(f *testing.F) {
	w, md := parse(f, everything), message(f, everything)
	f.Add([]byte{})
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2))}
	for range 40 {
		f.Add(g.wire(md, 0))
	}
	good := []byte{}
	for len(good) < 300 {
		if b := g.wire(md, 0); accepted(f, w, b) {
			good = b
		}
	}
	v := newVerdict(f, w, md) // once: to compile takes longer than to decode
	row, _, err := oracle(md, good)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if value == nil {
			value = []byte{}
		}
		v.reset()
		v.again(t, good, row)
		v.decode(t, value[:len(value):len(value)])
		v.again(t, good, row)
		v.check(t)
	})
}

// Framed values never do more than be refused.
func FuzzFramed(f *testing.F) {
	w := parse(f, everything)
	for _, s := range []string{"\x00\x10\x05", "\x02\x02\x08\x01", "\x04\x00\x00", "\x02\x01"} {
		f.Add([]byte(s))
	}
	dec, err := w.Framed().Decoder(w.Rows())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		printed(t, dec, value)
	})
}

func accepted(tb testing.TB, w *protobuf.Writer, value []byte) bool {
	tb.Helper()
	dec := decoder(tb, w, nil)
	return dec.Decode(record.NewColumns(dec.Schema()), &record.Raw{Value: value}) == nil
}
