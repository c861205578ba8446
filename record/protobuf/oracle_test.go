package protobuf_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/structpb"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
)

// oracle says what row a message is, by way of dynamicpb: slow and plain. It shares nothing with the decoder but what a row is.
func oracle(md protoreflect.MessageDescriptor, wire []byte) (row []any, f filter, err error) {
	wire, err = f.message(md, wire)
	if err != nil {
		return nil, f, err
	}
	m := dynamicpb.NewMessage(md)
	if err := proto.Unmarshal(wire, m); err != nil {
		return nil, f, err
	}
	row, err = structRow(m)
	return row, f, err
}

// A filter counts unknown fields, and takes those away that dynamicpb takes for values: numbers that a closed enum has not got. It also
// takes unknown fields out of the entries of maps, where a key of another wire type makes dynamicpb panic.
type filter struct {
	unknown  int64
	entry    bool // the message is the entry of a map
	replaced bool // some value gave way to a later one, so that what is wrong with it may not show
}

var errWire = errors.New("bad wire data")

func (f *filter) message(md protoreflect.MessageDescriptor, b []byte) (out []byte, _ error) {
	seen := map[protowire.Number]bool{}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 || num > protowire.MaxValidNumber {
			return nil, fmt.Errorf("%w: tag in %x", errWire, b)
		}
		size := protowire.ConsumeFieldValue(num, typ, b[n:])
		if size < 0 {
			return nil, fmt.Errorf("%w: field %d of type %d in %x", errWire, num, typ, b)
		}
		whole, value := b[:n+size], b[n:n+size]
		b = b[n+size:]
		fd := md.Fields().ByNumber(num)
		if fd != nil && (!fd.IsList() || fd.IsMap()) {
			id := num
			if fd.ContainingOneof() != nil {
				id = protowire.Number(-1 - fd.ContainingOneof().Index())
			}
			f.replaced = f.replaced || seen[id]
			seen[id] = true
		}
		kept, err := f.value(fd, num, typ, value)
		switch {
		case err != nil:
			return nil, err
		case kept == nil: // as it is
			out = append(out, whole...)
		default:
			out = append(out, kept...)
		}
	}
	return out, nil
}

// value returns what stands for a field: nil for what stood there.
func (f *filter) value(fd protoreflect.FieldDescriptor, num protowire.Number, typ protowire.Type, value []byte) ([]byte, error) {
	unknown := func() ([]byte, error) {
		f.unknown++
		if f.entry {
			return []byte{}, nil
		}
		return nil, nil
	}
	if fd == nil {
		return unknown()
	}
	natural := wireOf(fd)
	if typ != natural && !(fd.IsList() && typ == protowire.BytesType && natural != protowire.BytesType && natural != protowire.StartGroupType) {
		return unknown()
	}
	tag := protowire.AppendTag(nil, num, typ)
	switch {
	case fd.IsMap():
		payload, _ := protowire.ConsumeBytes(value)
		entry := filter{entry: true}
		out, err := entry.message(fd.Message(), payload)
		if err != nil {
			return nil, err
		}
		f.unknown += entry.unknown
		f.replaced = f.replaced || entry.replaced
		if hadValue, lost := entryValues(fd, payload, out); lost && !hadValue {
			return []byte{}, nil
		}
		return protowire.AppendBytes(tag, out), nil
	case fd.Message() != nil:
		var payload []byte
		if typ == protowire.StartGroupType {
			payload, _ = protowire.ConsumeGroup(num, value)
		} else {
			payload, _ = protowire.ConsumeBytes(value)
		}
		in := filter{}
		out, err := in.message(fd.Message(), payload)
		if !isJSON(fd.Message()) { // what is unknown there is not counted
			f.unknown += in.unknown
		}
		f.replaced = f.replaced || in.replaced
		if err != nil {
			return nil, err
		}
		if typ == protowire.StartGroupType {
			return protowire.AppendGroup(tag, num, out), nil
		}
		return protowire.AppendBytes(tag, out), nil
	case fd.Enum() == nil || !fd.Enum().IsClosed():
		return nil, nil
	case typ == protowire.BytesType:
		payload, _ := protowire.ConsumeBytes(value)
		var kept []byte
		for len(payload) > 0 {
			u, n := protowire.ConsumeVarint(payload)
			if n < 0 {
				return nil, fmt.Errorf("%w: numbers of field %d in %x", errWire, num, payload)
			}
			if fd.Enum().Values().ByNumber(protoreflect.EnumNumber(u)) == nil {
				f.unknown++
			} else {
				kept = protowire.AppendVarint(kept, u)
			}
			payload = payload[n:]
		}
		return protowire.AppendBytes(tag, kept), nil
	}
	u, _ := protowire.ConsumeVarint(value)
	if fd.Enum().Values().ByNumber(protoreflect.EnumNumber(u)) == nil {
		f.unknown++
		return []byte{}, nil
	}
	return nil, nil
}

