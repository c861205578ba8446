package avro

import (
	"slices"

	"shadoof/record"
	"shadoof/record/internal/fallback"
)

// A Resolution reads what one schema wrote into rows of a target, by Avro's rules of schema resolution: fields by name or by the target's
// aliases, promotions, defaults for what the writer lacks, nothing for what the target lacks. It is immutable. What both schemas
// have alike costs what it costs without.
type Resolution struct {
	target *record.Schema
	plan   []node
}

// Resolve compiles a pair. It is a *record.MisfitError when they do not fit: a type that cannot become another, a field without a default
// that the writer lacks, a union of the writer of which nothing but null fits.
//
// What depends on the data is Unfit when it comes: another branch of such a union, a symbol that the target's enum has not got, where
// that has none to stand for it; bytes for a string that are not UTF-8.
//
// Where the specification leaves room: of a union's types that fit, one that is the same goes before one that needs a promotion.
// Logical types are the target's, but two different ones do not fit (timestamps of other units), and a string is no decimal.
//
// Beyond the specification an enum and a UUID are read as a string, a UUID however it is stored, and a decimal as one with as many digits
// or more on both sides of the point. And rows say more or less than schemas: a field that may be null and has no default is null where
// the writer lacks it, fields of type null are nobody's, a type without a name is read from any of its kind, and a column of JSON from a
// string, or from anything that the writer was asked to write as JSON.
func Resolve(writer *Parsed, target *record.Schema) (*Resolution, error) {
	if err := target.Validate(); err != nil {
		return nil, err
	}
	r := resolver{writer: writer, target: target}
	plan, err := r.plan()
	if err != nil {
		return nil, err
	}
	return &Resolution{target, plan}, nil
}

// NewDecoder makes a decoder; several may be made from one resolution.
func (r *Resolution) NewDecoder() *Decoder { return &Decoder{schema: r.target, plan: r.plan} }

// A resolver walks both schemas at once and makes the plan in the order of the writer.
type resolver struct {
	writer   *Parsed
	target   *record.Schema
	defaults *fallback.Maker
	records  map[string]node // of the writer, as they are dropped or become JSON
}

func (r *resolver) plan() ([]node, error) {
	w, fields := r.writer.root, r.target.Fields
	top := slot{field: record.Field{Type: record.Type{Kind: record.Struct, Name: r.target.Name, Aliases: r.target.Aliases, Fields: fields}}}
	if w.name() == "" && fieldNamed(fields, record.ValueColumn) < 0 {
		return nil, misfit(w.inner(&w.Fields[0].Type), top)
	}
	return r.field(w, top)
}

// A slot is where in a row a type of the target stands.
type slot struct {
	field    record.Field
	leaf     int32
	path     string
	def, rep uint8 // of what is around it
}

func (t slot) leaves() int32 { return int32(t.field.Type.Leaves()) }

// value is the definition level of a value.
func (t slot) value() uint8 {
	if t.field.Nullable {
		return t.def + 1
	}
	return t.def
}

// fields are the slots of a struct's fields, or of a union's members.
func (t slot) fields() []slot {
	slots := make([]slot, len(t.field.Type.Fields))
	leaf := t.leaf
	for i, f := range t.field.Type.Fields {
		slots[i] = slot{field: f, leaf: leaf, path: join(t.path, f.Name), def: t.value(), rep: t.rep}
		leaf += slots[i].leaves()
	}
	return slots
}

// fieldNamed is the field that the writer's field of a name is: -1 for none. A name goes before an alias.
func fieldNamed(fields []record.Field, name string) int {
	if i := slices.IndexFunc(fields, func(f record.Field) bool { return f.Name == name }); i >= 0 {
		return i
	}
	return slices.IndexFunc(fields, func(f record.Field) bool { return slices.Contains(f.Aliases, name) })
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
		return nil, misfit(w, t)
	case t.field.Type.Union && n.op != opNull:
		n = node{op: opMember, leaf: t.leaf, leaves: t.leaves(), def: t.value(), path: t.path, kids: []node{n}}
	case n.op == opRecord:
		return n.kids, nil
	}
	return []node{n}, nil
}

