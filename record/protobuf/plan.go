package protobuf

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
)

// An op is how a value is read and what is appended.
type op uint8

const (
	opSkip op = iota // the target has no such field
	opString
	opBytes
	opText // of bytes
	opInt32
	opInt64
	opSfixed32
	opSfixed64
	opUint32 // also fixed32
	opUint64 // also fixed64
	opSint32
	opSint64
	opBool
	opFloat
	opDouble
	opEnum
	opConvert // a number as one of another type
	opKey     // a number or bool as the text of a map's key
	opNumber  // kept in the field: a part of a Timestamp or Duration
	opMessage
	opMap
	opJSON // its bytes are kept until the message ends
	opJSONElement
)

// An absence is what a message has for a field that was not on the wire.
type absence uint8

const (
	absentNothing  absence = iota
	absentNull             // a null
	absentEmpty            // an empty list or map
	absentZero             // zero, "", a message without fields
	absentConstant         // the target's default
	absentJSON             // the JSON text of nothing
	absentRefused          // the target has no place for it: Unfit
	absentRequired         // Undecodable
)

// A field is a place in the row. The tree has one for each, as rows have a fixed depth; so what a field or message notes while it
// is read belongs to one value at a time.
type field struct {
	op      op
	absence absence
	list    bool  // repeated; a map, too
	levels  bool  // the leaf has levels
	texts   bool  // opMap: from text to text
	def     uint8 // definition level of a value here; of an empty list
	here    uint8 // definition level of a value of a leaf, or of an element
	rep     uint8 // of a list's second and later entries
	oneof   int32 // 1 + index in message.oneofs; 0 for none
	leaf    int32 // first leaf below here
	leaves  int32 // how many there are
	cost    int32 // of an entry, against MaxEntries: leaves, or 0 where it is no list
	word    int32 // where message.seen has its bit
	bit     uint64
	wire    uint64   // wire type of one value
	msg     *message // opMessage; opMap: the entry

	enum     *enum
	convert  *conversion
	constant *constant
	json     *jsonField
	number   int64 // opNumber
	path     string
}

// A message is a message type at a place.
type message struct {
	fields []field  // all that the writer has; a field without a number is one that it lacks
	byTag  []uint16 // by number and wire type: 1 + index of the field; flags say what is unusual about it
	large  map[uint64]uint16
	all    []uint64 // bit set of fields whose absence means something
	late   []uint64 // bit set of fields that end when the message ends
	final  final
	leaf   int32 // of what final appends
	def    uint8
	path   string

	seen   []uint64 // bit set of fields that this message had so far
	oneofs []int32  // 1 + index of the member that was set last; that it was in this message only seen says
	lost   bool     // entry of a map: its value is a number without a name
}

// A final is what a message appends to its one leaf when it ends.
type final uint8

const (
	finalNone final = iota
	finalPresence
	finalMillis
	finalMicros
	finalNanos
	finalDuration
)

// Flags of message.byTag.
const (
	special    = 1 << 14 // a member of a oneof, a closed enum, JSON
	packed     = 1 << 15 // many numbers in one value
	fieldIndex = special - 1
)

// wireTypes of the kinds that are no varint.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireGroup   = 3
	wireEnd     = 4
	wireFixed32 = 5
)

func wireType(k protoreflect.Kind) uint64 {
	switch k {
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return wireFixed64
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return wireFixed32
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return wireBytes
	case protoreflect.GroupKind:
		return wireGroup
	}
	return wireVarint
}

var opsOfKinds = map[protoreflect.Kind]op{
	protoreflect.BoolKind: opBool, protoreflect.EnumKind: opEnum, protoreflect.Int32Kind: opInt32, protoreflect.Sint32Kind: opSint32,
	protoreflect.Uint32Kind: opUint32, protoreflect.Int64Kind: opInt64, protoreflect.Sint64Kind: opSint64, protoreflect.Uint64Kind: opUint64,
	protoreflect.Sfixed32Kind: opSfixed32, protoreflect.Fixed32Kind: opUint32, protoreflect.FloatKind: opFloat, protoreflect.Sfixed64Kind: opSfixed64,
	protoreflect.Fixed64Kind: opUint64, protoreflect.DoubleKind: opDouble, protoreflect.StringKind: opString, protoreflect.BytesKind: opBytes,
}

