package avro

import (
	"fmt"
	"slices"
	"strconv"

	"shadoof/record"
)

// A Resolution reads what one schema wrote into the columns of another, its target, by Avro's rules of schema resolution: fields by
// name or by the target's aliases, promotions, defaults for what the writer lacks, nothing for what the target lacks. It is immutable.
// What both schemas have alike costs what it costs without.
type Resolution struct {
	target *record.Schema
	plan   []node
}

// Resolve compiles a pair of schemas. It is an error, which names the field, when they do not fit: a type that cannot become another,
// a field without a default that the writer lacks, a union of the writer of which nothing but null fits.
//
// What depends on the data is Unfit when it comes: another branch of such a union, a symbol that the target's enum has not got, where
// that has no default; bytes for a string that are not UTF-8.
//
// Where the specification leaves room: of a union's types that fit, one that is the same goes before one that needs a promotion.
// Logical types are the target's, but two different ones do not fit (timestamps of other units, decimals of another scale), and a
// string is no decimal.
func Resolve(writer, target *Parsed) (*Resolution, error) {
	r := &resolver{target: target}
	w := (&compiler{named: writer.named}).typ(writer.root, "")
	t := slot{typ: (&compiler{named: target.named}).typ(target.root, ""), field: record.Field{Type: record.Type{Kind: record.Struct, Fields: target.Schema.Fields}}}
	plan, err := r.field(w, t)
	if err != nil {
		return nil, fmt.Errorf("read avro schema %s as %s: %w", writer.Schema.Name, target.Schema.Name, err)
	}
	return &Resolution{target.Schema, plan}, nil
}

// NewDecoder makes a decoder; several may be made from one resolution.
func (r *Resolution) NewDecoder() *Decoder { return &Decoder{schema: r.target, plan: r.plan} }

// A resolver walks both schemas at once and makes the plan in the order of the writer. Where they are alike it makes the plan that
// the compiler makes.
type resolver struct {
	target  *Parsed
	scratch *record.Columns // to try defaults on
}

// A slot is where in a row a type of the target stands. A field of type null has one without leaves.
type slot struct {
	typ
	field record.Field
	leaf  int32
	at    place // its def and rep are those around it, and of a value if it may not be null
}

func (t slot) leaves() int32 {
	if t.field.Type.Kind == "" {
		return 0
	}
	return int32(t.field.Type.Leaves())
}

// branch is the slot of a union's branch. Its def counts a value as present.
func (t slot) branch(i int) slot {
	in := t
	in.typ, in.field.Nullable = t.inner(&t.Branches[i]), false
	if t.field.Nullable {
		in.at.def++
	}
	if !t.field.Type.Union || in.Type == "null" {
		return in
	}
	member := 0
	for j := range i {
		if t.inner(&t.Branches[j]).Type != "null" {
			in.leaf += int32(t.field.Type.Fields[member].Type.Leaves())
			member++
		}
	}
	in.field = record.Field{Type: t.field.Type.Fields[member].Type}
	in.at = in.at.field("member" + strconv.Itoa(member))
	in.at.def++
	return in
}

// fields are the slots of a record's fields.
func (t slot) fields() []slot {
	slots := make([]slot, len(t.Fields))
	leaf, columns := t.leaf, t.field.Type.Fields
	for i := range slots {
		s := &slots[i]
		*s = slot{typ: t.inner(&t.Fields[i].Type), leaf: leaf, at: t.at.field(t.Fields[i].Name)}
		s.at.namespace = t.namespace
		if s.Type != "null" {
			s.field, columns = columns[0], columns[1:]
			leaf += s.leaves()
		}
	}
	return slots
}

// fieldNamed is the field that the writer's field of a name is: -1 for none. A name goes before an alias.
func (t slot) fieldNamed(name string) int {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return i
		}
	}
	for i := range t.Fields {
		if slices.Contains(t.Fields[i].Aliases, name) {
			return i
		}
	}
	return -1
}