// union resolves a union of the writer, branch by branch.
func (r *resolver) union(w typ, t slot) ([]node, error) {
	kids, null, fitting := make([]node, len(w.Branches)), -1, 0
	for i := range w.Branches {
		b := w.inner(&w.Branches[i])
		n, fits, err := r.single(b, t)
		switch {
		case err != nil:
			return nil, err
		case !fits:
			n = node{op: opRefuse, leaf: t.leaf, leaves: t.leaves(), path: t.path, other: &difference{found: b.String(), wanted: describeField(t.field)}}
		case b.Type != "null":
			fitting++
		default:
			null = i
		}
		kids[i] = n
	}
	switch {
	case fitting == 0:
		return nil, misfit(w, t)
	case null >= 0 && len(kids) == 2 && !t.field.Type.Union:
		n := kids[1-null]
		n.null = nullability(2*null + 1)
		return []node{n}, nil
	}
	return []node{{op: opUnion, leaf: t.leaf, leaves: t.leaves(), def: t.value(), path: t.path, kids: kids}}, nil
}

// single resolves a type that is no union into one node, whose leaves are those of the target's member where that is a union.
func (r *resolver) single(w typ, t slot) (n node, fits bool, err error) {
	if w.Type == "null" {
		return node{op: opNull, leaf: t.leaf, leaves: t.leaves(), def: t.def, path: t.path}, t.field.Nullable, nil
	}
	in, best := t, unfit
	if t.field.Type.Union {
		for _, m := range t.fields() {
			if g := w.grade(m.field.Type); g > best {
				in, best = m, g
			}
		}
	} else {
		best = w.grade(t.field.Type)
	}
	switch kind := in.field.Type.Kind; {
	case best == unfit:
		return n, false, nil
	case kind == record.JSON && r.writer.asJSON[plainPath(in.path)]:
		n = leafNode(in.field.Type, opJSON, in)
		n.kids = make([]node, 1)
		n.kids[0], err = r.whole(w, in.path)
	case kind == record.JSON && w.Type != "string" && w.Type != "bytes":
		return n, false, nil
	case kind == record.Struct:
		n, err = r.record(w, in)
	case kind == record.List, kind == record.Map:
		n, err = r.repeated(w, in)
	default:
		n = r.value(w, in)
	}
	return n, true, err
}

// record resolves a record: its fields in the writer's order, then those that the writer lacks.
func (r *resolver) record(w typ, t slot) (node, error) {
	rec := node{op: opRecord, leaf: t.leaf, leaves: t.leaves(), def: t.value(), path: t.path}
	slots := t.fields()
	from := make([]string, len(slots))
	for i := range w.Fields {
		f := &w.Fields[i]
		in := w.inner(&f.Type)
		j := fieldNamed(t.field.Type.Fields, f.Name)
		switch {
		case j < 0 && in.Type == "null":
		case j < 0:
			n, err := r.whole(in, join(t.path, f.Name))
			if err != nil {
				return rec, err
			}
			rec.kids = dropped(rec.kids, n)
		case from[j] != "":
			return rec, &record.MisfitError{Path: slots[j].path, Detail: "the writer has two fields for it, " + from[j] + " and " + f.Name + ", by its name and its aliases"}
		default:
			from[j] = f.Name
			nodes, err := r.field(in, slots[j])
			if err != nil {
				return rec, err
			}
			rec.kids = append(rec.kids, nodes...)
		}
	}
	for j := range slots {
		if from[j] == "" {
			n, err := r.missing(slots[j])
			if err != nil {
				return rec, err
			}
			rec.kids = append(rec.kids, n)
		}
	}
	return rec, nil
}

// dropped appends to the nodes of a record that of a field that the target lacks.
func dropped(kids []node, n node) []node {
	if last := len(kids) - 1; last >= 0 && kids[last].op == opDropped {
		kids[last].kids = append(kids[last].kids, n)
		return kids
	}
	return append(kids, node{op: opDropped, kids: []node{n}, path: n.path})
}

