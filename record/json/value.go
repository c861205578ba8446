package json

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"shadoof/record"
)

// value reads the value at p into the leaves below n and returns the position after it, or -1. rep is the repetition level of
// what is appended first to each leaf. White space before p is gone.
func (d *Decoder) value(n *node, p int, rep uint8) int {
	b := d.b
	if p >= len(b) {
		return d.syntax(p, n.expects())
	}
	if b[p] == 'n' && n.op != opJSON {
		return d.null(n, p, rep)
	}
	switch n.op {
	case opString:
		if b[p] != '"' {
			return d.mismatch(n, p)
		}
		end, escapes := d.scan(p + 1)
		if end < 0 {
			return -1
		}
		c := &d.leaves[n.leaf]
		if escapes {
			data, bad := unescape(c.Data, b[p+1:end])
			if bad >= 0 {
				return d.syntax(p+1+bad, "an escape sequence of JSON")
			}
			c.Data = data
		} else {
			c.Data = append(c.Data, b[p+1:end]...)
		}
		if n.levels {
			c.AppendLevels(n.def, rep)
		}
		c.Ends = append(c.Ends, uint32(len(c.Data)))
		return end + 1
	case opLong:
		v, end := d.integer(n, p)
		if end < 0 {
			return -1
		}
		c := &d.leaves[n.leaf]
		if n.levels {
			c.AppendLevels(n.def, rep)
		}
		c.Int64s = append(c.Int64s, v)
		return end
	case opInt:
		v, end := d.integer(n, p)
		if end < 0 {
			return -1
		}
		if v != int64(int32(v)) {
			return d.mismatch(n, p)
		}
		c := &d.leaves[n.leaf]
		if n.levels {
			c.AppendLevels(n.def, rep)
		}
		c.Int32s = append(c.Int32s, int32(v))
		return end
	case opDouble, opFloat:
		return d.float(n, p, rep)
	case opObject:
		return d.object(n, p, rep)
	case opList:
		return d.list(n, p, rep)
	case opMap:
		return d.entries(n, p, rep)
	case opUnion:
		return d.union(n, p, rep)
	case opDecimal:
		return d.decimal(n, p, rep)
	case opDate, opTime:
		return d.time(n, p, rep)
	}
	return d.scalar(n, p, rep)
}

// null reads null: as the default where the place may not be null.
func (d *Decoder) null(n *node, p int, rep uint8) int {
	if end := d.literal(p, "null"); end < 0 {
		return -1
	}
	switch {
	case n.nullable:
		d.nulls(n, n.def-1, rep)
	case !d.missing(n, rep):
		return d.mismatch(n, p)
	}
	return p + 4
}

func (d *Decoder) literal(p int, word string) int {
	if len(d.b)-p < len(word) || string(d.b[p:p+len(word)]) != word {
		return d.syntax(p, word)
	}
	return p + len(word)
}

// scalar reads a value of the rarer kinds.
func (d *Decoder) scalar(n *node, p int, rep uint8) (end int) {
	c, b := &d.leaves[n.leaf], d.b
	switch n.op {
	case opBool:
		switch b[p] {
		case 't':
			end = d.literal(p, "true")
		case 'f':
			end = d.literal(p, "false")
		default:
			return d.mismatch(n, p)
		}
		if end < 0 {
			return -1
		}
		c.Bools = append(c.Bools, b[p] == 't')
	case opJSON:
		if end = d.skip(p); end < 0 {
			return -1
		}
		c.AppendBytes(b[p:end])
	case opEnum:
		var v []byte
		if v, end = d.text(n, p); end < 0 {
			return -1
		}
		switch {
		case n.symbols[string(v)]:
			c.AppendBytes(v)
		case n.symbol != "":
			c.AppendString(n.symbol)
		default:
			return d.mismatch(n, p)
		}
	default: // opBytes, opFixed
		var v []byte
		if v, end = d.text(n, p); end < 0 {
			return -1
		}
		from := len(c.Data)
		data, err := base64.StdEncoding.AppendDecode(c.Data, v)
		if err != nil || n.op == opFixed && len(data)-from != n.typ.Size || bytes.ContainsAny(v, "\r\n") { // the package skips line ends
			return d.mismatch(n, p)
		}
		c.Data = data
		if n.op == opBytes {
			c.Ends = append(c.Ends, uint32(len(c.Data)))
		}
	}
	c.AppendLevels(n.def, rep)
	return end
}

// list reads an array.
func (d *Decoder) list(n *node, p int, rep uint8) int {
	b := d.b
	if b[p] != '[' {
		return d.mismatch(n, p)
	}
	p = space(b, p+1)
	if p < len(b) && b[p] == ']' {
		d.nulls(n, n.def, rep)
		return p + 1
	}
	for {
		if d.room -= int(n.leaves); d.room < 0 {
			return d.tooMany(n)
		}
		if p = d.value(n.kid, p, rep); p < 0 {
			return -1
		}
		rep = n.rep
		p = space(b, p)
		switch {
		case p < len(b) && b[p] == ',':
			p = space(b, p+1)
		case p < len(b) && b[p] == ']':
			return p + 1
		default:
			return d.syntax(p, "a comma or ]")
		}
	}
}