// entryValues says whether an entry has a value after filtering, and whether a number of a closed enum was taken away.
func entryValues(fd protoreflect.FieldDescriptor, before, after []byte) (has, lost bool) {
	count := func(b []byte) (n int) {
		for len(b) > 0 {
			num, typ, size := protowire.ConsumeField(b)
			if num == 2 && typ == wireOf(fd.MapValue()) {
				n++
			}
			b = b[size:]
		}
		return n
	}
	return count(after) > 0, count(after) < count(before)
}

func wireOf(fd protoreflect.FieldDescriptor) protowire.Type {
	switch fd.Kind() {
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}

func isJSON(md protoreflect.MessageDescriptor) bool {
	return slices.Contains([]protoreflect.FullName{"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"}, md.FullName())
}

func structRow(m protoreflect.Message) ([]any, error) {
	row := []any{}
	for i := range m.Descriptor().Fields().Len() {
		fd := m.Descriptor().Fields().Get(i)
		v, err := fieldValue(m, fd)
		if err != nil {
			return nil, err
		}
		row = append(row, v)
	}
	return row, nil
}

func fieldValue(m protoreflect.Message, fd protoreflect.FieldDescriptor) (any, error) {
	switch {
	case fd.IsMap():
		entries := []recordtest.Entry{}
		var failed error
		m.Get(fd).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			if !utf8.ValidString(k.String()) {
				failed = errors.New("UTF-8")
			}
			in, err := oneValue(fd.MapValue(), v)
			if err != nil {
				failed = err
			}
			entries = append(entries, recordtest.Entry{Key: k.String(), Value: in})
			return true
		})
		slices.SortFunc(entries, func(a, b recordtest.Entry) int { return cmp.Compare(a.Key, b.Key) })
		return entries, failed
	case fd.IsList():
		list := []any{}
		for i := range m.Get(fd).List().Len() {
			v, err := oneValue(fd, m.Get(fd).List().Get(i))
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case fd.HasPresence() && !m.Has(fd):
		return nil, nil
	}
	return oneValue(fd, m.Get(fd))
}

func oneValue(fd protoreflect.FieldDescriptor, v protoreflect.Value) (any, error) {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return v.Bool(), nil
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return int32(v.Int()), nil
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return v.Int(), nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return int64(v.Uint()), nil
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return recordtest.TwosComplement(new(big.Int).SetUint64(v.Uint()), 9), nil
	case protoreflect.FloatKind:
		if math.IsNaN(v.Float()) {
			return float32(math.NaN()), nil
		}
		return float32(v.Float()), nil
	case protoreflect.DoubleKind:
		return v.Float(), nil
	case protoreflect.StringKind:
		if !utf8.ValidString(v.String()) {
			return nil, errors.New("UTF-8")
		}
		return v.String(), nil
	case protoreflect.BytesKind:
		return string(v.Bytes()), nil
	case protoreflect.EnumKind:
		if e := fd.Enum().Values().ByNumber(v.Enum()); e != nil {
			return string(e.Name()), nil
		}
		return strconv.Itoa(int(v.Enum())), nil
	}
	return messageValue(v.Message())
}