// field resolves a type of the writer, and makes the nodes that read it and give something to each leaf of the slot.
func (r *resolver) field(w typ, t slot) ([]node, error) {
	if w.Type == "union" {
		return r.union(w, t)
	}
	n, fits, err := r.single(w, t)
	switch {
	case err != nil:
		return nil, err
	case !fits:
		return nil, misfit(w, t.typ, t.at.path)
	case t.Type == "null": // nothing on the wire, nothing in a column
		return nil, nil
	case t.field.Type.Union && n.op != opNull:
		n = node{op: opMember, leaf: t.leaf, leaves: t.leaves(), def: t.at.def, path: t.at.path, kids: []node{n}}
		if t.field.Nullable {
			n.def++
		}
	case n.op == opRecord:
		return n.kids, nil
	}
	return []node{n}, nil
}

// union resolves a union of the writer, branch by branch.
func (r *resolver) union(w typ, t slot) ([]node, error) {
	kids, null, fitting, wanted := make([]node, len(w.Branches)), -1, 0, ""
	for i := range w.Branches {
		b := w.inner(&w.Branches[i])
		n, fits, err := r.single(b, t)
		switch {
		case err != nil:
			return nil, err
		case !fits:
			if wanted == "" {
				wanted = t.String()
			}
			n = node{op: opRefuse, leaf: t.leaf, leaves: t.leaves(), path: t.at.path, other: &difference{found: b.String(), wanted: wanted}}
		case b.Type != "null":
			fitting++
		case n.op == opNull:
			null = i
		}
		kids[i] = n
	}
	switch {
	case fitting == 0:
		return nil, misfit(w, t.typ, t.at.path)
	case null >= 0 && len(kids) == 2 && !t.field.Type.Union:
		n := kids[1-null]
		n.null = nullability(2*null + 1)
		return []node{n}, nil
	}
	u := node{op: opUnion, leaf: t.leaf, leaves: t.leaves(), def: t.at.def, path: t.at.path, kids: kids}
	if t.field.Nullable {
		u.def++
	}
	return []node{u}, nil
}

// single resolves a type that is no union into one node, whose leaves are those of the target's branch where that is a union.
func (r *resolver) single(w typ, t slot) (n node, fits bool, err error) {
	in := t
	if t.Type == "union" {
		best, of := unfit, -1
		for i := range t.Branches {
			if g := w.grade(t.inner(&t.Branches[i])); g > best {
				best, of = g, i
			}
		}
		if of < 0 {
			return n, false, nil
		}
		in = t.branch(of)
	} else if w.grade(t.typ) == unfit {
		return n, false, nil
	}
	switch in.kind() {
	case "null":
		return node{op: opNull, leaf: t.leaf, leaves: t.leaves(), def: t.at.def, path: t.at.path}, true, nil
	case "record":
		n, err = r.record(w, in)
	case "array", "map":
		n, err = r.repeated(w, in)
	default:
		n = r.value(w, in)
	}
	return n, true, err
}

// record resolves a record: its fields in the writer's order, then those that the writer lacks.
func (r *resolver) record(w typ, t slot) (node, error) {
	rec := node{op: opRecord, leaf: t.leaf, leaves: t.leaves(), def: t.at.def, path: t.at.path}
	slots := t.fields()
	from := make([]string, len(slots))
	c := &compiler{named: w.schema.named}
	for i := range w.Fields {
		f := &w.Fields[i]
		in := w.inner(&f.Type)
		j := t.fieldNamed(f.Name)
		if j < 0 {
			if in.Type == "null" {
				continue
			}
			at := t.at.field(f.Name)
			at.namespace = w.namespace
			_, nodes, err := c.field(f.Name, &f.Type, at)
			if err != nil {
				return rec, err
			}
			rec.kids = dropped(rec.kids, nodes)
			continue
		}
		if from[j] != "" {
			return rec, fmt.Errorf("field %s: the writer has two fields for it, %s and %s, by its name and its aliases", slots[j].at.path, from[j], f.Name)
		}
		from[j] = f.Name
		nodes, err := r.field(in, slots[j])
		if err != nil {
			return rec, err
		}
		rec.kids = append(rec.kids, nodes...)
	}
	var missing []int
	for j := range slots {
		if from[j] == "" {
			missing = append(missing, j)
		}
	}
	n, err := r.missing(t, slots, missing)
	if n.op == opMissing && len(n.kids) > 0 {
		rec.kids = append(rec.kids, n)
	}
	return rec, err
}

