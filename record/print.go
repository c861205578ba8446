package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"
)

// A Printer writes the rows of columns as JSON, one after the other. The columns must not change meanwhile.
//
// Integers are exact numbers, decimals exact strings, bytes base64; instants are RFC 3339 with the digits of their unit, wall clocks the
// same without a zone. What no text stands for (a year beyond 9999, NaN) is a number in the unit, or a string. A union is an object with
// the one member that is set. Control characters are escaped, so that a row is one line and harmless to a terminal.
type Printer struct {
	columns *Columns
	at      []place
}

// A place is where a leaf's next level and value are.
type place struct{ level, value int }

// NewPrinter begins with the first row. Rows that are datums cannot be printed.
func NewPrinter(c *Columns) *Printer { return &Printer{c, make([]place, len(c.Leaves))} }

// Next appends the first so many top-level fields of the next row as an object; all with fields < 0. There must be a next row.
func (p *Printer) Next(dst []byte, fields int) []byte {
	all := p.columns.Schema.Fields
	if fields < 0 || fields > len(all) {
		fields = len(all)
	}
	dst, leaf := p.object(dst, all[:fields], 0, 0, 0)
	for i := leaf; i < len(p.at); i++ {
		p.skipRow(i)
	}
	return dst
}

// skipRow moves a leaf to its next row.
func (p *Printer) skipRow(leaf int) {
	c := &p.columns.Leaves[leaf]
	for {
		p.take(leaf)
		if c.MaxRep == 0 || p.at[leaf].level == len(c.Rep) || c.Rep[p.at[leaf].level] == 0 {
			return
		}
	}
}

// take moves a leaf past one level entry, and past its value if it has one.
func (p *Printer) take(leaf int) (hasValue bool) {
	c, at := &p.columns.Leaves[leaf], &p.at[leaf]
	hasValue = p.def(leaf) == c.MaxDef
	at.level++
	if hasValue {
		at.value++
	}
	return hasValue
}

func (p *Printer) def(leaf int) uint8 {
	if c := &p.columns.Leaves[leaf]; c.MaxDef > 0 {
		return c.Def[p.at[leaf].level]
	}
	return 0
}

// object writes fields whose leaves begin at leaf, and returns the leaf after them. def and rep are the levels at which the object is there.
func (p *Printer) object(dst []byte, fields []Field, leaf int, def, rep uint8) ([]byte, int) {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendText(dst, f.Name), ':')
		dst, leaf = p.field(dst, &f, leaf, def, rep)
	}
	return append(dst, '}'), leaf
}

func (p *Printer) field(dst []byte, f *Field, leaf int, def, rep uint8) ([]byte, int) {
	after := leaf + f.Type.Leaves()
	if f.Nullable {
		if def++; p.def(leaf) < def {
			return append(dst, "null"...), p.takeAll(leaf, after)
		}
	}
	switch f.Type.Kind {
	case Struct:
		if f.Type.Union {
			return p.union(dst, f.Type.Fields, leaf, def, rep), after
		}
		return p.object(dst, f.Type.Fields, leaf, def, rep)
	case List:
		return p.list(dst, f.Type.Elem, leaf, def+1, rep+1), after
	case Map:
		return p.mapped(dst, f.Type.Elem, leaf, def+1, rep+1), after
	}
	at := p.at[leaf].value
	p.take(leaf)
	return appendLeaf(dst, &p.columns.Leaves[leaf], at), after
}

// takeAll moves the leaves of something that is absent past the entry that says so.
func (p *Printer) takeAll(leaf, after int) int {
	for ; leaf < after; leaf++ {
		p.take(leaf)
	}
	return leaf
}

// union writes the member that is set, under its name.
func (p *Printer) union(dst []byte, members []Field, leaf int, def, rep uint8) []byte {
	dst = append(dst, '{')
	empty := len(dst)
	for i := range members {
		m := &members[i]
		if p.def(leaf) <= def {
			leaf = p.takeAll(leaf, leaf+m.Type.Leaves())
			continue
		}
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		dst = append(AppendText(dst, m.Name), ':')
		dst, leaf = p.field(dst, m, leaf, def, rep)
	}
	return append(dst, '}')
}

// list writes the elements, which are there at the levels def and rep.
func (p *Printer) list(dst []byte, elem *Field, leaf int, def, rep uint8) []byte {
	dst = append(dst, '[')
	if p.def(leaf) < def {
		p.takeAll(leaf, leaf+elem.Type.Leaves())
		return append(dst, ']')
	}
	for {
		dst, _ = p.field(dst, elem, leaf, def, rep)
		if !p.goesOn(leaf, rep) {
			return append(dst, ']')
		}
		dst = append(dst, ',')
	}
}