func messageValue(m protoreflect.Message) (any, error) {
	md := m.Descriptor()
	first, second := md.Fields().ByNumber(1), md.Fields().ByNumber(2)
	switch md.FullName() {
	case "google.protobuf.Timestamp":
		s, n := m.Get(first).Int(), m.Get(second).Int()
		if s < -62135596800 || s > 253402300799 || n < 0 || n > 999999999 {
			return nil, fmt.Errorf("a time of %d, %d", s, n)
		}
		return s*1e6 + n/1e3, nil
	case "google.protobuf.Duration":
		s, n := m.Get(first).Int(), m.Get(second).Int()
		if s < -315576000000 || s > 315576000000 || n < -999999999 || n > 999999999 || s < 0 && n > 0 || s > 0 && n < 0 {
			return nil, fmt.Errorf("a duration of %d, %d", s, n)
		}
		v := new(big.Int).Mul(big.NewInt(s), big.NewInt(1e9))
		return recordtest.TwosComplement(v.Add(v, big.NewInt(n)), record.DecimalSize(21)), nil
	case "google.protobuf.Struct":
		return parsed(m, &structpb.Struct{})
	case "google.protobuf.Value":
		return parsed(m, &structpb.Value{})
	case "google.protobuf.ListValue":
		return parsed(m, &structpb.ListValue{})
	}
	switch {
	case md.ParentFile().Path() == "google/protobuf/wrappers.proto":
		return oneValue(first, m.Get(first))
	case md.Fields().Len() == 0:
		return true, nil
	}
	return structRow(m)
}

// parsed is what JSON means, as asText prints it.
func parsed(m protoreflect.Message, into proto.Message) (any, error) {
	b, err := proto.Marshal(m.Interface())
	if err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(b, into); err != nil {
		return nil, err
	}
	if !finite(into.ProtoReflect()) {
		return nil, errors.New("no number")
	}
	switch v := into.(type) {
	case *structpb.Struct:
		return jsonMeaning{v.AsMap()}, nil
	case *structpb.ListValue:
		return jsonMeaning{v.AsSlice()}, nil
	case *structpb.Value:
		return jsonMeaning{v.AsInterface()}, nil
	}
	panic("no JSON")
}

// jsonMeaning is what a text of JSON says.
type jsonMeaning struct{ Value any }

func finite(m protoreflect.Message) bool {
	ok := true
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Kind() == protoreflect.DoubleKind:
			ok = ok && !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0)
		case fd.IsMap():
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				ok = ok && finite(v.Message())
				return true
			})
		case fd.IsList():
			for i := range v.List().Len() {
				ok = ok && finite(v.List().Get(i).Message())
			}
		case fd.Message() != nil:
			ok = ok && finite(v.Message())
		}
		return true
	})
	return ok
}

// comparable brings a row into the form of the oracle's: maps are sorted, JSON is what it says.
func comparable(fields []record.Field, row []any) []any {
	out := make([]any, len(row))
	for i, f := range fields {
		out[i] = comparableValue(f.Type, row[i])
	}
	return out
}

func comparableValue(t record.Type, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		if t.Kind == record.Struct {
			return comparable(t.Fields, v)
		}
		out := []any{}
		for _, e := range v {
			out = append(out, comparableValue(t.Elem.Type, e))
		}
		return out
	case []recordtest.Entry:
		out := []recordtest.Entry{}
		for _, e := range v {
			out = append(out, recordtest.Entry{Key: e.Key, Value: comparableValue(t.Elem.Type, e.Value)})
		}
		slices.SortFunc(out, func(a, b recordtest.Entry) int { return cmp.Compare(a.Key, b.Key) })
		return out
	case float32: // dynamicpb keeps floats as doubles, which makes signalling NaN quiet
		if v != v {
			return float32(math.NaN())
		}
	case string:
		if t.Kind == record.JSON {
			var in any
			if err := json.Unmarshal([]byte(v), &in); err != nil {
				return fmt.Errorf("%s: %w", v, err)
			}
			return jsonMeaning{in}
		}
	}
	return v
}
