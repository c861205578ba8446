package protobuf_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/internal/recordtest"
	"shadoof/record/protobuf"
)

// eventProto is recordtest.EventType.
const eventProto = `syntax = "proto3";
package com.example.tracking;
message PageView {
	Header header = 1;
	int64 memberId = 2;
	string sessionId = 3;
	int64 eventTime = 4;
	string pageKey = 5;
	string pageUrl = 6;
	string userAgent = 7;
	Device deviceType = 8;
	repeated string tags = 9;
	optional double score = 10;
	map<string, string> properties = 11;
	sfixed64 requestId = 12;
	int32 durationMs = 13;
	optional string referrer = 14;
}
message Header { string messageId = 1; int64 time = 2; string server = 3; string service = 4; }
enum Device { DESKTOP = 0; PHONE = 1; TABLET = 2; TV = 3; OTHER = 4; }
`

// events encodes recordtest.Events.
func events(n int) [][]byte {
	out := make([][]byte, n)
	for i, row := range recordtest.Events(n) {
		out[i] = appendEvent(nil, row)
	}
	return out
}

func appendEvent(b []byte, row []any) []byte {
	text := func(b []byte, number protowire.Number, v any) []byte {
		return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), v.(string))
	}
	varint := func(b []byte, number protowire.Number, v int64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
	}
	for i, v := range row {
		number := protowire.Number(i + 1)
		switch i {
		case 0:
			h := v.([]any)
			in := text(text(varint(text(nil, 1, h[0]), 2, h[1].(int64)), 3, h[2]), 4, h[3])
			b = protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), in)
		case 7:
			if at := slices.Index([]string{"DESKTOP", "PHONE", "TABLET", "TV", "OTHER"}, v.(string)); at > 0 {
				b = varint(b, number, int64(at))
			}
		case 8:
			for _, tag := range v.([]any) {
				b = text(b, number, tag)
			}
		case 9:
			if v != nil {
				b = protowire.AppendFixed64(protowire.AppendTag(b, number, protowire.Fixed64Type), math.Float64bits(v.(float64)))
			}
		case 10:
			for _, e := range v.([]recordtest.Entry) {
				b = protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), text(text(nil, 1, e.Key), 2, e.Value))
			}
		case 11:
			b = protowire.AppendFixed64(protowire.AppendTag(b, number, protowire.Fixed64Type), uint64(v.(int64)))
		default:
			switch v := v.(type) {
			case string:
				b = text(b, number, v)
			case int64:
				b = varint(b, number, v)
			case int32:
				b = varint(b, number, int64(v))
			}
		}
	}
	return b
}

func eventDecoder(tb testing.TB) record.Decoder {
	tb.Helper()
	w, err := protobuf.Parse(&record.SchemaText{Format: "protobuf", Text: eventProto}, record.ReadOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	dec, err := w.Decoder(w.Rows())
	if err != nil {
		tb.Fatal(err)
	}
	return dec
}

// evolved is the event's target once the message has got other types and fields.
var evolved = strings.NewReplacer("int64 memberId = 2", "double memberId = 2", "int32 durationMs", "int64 durationMs", "sfixed64 requestId = 12", "optional string origin = 15; double weight = 16").Replace(eventProto)

func evolvedDecoder(tb testing.TB) record.Decoder {
	tb.Helper()
	old, err := protobuf.Parse(&record.SchemaText{Text: eventProto}, record.ReadOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	w, err := protobuf.Parse(&record.SchemaText{Text: evolved}, record.ReadOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	dec, err := old.Decoder(w.Rows())
	if err != nil {
		tb.Fatal(err)
	}
	return dec
}

// avroDecoder is the peer that costs what the same event does in Avro.
func avroDecoder(tb testing.TB) record.Decoder {
	tb.Helper()
	w, err := avro.ParseWriter(&record.SchemaText{Text: string(recordtest.EventType().Avro(false))}, record.ReadOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	dec, err := w.Decoder(w.Rows())
	if err != nil {
		tb.Fatal(err)
	}
	return dec
}

func BenchmarkDecode(b *testing.B) {
	const n = 5000
	wire := events(n)
	columns := func(b *testing.B, dec record.Decoder, values [][]byte) {
		c := record.NewColumns(dec.Schema().WithKafkaColumns())
		raw := &record.Raw{}
		b.SetBytes(recordtest.Size(values))
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if i == n {
				c.Reset()
				i = 0
			}
			raw.Value = values[i]
			if err := dec.Decode(c, raw); err != nil {
				b.Fatal(err)
			}
			c.AppendKafka(0, int64(i), 0)
			c.EndRow()
			i++
		}
	}
	b.Run("to=columns", func(b *testing.B) { columns(b, eventDecoder(b), wire) })
	b.Run("resolve=evolved", func(b *testing.B) { columns(b, evolvedDecoder(b), wire) })
	b.Run("from=avro", func(b *testing.B) { columns(b, avroDecoder(b), recordtest.EventsAvro(n)) })
	b.Run("to=dynamicpb", func(b *testing.B) {
		md := eventMessage(b)
		b.SetBytes(recordtest.Size(wire))
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if err := proto.Unmarshal(wire[i%n], dynamicpb.NewMessage(md)); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

func eventMessage(tb testing.TB) protoreflect.MessageDescriptor { return message(tb, eventProto) }

// The steady state allocates nothing.
func TestDecodeDoesNotAllocate(t *testing.T) {
	wire := events(500)
	for name, dec := range map[string]record.Decoder{"one schema": eventDecoder(t), "evolved": evolvedDecoder(t)} {
		c, raw := record.NewColumns(dec.Schema().WithKafkaColumns()), &record.Raw{}
		fill := func() {
			c.Reset()
			for i := range wire {
				raw.Value = wire[i]
				if err := dec.Decode(c, raw); err != nil {
					t.Fatal(err)
				}
				c.AppendKafka(0, int64(i), 0)
				c.EndRow()
			}
		}
		fill()
		if n := testing.AllocsPerRun(10, fill); n > 0 {
			t.Errorf("%s: %v allocations for %d records", name, n, len(wire))
		}
	}
}
