package protobuf

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// A shape is what becomes of a message.
type shape uint8

const (
	shapeStruct shape = iota
	shapeEmpty        // a boolean: there is no struct without fields
	shapeTimestamp
	shapeDuration
	shapeWrapper // its one field
	shapeJSON
)

// shapeOf says what becomes of a message: those of google/protobuf stand for something else.
func shapeOf(m protoreflect.MessageDescriptor) shape {
	switch wellKnown(m) {
	case "Timestamp":
		return shapeTimestamp
	case "Duration":
		return shapeDuration
	case "Struct", "Value", "ListValue":
		return shapeJSON
	case "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue", "StringValue", "BytesValue":
		return shapeWrapper
	}
	if m.Fields().Len() == 0 {
		return shapeEmpty
	}
	return shapeStruct
}

// wellKnown is the name of a message of google/protobuf, "" for any other: also for one that has the name alone.
func wellKnown(m protoreflect.MessageDescriptor) string {
	name, ok := strings.CutPrefix(string(m.FullName()), "google.protobuf.")
	if !ok {
		return ""
	}
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(m.FullName())
	if err != nil {
		return ""
	}
	std, ok := d.(protoreflect.MessageDescriptor)
	if !ok || std.Fields().Len() != m.Fields().Len() {
		return ""
	}
	for i := range std.Fields().Len() {
		want := std.Fields().Get(i)
		f := m.Fields().ByNumber(want.Number())
		if f == nil || f.Name() != want.Name() || f.Kind() != want.Kind() || f.Cardinality() != want.Cardinality() || f.IsMap() != want.IsMap() || f.HasPresence() != want.HasPresence() {
			return ""
		}
	}
	return name
}
