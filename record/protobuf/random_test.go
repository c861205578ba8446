package protobuf_test

import (
	"fmt"
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// wellKnown are imports of random schemas, with their messages.
var wellKnown = []protoreflect.MessageDescriptor{
	(&timestamppb.Timestamp{}).ProtoReflect().Descriptor(), (&durationpb.Duration{}).ProtoReflect().Descriptor(), (&emptypb.Empty{}).ProtoReflect().Descriptor(),
	(&structpb.Struct{}).ProtoReflect().Descriptor(), (&structpb.Value{}).ProtoReflect().Descriptor(), (&structpb.ListValue{}).ProtoReflect().Descriptor(),
	(&wrapperspb.StringValue{}).ProtoReflect().Descriptor(), (&wrapperspb.UInt64Value{}).ProtoReflect().Descriptor(), (&wrapperspb.BoolValue{}).ProtoReflect().Descriptor(),
}

// A generator makes random schemas and messages.
type generator struct {
	*rand.Rand
	syntax string // proto2, proto3, editions
	names  int
	top    []*descriptorpb.DescriptorProto
	enums  []*descriptorpb.EnumDescriptorProto
}

func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

// schema makes a file whose first message is M1, and links it.
func (g *generator) schema() (*descriptorpb.FileDescriptorSet, protoreflect.MessageDescriptor) {
	g.syntax = []string{"proto2", "proto3", "editions"}[g.IntN(3)]
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("test.proto"), Package: proto.String("t"), Syntax: &g.syntax}
	if g.syntax == "editions" {
		file.Edition = descriptorpb.Edition_EDITION_2023.Enum()
	}
	for range 2 {
		e := &descriptorpb.EnumDescriptorProto{Name: proto.String(g.name("E"))}
		for i := range 1 + g.IntN(4) {
			n := int32(i)
			if i > 1 {
				n = int32(i * 1000)
			}
			e.Value = append(e.Value, &descriptorpb.EnumValueDescriptorProto{Name: proto.String(g.name("V")), Number: &n})
		}
		if g.syntax == "editions" && len(g.enums) == 1 {
			e.Options = &descriptorpb.EnumOptions{Features: &descriptorpb.FeatureSet{EnumType: descriptorpb.FeatureSet_CLOSED.Enum()}}
		}
		g.enums = append(g.enums, e)
	}
	first := g.message(3)
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	for _, m := range wellKnown {
		if f := m.ParentFile(); !seen[f.Path()] {
			seen[f.Path()] = true
			set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
			file.Dependency = append(file.Dependency, f.Path())
		}
	}
	file.MessageType, file.EnumType = g.top, g.enums
	set.File = append(set.File, file)
	files, err := protodesc.NewFiles(set)
	if err != nil {
		panic(err)
	}
	d, err := files.FindDescriptorByName(protoreflect.FullName("t." + first))
	if err != nil {
		panic(err)
	}
	return set, d.(protoreflect.MessageDescriptor)
}

// message makes a message with messages up to depth below, and returns its name.
func (g *generator) message(depth int) string {
	m := &descriptorpb.DescriptorProto{Name: proto.String(g.name("M"))}
	g.top = append(g.top, m)
	if g.IntN(3) == 0 {
		m.OneofDecl = append(m.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String(g.name("o"))})
		for range 2 + g.IntN(3) {
			f := g.field(m, depth)
			f.OneofIndex = proto.Int32(0)
			f.Label = descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
			f.Options = nil
			m.Field = append(m.Field, f)
		}
	}
	n := 1 + g.IntN(6)
	if g.IntN(20) == 0 {
		n, depth = 70, 0
	}
	var synthetic []*descriptorpb.OneofDescriptorProto
	for range n {
		f := g.field(m, depth)
		switch g.IntN(5) {
		case 0:
			if depth > 0 {
				g.mapOf(m, f)
			}
		case 1, 2:
			f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		default:
			switch {
			case g.syntax == "proto3" && g.IntN(2) == 0 && f.GetType() != descriptorpb.FieldDescriptorProto_TYPE_MESSAGE:
				f.Proto3Optional = proto.Bool(true)
				f.OneofIndex = proto.Int32(int32(len(m.OneofDecl) + len(synthetic)))
				synthetic = append(synthetic, &descriptorpb.OneofDescriptorProto{Name: proto.String("_" + f.GetName())})
			case g.syntax == "proto2" && g.IntN(8) == 0:
				f.Label = descriptorpb.FieldDescriptorProto_LABEL_REQUIRED.Enum()
			case g.syntax == "editions" && g.IntN(3) == 0 && f.GetType() != descriptorpb.FieldDescriptorProto_TYPE_MESSAGE && f.GetTypeName() != ".t."+g.enums[1].GetName():
				f.Options = &descriptorpb.FieldOptions{Features: &descriptorpb.FeatureSet{FieldPresence: descriptorpb.FeatureSet_IMPLICIT.Enum()}}
			case g.syntax == "editions" && g.IntN(3) == 0 && f.GetType() == descriptorpb.FieldDescriptorProto_TYPE_MESSAGE:
				f.Options = &descriptorpb.FieldOptions{Features: &descriptorpb.FeatureSet{MessageEncoding: descriptorpb.FeatureSet_DELIMITED.Enum()}}
			}
		}
		m.Field = append(m.Field, f)
	}
	m.OneofDecl = append(m.OneofDecl, synthetic...)
	return m.GetName()
}

