package protobuf

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/structpb"

	"shadoof/record"
)

// A jsonField makes one column of JSON of a field. It goes by values in between: such fields are rare, and their depth has no end.
type jsonField struct {
	fd    protoreflect.FieldDescriptor
	whole bool   // spans are tags and values, which together are a message with that field alone; else what is in the message
	spans []span // of the parts that the field came in
}

// A span is where in the record a part lies.
type span struct{ from, to int }

func newJSONField(fd protoreflect.FieldDescriptor) *jsonField {
	return &jsonField{fd: fd, whole: fd.Message() == nil || fd.IsMap() || fd.IsList() && shapeOf(fd.Message()) != shapeJSON}
}

// jsonValue notes one value of a field, and appends it where it is an element of a list.
func (d *Decoder) jsonValue(f *field, x uint64, at, p, end int, rep uint8) int {
	q := d.skip(f.path, x, at, p, end)
	if q < 0 {
		return -1
	}
	part := span{at, q}
	if !f.json.whole {
		if x&7 == wireGroup {
			v, _ := protowire.ConsumeGroup(protowire.Number(x>>3), d.b[p:q])
			part = span{p, p + len(v)}
		} else {
			_, from := uvarint(d.b, p)
			part.from = from
		}
	}
	f.json.spans = append(f.json.spans, part)
	if f.op == opJSONElement && !d.endJSON(f, rep) {
		return -1
	}
	return q
}

// endJSON appends the JSON of the parts that were noted.
func (d *Decoder) endJSON(f *field, rep uint8) bool {
	w := jsonWriter{dst: d.text[:0]}
	err := f.json.write(&w, d.b)
	f.json.spans, d.text = f.json.spans[:0], w.dst
	if err != nil {
		if w.unfit {
			d.unfit(f.path, -1, "%v", err)
		} else {
			d.undecodable(f.path, -1, "%v", err)
		}
		return false
	}
	c := &d.leaves[f.leaf]
	c.AppendLevels(f.here, rep)
	c.AppendBytes(w.dst)
	return true
}

func (j *jsonField) write(w *jsonWriter, b []byte) error {
	var m protoreflect.Message
	switch {
	case j.whole:
		m = dynamicpb.NewMessage(j.fd.ContainingMessage())
	default:
		m = newMessage(j.fd.Message())
	}
	for _, s := range j.spans {
		if err := (proto.UnmarshalOptions{Merge: true, AllowPartial: true}).Unmarshal(b[s.from:s.to], m.Interface()); err != nil {
			return fmt.Errorf("found %s, expected %s", record.Shorten(b[s.from:s.to]), nameOf(j.fd))
		}
	}
	if !j.whole {
		return w.message(m)
	}
	return w.field(j.fd, m.Get(j.fd))
}

// newMessage makes an empty message, of a generated type where that is what is meant: it is quicker.
func newMessage(md protoreflect.MessageDescriptor) protoreflect.Message {
	switch wellKnown(md) {
	case "Struct":
		return (&structpb.Struct{}).ProtoReflect()
	case "Value":
		return (&structpb.Value{}).ProtoReflect()
	case "ListValue":
		return (&structpb.ListValue{}).ProtoReflect()
	}
	return dynamicpb.NewMessage(md)
}