// mapped is list for a map, whose first leaf is the key.
func (p *Printer) mapped(dst []byte, elem *Field, leaf int, def, rep uint8) []byte {
	dst = append(dst, '{')
	if p.def(leaf) < def {
		p.takeAll(leaf, leaf+1+elem.Type.Leaves())
		return append(dst, '}')
	}
	for {
		key := p.columns.Leaves[leaf].Value(p.at[leaf].value)
		p.take(leaf)
		dst = append(AppendText(dst, string(key)), ':')
		dst, _ = p.field(dst, elem, leaf+1, def, rep)
		if !p.goesOn(leaf, rep) {
			return append(dst, '}')
		}
		dst = append(dst, ',')
	}
}

// goesOn says whether a leaf's next entry is of the same list.
func (p *Printer) goesOn(leaf int, rep uint8) bool {
	c, at := &p.columns.Leaves[leaf], p.at[leaf].level
	return at < len(c.Rep) && c.Rep[at] == rep
}

// appendLeaf writes the i-th value of a leaf.
func appendLeaf(dst []byte, c *Column, i int) []byte {
	switch c.Physical {
	case PhysBool:
		return strconv.AppendBool(dst, c.Bools[i])
	case PhysInt32:
		return AppendInteger(dst, c.Type.Kind, int64(c.Int32s[i]))
	case PhysInt64:
		return AppendInteger(dst, c.Type.Kind, c.Int64s[i])
	case PhysFloat:
		return AppendFloat(dst, float64(c.Floats[i]), 32)
	case PhysDouble:
		return AppendFloat(dst, c.Doubles[i], 64)
	}
	v := c.Value(i)
	switch c.Type.Kind {
	case Bytes, Fixed:
		dst = append(dst, '"')
		return append(base64.StdEncoding.AppendEncode(dst, v), '"')
	case Decimal:
		return append(AppendDecimal(append(dst, '"'), v, c.Type.Scale), '"')
	case JSON:
		var b bytes.Buffer
		if utf8.Valid(v) && json.Compact(&b, v) == nil {
			return append(dst, b.Bytes()...)
		}
	}
	return AppendText(dst, string(v))
}

// AppendFloat writes a number of 32 or 64 bits as JSON, exactly; NaN and infinity as strings.
func AppendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, bits)
}

// AppendDecimal writes an unscaled value, big-endian two's complement, as the number of JSON that it is.
func AppendDecimal(dst, v []byte, scale int) []byte {
	n := new(big.Int).SetBytes(v)
	if len(v) > 0 && v[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
	}
	if n.Sign() < 0 {
		dst = append(dst, '-')
	}
	digits := n.Abs(n).String()
	for len(digits) <= scale {
		digits = "0" + digits
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	if scale > 0 {
		dst = append(append(dst, '.'), digits[len(digits)-scale:]...)
	}
	return dst
}

// printedTimes are how many a second has of a kind's unit, and how a value is written.
var printedTimes = map[Kind]struct {
	perSecond int64
	layout    string
}{
	Date:            {0, "2006-01-02"},
	TimeMillis:      {1e3, "15:04:05.000"},
	TimeMicros:      {1e6, "15:04:05.000000"},
	TimestampMillis: {1e3, "2006-01-02T15:04:05.000Z"},
	TimestampMicros: {1e6, "2006-01-02T15:04:05.000000Z"},
	TimestampNanos:  {1e9, "2006-01-02T15:04:05.000000000Z"},
	LocalMillis:     {1e3, "2006-01-02T15:04:05.000"},
	LocalMicros:     {1e6, "2006-01-02T15:04:05.000000"},
	LocalNanos:      {1e9, "2006-01-02T15:04:05.000000000"},
}

const secondsOfDay = 86400

// AppendInteger writes a whole number as JSON: those of a time's kind as a [Printer] writes times.
func AppendInteger(dst []byte, k Kind, v int64) []byte {
	how, isTime := printedTimes[k]
	if !isTime {
		return strconv.AppendInt(dst, v, 10)
	}
	seconds, rest := v*secondsOfDay, int64(0)
	if how.perSecond > 0 {
		seconds, rest = v/how.perSecond, v%how.perSecond
		if rest < 0 {
			seconds, rest = seconds-1, rest+how.perSecond
		}
		rest *= 1e9 / how.perSecond
	}
	t := time.Unix(seconds, rest).UTC()
	clock := k == TimeMillis || k == TimeMicros
	if y := t.Year(); clock && (seconds < 0 || seconds >= secondsOfDay) || y < 0 || y > 9999 {
		return strconv.AppendInt(dst, v, 10)
	}
	dst = append(dst, '"')
	return append(t.AppendFormat(dst, how.layout), '"')
}

// AppendText writes a JSON string. Beyond what JSON asks for it escapes the other control characters, and the two that end a line in
// some programs; what is not UTF-8 becomes replacement characters.
func AppendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029':
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