// entries reads an object as a map.
func (d *Decoder) entries(n *node, p int, rep uint8) int {
	b := d.b
	if b[p] != '{' {
		return d.mismatch(n, p)
	}
	p = space(b, p+1)
	if p < len(b) && b[p] == '}' {
		d.nulls(n, n.def, rep)
		return p + 1
	}
	keys := &d.leaves[n.leaf]
	n.keys.begin(keys)
	for {
		if d.room -= int(n.leaves); d.room < 0 {
			return d.tooMany(n)
		}
		at := p
		if p >= len(b) || b[p] != '"' {
			return d.syntax(p, "a name or }")
		}
		end, escapes := d.scan(p + 1)
		if end < 0 {
			return -1
		}
		data, bad := appendText(keys.Data, b[p+1:end], escapes)
		if bad >= 0 {
			return d.syntax(p+1+bad, "an escape sequence of JSON")
		}
		keys.Data = data
		keys.AppendLevels(n.def+1, rep)
		keys.Ends = append(keys.Ends, uint32(len(keys.Data)))
		if n.keys.addLast(keys) {
			return d.syntax(at, "a name that is not yet in the map "+n.path)
		}
		if p = d.colon(end + 1); p < 0 {
			return -1
		}
		if p = d.value(n.kid, p, rep); p < 0 {
			return -1
		}
		rep = n.rep
		p = space(b, p)
		switch {
		case p < len(b) && b[p] == ',':
			p = space(b, p+1)
		case p < len(b) && b[p] == '}':
			return p + 1
		default:
			return d.syntax(p, "a comma or }")
		}
	}
}

func (d *Decoder) tooMany(n *node) int {
	return d.unfit(n, fmt.Sprintf("more than %d values in the lists of one record", record.MaxEntries))
}

// colon skips the colon after a name, and white space around it.
func (d *Decoder) colon(p int) int {
	p = space(d.b, p)
	if p >= len(d.b) || d.b[p] != ':' {
		return d.syntax(p, "a colon")
	}
	return space(d.b, p+1)
}

// union tries the members that go with the kind of value at p, in two rounds for numbers.
func (d *Decoder) union(n *node, p int, rep uint8) int {
	integer := isInteger(d.b, p)
	var first *record.BadRecord
	tried := 0
	for round := range 2 {
		for _, m := range n.members {
			if m.round(d.b[p], integer) != round {
				continue
			}
			tried++
			end := d.try(m, n.marks, p, rep)
			if end >= 0 {
				d.others(n, m, rep)
				return end
			}
			if d.err.Reason != record.Unfit {
				return -1
			}
			if first == nil {
				first = d.err
			}
		}
	}
	if m := n.standIn; m != nil && d.b[p] == '"' {
		m.symbol = m.typ.Symbol
		end := d.try(m, n.marks, p, rep)
		m.symbol = ""
		if end >= 0 {
			d.others(n, m, rep)
		}
		return end
	}
	if tried == 1 {
		d.err = first // it says more than that no member took the value
		return -1
	}
	return d.mismatch(n, p)
}

// others appends a null to the members of a union that do not have the value.
func (d *Decoder) others(n, that *node, rep uint8) {
	for _, m := range n.members {
		if m != that {
			d.nulls(m, n.def, rep)
		}
	}
}

// try reads a value into a member of a union, or leaves no trace. Within a union each leaf has levels.
func (d *Decoder) try(m *node, marks []int, p int, rep uint8) int {
	leaves := d.leaves[m.leaf : m.leaf+m.leaves]
	marks = marks[:len(leaves)]
	for i := range leaves {
		marks[i] = len(leaves[i].Def)
	}
	unknown := d.unknown
	if end := d.value(m, p, rep); end >= 0 {
		return end
	}
	for i := range leaves {
		leaves[i].Truncate(marks[i])
	}
	d.unknown = unknown
	return -1
}

// round says when a member of a union is tried on a value that begins with c: 0 or 1, or -1 for never.
func (n *node) round(c byte, integer bool) int {
	var ok bool
	switch n.op {
	case opString, opEnum, opBytes, opFixed:
		ok = c == '"'
	case opBool:
		ok = c == 't' || c == 'f'
	case opObject, opMap:
		ok = c == '{'
	case opList:
		ok = c == '['
	case opJSON:
		ok = true
	case opDate, opTime, opDecimal:
		if c == '"' {
			return 0
		}
	}
	if ok {
		return 0
	}
	if c != '-' && (c < '0' || c > '9') {
		return -1
	}
	switch n.op {
	case opInt, opLong, opDate, opTime:
		if integer {
			return 0
		}
		return 1
	case opFloat, opDouble, opDecimal:
		if integer {
			return 1
		}
		return 0
	}
	return -1
}

// isInteger says whether a number at p is written as an integer.
func isInteger(b []byte, p int) bool {
	if p < len(b) && b[p] == '-' {
		p++
	}
	for p < len(b) && b[p]-'0' <= 9 {
		p++
	}
	return p >= len(b) || b[p] != '.' && b[p]|0x20 != 'e'
}
