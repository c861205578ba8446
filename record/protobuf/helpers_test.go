package protobuf_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
	"shadoof/record/protobuf"
)

// compile is a file as the compiler of the library has it.
func compile(tb testing.TB, text string) protoreflect.FileDescriptor {
	tb.Helper()
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{"test.proto": text})})}
	files, err := c.Compile(context.Background(), "test.proto")
	if err != nil {
		tb.Fatal(err)
	}
	return files[0]
}

// message is the first message of a file.
func message(tb testing.TB, text string) protoreflect.MessageDescriptor {
	tb.Helper()
	return compile(tb, text).Messages().Get(0)
}

func parse(tb testing.TB, text string, asJSON ...string) *protobuf.Writer {
	tb.Helper()
	w, err := protobuf.Parse(&record.SchemaText{Format: "protobuf", Text: text}, record.ReadOptions{AsJSON: asJSON})
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// encode makes a message of its text form.
func encode(tb testing.TB, md protoreflect.MessageDescriptor, text string) []byte {
	tb.Helper()
	m := dynamicpb.NewMessage(md)
	if err := (prototext.UnmarshalOptions{AllowPartial: true}).Unmarshal([]byte(text), m); err != nil {
		tb.Fatal(err)
	}
	b, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	if b == nil {
		b = []byte{}
	}
	return b
}

// printed decodes one value and prints its row, or the error.
func printed(tb testing.TB, dec record.Decoder, value []byte) string {
	tb.Helper()
	c := record.NewColumns(dec.Schema())
	if err := dec.Decode(c, &record.Raw{Value: value}); err != nil {
		if d := recordtest.DiffColumns(c, record.NewColumns(dec.Schema())); d != "" {
			tb.Fatalf("%v left a trace:\n%s", err, d)
		}
		return err.Error()
	}
	c.EndRow()
	if _, err := recordtest.Rows(c); err != nil {
		tb.Fatal(err)
	}
	return string(record.NewPrinter(c).Next(nil, -1))
}

func decoder(tb testing.TB, w record.Writer, target *record.Schema) record.Decoder {
	tb.Helper()
	if target == nil {
		target = w.Rows()
	}
	dec, err := w.Decoder(target)
	if err != nil {
		tb.Fatal(err)
	}
	return dec
}

// described is a schema in a line per field.
func described(s *record.Schema) string {
	var b strings.Builder
	var fields func(indent string, fields []record.Field)
	one := func(f record.Field) string {
		t := string(f.Type.Kind)
		if f.Type.Kind == record.Decimal {
			t += fmt.Sprintf("(%d,%d)", f.Type.Precision, f.Type.Scale)
		}
		if f.Type.Symbols != nil {
			t += fmt.Sprint(f.Type.Symbols)
		}
		if f.Nullable {
			t += " null"
		}
		if f.Default != nil {
			t += " = " + string(f.Default)
		}
		return t
	}
	fields = func(indent string, list []record.Field) {
		for _, f := range list {
			fmt.Fprintf(&b, "%s%s %s", indent, f.Name, one(f))
			t := f.Type
			for t.Elem != nil {
				fmt.Fprintf(&b, " of %s", one(*t.Elem))
				t = t.Elem.Type
			}
			b.WriteString("\n")
			fields(indent+"  ", t.Fields)
		}
	}
	fields("", s.Fields)
	return b.String()
}
