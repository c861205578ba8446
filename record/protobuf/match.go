package protobuf

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
)

// A matcher walks a message type and a target at once, and makes the plan. What is to be JSON the target says, which was once made by
// what value.as_json says.
type matcher struct{}

// A slot is where in a row a value of the target stands.
type slot struct {
	typ      record.Type
	leaf     int32
	def, rep uint8 // def counts a value as present
	path     string
}

func (s slot) misfit(format string, args ...any) error {
	return &record.MisfitError{Path: s.path, Detail: fmt.Sprintf(format, args...)}
}

// message makes the plan for the fields of a message and of a struct.
func (c matcher) message(md protoreflect.MessageDescriptor, t slot) (*message, error) {
	m := &message{path: t.path, oneofs: make([]int32, md.Oneofs().Len())}
	if md.Fields().Len() > fieldIndex-1 {
		return nil, t.misfit("%s has %d fields, more than %d", md.FullName(), md.Fields().Len(), fieldIndex-1)
	}
	targets := matched(md, t.typ.Fields)
	slots, leaf := make([]slot, len(t.typ.Fields)), t.leaf
	for i, f := range t.typ.Fields {
		slots[i] = slot{typ: f.Type, leaf: leaf, def: t.def, rep: t.rep, path: join(t.path, protoreflect.Name(f.Name))}
		if f.Nullable {
			slots[i].def++
		}
		leaf += int32(f.Type.Leaves())
	}
	var numbers []protoreflect.FieldDescriptor
	found := make([]bool, len(slots))
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		f := field{path: join(t.path, fd.Name())}
		if j, ok := targets[fd.Name()]; ok {
			found[j] = true
			var err error
			if f, err = c.field(fd, t.typ.Fields[j], slots[j]); err != nil {
				return nil, err
			}
		} else if fd.Cardinality() == protoreflect.Required {
			f.absence = absentRequired
		}
		if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
			f.oneof = int32(o.Index() + 1)
		}
		m.fields, numbers = append(m.fields, f), append(numbers, fd)
	}
	for j, f := range t.typ.Fields {
		if found[j] {
			continue
		}
		missing, err := c.missing(f, slots[j])
		if err != nil {
			return nil, err
		}
		m.fields = append(m.fields, missing)
	}
	m.index(numbers)
	return m, nil
}

// matched says which column each field is, by name, else by an alias.
func matched(md protoreflect.MessageDescriptor, columns []record.Field) map[protoreflect.Name]int {
	of := map[protoreflect.Name]int{}
	for i, f := range columns {
		if md.Fields().ByName(protoreflect.Name(f.Name)) != nil {
			of[protoreflect.Name(f.Name)] = i
		}
	}
	for i, f := range columns {
		if md.Fields().ByName(protoreflect.Name(f.Name)) != nil {
			continue
		}
		for _, alias := range f.Aliases {
			name := protoreflect.Name(alias)
			if _, taken := of[name]; !taken && md.Fields().ByName(name) != nil {
				of[name] = i
				break
			}
		}
	}
	return of
}

// missing is a column that the message has no field for.
func (c matcher) missing(f record.Field, t slot) (field, error) {
	out := place(t)
	var err error
	switch {
	case f.Default != nil && string(f.Default) != "null":
		out.absence = absentConstant
		out.constant, err = newConstant(f, t)
	case f.Nullable:
		out.absence = absentNull
	default:
		err = t.misfit("the writer has no such field, and the target no default for it")
	}
	return out, err
}

func place(t slot) field {
	return field{leaf: t.leaf, leaves: int32(t.typ.Leaves()), def: t.def, here: t.def, levels: t.def > 0, path: t.path}
}

// field makes the plan for a field.
func (c matcher) field(fd protoreflect.FieldDescriptor, column record.Field, t slot) (field, error) {
	var f field
	var err error
	switch {
	case t.typ.Kind == record.JSON:
		f = place(t)
		f.op, f.json = opJSON, &jsonField{fd: fd, whole: fd.Message() == nil || fd.IsList() || fd.IsMap()}
	case fd.IsMap():
		f, err = c.mapField(fd, t)
	case fd.IsList():
		f, err = c.listField(fd, t)
	default:
		f, err = c.value(fd, t)
	}
	if err != nil {
		return f, err
	}
	switch {
	case fd.IsList() || fd.IsMap():
		f.absence = absentEmpty
		if f.op == opJSON {
			f.absence = absentJSON
		}
	case fd.Cardinality() == protoreflect.Required:
		f.absence = absentRequired
	case !fd.HasPresence():
		f.absence = absentZero
		if f.op == opJSON {
			f.absence = absentJSON
		}
	case column.Nullable:
		f.absence = absentNull
	case column.Default != nil:
		f.absence = absentConstant
		f.constant, err = newConstant(column, t)
	default:
		f.absence = absentRefused
	}
	return f, err
}

func (c matcher) listField(fd protoreflect.FieldDescriptor, t slot) (field, error) {
	if t.typ.Kind != record.List {
		return field{}, t.misfit("the writer has repeated %s, the target %s", nameOf(fd), record.TypeName(t.typ))
	}
	in := t.entry("[]")
	f, err := c.value(fd, in)
	f.list, f.def, f.rep, f.leaves = true, t.def, in.rep, int32(t.typ.Leaves())
	f.cost = f.leaves
	return f, err
}

