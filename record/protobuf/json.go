package protobuf

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A jsonField makes one column of JSON of a field. It goes by values in between: such fields are rare, and their depth has no end.
type jsonField struct {
	fd    protoreflect.FieldDescriptor
	whole bool    // the object is a message with that field alone; else it is the field's message
	read  *object // what was read so far
}

// object is what was read so far.
func (j *jsonField) object() *object {
	if j.read == nil {
		j.read = &object{md: j.fd.Message()}
		if j.whole {
			j.read.md = j.fd.ContainingMessage()
		}
	}
	return j.read
}

// jsonValue reads one value of a field, and appends it where it is an element of a list.
func (d *Decoder) jsonValue(f *field, x uint64, at, p, end int, rep uint8) int {
	q := d.skip(f.path, x, at, p, end)
	if q < 0 {
		return -1
	}
	part := d.b[at:q]
	switch {
	case f.json.whole:
	case x&7 == wireGroup:
		part, _ = protowire.ConsumeGroup(protowire.Number(x>>3), d.b[p:q])
	default:
		part, _ = protowire.ConsumeBytes(d.b[p:q])
	}
	if _, err := f.json.object().read(part, 0, 0); err != nil {
		return d.undecodable(f.path, at, "%v", err)
	}
	if f.op == opJSONElement && !d.endJSON(f, rep) {
		return -1
	}
	return q
}

// endJSON appends the JSON of what was read.
func (d *Decoder) endJSON(f *field, rep uint8) bool {
	if d.names == nil {
		d.names = map[protoreflect.MessageDescriptor]string{}
	}
	w := jsonWriter{dst: d.text[:0], names: d.names}
	var err error
	if o := f.json.object(); f.json.whole {
		err = w.field(f.json.fd, o.slot(f.json.fd))
	} else {
		err = w.object(o)
	}
	f.json.read, d.text = nil, w.dst
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
