package protobuf

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
	"shadoof/record/internal/varint"
)

// A conversion reads a number of one type as another.
type conversion struct {
	from     op // how it is on the wire
	decimals *record.Decimals
}

// plain makes the plan for a value that is no message.
func (c matcher) plain(fd protoreflect.FieldDescriptor, t slot) (field, error) {
	f := place(t)
	f.op = opsOfKinds[fd.Kind()]
	from, to := leafType(fd), t.typ
	switch f.op {
	case opString:
		if to.Kind == record.String || to.Kind == record.Bytes {
			return f, nil
		}
	case opBytes:
		if to.Kind == record.String {
			f.op = opText
		}
		if to.Kind == record.String || to.Kind == record.Bytes {
			return f, nil
		}
	case opEnum:
		if to.Kind == record.String || to.Kind == record.Enum {
			f.enum = newEnum(fd.Enum(), to)
			return f, nil
		}
	default:
		if from.Kind == to.Kind && (from.Kind != record.Decimal || to.Precision == from.Precision && to.Scale == 0 && to.Size == 0) {
			return f, nil
		}
		if f.op != opBool && converts(f.op, to) {
			f.convert = &conversion{from: f.op}
			if f.op = opConvert; to.Kind == record.Decimal {
				f.convert.decimals = record.NewDecimals(to)
			}
			return f, nil
		}
	}
	return f, t.misfit("the writer has %s, the target %s", nameOf(fd), record.TypeName(to))
}

// converts says whether numbers that an op reads can be of a type at all.
func converts(from op, to record.Type) bool {
	switch from {
	case opFloat:
		return to.Kind == record.Double
	case opDouble:
		return false
	}
	switch to.Kind {
	case record.Int64, record.Float, record.Double:
		return true
	case record.Decimal:
		return to.Scale == 0
	}
	return false
}

// signed is a number of the wire as a type with a sign; ok is false where it is beyond that.
func signed(from op, u uint64) (v int64, ok bool) {
	switch from {
	case opInt32, opSfixed32:
		return int64(int32(u)), true
	case opSint32:
		return int64(int32(varint.Signed(u & math.MaxUint32))), true
	case opSint64:
		return varint.Signed(u), true
	case opUint32:
		return int64(uint32(u)), true
	case opUint64:
		return int64(u), u <= math.MaxInt64
	}
	return int64(u), true
}

// converted appends a number as one of the target's type. It loses nothing: what the type has not got is Unfit.
func (d *Decoder) converted(f *field, u uint64, rep uint8) bool {
	c := &d.leaves[f.leaf]
	from := f.convert.from
	if from == opFloat {
		c.Doubles = append(c.Doubles, float64(math.Float32frombits(uint32(u))))
		c.AppendLevels(f.here, rep)
		return true
	}
	v, ok := signed(from, u)
	switch c.Physical {
	case record.PhysInt64:
		if ok {
			c.Int64s = append(c.Int64s, v)
		}
	case record.PhysFixedArray:
		var b [9]byte
		binary.BigEndian.PutUint64(b[1:], u)
		if ok {
			binary.BigEndian.PutUint64(b[1:], uint64(v))
			b[0] = byte(v >> 63)
		}
		c.Data, ok = f.convert.decimals.Append(c.Data, b[:])
	default:
		x := float64(v)
		if !ok {
			x = float64(u)
		}
		if c.Physical == record.PhysFloat {
			x = float64(float32(x))
		}
		if ok = exact(x, v, u, ok); ok && c.Physical == record.PhysFloat {
			c.Floats = append(c.Floats, float32(x))
		} else if ok {
			c.Doubles = append(c.Doubles, x)
		}
	}
	if !ok {
		text := strconv.FormatUint(u, 10)
		if from != opUint64 {
			text = strconv.FormatInt(v, 10)
		}
		t := c.Type
		t.Size = 0 // of the column
		d.unfit(f.path, -1, "found %s, expected a number that the target's %s has exactly", text, record.TypeName(t))
		return false
	}
	c.AppendLevels(f.here, rep)
	return true
}

// exact says whether x is the number v, or u where that has no sign.
func exact(x float64, v int64, u uint64, hasSign bool) bool {
	if hasSign {
		return x < 1<<63 && int64(x) == v
	}
	return x < 1<<64 && uint64(x) == u
}

// newConstant reads a default of the target.
func newConstant(f record.Field, t slot) (*constant, error) {
	k := &constant{}
	text := strings.TrimSpace(string(f.Default))
	var s string
	ok := false
	switch record.PhysicalOf(t.typ.Kind) {
	case record.PhysBool:
		k.boolean, ok = text == "true", text == "true" || text == "false"
	case record.PhysInt32, record.PhysInt64:
		bits := 64
		if record.PhysicalOf(t.typ.Kind) == record.PhysInt32 {
			bits = 32
		}
		var err error
		k.integer, err = strconv.ParseInt(text, 10, bits)
		ok = err == nil
	case record.PhysFloat, record.PhysDouble:
		var err error
		k.number, err = strconv.ParseFloat(text, 64)
		ok = err == nil && text != "" && strings.ContainsAny(text[len(text)-1:], "0123456789")
	case record.PhysFixedArray:
		k.bytes, ok = decimalConstant(t.typ, text)
	default:
		switch t.typ.Kind {
		case record.List:
			k.null, ok = true, text == "[]"
		case record.Map:
			k.null, ok = true, text == "{}"
		case record.Struct:
		case record.JSON:
			k.bytes, ok = []byte(text), true
		case record.Bytes:
			var err error
			if ok = json.Unmarshal(f.Default, &s) == nil; ok {
				k.bytes, err = base64.StdEncoding.DecodeString(s)
				ok = err == nil
			}
		default:
			ok = json.Unmarshal(f.Default, &s) == nil && text[0] == '"'
			k.bytes = []byte(s)
		}
	}
	if !ok {
		return nil, t.misfit("the writer has no such field, and the target's default for it, %s, is none that Protobuf has", text)
	}
	return k, nil
}

// decimalConstant is an integer as a decimal.
func decimalConstant(t record.Type, text string) ([]byte, bool) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || t.Kind != record.Decimal {
		return nil, false
	}
	n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Scale)), nil))
	d := record.NewDecimals(t)
	b := make([]byte, n.BitLen()/8+1)
	if n.Sign() < 0 {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	n.FillBytes(b)
	return d.Append(nil, b)
}