// entry is the slot of a list's elements or a map's values.
func (s slot) entry(mark string) slot {
	in := slot{typ: s.typ.Elem.Type, leaf: s.leaf, def: s.def + 1, rep: s.rep + 1, path: s.path + mark}
	if s.typ.Elem.Nullable {
		in.def++
	}
	return in
}

// mapField makes the plan for a map: its entries are messages of a key and a value.
func (c matcher) mapField(fd protoreflect.FieldDescriptor, t slot) (field, error) {
	if t.typ.Kind != record.Map {
		return field{}, t.misfit("the writer has map of %s, the target %s", nameOf(fd.MapValue()), record.TypeName(t.typ))
	}
	in := t.entry("{}")
	f := place(t)
	f.op, f.list, f.rep, f.cost = opMap, true, in.rep, f.leaves
	key := field{op: opKey, absence: absentZero, leaf: t.leaf, leaves: 1, def: t.def + 1, here: t.def + 1, levels: true, path: t.path + ".key"}
	key.convert = &conversion{from: opsOfKinds[fd.MapKey().Kind()]}
	if fd.MapKey().Kind() == protoreflect.StringKind {
		key.op = opString
	}
	in.leaf++
	value, err := c.value(fd.MapValue(), in)
	if err != nil {
		return f, err
	}
	if value.absence = absentZero; value.op == opJSONElement {
		value.op, value.absence = opJSON, absentJSON
	}
	f.texts = key.op == opString && value.op == opString
	f.msg = &message{path: t.path, fields: []field{key, value}}
	f.msg.index([]protoreflect.FieldDescriptor{fd.MapKey(), fd.MapValue()})
	return f, nil
}

// value makes the plan for one value of a field.
func (c matcher) value(fd protoreflect.FieldDescriptor, t slot) (field, error) {
	md := fd.Message()
	if md == nil {
		return c.plain(fd, t)
	}
	f := place(t)
	if t.typ.Kind == record.JSON {
		f.op, f.json = opJSONElement, &jsonField{fd: fd}
		return f, nil
	}
	f.op = opMessage
	var err error
	switch shapeOf(md) {
	case shapeTimestamp:
		final, ok := map[record.Kind]final{record.TimestampMillis: finalMillis, record.TimestampMicros: finalMicros, record.TimestampNanos: finalNanos}[t.typ.Kind]
		if !ok {
			return f, t.misfit("the writer has %s, the target %s", nameOf(fd), record.TypeName(t.typ))
		}
		f.msg = timeMessage(md, final, t)
	case shapeDuration:
		if t.typ.Kind != record.Decimal || t.typ.Scale != 9 || t.typ.Precision < durationDigits {
			return f, t.misfit("the writer has %s, the target %s", nameOf(fd), record.TypeName(t.typ))
		}
		f.msg = timeMessage(md, finalDuration, t)
	case shapeEmpty:
		if t.typ.Kind != record.Boolean {
			return f, t.misfit("the writer has %s, which has no fields and is a boolean; the target has %s", nameOf(fd), record.TypeName(t.typ))
		}
		f.msg = &message{final: finalPresence, leaf: t.leaf, def: t.def, path: t.path}
		f.msg.index(nil)
	case shapeWrapper:
		inner, err := c.plain(md.Fields().Get(0), t)
		if err != nil {
			return f, err
		}
		inner.absence = absentZero
		f.msg = &message{path: t.path, fields: []field{inner}}
		f.msg.index([]protoreflect.FieldDescriptor{md.Fields().Get(0)})
	default:
		if t.typ.Kind != record.Struct || t.typ.Union || shapeOf(md) == shapeJSON {
			return f, t.misfit("the writer has %s, the target %s", nameOf(fd), record.TypeName(t.typ))
		}
		f.msg, err = c.message(md, t)
	}
	return f, err
}

// timeMessage is a Timestamp or Duration, whose fields are kept until it ends.
func timeMessage(md protoreflect.MessageDescriptor, how final, t slot) *message {
	m := &message{final: how, leaf: t.leaf, def: t.def, path: t.path}
	var numbers []protoreflect.FieldDescriptor
	for n := range protoreflect.FieldNumber(2) {
		fd := md.Fields().ByNumber(n + 1)
		m.fields = append(m.fields, field{op: opNumber, path: join(t.path, fd.Name())})
		numbers = append(numbers, fd)
	}
	m.index(numbers)
	return m
}

// nameOf is what an error calls the type of a field.
func nameOf(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.Message() != nil:
		return string(fd.Message().FullName())
	case fd.Enum() != nil:
		return string(fd.Enum().FullName())
	}
	return fd.Kind().String()
}

// newDecoder makes the plan for a message type and a target.
func newDecoder(md protoreflect.MessageDescriptor, target *record.Schema) (*Decoder, error) {
	if target.Datum != nil {
		return nil, errors.New("rows that are datums of Avro are not made of Protobuf")
	}
	if err := target.Validate(); err != nil {
		return nil, err
	}
	c := matcher{}
	root, err := c.message(md, slot{typ: record.Type{Kind: record.Struct, Fields: target.Fields}})
	if err != nil {
		return nil, err
	}
	return &Decoder{schema: target, root: root, message: md}, nil
}
