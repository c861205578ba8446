package protobuf

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
	"shadoof/record/internal/varint"
)

// Framed is the writer of values that begin with message indexes, as those of a registry do behind the schema's id: they name one
// of the messages of the schema's file. Its decoders read the message that Rows is made of, and the one that is called like the target
// (its Schema.Name, or one of its aliases), as long as the target has all of that one's fields: nobody was told of others. A value
// of any other message is a Misfit.
func (w *Writer) Framed() record.Writer { return framedWriter{w} }

type framedWriter struct{ *Writer }

func (w framedWriter) Decoder(target *record.Schema) (record.Decoder, error) {
	d := &framedDecoder{target: target, file: w.message.ParentFile(), rows: w.message, known: map[protoreflect.FullName]*choice{}}
	first, err := newDecoder(w.message, target)
	d.known[w.message.FullName()] = &choice{first, d.refusal(w.message, err)}
	if err == nil {
		return d, nil
	}
	for _, name := range append([]string{target.Name}, target.Aliases...) {
		if m := findMessage(d.file, name); m != nil && d.choose(m).refused == nil {
			return d, nil
		}
	}
	return nil, err
}

// A framedDecoder decodes each value as the message that it names.
type framedDecoder struct {
	target *record.Schema
	file   protoreflect.FileDescriptor
	rows   protoreflect.MessageDescriptor
	known  map[protoreflect.FullName]*choice
	first  *choice // of the first message of the file: the one that is almost always meant
}

// A choice is what is done with a message type.
type choice struct {
	decoder *Decoder
	refused *record.BadRecord // instead
}

func (d *framedDecoder) Schema() *record.Schema { return d.target }

// UnknownFields is that of [Decoder], for all messages together.
func (d *framedDecoder) UnknownFields() (n int64) {
	for _, c := range d.known {
		if c.decoder != nil {
			n += c.decoder.UnknownFields()
		}
	}
	return n
}

func (d *framedDecoder) Decode(c *record.Columns, r *record.Raw) error {
	if r.Value == nil {
		return &record.BadRecord{Reason: record.Tombstone, Detail: "the record has no value"}
	}
	var chosen *choice
	from := 1
	if len(r.Value) > 0 && r.Value[0] == 0 {
		if d.first == nil {
			d.first = d.choose(d.file.Messages().Get(0))
		}
		chosen = d.first
	} else {
		m, p, err := d.indexed(r.Value)
		if err != nil {
			return err
		}
		chosen, from = d.choose(m), p
	}
	if chosen.refused != nil {
		return chosen.refused
	}
	return chosen.decoder.decode(c, r.Value, from)
}

// indexed reads the message indexes: how many, then one for each level of messages within messages.
func (d *framedDecoder) indexed(b []byte) (m protoreflect.MessageDescriptor, p int, _ error) {
	bad := func(format string, args ...any) error {
		return &record.BadRecord{Reason: record.Undecodable, Detail: fmt.Sprintf("byte %d of %d: ", p, len(b)) + fmt.Sprintf(format, args...)}
	}
	u, q := varint.Read(b, 0)
	n := varint.Signed(u)
	if q < 0 || n < 0 || n > int64(len(b)-q) {
		return nil, 0, bad("found %s, expected the indexes of a message (value.framing: confluent)", record.Shorten(b[:min(len(b), 10)]))
	}
	if n == 0 { // in more bytes than it takes
		return d.file.Messages().Get(0), q, nil
	}
	in := d.file.Messages()
	for range n {
		p = q
		if u, q = varint.Read(b, p); q < 0 {
			return nil, 0, bad("found %s, expected the index of a message", record.Shorten(b[p:min(len(b), p+10)]))
		}
		i := varint.Signed(u)
		if i < 0 || i >= int64(in.Len()) {
			return nil, 0, bad("found the index %d of a message, expected one below %d", i, in.Len())
		}
		m = in.Get(int(i))
		in = m.Messages()
	}
	return m, q, nil
}

// choose says what is done with a message type.
func (d *framedDecoder) choose(m protoreflect.MessageDescriptor) *choice {
	if c := d.known[m.FullName()]; c != nil {
		return c
	}
	c := &choice{}
	name := string(m.FullName())
	if name != d.target.Name && !slices.Contains(d.target.Aliases, name) {
		c.refused = &record.BadRecord{Reason: record.Misfit, Detail: fmt.Sprintf("found a message %s, expected %s", m.FullName(), d.expected())}
	} else if path := lacking(m, d.target); path != "" {
		c.refused = &record.BadRecord{Reason: record.Misfit, Detail: fmt.Sprintf("found a message %s, whose field %s rows lack, expected %s: value.message can name the message of the topic", name, path, d.rows.FullName())}
	} else {
		dec, err := newDecoder(m, d.target)
		c.decoder, c.refused = dec, d.refusal(m, err)
	}
	d.known[m.FullName()] = c
	return c
}

// lacking is the path of a field of a message that a target has not got; "" when it has all.
func lacking(m protoreflect.MessageDescriptor, target *record.Schema) string {
	rows, err := rowsOf(m, record.ReadOptions{ElseJSON: true})
	if err != nil {
		return "" // a decoder says why
	}
	return lackingOf("", rows.Fields, target.Fields)
}

func lackingOf(path string, fields, target []record.Field) string {
	for _, f := range fields {
		at := join(path, protoreflect.Name(f.Name))
		i := slices.IndexFunc(target, func(t record.Field) bool { return t.Name == f.Name || slices.Contains(t.Aliases, f.Name) })
		if i < 0 {
			return at
		}
		from, to := f.Type, target[i].Type
		for from.Elem != nil && from.Kind == to.Kind { // messages in lists and maps are never lists themselves
			from, to = from.Elem.Type, to.Elem.Type
		}
		if from.Kind == record.Struct && to.Kind == record.Struct {
			if lost := lackingOf(at, from.Fields, to.Fields); lost != "" {
				return lost
			}
		}
	}
	return ""
}

func (d *framedDecoder) expected() string {
	rows := string(d.rows.FullName())
	if d.target.Name == "" || d.target.Name == rows {
		return rows
	}
	return rows + " or " + d.target.Name
}

func (d *framedDecoder) refusal(m protoreflect.MessageDescriptor, err error) *record.BadRecord {
	if err == nil {
		return nil
	}
	return &record.BadRecord{Reason: record.Misfit, Detail: fmt.Sprintf("message %s: %v", m.FullName(), err)}
}
