package protobuf

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
)

// An object is a message as values, on its way to JSON.
type object struct {
	md   protoreflect.MessageDescriptor
	set  []values // of the fields that are there, in the order in which they came first
	next int      // where the field may be that comes next
	lost bool     // a number was left out that its closed enum has not got
}

// values are what a field has.
type values struct {
	index   int // of the field
	one     value
	list    []value
	entries map[string]value
}

// A value aliases the record.
type value struct {
	number uint64
	bytes  []byte
	object *object
}

// maxMessages is how deep messages may be nested that become JSON. A google.protobuf.Struct takes two for each of its levels.
const maxMessages = 1000

var (
	errWire = errors.New("found data that is no message")
	errDeep = fmt.Errorf("found messages nested deeper than %d", maxMessages)
)

// find is where a field's values are, or -1.
func (o *object) find(index int) int {
	for range len(o.set) {
		if o.next >= len(o.set) {
			o.next = 0
		}
		if o.set[o.next].index == index {
			return o.next
		}
		o.next++
	}
	return -1
}

// slot has the values of a field, to be read or changed until the next one is asked for.
func (o *object) slot(fd protoreflect.FieldDescriptor) *values {
	i := o.find(fd.Index())
	if i < 0 {
		i = len(o.set)
		o.set = append(o.set, values{index: fd.Index()})
	}
	return &o.set[i]
}

// has says whether a field is there.
func (o *object) has(number protoreflect.FieldNumber) bool {
	return o.find(o.md.Fields().ByNumber(number).Index()) >= 0
}

// get is the value of a field that is not repeated.
func (o *object) get(number protoreflect.FieldNumber) value {
	if i := o.find(o.md.Fields().ByNumber(number).Index()); i >= 0 {
		return o.set[i].one
	}
	return value{}
}

// read merges what b has into the object: all of it, or up to the end of a group. It returns the rest.
func (o *object) read(b []byte, group protowire.Number, depth int) ([]byte, error) {
	if depth > maxMessages {
		return nil, errDeep
	}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 || num > maxNumber {
			return nil, errWire
		}
		b = b[n:]
		if typ == protowire.EndGroupType && num == group {
			return b, nil
		}
		fd := o.md.Fields().ByNumber(num)
		if fd != nil && fd.Kind() == protoreflect.GroupKind && typ == protowire.StartGroupType {
			in := o.child(fd)
			rest, err := in.read(b, num, depth+1)
			if err != nil {
				return nil, err
			}
			b = rest
			continue
		}
		size := protowire.ConsumeFieldValue(num, typ, b)
		if size < 0 {
			return nil, errWire
		}
		if fd != nil {
			if err := o.field(fd, uint64(typ), b[:size], depth); err != nil {
				return nil, err
			}
		}
		b = b[size:]
	}
	if group != 0 {
		return nil, errWire
	}
	return nil, nil
}

// child is the message that a field goes on with, or a new one.
func (o *object) child(fd protoreflect.FieldDescriptor) *object {
	o.clearOneof(fd)
	s := o.slot(fd)
	if fd.IsList() {
		in := &object{md: fd.Message()}
		s.list = append(s.list, value{object: in})
		return in
	}
	if s.one.object == nil {
		s.one.object = &object{md: fd.Message()}
	}
	return s.one.object
}

// clearOneof takes the other members of a oneof out.
func (o *object) clearOneof(fd protoreflect.FieldDescriptor) {
	if of := fd.ContainingOneof(); of != nil && len(o.set) > 0 && !of.IsSynthetic() {
		for i := range of.Fields().Len() {
			if other := of.Fields().Get(i).Index(); other != fd.Index() {
				o.set = slices.DeleteFunc(o.set, func(v values) bool { return v.index == other })
			}
		}
	}
}

// field takes one value of a field, b, or many that are packed. What is of another wire type is left out.
func (o *object) field(fd protoreflect.FieldDescriptor, typ uint64, b []byte, depth int) error {
	natural := wireType(fd.Kind())
	if typ == wireBytes && natural != wireBytes && natural != wireGroup && fd.IsList() {
		b, _ = protowire.ConsumeBytes(b)
		for len(b) > 0 {
			n := protowire.ConsumeFieldValue(fd.Number(), protowire.Type(natural), b)
			if n < 0 {
				return errWire
			}
			o.plain(fd, b[:n])
			b = b[n:]
		}
		return nil
	}
	if typ != natural {
		return nil
	}
	if typ != wireBytes {
		o.plain(fd, b)
		return nil
	}
	b, _ = protowire.ConsumeBytes(b)
	switch {
	case fd.IsMap():
		return o.entry(fd, b, depth)
	case fd.Message() != nil:
		_, err := o.child(fd).read(b, 0, depth+1)
		return err
	case fd.Kind() == protoreflect.StringKind && !record.ValidText(b):
		return fmt.Errorf("%s: found %s, expected UTF-8", fd.Name(), record.Shorten(b))
	}
	o.add(fd, value{bytes: b})
	return nil
}

// plain takes a number.
func (o *object) plain(fd protoreflect.FieldDescriptor, b []byte) {
	var u uint64
	switch wireType(fd.Kind()) {
	case wireFixed64:
		u, _ = protowire.ConsumeFixed64(b)
	case wireFixed32:
		v, _ := protowire.ConsumeFixed32(b)
		u = uint64(v)
	default:
		u, _ = protowire.ConsumeVarint(b)
	}
	if e := fd.Enum(); e != nil && e.IsClosed() && e.Values().ByNumber(protoreflect.EnumNumber(u)) == nil {
		o.lost = true
		return
	}
	o.add(fd, value{number: u})
}

func (o *object) add(fd protoreflect.FieldDescriptor, v value) {
	o.clearOneof(fd)
	if s := o.slot(fd); fd.IsList() {
		s.list = append(s.list, v)
	} else {
		s.one = v
	}
}

// entry takes an entry of a map.
func (o *object) entry(fd protoreflect.FieldDescriptor, b []byte, depth int) error {
	in := object{md: fd.Message()}
	if _, err := in.read(b, 0, depth); err != nil {
		return err
	}
	k, v := in.get(1), in.get(2)
	if in.lost && !in.has(2) {
		return nil
	}
	if v.object == nil && fd.MapValue().Message() != nil {
		v.object = &object{md: fd.MapValue().Message()}
	}
	key := string(k.bytes)
	if fd.MapKey().Kind() != protoreflect.StringKind {
		key = string(appendKey(nil, opsOfKinds[fd.MapKey().Kind()], k.number))
	}
	s := o.slot(fd)
	if s.entries == nil {
		s.entries = map[string]value{}
	}
	s.entries[key] = v
	return nil
}