// dropped appends to the nodes of a record those of a field that the target lacks.
func dropped(kids, nodes []node) []node {
	if n := len(kids); n > 0 && kids[n-1].op == opDropped {
		kids[n-1].kids = append(kids[n-1].kids, nodes...)
		return kids
	}
	return append(kids, node{op: opDropped, kids: nodes, path: nodes[0].path})
}

// repeated resolves an array or a map.
func (r *resolver) repeated(w typ, t slot) (node, error) {
	n := node{op: opList, leaf: t.leaf, leaves: t.leaves(), def: t.at.def, rep: t.at.rep + 1, path: t.at.path}
	in := slot{field: *t.field.Type.Elem, leaf: t.leaf, at: t.at}
	in.at.def, in.at.rep = t.at.def+1, t.at.rep+1
	var elem typ
	if t.Type == "map" {
		n.kids = []node{{op: opString, leaf: t.leaf, leaves: 1, def: in.at.def, levels: true, path: t.at.path + ".key"}}
		elem, in.typ = w.inner(w.Values), t.inner(t.Values)
		in.leaf++
		in.at.path += "{}"
	} else {
		elem, in.typ = w.inner(w.Items), t.inner(t.Items)
		in.at.path += "[]"
	}
	kids, err := r.field(elem, in)
	n.kids = append(n.kids, kids...)
	return n, err
}

// promoting are the ops that read a type as another.
var promoting = map[[2]string]op{
	{"int", "long"}: opIntLong, {"int", "float"}: opIntFloat, {"int", "double"}: opIntDouble, {"long", "float"}: opLongFloat,
	{"long", "double"}: opLongDouble, {"float", "double"}: opFloatDouble, {"string", "bytes"}: opBytes, {"bytes", "string"}: opTextOfBytes,
}

// value resolves a plain value.
func (r *resolver) value(w typ, t slot) node {
	typ, o := t.typ.leaf()
	if w.Type != t.Type {
		if o == opTimeMicros {
			o = opIntTimeMicros
		} else {
			o = promoting[[2]string{w.Type, t.Type}]
		}
	}
	n := leafNode(typ, o, t.leaf, t.at)
	if t.Type != "enum" {
		return n
	}
	n.symbols = make([]string, len(w.Symbols))
	for i, s := range w.Symbols {
		switch {
		case slices.Contains(t.Symbols, s):
			n.symbols[i] = s
		case t.HasEnumDefault:
			n.symbols[i] = t.EnumDefault
		default:
			n.op, n.other = opSomeSymbols, &difference{symbols: w.Symbols}
		}
	}
	return n
}

// misfit says why a type of the writer cannot be read as one of the target.
func misfit(w, t typ, path string) error {
	wo, to := w.only(), t.only()
	hint := ""
	switch {
	case wo.kind() != to.kind():
	case wo.kind() == "array":
		return misfit(wo.inner(wo.Items), to.inner(to.Items), path+"[]")
	case wo.kind() == "map":
		return misfit(wo.inner(wo.Values), to.inner(to.Values), path+"{}")
	case wo.Name != "" && wo.gradeName(to) == unfit:
		hint = "; if they are the same, the target needs an alias"
	}
	where := "the schema"
	if path != "" {
		where = "field " + path
	}
	return fmt.Errorf("%s: the writer has %s, the target %s%s", where, w, t, hint)
}

// only is the one type of a union besides null; any other type is itself.
func (t typ) only() typ {
	var out []typ
	for i := range t.Branches {
		if b := t.inner(&t.Branches[i]); b.Type != "null" {
			out = append(out, b)
		}
	}
	if t.Type == "union" && len(out) == 1 {
		return out[0]
	}
	return t
}
