package broken_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"shadoof/testbed/registrybed"
	"shadoof/testbed/servers"
)

const protoEvent = `syntax = "proto2";
package broken;

import "google/protobuf/timestamp.proto";

message Event {
  enum Level { LOW = 0; MID = 1; HIGH = 2; }
  required int64 id = 1;
  required int32 count = 2;
  required string name = 3;
  required Level level = 4;
  required bool ok = 5;
  required double ratio = 6;
  repeated string tags = 7;
  optional google.protobuf.Timestamp at = 8;
  optional double seconds = 9;
  optional string note = 10;
  optional group Pair = 11 { optional int32 left = 1; optional sint64 right = 2; }
  optional Node tree = 12;
  map<string, int32> counts = 13;
}

message Node { optional int32 value = 1; optional Node next = 2; }

message Other { optional string what = 1; }
`

// protoOther cannot be read as events: the count is another thing.
const protoOther = `syntax = "proto3";
package broken;

message Event {
  Who id = 1;
  repeated Who count = 2;
}

message Who { string mail = 1; }
`

func pTag(number, wire int) string { return pNumber(uint64(number<<3 | wire)) }

func pNumber(v uint64) string { return string(binary.AppendUvarint(nil, v)) }

func pVarint(number int, v int64) string { return pTag(number, 0) + pNumber(uint64(v)) }

func pText(number int, s string) string { return pTag(number, 2) + pNumber(uint64(len(s))) + s }

func pDouble(number int, v float64) string {
	return pTag(number, 1) + string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
}

func pTime(millis int64) string {
	return pText(8, pVarint(1, millis/1000)+pVarint(2, millis%1000*1e6))
}

func pTree(depth int) string {
	tree := ""
	for range depth {
		if tree = pVarint(1, 1) + pText(2, tree); len(tree) > 10_000_000 {
			panic("too large")
		}
	}
	return pText(12, tree)
}

func protoParts(e event) parts {
	tags, at, seconds, note, tree := "", pTime(e.millis), "", "", ""
	for _, s := range e.tags {
		tags += pText(7, s)
	}
	if e.seconds {
		at, seconds = "", pDouble(9, float64(e.millis)/1000)
	}
	if e.note != "" {
		note = pText(10, e.note)
	}
	if e.depth > 0 {
		tree = pTree(e.depth)
	}
	return parts{
		{"id", pVarint(1, e.id)}, {"count", pVarint(2, int64(e.count))}, {"name", pText(3, e.name)}, {"level", pVarint(4, int64(e.level))}, {"ok", pVarint(5, map[bool]int64{true: 1}[e.ok])},
		{"ratio", pDouble(6, e.ratio)}, {"tags", tags}, {"at", at}, {"seconds", seconds}, {"note", note},
		{"pair", pTag(11, 3) + pVarint(1, 5) + pVarint(2, 2*e.id+1) + pTag(11, 4)}, {"tree", tree}, {"counts", pText(13, pText(1, "a")+pVarint(2, 3))},
	}
}

func protoRow(e event) map[string]any {
	r := e.row()
	r["pair"] = map[string]any{"left": 5, "right": -e.id - 1}
	r["counts"] = []any{[]any{"a", 3}}
	r["tree"] = nil
	if e.depth > 0 {
		r["tree"] = strings.Repeat(`{"value":1,"next":`, e.depth) + "{}" + strings.Repeat("}", e.depth)
	}
	return r
}

