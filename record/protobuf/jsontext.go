package protobuf

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
)

// maxJSON is how deep JSON may be nested, as in record/json.
const maxJSON = 512

// A jsonWriter writes messages by the JSON mapping of Protobuf, but for names of fields, which are those of the schema, and Any, whose
// type need not be known: it is its type_url and its value. Fields come in the order of the schema, the keys of maps sorted.
type jsonWriter struct {
	dst   []byte
	depth int
	unfit bool // what an error is about parses, and has no form in JSON
}

func (w *jsonWriter) refuse(format string, args ...any) error {
	w.unfit = true
	return fmt.Errorf(format, args...)
}

func (w *jsonWriter) message(m protoreflect.Message) error {
	if w.depth == 0 {
		if err := proto.CheckInitialized(m.Interface()); err != nil {
			return errors.New("found no value of a field that the message's schema requires: " + strings.TrimPrefix(err.Error(), "proto: "))
		}
	}
	if w.depth++; w.depth > maxJSON {
		return fmt.Errorf("found values nested deeper than %d", maxJSON)
	}
	defer func() { w.depth-- }()
	fields := m.Descriptor().Fields()
	get := func(n protoreflect.FieldNumber) protoreflect.Value { return m.Get(fields.ByNumber(n)) }
	switch name := wellKnown(m.Descriptor()); name {
	case "":
	case "Timestamp":
		return w.timestamp(get(1).Int(), get(2).Int())
	case "Duration":
		return w.duration(get(1).Int(), get(2).Int())
	case "FieldMask":
		return w.fieldMask(get(1).List())
	case "Value":
		return w.anyValue(m)
	case "Struct", "ListValue":
		return w.field(fields.ByNumber(1), get(1))
	default:
		if shapeOf(m.Descriptor()) == shapeWrapper {
			return w.single(fields.ByNumber(1), get(1))
		}
	}
	w.dst = append(w.dst, '{')
	first := true
	for i := range fields.Len() {
		fd := fields.Get(i)
		if !m.Has(fd) {
			continue
		}
		if !first {
			w.dst = append(w.dst, ',')
		}
		first = false
		if err := w.string(string(fd.Name())); err != nil {
			return err
		}
		w.dst = append(w.dst, ':')
		if err := w.field(fd, m.Get(fd)); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, '}')
	return nil
}

// anyValue writes a google.protobuf.Value.
func (w *jsonWriter) anyValue(m protoreflect.Message) error {
	fd := m.WhichOneof(m.Descriptor().Oneofs().Get(0))
	if fd == nil || fd.Kind() == protoreflect.EnumKind {
		w.dst = append(w.dst, "null"...)
		return nil
	}
	v := m.Get(fd)
	if fd.Kind() == protoreflect.DoubleKind && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)) {
		return w.refuse("found %v in a google.protobuf.Value, expected a number that JSON has", v.Float())
	}
	return w.single(fd, v)
}

func (w *jsonWriter) field(fd protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch {
	case fd.IsMap():
		return w.entries(fd, v.Map())
	case fd.IsList():
		w.dst = append(w.dst, '[')
		for i := range v.List().Len() {
			if i > 0 {
				w.dst = append(w.dst, ',')
			}
			if err := w.single(fd, v.List().Get(i)); err != nil {
				return err
			}
		}
		w.dst = append(w.dst, ']')
		return nil
	}
	return w.single(fd, v)
}

func (w *jsonWriter) entries(fd protoreflect.FieldDescriptor, m protoreflect.Map) error {
	keys := make([]protoreflect.MapKey, 0, m.Len())
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k)
		return true
	})
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int { return strings.Compare(a.String(), b.String()) })
	w.dst = append(w.dst, '{')
	for i, k := range keys {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		if err := w.string(k.String()); err != nil {
			return err
		}
		w.dst = append(w.dst, ':')
		if err := w.single(fd.MapValue(), m.Get(k)); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, '}')
	return nil
}

func (w *jsonWriter) single(fd protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		w.dst = strconv.AppendBool(w.dst, v.Bool())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		w.dst = strconv.AppendInt(w.dst, v.Int(), 10)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		w.dst = strconv.AppendUint(w.dst, v.Uint(), 10)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		w.dst = append(strconv.AppendInt(append(w.dst, '"'), v.Int(), 10), '"')
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		w.dst = append(strconv.AppendUint(append(w.dst, '"'), v.Uint(), 10), '"')
	case protoreflect.FloatKind:
		w.float(v.Float(), 32)
	case protoreflect.DoubleKind:
		w.float(v.Float(), 64)
	case protoreflect.StringKind:
		return w.string(v.String())
	case protoreflect.BytesKind:
		w.dst = append(base64.StdEncoding.AppendEncode(append(w.dst, '"'), v.Bytes()), '"')
	case protoreflect.EnumKind:
		if fd.Enum().FullName() == "google.protobuf.NullValue" {
			w.dst = append(w.dst, "null"...)
		} else if e := fd.Enum().Values().ByNumber(v.Enum()); e != nil {
			return w.string(string(e.Name()))
		} else {
			w.dst = strconv.AppendInt(w.dst, int64(v.Enum()), 10)
		}
	default:
		return w.message(v.Message())
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
		b, err := json.Marshal(v)
		if bits == 32 {
			b, err = json.Marshal(float32(v))
		}
		if err != nil {
			panic(err) // finite numbers always have a form
		}
		w.dst = append(w.dst, b...)
	}
}

func (w *jsonWriter) string(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("found %s, expected UTF-8", record.Shorten([]byte(s)))
	}
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
	return nil
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

// fieldMask writes paths in one string, with commas between. They keep the names of the schema.
func (w *jsonWriter) fieldMask(paths protoreflect.List) error {
	list := make([]string, paths.Len())
	for i := range list {
		list[i] = paths.Get(i).String()
	}
	return w.string(strings.Join(list, ","))
}