// missing makes the node of a field that the writer lacks.
func (r *resolver) missing(t slot) (node, error) {
	if t.field.Default == nil && !t.field.Nullable {
		return node{}, &record.MisfitError{Path: t.path, Detail: "the writer has no such field, and the target no default for it"}
	}
	if t.field.Default == nil || string(t.field.Default) == "null" && t.field.Nullable {
		return node{op: opNull, leaf: t.leaf, leaves: t.leaves(), def: t.def, path: t.path}, nil
	}
	if r.defaults == nil {
		r.defaults = fallback.NewMaker(r.target)
	}
	v, err := r.defaults.Make(t.field, int(t.leaf), t.def, t.rep)
	if err != nil {
		return node{}, &record.MisfitError{Path: t.path, Detail: "its default: " + err.Error()}
	}
	return node{op: opMissing, leaf: t.leaf, leaves: t.leaves(), path: t.path, other: &difference{value: v}}, nil
}

// repeated resolves an array or a map. The kids of its node are what one entry consists of.
func (r *resolver) repeated(w typ, t slot) (node, error) {
	n := node{op: opList, leaf: t.leaf, leaves: t.leaves(), def: t.value(), rep: t.rep + 1, path: t.path}
	in := slot{field: *t.field.Type.Elem, leaf: t.leaf, path: t.path + "[]", def: n.def + 1, rep: n.rep}
	elem := w.Items
	if t.field.Type.Kind == record.Map {
		n.kids = []node{{op: opString, leaf: t.leaf, leaves: 1, def: in.def, levels: true, path: t.path + ".key"}}
		elem = w.Values
		in.leaf++
		in.path = t.path + "{}"
	}
	kids, err := r.field(w.inner(elem), in)
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
	typ := t.field.Type
	from, o, _ := w.leaf()
	to := carrierOf(typ)
	switch {
	case from.Kind == record.Decimal && typ.Kind == record.Decimal:
		if from.Scale != typ.Scale {
			o = opRescale
		}
	case from.Kind == record.UUID && (typ.Kind == record.String || typ.Kind == record.UUID), from.Kind == record.Enum, w.Type == "string" && typ.Kind == record.UUID:
	case w.Type == to.kind:
		o = to.op
	case to.op == opTimeMicros:
		o = opIntTimeMicros
	default:
		o = promoting[[2]string{w.Type, to.kind}]
	}
	n := leafNode(typ, o, t)
	if w.Type == "fixed" {
		n.size = w.Size
	}
	if o == opRescale {
		n.other = &difference{typ: from}
	}
	if o == opEnum {
		n.readSymbols(w, typ)
	}
	return n
}

// readSymbols gives an enum what each symbol is read as.
func (n *node) readSymbols(w typ, t record.Type) {
	if t.Kind == record.String {
		n.symbols = w.Symbols
		return
	}
	n.symbols = make([]string, len(w.Symbols))
	for i, s := range w.Symbols {
		switch {
		case slices.Contains(t.Symbols, s):
			n.symbols[i] = s
		case t.Symbol != "":
			n.symbols[i] = t.Symbol
		default:
			n.op, n.other = opSomeSymbols, &difference{symbols: w.Symbols}
		}
	}
}

func leafNode(t record.Type, o op, at slot) node {
	n := node{op: o, leaf: at.leaf, leaves: 1, def: at.value(), levels: at.value() > 0, path: at.path, size: fixedSize(t)}
	if t.Kind == record.Decimal {
		n.decimals = record.NewDecimals(t)
	}
	return n
}

// misfit says why a type of the writer cannot be read as one of the target.
func misfit(w typ, t slot) error {
	from, to := w, t
	if _, others := w.branches(); len(others) == 1 {
		from = others[0]
	}
	if to.field.Type.Union && len(to.field.Type.Fields) == 1 {
		to = to.fields()[0]
	}
	hint := ""
	switch kind := carrierOf(to.field.Type).kind; {
	case to.field.Type.Union:
	case to.field.Type.Kind == record.JSON && from.Type != "string":
		hint = "; value.as_json: [" + plainPath(t.path) + "] keeps anything as JSON"
	case from.kind() != kind:
	case kind == "array":
		return misfit(from.inner(from.Items), slot{field: *to.field.Type.Elem, path: t.path + "[]"})
	case kind == "map":
		return misfit(from.inner(from.Values), slot{field: *to.field.Type.Elem, path: t.path + "{}"})
	case from.name() != "" && from.gradeName(to.field.Type.Name, to.field.Type.Aliases) == unfit:
		hint = "; if they are the same, the target needs an alias"
	}
	return &record.MisfitError{Path: t.path, Detail: "the writer has " + w.String() + ", the target " + describeField(t.field) + hint}
}
