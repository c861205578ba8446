package protobuf

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A jsonWriter writes messages by the JSON mapping of Protobuf, but for names of fields and in a FieldMask, which are those of the
// schema, and Any, whose type need not be known: it is its type_url and its value. Fields come in the order of the schema, the keys of
// maps sorted.
type jsonWriter struct {
	dst   []byte
	unfit bool // what an error is about parses, and has no form in JSON
	names map[protoreflect.MessageDescriptor]string
}

// name is wellKnown, which is asked once for each type.
func (w *jsonWriter) name(md protoreflect.MessageDescriptor) string {
	name, ok := w.names[md]
	if !ok {
		name = wellKnown(md)
		w.names[md] = name
	}
	return name
}

func (w *jsonWriter) refuse(format string, args ...any) error {
	w.unfit = true
	return fmt.Errorf(format, args...)
}

func (w *jsonWriter) object(o *object) error {
	for i := range o.md.RequiredNumbers().Len() {
		if n := o.md.RequiredNumbers().Get(i); !o.has(n) {
			return fmt.Errorf("%s: found no value, and the message's schema requires one", o.md.Fields().ByNumber(n).FullName())
		}
	}
	first := func() protoreflect.FieldDescriptor { return o.md.Fields().ByNumber(1) }
	switch w.name(o.md) {
	case "Timestamp":
		return w.timestamp(int64(o.get(1).number), int64(int32(o.get(2).number)))
	case "Duration":
		return w.duration(int64(o.get(1).number), int64(int32(o.get(2).number)))
	case "FieldMask":
		return w.fieldMask(o.slot(first()).list)
	case "Value":
		return w.anyValue(o)
	case "Struct", "ListValue":
		return w.field(first(), o.slot(first()))
	case "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue", "StringValue", "BytesValue":
		return w.value(first(), o.get(1))
	}
	w.dst = append(w.dst, '{')
	some := false
	slices.SortFunc(o.set, func(a, b values) int { return a.index - b.index })
	for i := range o.set {
		v := &o.set[i]
		fd := o.md.Fields().Get(v.index)
		if !fd.HasPresence() && isZero(fd, v) {
			continue
		}
		if some {
			w.dst = append(w.dst, ',')
		}
		some = true
		w.string(string(fd.Name()))
		w.dst = append(w.dst, ':')
		if err := w.field(fd, v); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, '}')
	return nil
}

// isZero says whether a field without presence is as good as absent.
func isZero(fd protoreflect.FieldDescriptor, v *values) bool {
	if fd.IsList() || fd.IsMap() {
		return len(v.list) == 0 && len(v.entries) == 0
	}
	number := v.one.number
	switch fd.Kind() {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind, protoreflect.EnumKind:
		number &= math.MaxUint32
	}
	return number == 0 && len(v.one.bytes) == 0
}

// anyValue writes a google.protobuf.Value. One without any value is null.
func (w *jsonWriter) anyValue(o *object) error {
	for _, v := range o.set {
		fd := o.md.Fields().Get(v.index)
		x := math.Float64frombits(v.one.number)
		switch {
		case fd.Kind() == protoreflect.EnumKind:
		case fd.Kind() == protoreflect.DoubleKind && (math.IsNaN(x) || math.IsInf(x, 0)):
			return w.refuse("found %v in a google.protobuf.Value, expected a number that JSON has", x)
		default:
			return w.value(fd, v.one)
		}
	}
	w.dst = append(w.dst, "null"...)
	return nil
}

func (w *jsonWriter) field(fd protoreflect.FieldDescriptor, v *values) error {
	switch {
	case fd.IsMap():
		return w.entries(fd, v.entries)
	case fd.IsList():
		w.dst = append(w.dst, '[')
		for i := range v.list {
			if i > 0 {
				w.dst = append(w.dst, ',')
			}
			if err := w.value(fd, v.list[i]); err != nil {
				return err
			}
		}
		w.dst = append(w.dst, ']')
		return nil
	}
	return w.value(fd, v.one)
}

func (w *jsonWriter) entries(fd protoreflect.FieldDescriptor, m map[string]value) error {
	w.dst = append(w.dst, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.string(k)
		w.dst = append(w.dst, ':')
		if err := w.value(fd.MapValue(), m[k]); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, '}')
	return nil
}

