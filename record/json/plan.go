package json

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"shadoof/record"
)

// An op is how a value is read.
type op uint8

const (
	opString op = iota
	opLong
	opInt
	opDouble
	opFloat
	opBool
	opEnum
	opBytes
	opFixed
	opDecimal
	opDate
	opTime // of day, or an instant: clock says which
	opJSON
	opObject
	opList
	opMap
	opUnion
)

// A node is a place in the row. The tree has one for each, as schemas are not recursive; so what a node notes while it is walked
// belongs to one value at a time.
type node struct {
	op       op
	nullable bool
	levels   bool  // the leaf has levels
	def, rep uint8 // definition level of a value here; repetition level of a list's second and later entries
	leaf     int32 // first leaf below here
	leaves   int32 // how many there are
	path     string
	typ      record.Type
	fallback *fallback // what stands for a missing value; nil: null where that may be, else none

	kid      *node // opList, opMap
	fields   []field
	index    map[string]int32
	seen     []uint64 // bit set of the fields that the object had so far
	first    int32    // the field that the last object began with
	members  []*node  // opUnion
	marks    []int    // levels of the leaves, before a member of a union is tried
	keys     keySet   // opMap
	symbols  map[string]bool
	decimals *record.Decimals
	clock    clock
	aliases  []alias // in the order of the fields, and of each one's aliases
	standIn  *node   // opUnion: the enum whose symbol stands for others, once no member took the value
	symbol   string  // opEnum: stands for those that are not in symbols; "" for none
}

// A field of an object.
type field struct {
	node *node
	name string
	key  string // the name as it mostly stands there, with its quotes and the colon
	next int32  // the field that came after this one last time
}

type compiler struct {
	d       *Decoder
	columns *record.Columns // to decode defaults into
	leaves  int32
}

type place struct {
	path     string
	def, rep uint8
}

var ops = map[record.Kind]op{
	record.Boolean: opBool, record.Int32: opInt, record.Int64: opLong, record.Float: opFloat, record.Double: opDouble, record.Bytes: opBytes,
	record.String: opString, record.UUID: opString, record.Enum: opEnum, record.JSON: opJSON, record.Fixed: opFixed, record.Decimal: opDecimal,
	record.Date: opDate, record.Struct: opObject, record.List: opList, record.Map: opMap,
	record.TimeMillis: opTime, record.TimeMicros: opTime, record.TimestampMillis: opTime, record.TimestampMicros: opTime, record.TimestampNanos: opTime,
	record.LocalMillis: opTime, record.LocalMicros: opTime, record.LocalNanos: opTime,
}

func (c *compiler) node(f record.Field, at place) (*node, error) {
	if f.Nullable {
		at.def++
	}
	n := &node{op: ops[f.Type.Kind], nullable: f.Nullable, levels: at.def > 0, def: at.def, leaf: c.leaves, path: at.path, typ: f.Type}
	var err error
	switch n.op {
	case opObject:
		if f.Type.Union {
			n.op = opUnion
		}
		err = c.fields(n, at)
	case opList, opMap:
		err = c.entries(n, at)
	default:
		c.leaves++
		err = c.leafOf(n)
	}
	n.leaves = c.leaves - n.leaf
	if err == nil && f.Default != nil {
		err = c.fallback(n, f.Default)
	}
	return n, err
}

func (c *compiler) leafOf(n *node) error {
	switch n.op {
	case opEnum:
		n.symbols = make(map[string]bool, len(n.typ.Symbols))
		for _, s := range n.typ.Symbols {
			n.symbols[s] = true
		}
		if n.symbol = n.typ.Symbol; n.symbol != "" && !n.symbols[n.symbol] {
			return fmt.Errorf("field %s: %s, which stands for unknown symbols, is none of its own", n.path, n.symbol)
		}
	case opDecimal:
		n.decimals = record.NewDecimals(n.typ)
	case opTime:
		n.clock = clocks[n.typ.Kind]
	}
	return nil
}

func (c *compiler) fields(n *node, at place) error {
	n.index = make(map[string]int32, len(n.typ.Fields))
	n.seen = make([]uint64, (len(n.typ.Fields)+63)/64)
	for i, f := range n.typ.Fields {
		in := at
		if in.path != "" {
			in.path += "."
		}
		in.path += f.Name
		kid, err := c.node(f, in)
		if err != nil {
			return err
		}
		key := strconv.Quote(f.Name) + ":"
		if strings.Trim(key, `":`) != f.Name {
			key = "\x00" // never there: names that need escapes are always looked up
		}
		n.index[f.Name] = int32(i)
		n.fields = append(n.fields, field{node: kid, name: f.Name, key: key, next: int32((i + 1) % len(n.typ.Fields))})
		if n.op == opUnion {
			n.member(kid)
		}
	}
	for i, f := range n.typ.Fields {
		for _, name := range f.Aliases {
			if _, taken := n.index[name]; !taken {
				n.index[name] = int32(len(n.fields) + len(n.aliases))
				n.aliases = append(n.aliases, alias{field: i})
			}
		}
	}
	if n.op == opUnion {
		n.marks = make([]int, c.leaves-n.leaf)
	}
	return nil
}

