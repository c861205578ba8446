package protobuf_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"shadoof/record"
	"shadoof/record/evolve"
	"shadoof/record/internal/recordtest"
	"shadoof/record/protobuf"
)

// Rows that hold two generations of a random schema are made of the messages of both: what one lacks is its default, else null.
func TestGenerationsShareRows(t *testing.T) {
	t.Parallel()
	first := rand.Uint64()
	t.Logf("seed %d", first)
	accepted := 0
	for i := range uint64(30) {
		g := &generator{Rand: rand.New(rand.NewPCG(first+i, 1))}
		set, _ := g.schema()
		generations := []*protobuf.Writer{}
		messages := []protoreflect.MessageDescriptor{}
		for range 2 {
			w, md := g.less(t, set)
			generations, messages = append(generations, w), append(messages, md)
		}
		target, err := evolve.Union(generations[0].Rows(), generations[1].Rows())
		if err != nil {
			t.Fatalf("seed %d: %v", first+i, err)
		}
		c := record.NewColumns(target)
		var want [][]any
		decoders := []record.Decoder{decoder(t, generations[0], target), decoder(t, generations[1], target)}
		for n := range 40 {
			value := g.wire(messages[n%2], 0)
			if value == nil {
				value = []byte{}
			}
			row, filter, wantErr := oracle(messages[n%2], value)
			err := decoders[n%2].Decode(c, &record.Raw{Value: value})
			if (err != nil) != (wantErr != nil) && !(err != nil && filter.replaced) {
				t.Fatalf("seed %d: %x: got the error %v, want %v", first+i, value, err, wantErr)
			}
			if err != nil {
				continue
			}
			c.EndRow()
			accepted++
			want = append(want, widened(target.Fields, generations[n%2].Rows().Fields, row))
		}
		got, err := recordtest.Rows(c)
		if err != nil {
			t.Fatalf("seed %d: %v", first+i, err)
		}
		for n := range got {
			if diff := recordtest.DiffRows(comparable(target.Fields, got[n]), want[n]); diff != "" {
				t.Fatalf("seed %d, row %d (-got +want)\n%s", first+i, n, diff)
			}
		}
	}
	if accepted < 400 {
		t.Errorf("%d messages accepted: that says little", accepted)
	}
}

// less is the schema without some of its fields.
func (g *generator) less(t *testing.T, set *descriptorpb.FileDescriptorSet) (*protobuf.Writer, protoreflect.MessageDescriptor) {
	t.Helper()
	set = proto.Clone(set).(*descriptorpb.FileDescriptorSet)
	for _, m := range set.File[len(set.File)-1].MessageType {
		last := len(m.Field)
		m.Field = slices.DeleteFunc(m.Field, func(f *descriptorpb.FieldDescriptorProto) bool {
			last--
			return last > 0 && f.OneofIndex == nil && g.IntN(4) == 0
		})
	}
	b, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	w, err := protobuf.ParseDescriptorSet(b, record.ReadOptions{Message: "t." + set.File[len(set.File)-1].MessageType[0].GetName()})
	if err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	d, err := files.FindDescriptorByName(protoreflect.FullName(w.Rows().Name))
	if err != nil {
		t.Fatal(err)
	}
	return w, d.(protoreflect.MessageDescriptor)
}

// widened is a row of the writer as one of the target.
func widened(target, writer []record.Field, row []any) []any {
	out := make([]any, len(target))
	for i, f := range target {
		at := slices.IndexFunc(writer, func(w record.Field) bool { return w.Name == f.Name })
		if at >= 0 {
			out[i] = widenedValue(f.Type, writer[at].Type, row[at])
		} else if f.Default != nil {
			out[i] = zeroOf(f)
		}
	}
	return out
}

func widenedValue(target, writer record.Type, v any) any {
	switch v := v.(type) {
	case []any:
		if target.Kind == record.Struct {
			return widened(target.Fields, writer.Fields, v)
		}
		out := []any{}
		for _, e := range v {
			out = append(out, widenedValue(target.Elem.Type, writer.Elem.Type, e))
		}
		return out
	case []recordtest.Entry:
		out := []recordtest.Entry{}
		for _, e := range v {
			out = append(out, recordtest.Entry{Key: e.Key, Value: widenedValue(target.Elem.Type, writer.Elem.Type, e.Value)})
		}
		return out
	}
	return v
}

// zeroOf is the default of a field: Protobuf has no others.
func zeroOf(f record.Field) any {
	switch f.Type.Kind {
	case record.Boolean:
		return false
	case record.Int32:
		return int32(0)
	case record.Int64:
		return int64(0)
	case record.Float:
		return float32(0)
	case record.Double:
		return float64(0)
	case record.Decimal:
		return string(make([]byte, record.DecimalSize(f.Type.Precision)))
	case record.List:
		return []any{}
	case record.Map:
		return []recordtest.Entry{}
	case record.String:
		return string(f.Default[1 : len(f.Default)-1])
	}
	return ""
}