// index makes the tables by which fields are found.
func (m *message) index(numbers []protoreflect.FieldDescriptor) {
	words := (len(m.fields) + 63) / 64
	m.all, m.late, m.seen = make([]uint64, words), make([]uint64, words), make([]uint64, words)
	highest := 0
	for i := range m.fields {
		f := &m.fields[i]
		f.word, f.bit = int32(i/64), 1<<(i%64)
		if f.absence != absentNothing {
			m.all[f.word] |= f.bit
		}
		if f.op == opMap || f.op == opJSON || f.op == opMessage && !f.list {
			m.late[f.word] |= f.bit
		}
		if i < len(numbers) {
			highest = max(highest, int(numbers[i].Number()))
		}
	}
	if highest <= 64+8*len(m.fields) {
		m.byTag = make([]uint16, 8*(highest+1))
	} else {
		m.large = map[uint64]uint16{}
	}
	for i, fd := range numbers {
		f := &m.fields[i]
		at := uint16(i + 1)
		if f.oneof > 0 || f.op == opJSON || f.dropsNumbers() || f.op == opMap && f.msg.fields[1].dropsNumbers() {
			at |= special
		}
		tag := uint64(fd.Number()) << 3
		f.wire = wireType(fd.Kind())
		m.setTag(tag|f.wire, at)
		if fd.IsList() && wireType(fd.Kind()) != wireBytes && wireType(fd.Kind()) != wireGroup {
			m.setTag(tag|wireBytes, at|packed)
		}
	}
}

// dropsNumbers says whether numbers may be unknown fields.
func (f *field) dropsNumbers() bool { return f.enum != nil && f.enum.closed }

func (m *message) setTag(tag uint64, at uint16) {
	if m.large != nil {
		m.large[tag] = at
	} else {
		m.byTag[tag] = at
	}
}

// reset forgets a message that was not read to its end.
func (m *message) reset() {
	clear(m.seen)
	m.lost = false
	for i := range m.fields {
		f := &m.fields[i]
		f.number = 0
		if f.json != nil {
			f.json.read = nil
		}
		if f.msg != nil {
			f.msg.reset()
		}
	}
}

// A constant is a value of the target, for each row the same.
type constant struct {
	boolean bool
	integer int64
	number  float64
	bytes   []byte
	null    bool // at the level of the field, such as an empty list
}

// append appends the constant to the leaves of f.
func (k *constant) append(leaves []record.Column, f *field, rep uint8) {
	if k.null {
		nulls(leaves, f, f.def, rep)
		return
	}
	c := &leaves[f.leaf]
	c.AppendLevels(f.here, rep)
	switch c.Physical {
	case record.PhysBool:
		c.Bools = append(c.Bools, k.boolean)
	case record.PhysInt32:
		c.Int32s = append(c.Int32s, int32(k.integer))
	case record.PhysInt64:
		c.Int64s = append(c.Int64s, k.integer)
	case record.PhysFloat:
		c.Floats = append(c.Floats, float32(k.number))
	case record.PhysDouble:
		c.Doubles = append(c.Doubles, k.number)
	case record.PhysFixedArray:
		c.Data = append(c.Data, k.bytes...)
	default:
		c.AppendBytes(k.bytes)
	}
}

// nulls appends one entry to each leaf of f: null at the level def.
func nulls(leaves []record.Column, f *field, def, rep uint8) {
	for i := range leaves[f.leaf : f.leaf+f.leaves] {
		leaves[int(f.leaf)+i].AppendLevels(def, rep)
	}
}