func (w *jsonWriter) value(fd protoreflect.FieldDescriptor, v value) error {
	op := opsOfKinds[fd.Kind()]
	switch op {
	case opBool:
		w.dst = strconv.AppendBool(w.dst, v.number != 0)
	case opInt32, opSfixed32, opSint32, opUint32:
		w.dst = appendKey(w.dst, op, v.number)
	case opInt64, opSfixed64, opSint64, opUint64:
		w.dst = append(appendKey(append(w.dst, '"'), op, v.number), '"')
	case opFloat:
		w.float(float64(math.Float32frombits(uint32(v.number))), 32)
	case opDouble:
		w.float(math.Float64frombits(v.number), 64)
	case opString:
		w.string(string(v.bytes))
	case opBytes:
		w.dst = append(base64.StdEncoding.AppendEncode(append(w.dst, '"'), v.bytes), '"')
	case opEnum:
		if fd.Enum().FullName() == "google.protobuf.NullValue" {
			w.dst = append(w.dst, "null"...)
		} else if e := fd.Enum().Values().ByNumber(protoreflect.EnumNumber(v.number)); e != nil {
			w.string(string(e.Name()))
		} else {
			w.dst = strconv.AppendInt(w.dst, int64(int32(v.number)), 10)
		}
	default:
		return w.object(v.object)
	}
	return nil
}

func (w *jsonWriter) float(v float64, bits int) {
	switch {
	case math.IsNaN(v):
		w.dst = append(w.dst, `"NaN"`...)
	case math.IsInf(v, 1):
		w.dst = append(w.dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		w.dst = append(w.dst, `"-Infinity"`...)
	default:
		w.dst = strconv.AppendFloat(w.dst, v, 'g', -1, bits)
	}
}

// string writes text that is UTF-8.
func (w *jsonWriter) string(s string) {
	w.dst = append(w.dst, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		w.dst = append(w.dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			w.dst = append(w.dst, '\\', c)
		case '\n':
			w.dst = append(w.dst, `\n`...)
		case '\t':
			w.dst = append(w.dst, `\t`...)
		case '\r':
			w.dst = append(w.dst, `\r`...)
		default:
			w.dst = fmt.Appendf(w.dst, `\u%04x`, c)
		}
	}
	w.dst = append(append(w.dst, s[from:]...), '"')
}

func (w *jsonWriter) timestamp(seconds, nanos int64) error {
	if seconds < firstSecond || seconds > lastSecond || nanos < 0 || nanos >= 1e9 {
		return w.refuse("found a Timestamp of %d seconds and %d nanoseconds, expected the years 1 to 9999, and less than a second", seconds, nanos)
	}
	w.dst = append(w.dst, '"')
	w.dst = time.Unix(seconds, 0).UTC().AppendFormat(w.dst, "2006-01-02T15:04:05")
	w.fraction(nanos)
	w.dst = append(w.dst, 'Z', '"')
	return nil
}

func (w *jsonWriter) duration(seconds, nanos int64) error {
	if !isDuration(seconds, nanos) {
		return w.refuse("found a Duration of %d seconds and %d nanoseconds, expected at most %d seconds, and one sign", seconds, nanos, int64(mostSeconds))
	}
	w.dst = append(w.dst, '"')
	if seconds < 0 || nanos < 0 {
		w.dst = append(w.dst, '-')
		seconds, nanos = -seconds, -nanos
	}
	w.dst = strconv.AppendInt(w.dst, seconds, 10)
	w.fraction(nanos)
	w.dst = append(w.dst, 's', '"')
	return nil
}

// fraction writes 0, 3, 6 or 9 digits.
func (w *jsonWriter) fraction(nanos int64) {
	switch {
	case nanos == 0:
	case nanos%1e6 == 0:
		w.dst = fmt.Appendf(w.dst, ".%03d", nanos/1e6)
	case nanos%1e3 == 0:
		w.dst = fmt.Appendf(w.dst, ".%06d", nanos/1e3)
	default:
		w.dst = fmt.Appendf(w.dst, ".%09d", nanos)
	}
}

// fieldMask writes paths in one string, with commas between.
func (w *jsonWriter) fieldMask(paths []value) error {
	list := make([]string, len(paths))
	for i := range list {
		list[i] = string(paths[i].bytes)
	}
	w.string(strings.Join(list, ","))
	return nil
}