func (g *generator) field(m *descriptorpb.DescriptorProto, depth int) *descriptorpb.FieldDescriptorProto {
	number := int32(len(m.Field) + 1)
	if g.IntN(10) == 0 || len(m.Field) > 0 && m.Field[len(m.Field)-1].GetNumber() > 1000 {
		number += 100_000
	}
	f := &descriptorpb.FieldDescriptorProto{Name: proto.String(g.name("f")), Number: &number, Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	t := descriptorpb.FieldDescriptorProto_Type(1 + g.IntN(18))
	if depth > 0 && g.IntN(3) == 0 {
		t = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	}
	switch t {
	case descriptorpb.FieldDescriptorProto_TYPE_GROUP, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE:
		t = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
		switch {
		case depth == 0 || g.IntN(3) == 0:
			f.TypeName = proto.String("." + string(wellKnown[g.IntN(len(wellKnown))].FullName()))
		default:
			f.TypeName = proto.String(".t." + g.message(depth-1))
		}
	case descriptorpb.FieldDescriptorProto_TYPE_ENUM:
		e := g.enums[g.IntN(len(g.enums))]
		f.TypeName = proto.String(".t." + e.GetName())
	}
	f.Type = &t
	return f
}

// mapOf makes a map of a field.
func (g *generator) mapOf(m *descriptorpb.DescriptorProto, f *descriptorpb.FieldDescriptorProto) {
	keys := []descriptorpb.FieldDescriptorProto_Type{descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_STRING,
		descriptorpb.FieldDescriptorProto_TYPE_INT32, descriptorpb.FieldDescriptorProto_TYPE_BOOL, descriptorpb.FieldDescriptorProto_TYPE_UINT64, descriptorpb.FieldDescriptorProto_TYPE_SINT64,
		descriptorpb.FieldDescriptorProto_TYPE_FIXED32, descriptorpb.FieldDescriptorProto_TYPE_SFIXED64}
	name := g.name("f")
	entry := "F" + name[1:] + "Entry"
	one := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
	m.NestedType = append(m.NestedType, &descriptorpb.DescriptorProto{Name: &entry, Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)}, Field: []*descriptorpb.FieldDescriptorProto{
		{Name: proto.String("key"), Number: proto.Int32(1), Label: one, Type: keys[g.IntN(len(keys))].Enum()},
		{Name: proto.String("value"), Number: proto.Int32(2), Label: one, Type: f.Type, TypeName: f.TypeName},
	}})
	f.Name, f.Label, f.Type = &name, descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum(), descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
	f.TypeName = proto.String(".t." + m.GetName() + "." + entry)
}