// member adds a member of a union. An enum in it takes its own symbols only, as long as others may take the text.
func (n *node) member(m *node) {
	n.members = append(n.members, m)
	if m.symbol != "" {
		m.symbol = ""
		if n.standIn == nil {
			n.standIn = m
		}
	}
}

func (c *compiler) entries(n *node, at place) (err error) {
	n.rep = at.rep + 1
	in := place{path: at.path + "[]", def: at.def + 1, rep: at.rep + 1}
	if n.op == opMap {
		in.path = at.path + "{}"
		c.leaves++
	}
	n.kid, err = c.node(*n.typ.Elem, in)
	return err
}

// A fallback is a default, in the form of columns.
type fallback struct{ leaves []record.Column }

// fallback decodes a default once. The defaults of fields within it are there by then.
func (c *compiler) fallback(n *node, text []byte) error {
	d := c.d
	if strings.TrimSpace(string(text)) == "null" {
		if !n.nullable {
			return fmt.Errorf("field %s: its default is null, and it may not be null", n.path)
		}
		return nil
	}
	d.b, d.leaves, d.room = text, c.columns.Leaves, record.MaxEntries
	p := d.value(n, space(text, 0), 0)
	if p >= 0 {
		p = d.end(p)
	}
	d.b, d.leaves = nil, nil
	if p < 0 {
		return fmt.Errorf("its default: %s", d.err.Detail)
	}
	f := &fallback{}
	for _, l := range c.columns.Leaves[n.leaf:c.leaves] {
		l.Def, l.Rep = slices.Clone(l.Def), slices.Clone(l.Rep)
		l.Bools, l.Int32s, l.Int64s, l.Floats, l.Doubles = slices.Clone(l.Bools), slices.Clone(l.Int32s), slices.Clone(l.Int64s), slices.Clone(l.Floats), slices.Clone(l.Doubles)
		l.Data, l.Ends = slices.Clone(l.Data), slices.Clone(l.Ends)
		f.leaves = append(f.leaves, l)
	}
	n.fallback = f
	c.columns.Reset()
	return nil
}

// missing appends what stands for a value that is not there: the default, else null. ok is false when there is neither.
func (d *Decoder) missing(n *node, rep uint8) (ok bool) {
	if n.fallback == nil {
		if n.nullable {
			d.nulls(n, n.def-1, rep)
		}
		return n.nullable
	}
	for i := range n.fallback.leaves {
		from, to := &n.fallback.leaves[i], &d.leaves[int(n.leaf)+i]
		at := len(to.Rep)
		to.Def, to.Rep = append(to.Def, from.Def...), append(to.Rep, from.Rep...)
		if to.MaxRep > 0 {
			to.Rep[at] = rep
		}
		to.Bools, to.Int32s, to.Int64s = append(to.Bools, from.Bools...), append(to.Int32s, from.Int32s...), append(to.Int64s, from.Int64s...)
		to.Floats, to.Doubles = append(to.Floats, from.Floats...), append(to.Doubles, from.Doubles...)
		base := uint32(len(to.Data))
		to.Data = append(to.Data, from.Data...)
		for _, end := range from.Ends {
			to.Ends = append(to.Ends, base+end)
		}
	}
	return true
}

// nulls appends one entry to each leaf below n: null at the level def.
func (d *Decoder) nulls(n *node, def, rep uint8) {
	for i := range d.leaves[n.leaf : n.leaf+n.leaves] {
		d.leaves[int(n.leaf)+i].AppendLevels(def, rep)
	}
}

// expects is what an error says of the values that n takes.
func (n *node) expects() string {
	s := n.takes()
	if n.nullable {
		s += " or null"
	}
	return s
}

func (n *node) takes() string {
	switch n.op {
	case opBool:
		return "true or false"
	case opInt:
		return "an integer of 32 bits"
	case opLong:
		return "an integer of 64 bits"
	case opFloat, opDouble:
		return "a number within the range of a " + string(n.typ.Kind)
	case opEnum:
		if len(n.typ.Symbols) > 8 {
			return fmt.Sprintf("one of %d symbols", len(n.typ.Symbols))
		}
		return "one of " + strings.Join(n.typ.Symbols, ", ")
	case opBytes:
		return "a string of base64"
	case opFixed:
		return fmt.Sprintf("a string of base64 for %d bytes", n.typ.Size)
	case opDecimal:
		return fmt.Sprintf("a decimal(%d,%d)", n.typ.Precision, n.typ.Scale)
	case opDate:
		return "days since 1970 or YYYY-MM-DD"
	case opTime:
		return n.clock.expects
	case opJSON:
		return "JSON"
	case opObject, opMap:
		return "an object"
	case opList:
		return "an array"
	case opUnion:
		kinds := make([]string, len(n.members))
		for i, m := range n.members {
			kinds[i] = m.takes()
		}
		return strings.Join(kinds, ", or ")
	}
	return "a string"
}
