package protobuf

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"shadoof/record"
)

// textName is the import path of a schema that a registry gave without one.
const textName = "schema.proto"

// compileText compiles a file and its imports.
func compileText(t *record.SchemaText) (protoreflect.FileDescriptor, error) {
	name := textName
	sources := map[string]string{}
	for _, r := range t.References {
		if r.Name == name { // it may not be taken for the schema
			name = "this/" + name
		}
		sources[r.Name] = r.Text
	}
	sources[name] = t.Text
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) { return search(sources, path) })),
		MaxParallelism: 1,
	}
	files, err := c.Compile(context.Background(), name)
	if err != nil {
		return nil, err
	}
	set, seen := &descriptorpb.FileDescriptorSet{}, map[string]bool{}
	addFile(set, seen, files[0])
	built, err := buildSet(set)
	if err != nil {
		return nil, err
	}
	return built.FindFileByPath(name)
}

var errNoReference = errors.New("it is none of the schema's references")

// search finds an import among the references, or among those that need none.
func search(sources map[string]string, path string) (found protocompile.SearchResult, err error) {
	text, ok := sources[path]
	if !ok {
		known, err := imports.ReadFile("imports/" + path)
		if err != nil {
			return found, errNoReference
		}
		text = string(known)
	}
	if p := serialized(text); p != nil {
		p.Name = &path
		found.Proto = p
	} else {
		found.Source = strings.NewReader(text)
	}
	return found, nil
}

// serialized reads the base64 of a FileDescriptorProto; nil when the text is something else. No source is base64: it has spaces.
func serialized(text string) *descriptorpb.FileDescriptorProto {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	p := &descriptorpb.FileDescriptorProto{}
	if err != nil || len(b) == 0 || proto.Unmarshal(b, p) != nil {
		return nil
	}
	return p
}

// addFile adds a file behind those that it imports.
func addFile(set *descriptorpb.FileDescriptorSet, seen map[string]bool, f protoreflect.FileDescriptor) {
	if seen[f.Path()] {
		return
	}
	seen[f.Path()] = true
	for i := range f.Imports().Len() {
		addFile(set, seen, f.Imports().Get(i).FileDescriptor)
	}
	set.File = append(set.File, protoutil.ProtoFromFileDescriptor(f))
}

// standard finds the files that need no reference.
var standard = protocompile.WithStandardImports(protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) { return search(nil, path) }))

// buildSet links the files of a set, with those that need no reference and that it may lack.
func buildSet(set *descriptorpb.FileDescriptorSet) (*protoregistry.Files, error) {
	have := map[string]bool{}
	for _, f := range set.File {
		have[f.GetName()] = true
	}
	for i := 0; i < len(set.File); i++ { // it grows
		for _, path := range set.File[i].Dependency {
			if have[path] {
				continue
			}
			std, err := standard.FindFileByPath(path)
			if err != nil {
				return nil, fmt.Errorf("%s imports %s, which is missing: write the set with its imports (protoc --include_imports)", set.File[i].GetName(), path)
			}
			have[path] = true
			set.File = append(set.File, protoutil.ProtoFromFileDescriptor(std.Desc))
		}
	}
	return protodesc.NewFiles(set)
}

// ErrNoMessage is the error, wrapped, of a schema that has not got the message of ReadOptions.
var ErrNoMessage = errors.New("it has no message")

// messageOf finds a message of a file by its full name; the first one for "".
func messageOf(file protoreflect.FileDescriptor, name string) (protoreflect.MessageDescriptor, error) {
	if file.Messages().Len() == 0 {
		return nil, errors.New("it has no messages")
	}
	if name == "" {
		return file.Messages().Get(0), nil
	}
	if m := findMessage(file, name); m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("%w %s; it has %s", ErrNoMessage, name, listed(messageNames(nil, file.Messages())))
}

// findMessage finds a message of a file by its full name; nil when there is none.
func findMessage(file protoreflect.FileDescriptor, name string) protoreflect.MessageDescriptor {
	rest, ok := name, true
	if pkg := string(file.Package()); pkg != "" {
		rest, ok = strings.CutPrefix(name, pkg+".")
	}
	if !ok {
		return nil
	}
	var m protoreflect.MessageDescriptor
	in := file.Messages()
	for part := range strings.SplitSeq(rest, ".") {
		if m = in.ByName(protoreflect.Name(part)); m == nil || m.IsMapEntry() {
			return nil
		}
		in = m.Messages()
	}
	return m
}

// messageInSet finds a message of a set by its full name; the only one for "".
func messageInSet(b []byte, name string) (protoreflect.MessageDescriptor, error) {
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(b, set); err != nil || len(set.File) == 0 {
		return nil, errors.New("it is not a FileDescriptorSet, as protoc --include_imports --descriptor_set_out=FILE writes it")
	}
	own := len(set.File)
	files, err := buildSet(set)
	if err != nil {
		return nil, err
	}
	if name != "" {
		d, err := files.FindDescriptorByName(protoreflect.FullName(name))
		if m, ok := d.(protoreflect.MessageDescriptor); ok && err == nil {
			return m, nil
		}
	}
	var top, all []string
	for _, f := range set.File[:own] {
		d, err := files.FindFileByPath(f.GetName())
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(f.GetName(), "google/protobuf/") {
			continue
		}
		for i := range d.Messages().Len() {
			top = append(top, string(d.Messages().Get(i).FullName()))
		}
		all = messageNames(all, d.Messages())
	}
	switch {
	case name != "":
		return nil, fmt.Errorf("%w %s; it has %s", ErrNoMessage, name, listed(all))
	case len(top) == 0:
		return nil, errors.New("it has no messages")
	case len(top) > 1:
		return nil, fmt.Errorf("it has %d messages at the top; say which is meant: %s", len(top), listed(top))
	}
	d, err := files.FindDescriptorByName(protoreflect.FullName(top[0]))
	if err != nil {
		return nil, err
	}
	return d.(protoreflect.MessageDescriptor), nil
}

// messageNames appends the full names of messages and of those within them.
func messageNames(names []string, in protoreflect.MessageDescriptors) []string {
	for i := range in.Len() {
		if m := in.Get(i); !m.IsMapEntry() {
			names = messageNames(append(names, string(m.FullName())), m.Messages())
		}
	}
	return names
}

// listed names the first of many.
func listed(names []string) string {
	const most = 20
	var b bytes.Buffer
	for i, n := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(n)
	}
	return b.String()
}