// wire makes a message: its fields in any order, some several times, with unknown fields between.
func (g *generator) wire(md protoreflect.MessageDescriptor, depth int) []byte {
	var parts [][]byte
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		n := 1
		switch {
		case fd.IsList() || fd.IsMap():
			n = g.IntN(4)
			if g.IntN(30) == 0 && depth == 0 {
				n = 20
			}
		case fd.Cardinality() == protoreflect.Required:
		case g.IntN(3) == 0 || fd.ContainingOneof() != nil && g.IntN(2) == 0:
			n = 0
		}
		if n > 0 && g.IntN(8) == 0 {
			n++ // a field that comes twice
		}
		for range n {
			parts = append(parts, g.part(fd, depth))
		}
	}
	if g.IntN(6) == 0 {
		parts = append(parts, g.unknown(900))
	}
	g.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func (g *generator) unknown(number protowire.Number) []byte {
	switch g.IntN(5) {
	case 0:
		return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), g.Uint64())
	case 1:
		return protowire.AppendFixed32(protowire.AppendTag(nil, number, protowire.Fixed32Type), g.Uint32())
	case 2:
		return protowire.AppendFixed64(protowire.AppendTag(nil, number, protowire.Fixed64Type), g.Uint64())
	case 3:
		return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), g.text())
	}
	in := g.unknown(number + 1)
	if g.IntN(2) == 0 {
		in = append(in, g.unknown(3)...)
	}
	return protowire.AppendGroup(protowire.AppendTag(nil, number, protowire.StartGroupType), number, in)
}

// part is one value of a field with its tag, or many that are packed.
func (g *generator) part(fd protoreflect.FieldDescriptor, depth int) []byte {
	if g.IntN(40) == 0 {
		return g.unknown(fd.Number()) // mostly of another wire type
	}
	typ := wireOf(fd)
	switch typ {
	case protowire.BytesType:
		return protowire.AppendBytes(protowire.AppendTag(nil, fd.Number(), typ), g.payload(fd, depth))
	case protowire.StartGroupType:
		return protowire.AppendGroup(protowire.AppendTag(nil, fd.Number(), typ), fd.Number(), g.payload(fd, depth))
	}
	if fd.IsList() && g.IntN(2) == 0 {
		var b []byte
		for range g.IntN(4) {
			b = g.number(b, fd, typ)
		}
		return protowire.AppendBytes(protowire.AppendTag(nil, fd.Number(), protowire.BytesType), b)
	}
	return g.number(protowire.AppendTag(nil, fd.Number(), typ), fd, typ)
}

func (g *generator) payload(fd protoreflect.FieldDescriptor, depth int) []byte {
	md := fd.Message()
	switch {
	case md == nil && fd.Kind() == protoreflect.BytesKind:
		return []byte{byte(g.IntN(256)), byte(g.IntN(256))}
	case md == nil:
		return []byte(g.text())
	case depth > 12: // a google.protobuf.Value has no end
		return nil
	case md.FullName() == "google.protobuf.Timestamp" && g.IntN(10) > 0:
		b, _ := proto.Marshal(&timestamppb.Timestamp{Seconds: g.Int64N(4e11) - 1e11, Nanos: int32(g.IntN(1e9))})
		return b
	case md.FullName() == "google.protobuf.Duration" && g.IntN(10) > 0:
		d := &durationpb.Duration{Seconds: g.Int64N(1e11), Nanos: int32(g.IntN(1e9))}
		if g.IntN(2) == 0 {
			d.Seconds, d.Nanos = -d.Seconds, -d.Nanos
		}
		b, _ := proto.Marshal(d)
		return b
	}
	return g.wire(md, depth+1)
}

func (g *generator) text() string {
	switch g.IntN(30) {
	case 0:
		return "\xff"
	case 1, 2:
		return "né\x00\"\\\n…"
	}
	return "text"[:g.IntN(5)]
}

func (g *generator) number(b []byte, fd protoreflect.FieldDescriptor, typ protowire.Type) []byte {
	u := g.Uint64() >> g.IntN(64)
	if fd.Enum() != nil {
		u = uint64(fd.Enum().Values().Get(g.IntN(fd.Enum().Values().Len())).Number())
		if g.IntN(6) == 0 {
			u = uint64(int64(g.IntN(6)) - 2)
		}
	}
	switch typ {
	case protowire.Fixed32Type:
		return protowire.AppendFixed32(b, uint32(u))
	case protowire.Fixed64Type:
		return protowire.AppendFixed64(b, u)
	}
	if fd.Kind() == protoreflect.BoolKind {
		u %= 3
	}
	return protowire.AppendVarint(b, u)
}
