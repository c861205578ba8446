// Package protobuf turns Protobuf schemas into schemas of rows, and Protobuf messages into columns: proto2, proto3 and editions.
//
//	bool, float, double, string, bytes   the same
//	int32, sint32, sfixed32              int32
//	int64, sint64, sfixed64              int64
//	uint32, fixed32                      int64
//	uint64, fixed64                      decimal(20,0), exactly
//	enum, closed (proto2)                enum; a number without a name counts as an unknown field, as the specification has it
//	enum, open (proto3)                  string, so that a new name changes no schema; a number without a name is written in digits
//	message, group                       struct; one without any fields is a boolean that says whether it is there
//	repeated                             list, packed or not; its elements are never null
//	map                                  map; keys that are no strings are written as text; of equal keys the last entry stays
//	oneof                                its members, as fields that may be null
//	google.protobuf.Timestamp            timestamp-micros; what is finer is cut off towards the past
//	google.protobuf.Duration             decimal(21,9): seconds, exactly
//	google.protobuf.*Value (wrappers)    what they wrap, may be null
//	google.protobuf.Struct, Value, ListValue   json
//
// A field that knows whether it was set (optional, proto2, members of a oneof, messages) is null when it was not; the defaults that proto2
// can declare are not filled in. Any other is its zero when it is absent, which is also its default where a schema lacks it. A required
// field that is absent makes a message Undecodable.
//
// Fields may come in any order and more than once, as the specification has it: the last value stays, messages are merged, a member
// of a oneof takes the place of another. Extensions, groups and numbers that the schema does not name, and fields of another wire
// type, are unknown fields: counted and left out.
//
// Undecodable is what does not parse; also a string that is not UTF-8, whatever the syntax. Unfit is a Timestamp or Duration beyond
// what its type allows, and what a narrower target cannot hold.
package protobuf

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
)

// A Writer is a message type by which records were written. It implements [record.Writer].
type Writer struct {
	message protoreflect.MessageDescriptor
	rows    *record.Schema
}

// Parse compiles a schema of a registry: the text of a .proto file, whose imports are its references, or the base64 of a
// FileDescriptorProto. The imports google/protobuf/*.proto need no reference. Without o.Message the rows are of the first message.
func Parse(t *record.SchemaText, o record.ReadOptions) (*Writer, error) {
	file, err := compileText(t)
	if err != nil {
		return nil, fmt.Errorf("protobuf schema: %w", err)
	}
	m, err := messageOf(file, o.Message)
	if err != nil {
		return nil, fmt.Errorf("protobuf schema: %w", err)
	}
	return newWriter(m, o)
}

// ParseDescriptorSet reads a FileDescriptorSet, as protoc --include_imports --descriptor_set_out and buf build write it. o.Message is the
// full name of the message; it may be left out where the set has just one at the top of its files.
func ParseDescriptorSet(set []byte, o record.ReadOptions) (*Writer, error) {
	m, err := messageInSet(set, o.Message)
	if err != nil {
		return nil, fmt.Errorf("protobuf descriptor set: %w", err)
	}
	return newWriter(m, o)
}

func newWriter(m protoreflect.MessageDescriptor, o record.ReadOptions) (*Writer, error) {
	rows, err := rowsOf(m, o)
	if err != nil {
		return nil, fmt.Errorf("protobuf message %s: %w", m.FullName(), err)
	}
	return &Writer{m, rows}, nil
}

// Rows implements [record.Writer].
func (w *Writer) Rows() *record.Schema { return w.rows }

// Decoder implements [record.Writer]. The decoder has a method UnknownFields, as that of record/json. Columns are found by the names
// of fields, or by the target's aliases; what they are read as:
//
//	int32, uint32, int64, uint64   int64, float, double, decimal without a scale, where the number is one of the type: Unfit else
//	float                          double
//	enum                           string; another enum, where that has the symbol, or one for others: Unfit else
//	string, bytes                  each other; bytes that are not UTF-8 are Unfit as a string
//	Timestamp                      timestamp-millis, -micros, -nanos; what is finer is cut off
//
// A column that the message lacks takes its default, else null. Where the target may not be null and has no default, a field that is
// not set is Unfit.
func (w *Writer) Decoder(target *record.Schema) (record.Decoder, error) {
	d, err := newDecoder(w.message, target)
	if err != nil {
		return nil, err
	}
	return d, nil
}
