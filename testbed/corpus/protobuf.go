package corpus

import (
	"context"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Proto is the Protobuf schema of an Event: the same leaf columns. What may be null knows whether it was set.
const Proto = `syntax = "proto3";
package shop.tracking;

message PageView {
  Header header = 1;
  int64 account = 2;
  string session = 3;
  int64 received = 4;
  string page = 5;
  string url = 6;
  string agent = 7;
  Device device = 8;
  repeated string labels = 9;
  optional double score = 10;
  map<string, string> properties = 11;
  int64 request = 12;
  int32 duration = 13;
  optional string referrer = 14;
}

message Header {
  string id = 1;
  int64 time = 2;
  string host = 3;
  string service = 4;
}

enum Device {
  desktop = 0;
  phone = 1;
  tablet = 2;
  television = 3;
  other = 4;
}
`

// Message is the type of an Event in Proto.
var Message = sync.OnceValue(func() protoreflect.MessageDescriptor {
	const name = "event.proto"
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{name: Proto})}}
	files, err := compiler.Compile(context.Background(), name)
	if err != nil {
		panic(err) // the text is constant
	}
	return files[0].Messages().ByName("PageView")
})

var deviceNumbers = map[string]int64{"desktop": 0, "phone": 1, "tablet": 2, "television": 3, "other": 4}

// AppendProto appends an event as a message of Proto, as producers write it: fields in the order of their numbers, and nothing for what
// is zero.
func (e *Event) AppendProto(b []byte) []byte {
	header := protoText(nil, 1, e.Header.ID)
	header = protoInt(header, 2, e.Header.Time)
	header = protoText(header, 3, e.Header.Host)
	header = protoText(header, 4, e.Header.Service)
	b = protoBytes(b, 1, header)
	b = protoInt(b, 2, e.Account)
	b = protoText(b, 3, e.Session)
	b = protoInt(b, 4, e.Received)
	b = protoText(b, 5, e.Page)
	b = protoText(b, 6, e.URL)
	b = protoText(b, 7, e.Agent)
	b = protoInt(b, 8, deviceNumbers[e.Device])
	for _, l := range e.Labels {
		b = protoBytes(b, 9, []byte(l))
	}
	if e.Score != nil {
		b = protowire.AppendFixed64(protowire.AppendTag(b, 10, protowire.Fixed64Type), math.Float64bits(*e.Score))
	}
	for _, key := range slices.Sorted(maps.Keys(e.Properties)) {
		b = protoBytes(b, 11, protoBytes(protoBytes(nil, 1, []byte(key)), 2, []byte(e.Properties[key])))
	}
	b = protoInt(b, 12, e.Request)
	b = protoInt(b, 13, int64(e.Duration))
	if e.Referrer != nil {
		b = protoBytes(b, 14, []byte(*e.Referrer))
	}
	return b
}

func protoBytes(b []byte, number protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), v)
}

func protoText(b []byte, number protowire.Number, v string) []byte {
	if v == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), v)
}

func protoInt(b []byte, number protowire.Number, v int64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
}
