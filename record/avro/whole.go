package avro

import (
	"encoding/binary"
	"math"

	"shadoof/record"
	"shadoof/record/internal/varint"
)

// whole makes the node of a value that is walked over as it was written, without leaves: to drop it, or to print it as JSON. It has a
// node for each field, and those of a type within itself form a circle.
func (r *resolver) whole(w typ, path string) (n node, err error) {
	n = node{path: path, other: &difference{}}
	switch w.kind() {
	case "null":
		n.op = opNull
	case "union":
		n.op, n.kids = opUnion, make([]node, len(w.Branches))
		null := -1
		for i := range w.Branches {
			b := w.inner(&w.Branches[i])
			if n.kids[i], err = r.whole(b, path); err != nil {
				return n, err
			}
			if b.Type == "null" {
				null = i
			}
		}
		if null >= 0 && len(n.kids) == 2 {
			n = n.kids[1-null]
			n.null = nullability(2*null + 1)
		}
	case "record":
		return r.wholeRecord(w, path)
	case "array":
		n.op, n.kids = opList, make([]node, 1)
		n.kids[0], err = r.wholeEntry(w.inner(w.Items), path+"[]")
	case "map":
		n.op, n.kids = opList, []node{{op: opString, path: path + ".key", other: &difference{}}, {}}
		n.kids[1], err = r.whole(w.inner(w.Values), path+"{}")
	default:
		var t record.Type
		t, n.op, err = w.leaf()
		n.size, n.symbols, n.other.typ = t.Size, t.Symbols, t
	}
	return n, err
}

func (r *resolver) wholeRecord(w typ, path string) (node, error) {
	if n, ok := r.records[w.name()]; ok {
		return n, nil
	}
	n := node{op: opRecord, path: path, kids: make([]node, len(w.Fields)), other: &difference{}}
	for _, f := range w.Fields {
		n.other.symbols = append(n.other.symbols, string(record.AppendText(nil, f.Name))+":")
	}
	if r.records == nil {
		r.records = map[string]node{}
	}
	r.records[w.name()] = n // its kids are filled in below, also for those within
	for i := range w.Fields {
		var err error
		if n.kids[i], err = r.whole(w.inner(&w.Fields[i].Type), join(path, w.Fields[i].Name)); err != nil {
			return n, err
		}
	}
	return n, nil
}

// wholeEntry refuses entries that take no bytes, of which no data would end the list.
func (r *resolver) wholeEntry(w typ, path string) (node, error) {
	if w.Type == "null" || w.kind() == "record" && len(w.Fields) == 0 {
		return node{}, &record.MisfitError{Path: path, Detail: "the writer has a list of " + w.String() + ": there is nothing to read"}
	}
	return r.whole(w, path)
}

// walk goes over a value as it was written: the position after it, or -1. If the decoder prints it writes the value as JSON.
//
// It refuses what fields refuses but for three things. A string that is not printed may have any bytes, a decimal any number of digits, a
// time any value: none of it moves the place where the next field begins. All that does is checked as ever, so that bytes of
// another schema do not pass for this one's.
func (d *Decoder) walk(n *node, p int) int {
	b := d.b
	if n.null != never {
		if p >= len(b) {
			return d.short(n, p)
		}
		x := b[p]
		if nullability(x+1) == n.null {
			d.print("null")
			return p + 1
		}
		if x != 2-byte(n.null-1) {
			return d.badBranch(n, p)
		}
		p++
	}
	switch n.op {
	case opString, opBytes, opDecimal:
		q, end := pastBytes(b, p)
		if end < 0 || end == q && n.op == opDecimal {
			return d.badLength(n, p)
		}
		return d.printBytes(n, q, end)
	case opLong, opMillis, opInt, opTimeMicros, opTimeMillis:
		u, q := varint.Read(b, p)
		if q < 0 || u > math.MaxUint32 && (n.op == opInt || n.op == opTimeMillis) {
			return d.badVarint(n, p)
		}
		if d.prints {
			d.text = record.AppendInteger(d.text, n.other.typ.Kind, varint.Signed(u))
		}
		return q
	case opRecord, opList, opUnion:
		return d.walkInto(n, p)
	case opEnum:
		u, q := varint.Read(b, p)
		if q < 0 || u&1 != 0 || u>>1 >= uint64(len(n.symbols)) {
			return d.badIndex(n, p, "symbol", len(n.symbols))
		}
		if d.prints {
			d.text = record.AppendText(d.text, n.symbols[u>>1])
		}
		return q
	case opNull:
		d.print("null")
		return p
	}
	return d.walkFixed(n, p)
}

