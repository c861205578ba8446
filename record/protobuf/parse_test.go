package protobuf_test

import (
	"context"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
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