func newProtobuf(t *testing.T, topic string) *format {
	id := register(t, topic+"-value", registrybed.Schema{Type: "PROTOBUF", Text: protoEvent})
	other := register(t, topic+"-other", registrybed.Schema{Type: "PROTOBUF", Text: protoOther})
	frame := func(data string) []byte { return framed(id, []byte("\x00"+data)) }
	f := &format{
		job: "value: {format: protobuf, message: broken.Event, as_json: [tree]}\n" + byField, registry: servers.Registry(t).URL, row: protoRow,
		good: func(e event) []byte { return frame(string(protoParts(e).plain())) },
	}
	put := func(name, data string) func(e event) []byte {
		return func(e event) []byte { return frame(string(protoParts(e).put(name, data).plain())) }
	}
	behind := func(data string) func(e event) []byte {
		return func(e event) []byte { return frame(string(protoParts(e).plain()) + data) }
	}
	cut := func(name string) func(e event) []byte {
		return func(e event) []byte { return frame(string(protoParts(e).cut(name).plain())) }
	}
	time := func(at, seconds string) func(e event) []byte {
		return func(e event) []byte {
			return frame(string(protoParts(e).put("at", at).put("seconds", seconds).plain()))
		}
	}
	indexes := func(bytes string) func(e event) []byte {
		return func(e event) []byte { return framed(id, append([]byte(bytes), protoParts(e).plain()...)) }
	}
	f.kinds = append(headerKinds(f.good), unknownIDs(f.good)...)
	f.kinds = append(f.kinds, []kind{
		{"no bytes behind the header", undecodable, "", func(event) []byte { return framed(id, nil) }, nil},
		{"no bytes behind the index", undecodable, "requires", func(event) []byte { return frame("") }, nil},
		{"a message that the schema has not got", undecodable, "index", indexes("\x02\x0e"), nil},
		{"a message within one that has none", undecodable, "index", indexes("\x04\x02\x00"), nil},
		{"an index below zero", undecodable, "index", indexes("\x02\x01"), nil},
		{"indexes without an end", undecodable, "", func(event) []byte { return framed(id, []byte("\xff\xff\xff")) }, nil},
		{"another message of the schema", misfit, "broken.Other", func(event) []byte { return framed(id, []byte("\x02\x04"+pText(1, "x"))) }, nil},
		{"a schema of something else", misfit, "", func(event) []byte { return framed(other, []byte("\x00"+pText(1, pText(1, "someone")))) }, nil},
		{"cut within the name", undecodable, "", func(e event) []byte { return frame(pVarint(1, 1) + pVarint(2, 2) + pTag(3, 2) + "\x05abc") }, nil},
		{"one byte too few", undecodable, "", func(e event) []byte { v := f.good(e); return v[:len(v)-1] }, nil},
		{"a zero byte after the end", undecodable, "field number 0", behind("\x00"), nil},
		{"text after the end", undecodable, "", behind("xxx"), nil},
		{"a number of 11 bytes", undecodable, "64 bits", put("id", pTag(1, 0)+strings.Repeat("\xff", 10)+"\x01"), nil},
		{"a tag of 11 bytes", undecodable, "64 bits", behind(strings.Repeat("\xff", 10) + "\x01"), nil},
		{"an enum that is closed", undecodable, "level", put("level", pVarint(4, 3)), nil},
		{"a required field missing", undecodable, "count", cut("count"), nil},
		{"a required field of the wrong wire type", undecodable, "count", put("count", pText(2, "12")), nil},
		{"a text of 64 MB in a few bytes", undecodable, "length 67108864", func(event) []byte { return frame(pVarint(1, 1) + pTag(3, 2) + pNumber(64<<20) + "0123456789") }, nil},
		{"a text of exabytes", undecodable, "length", put("name", pTag(3, 2)+pNumber(math.MaxUint64)), nil},
		{"an unknown text of 4 GB", undecodable, "", behind(pTag(99, 2) + pNumber(4<<30)), nil},
		{"a list of numbers that ends within one", undecodable, "", behind(pText(13, pText(1, "b")+pTag(2, 0)+"\xff")), nil},
		{"the wire type 6", undecodable, "wire type 6", behind(pTag(99, 6)), nil},
		{"the wire type 7", undecodable, "wire type 7", behind(pTag(99, 7)), nil},
		{"a group without an end", undecodable, "", behind(pTag(11, 3) + pVarint(1, 1)), nil},
		{"an unknown group without an end", undecodable, "", behind(pTag(99, 3) + pVarint(1, 1)), nil},
		{"a group without a beginning", undecodable, "", behind(pTag(99, 4)), nil},
		{"a group with the end of another", undecodable, "", behind(pTag(98, 3) + pTag(99, 4)), nil},
		{"unknown groups of 20,000 levels", undecodable, "10000", behind(strings.Repeat(pTag(99, 3), 20_000)), nil},
		{"a tree of 2,000 levels", undecodable, "1000", put("tree", pTree(2000)), nil},
		{"a time in the year 10000", unfit, "", time(pText(8, pVarint(1, 253_402_300_800)), ""), nil},
		{"a time of a second and a half in nanoseconds", unfit, "", time(pText(8, pVarint(1, 1_763_596_800)+pVarint(2, 1_500_000_000)), ""), nil},
		{"in 1970", timeBounds, "1970", time(pTime(in1970), ""), nil},
		{"in 2200", timeBounds, "2200", time("", pDouble(9, float64(in2200)/1000)), nil},
		{"no time", badTime, "", time("", ""), nil},
		{"not a number of seconds", badTime, "NaN", time("", pDouble(9, math.NaN())), nil},

		{"an int of 33 bits", "", "", put("count", pVarint(2, 1<<32+7)), func(e event) map[string]any { return with(protoRow(e), "count", 7) }},
		{"a ratio that is not a number", "", "", put("ratio", pDouble(6, math.NaN())), func(e event) map[string]any { return with(protoRow(e), "ratio", "NaN") }},
		{"fields that the schema has not got", "", "", behind(pVarint(99, 1) + pText(98, "x") + pTag(97, 3) + pTag(97, 4)), nil},
		{"a field twice", "", "", behind(pVarint(2, 5)), func(e event) map[string]any { return with(protoRow(e), "count", 5) }},
	}...)
	return f
}