// walkFixed goes over a value whose length does not depend on it.
func (d *Decoder) walkFixed(n *node, p int) int {
	b, size := d.b, 1
	switch n.op {
	case opFloat:
		size = 4
	case opDouble:
		size = 8
	case opBool:
	default:
		size = n.fixedSize()
	}
	end := p + size
	if len(b)-p < size {
		return d.short(n, p)
	}
	switch n.op {
	case opFloat:
		if d.prints {
			d.text = record.AppendFloat(d.text, float64(math.Float32frombits(binary.LittleEndian.Uint32(b[p:]))), 32)
		}
	case opDouble:
		if d.prints {
			d.text = record.AppendFloat(d.text, math.Float64frombits(binary.LittleEndian.Uint64(b[p:])), 64)
		}
	case opBool:
		if b[p] > 1 {
			return d.badBool(n, p)
		}
		d.print([]string{"false", "true"}[b[p]])
	default:
		return d.printBytes(n, p, end)
	}
	return end
}

// walkInto goes over a value that holds others.
func (d *Decoder) walkInto(n *node, p int) int {
	if d.depth++; d.depth > record.MaxDepth {
		return d.unfit(n, p, "found more than %d levels of records, lists and unions in each other", record.MaxDepth)
	}
	if d.room--; d.room < 0 || d.prints && len(d.text) > d.most {
		return d.tooMuch(n, p)
	}
	switch n.op {
	case opList:
		p = d.walkList(n, p)
	case opUnion:
		u, q := varint.Read(d.b, p)
		if q < 0 || u&1 != 0 || u>>1 >= uint64(len(n.kids)) {
			return d.badIndex(n, p, "branch", len(n.kids))
		}
		p = d.walk(&n.kids[u>>1], q)
	default:
		for i := range n.kids {
			if i == 0 {
				d.print("{")
			} else {
				d.print(",")
			}
			d.print(n.other.symbols[i])
			if p = d.walk(&n.kids[i], p); p < 0 {
				return -1
			}
		}
		if len(n.kids) == 0 {
			d.print("{")
		}
		d.print("}")
	}
	d.depth--
	return p
}

// walkList goes over the entries of an array or a map one by one, even where a block says how many bytes it has: a size that is wrong would
// put the next field anywhere.
func (d *Decoder) walkList(n *node, p int) int {
	first, brackets := true, [2]string{"[", "]"}
	if len(n.kids) == 2 {
		brackets = [2]string{"{", "}"}
	}
	d.print(brackets[0])
	for {
		at := p
		count, end, q := d.block(n, p)
		if q < 0 {
			return -1
		}
		if count == 0 {
			d.print(brackets[1])
			return q
		}
		for p = q; count > 0; count-- {
			if !first {
				d.print(",")
			}
			first = false
			if d.room--; d.room < 0 || d.prints && len(d.text) > d.most {
				return d.tooMuch(n, p)
			}
			if p = d.walk(&n.kids[0], p); p >= 0 && len(n.kids) == 2 {
				d.print(":")
				p = d.walk(&n.kids[1], p)
			}
			if p < 0 {
				return -1
			}
		}
		if end >= 0 && p != end {
			return d.badBlock(n, at, p, end)
		}
	}
}

func (d *Decoder) tooMuch(n *node, p int) int {
	return d.unfit(n, p, "found more than %d values in the lists of one record", record.MaxEntries)
}
