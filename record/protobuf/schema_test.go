package protobuf_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"shadoof/record"
	"shadoof/record/protobuf"
)

// What a schema may not say, and what a row cannot have, is told when the schema is read.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		var b strings.Builder
		b.WriteString(`syntax = "proto3";`)
		for i := range n {
			b.WriteString("message M" + strings.Repeat("x", i) + " { repeated M" + strings.Repeat("x", i+1) + " f = 1; }\n")
		}
		return b.String() + "message M" + strings.Repeat("x", n) + " { int32 i = 1; }"
	}
	wide := `syntax = "proto3"; message M { A a = 1; } `
	for _, c := range []string{"A", "B", "C", "D", "E", "F"} {
		wide += "message " + c + " {"
		for i := range 10 {
			field := " int32 f"
			if c != "F" {
				field = string(c[0]+1) + " f"
			}
			wide += field + string(rune('0'+i)) + " = " + string("123456789:"[i])
			wide = strings.ReplaceAll(wide, "= :", "= 10") + ";"
		}
		wide += "}\n"
	}
	for _, c := range []struct{ name, proto, message, want string }{
		{"no schema", `hello`, "", `protobuf schema: schema.proto:1:1: syntax error`},
		{"nothing", ``, "", `protobuf schema: it has no messages`},
		{"a missing import", `syntax = "proto3"; import "other.proto"; message M { O o = 1; }`, "", `protobuf schema: schema.proto:1:27: could not resolve path "other.proto": it is none of the schema's references`},
		{"a type that is not there", `syntax = "proto3"; message M { O o = 1; }`, "", `protobuf schema: schema.proto:1:32: field M.o: unknown type O`},
		{"a message that is not there", `syntax = "proto3"; package p; message M { int32 i = 1; message N { map<int32, int32> m = 1; } } message O {}`, "p.X", `protobuf schema: it has no message p.X; it has p.M, p.M.N, p.O`},
		{"another package", `syntax = "proto3"; package p; message M { int32 i = 1; }`, "M", `protobuf schema: it has no message M; it has p.M`},
		{"the entry of a map", `syntax = "proto3"; message M { map<int32, int32> m = 1; }`, "M.MEntry", `protobuf schema: it has no message M.MEntry; it has M`},
		{"no fields", `syntax = "proto3"; package p; message M {}`, "", `protobuf message p.M: it has no fields: a column file cannot hold that`},
		{"recursion", `syntax = "proto3"; package p; message M { N n = 1; int32 i = 2; } message N { repeated O o = 1; M m = 2; } message O { map<string, N> n = 1; }`, "",
			`protobuf message p.M: field n.o.n: the schema is recursive: p.N contains itself (p.N > p.O > p.N), and a row has a fixed depth; value.as_json: [n.o.n, n.m] makes one column of JSON of it`},
		{"depth", deep(60), "", `nested deeper than 100 levels`},
		{"columns", wide, "", `protobuf message M: more than 10000 columns`},
		{"names of Kafka columns are the caller's", `syntax = "proto3"; message M { int32 _kafka_offset = 1; }`, "", ``},
	} {
		_, err := protobuf.Parse(&record.SchemaText{Format: "protobuf", Text: c.proto}, record.ReadOptions{Message: c.message})
		switch {
		case c.want == "" && err == nil:
		case err == nil || c.want == "" || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

// References are imports by their names, in either form.
func TestReferences(t *testing.T) {
	t.Parallel()
	const other = `syntax = "proto2"; package o; import "deep/er.proto"; message O { optional d.D d = 1; }`
	const deeper = `syntax = "proto3"; package d; import "google/protobuf/timestamp.proto"; message D { google.protobuf.Timestamp t = 1; }`
	const text = `syntax = "proto3"; package p; import "a/other.proto"; import "schema.proto"; message M { o.O o = 1; s.S s = 2; }`
	const same = `syntax = "proto3"; package s; message S { bool b = 1; }` // by the name that the schema has for want of one
	for _, form := range []func(string, string) string{
		func(_, text string) string { return text },
		func(name, text string) string {
			f := &descriptorpb.FileDescriptorProto{}
			switch name {
			case "deep/er.proto":
				f = protodesc.ToFileDescriptorProto(compile(t, text))
			case "schema.proto":
				f = protodesc.ToFileDescriptorProto(compile(t, text))
			default:
				return text
			}
			b, err := proto.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			return base64.StdEncoding.EncodeToString(b)
		},
	} {
		w, err := protobuf.Parse(&record.SchemaText{Format: "protobuf", Text: text, References: []record.Reference{
			{Name: "deep/er.proto", Text: form("deep/er.proto", deeper)}, {Name: "a/other.proto", Text: form("a/other.proto", other)}, {Name: "schema.proto", Text: form("schema.proto", same)}}}, record.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := "o struct null\n  d struct null\n    t timestamp-micros null\ns struct null\n  b boolean = false\n"
		if d := gocmp.Diff(described(w.Rows()), want); d != "" || w.Rows().Name != "p.M" {
			t.Errorf("%s (-got +want)\n%s", w.Rows().Name, d)
		}
	}
	serialized, err := proto.Marshal(protodesc.ToFileDescriptorProto(compile(t, eventProto)))
	if err != nil {
		t.Fatal(err)
	}
	w := parse(t, base64.StdEncoding.EncodeToString(serialized))
	if d := gocmp.Diff(w.Rows(), parse(t, eventProto).Rows()); d != "" {
		t.Errorf("base64 of a descriptor (-got +want)\n%s", d)
	}
}

func TestDescriptorSets(t *testing.T) {
	t.Parallel()
	file := func(text string) *descriptorpb.FileDescriptorProto {
		return protodesc.ToFileDescriptorProto(compile(t, text))
	}
	set := func(files ...*descriptorpb.FileDescriptorProto) []byte {
		b, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: files})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one := file(`syntax = "proto3"; package p; import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp t = 1; message N { int32 i = 1; } }`)
	two := file(`syntax = "proto3"; package q; message A { int32 i = 1; } message B { int32 j = 1; }`)
	two.Name = proto.String("two.proto")
	lacking := file(`syntax = "proto3"; message M { int32 i = 1; }`)
	lacking.Dependency = []string{"gone.proto"}
	for _, c := range []struct {
		name    string
		set     []byte
		message string
		want    string
	}{
		{"one message", set(one), "", "p.M"},
		{"one within", set(one), "p.M.N", "p.M.N"},
		{"one of many", set(one, two), "q.B", "q.B"},
		{"many", set(one, two), "", `protobuf descriptor set: it has 3 messages at the top; say which is meant: p.M, q.A, q.B`},
		{"another", set(one, two), "q.C", `protobuf descriptor set: it has no message q.C; it has p.M, p.M.N, q.A, q.B`},
		{"not one", []byte("syntax"), "", `protobuf descriptor set: it is not a FileDescriptorSet, as protoc --include_imports --descriptor_set_out=FILE writes it`},
		{"nothing", nil, "", `protobuf descriptor set: it is not a FileDescriptorSet, as protoc --include_imports --descriptor_set_out=FILE writes it`},
		{"without imports", set(lacking), "", `protobuf descriptor set: test.proto imports gone.proto, which is missing: write the set with its imports (protoc --include_imports)`},
	} {
		w, err := protobuf.ParseDescriptorSet(c.set, record.ReadOptions{Message: c.message})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = w.Rows().Name
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// A message of the name of a well-known one is that only if it looks the same.
func TestFalseTimestamp(t *testing.T) {
	t.Parallel()
	f := &descriptorpb.FileDescriptorProto{Name: proto.String("google/protobuf/timestamp.proto"), Package: proto.String("google.protobuf"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Timestamp"), Field: []*descriptorpb.FieldDescriptorProto{{Name: proto.String("text"), Number: proto.Int32(1),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum()}}}}}
	user := &descriptorpb.FileDescriptorProto{Name: proto.String("m.proto"), Syntax: proto.String("proto3"), Dependency: []string{"google/protobuf/timestamp.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M"), Field: []*descriptorpb.FieldDescriptorProto{{Name: proto.String("t"), Number: proto.Int32(1), TypeName: proto.String(".google.protobuf.Timestamp"),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()}}}}}
	b, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{f, user}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := protobuf.ParseDescriptorSet(b, record.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := described(w.Rows()), "t struct null\n  text string = \"\"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Fields become JSON where they are told to, or cannot be anything else.
func TestAsJSON(t *testing.T) {
	t.Parallel()
	const text = `syntax = "proto3"; package p; message M { N n = 1; Tree tree = 2; } message N { Tree tree = 1; repeated Tree trees = 2; map<string, Tree> forest = 3; int64 i = 4; }
		message Tree { int32 v = 1; repeated Tree kids = 2; Tree left = 3; map<int32, Tree> named = 4; }`
	const named = "n struct null\n  tree json null\n  trees json = []\n  forest json = {}\n  i json = 0\ntree json null\n"
	w := parse(t, text, "n.tree", "n.trees[]", "n.forest", "n.i", "tree", "not.there")
	if d := gocmp.Diff(described(w.Rows()), named); d != "" {
		t.Errorf("the schema of rows (-got +want)\n%s", d)
	}
	w, err := protobuf.Parse(&record.SchemaText{Text: text}, record.ReadOptions{ElseJSON: true, AsJSON: []string{"n"}})
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(described(w.Rows()), "n json null\ntree struct null\n  v int32 = 0\n  kids json = []\n  left json null\n  named json = {}\n"); d != "" {
		t.Errorf("else JSON (-got +want)\n%s", d)
	}
	md := message(t, text)
	for _, c := range []struct{ text, want string }{
		{``, `{"n":null,"tree":null}`},
		{`n {i: -5 tree {v: 1} trees {v: 2 kids {v: 3}} trees {} forest {key: "b" value {named {key: 7 value {v: 1}}}} forest {key: "a"}} tree {}`,
			`{"n":{"tree":{"v":1},"trees":[{"v":2,"kids":[{"v":3}]},{}],"forest":{"a":{},"b":{"named":{"7":{"v":1}}}},"i":"-5"},"tree":{"v":0,"kids":[],"left":null,"named":{}}}`},
		{`tree {v: 1 kids {v: 2} kids {kids {}} left {left {v: 3}} named {key: -1}}`, `{"n":null,"tree":{"v":1,"kids":[{"v":2},{"kids":[{}]}],"left":{"left":{"v":3}},"named":{"-1":{}}}}`},
	} {
		if d := gocmp.Diff(printed(t, decoder(t, w, nil), encode(t, md, c.text)), c.want); d != "" {
			t.Errorf("%s (-got +want)\n%s", c.text, d)
		}
	}
	in := parse(t, text, "n.tree", "n.trees", "n.forest", "n.i", "tree")
	if got, want := printed(t, decoder(t, in, nil), encode(t, md, `n {}`)), `{"n":{"tree":null,"trees":[],"forest":{},"i":"0"},"tree":null}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := printed(t, decoder(t, in, nil), encode(t, md, `n {trees {v: 1} trees {} i: 7 forest {key: "x" value {v: 1}}} `)), `{"n":{"tree":null,"trees":[{"v":1},{}],"forest":{"x":{"v":1}},"i":"7"},"tree":null}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// What decodes into a target that lacks these fields needs no way out.
	lacking := &record.Schema{Fields: slices.Clone(in.Rows().Fields[:1])}
	lacking.Fields[0].Type.Fields = lacking.Fields[0].Type.Fields[3:]
	if got, want := printed(t, decoder(t, w, lacking), encode(t, md, `n {i: 3} tree {v: 1}`)), `{"n":{"i":"3"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
