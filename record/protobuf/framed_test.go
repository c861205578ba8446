package protobuf_test

import (
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/record/protobuf"
)

func TestMessageIndexes(t *testing.T) {
	t.Parallel()
	const text = `syntax = "proto3"; package p; message A { int32 i = 1; message B { int32 i = 1; message C { string i = 1; } } message D { int32 i = 1; } map<int32, int32> m = 2; } message E { int32 i = 1; } message F { bool b = 1; }`
	file := compile(t, text)
	target := func(name string) *record.Schema {
		return &record.Schema{Name: name, Fields: []record.Field{{Name: "i", Type: record.Type{Kind: record.Int32}}}}
	}
	for _, c := range []struct{ message, target, value, want string }{
		{"", "p.A", `00 08 05`, `{"i":5}`},
		{"", "p.A", `00`, `{"i":0}`},
		{"", "p.A", `02 00 08 05`, `{"i":5}`},
		{"", "p.A", `80 00 08 05`, `{"i":5}`},
		{"", "p.A", `02 80 00 08 05`, `{"i":5}`},
		{"", "", `00 08 05`, `{"i":5}`},
		{"", "p.E", `00 08 05`, `{"i":5}`},
		{"", "p.E", `02 02 08 05`, `{"i":5}`},
		{"", "p.A.B", `04 00 00 08 05`, `{"i":5}`},
		{"", "p.A.D", `04 00 02 08 05`, `{"i":5}`},
		{"p.A.D", "p.A.D", `04 00 02 08 05`, `{"i":5}`},
		{"p.E", "p.E", `00 08 05`, `misfit: found a message p.A, expected p.E`},
		{"", "p.A", `02 02 08 05`, `misfit: found a message p.E, expected p.A`},
		{"", "q.X", `02 02 08 05`, `misfit: found a message p.E, expected p.A or q.X`},
		{"", "p.A.B.C", `06 00 00 00 0a 00`, `misfit: message p.A.B.C: field i: the writer has string, the target int32`},
		{"p.F", "p.E", `02 02 08 05`, `{"i":5}`},
		{"p.F", "p.E", `02 04 08 01`, `misfit: message p.F: field i: the writer has no such field, and the target no default for it`},
		{"p.F", "p.F", `02 04 08 01`, `field i: the writer has no such field, and the target no default for it`},
		{"p.F", "q.X", `02 04 08 01`, `field i: the writer has no such field, and the target no default for it`},
		{"", "p.A", ``, `undecodable: byte 0 of 0: found "", expected the indexes of a message (value.framing: confluent)`},
		{"", "p.A", `80`, `undecodable: byte 0 of 1: found "\x80", expected the indexes of a message (value.framing: confluent)`},
		{"", "p.A", `01 00`, `undecodable: byte 0 of 2: found "\x01\x00", expected the indexes of a message (value.framing: confluent)`},
		{"", "p.A", `08 00 00`, `undecodable: byte 0 of 3: found "\b\x00\x00", expected the indexes of a message (value.framing: confluent)`},
		{"", "p.A", `02 06`, `undecodable: byte 1 of 2: found the index 3 of a message, expected one below 3`},
		{"", "p.A", `02 01`, `undecodable: byte 1 of 2: found the index -1 of a message, expected one below 3`},
		{"", "p.A", `04 02 00`, `undecodable: byte 2 of 3: found the index 0 of a message, expected one below 0`},
		{"", "p.A", `02 80`, `undecodable: byte 1 of 2: found "\x80", expected the index of a message`},
		{"", "p.A", `00 08`, `undecodable: i: byte 2 of 2: found the end of the data, expected a number`},
		{"", "p.A", `04 00 04 08 05`, `misfit: found a message p.A.MEntry, expected p.A`},
	} {
		w, err := protobuf.Parse(&record.SchemaText{Text: text}, record.ReadOptions{Message: c.message})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if dec, err := w.Framed().Decoder(target(c.target)); err != nil {
			got = err.Error()
		} else {
			for range 2 { // what was chosen once is kept
				got = printed(t, dec, wire(t, c.value))
			}
		}
		if got != c.want {
			t.Errorf("message %q, target %q, %s: got %s, want %s", c.message, c.target, c.value, got, c.want)
		}
	}
	if n := file.Messages().Len(); n != 3 {
		t.Errorf("%d messages", n)
	}
	w := parse(t, text)
	dec, err := w.Framed().Decoder(target("p.E"))
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{`00 18 01`, `02 02 18 01 20 01`, `00 18`, `02 06`} {
		printed(t, dec, wire(t, value))
	}
	if n := dec.(unknowns).UnknownFields(); n != 3 {
		t.Errorf("%d unknown fields, want 3", n)
	}
	if err := dec.Decode(record.NewColumns(dec.Schema()), &record.Raw{}); err == nil || err.Error() != "tombstone: the record has no value" {
		t.Errorf("got %v for a tombstone", err)
	}
}

// Rows are made of the first message. Another that they are called like loses no field in silence.
func TestAnotherMessageHasFieldsThatRowsLack(t *testing.T) {
	t.Parallel()
	const text = `syntax = "proto3"; package p; message A { int32 i = 1; } message E { int32 i = 1; M m = 2; repeated M l = 3; map<string, M> k = 4; } message M { int32 x = 1; string y = 2; }`
	part := record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "x", Type: record.Type{Kind: record.Int32}}}}
	whole := record.Type{Kind: record.Struct, Fields: append(part.Fields[:1:1], record.Field{Name: "z", Type: record.Type{Kind: record.String}, Aliases: []string{"y"}})}
	list := func(k record.Kind, of record.Type) record.Type {
		return record.Type{Kind: k, Elem: &record.Field{Name: "element", Type: of}}
	}
	for path, types := range map[string][]record.Type{
		"m":   nil,
		"m.y": {part},
		"l":   {whole},
		"l.y": {whole, list(record.List, part)},
		"k":   {whole, list(record.List, whole)},
		"k.y": {whole, list(record.List, whole), list(record.Map, part)},
		"":    {whole, list(record.List, whole), list(record.Map, whole)},
	} {
		target := &record.Schema{Name: "q.X", Aliases: []string{"p.E"}, Fields: []record.Field{{Name: "i", Type: record.Type{Kind: record.Int32}}}}
		for i, typ := range types {
			target.Fields = append(target.Fields, record.Field{Name: []string{"m", "l", "k"}[i], Type: typ, Nullable: true})
		}
		dec, err := parse(t, text).Framed().Decoder(target)
		if err != nil {
			t.Fatal(err)
		}
		if got := printed(t, dec, wire(t, `00 08 05`)); !strings.HasPrefix(got, `{"i":5`) {
			t.Errorf("lacking %q: the first message: got %s", path, got)
		}
		want := `{"i":5,"m":null,"l":[],"k":{}}`
		if path != "" {
			want = "misfit: found a message p.E, whose field " + path + " rows lack, expected p.A: value.message can name the message of the topic"
		}
		if got := printed(t, dec, wire(t, `02 02 08 05`)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
