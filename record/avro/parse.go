// Package avro turns Avro schemas into schemas of rows, and Avro data into columns.
//
// Names, types and logical types follow parquet-avro, so that files look as they do when a Java job writes them: a union with null
// is a nullable field, any other union a struct of nullable members member0, member1 …, a field of type null has no column.
// A logical type that does not belong on its type, or stands beside the type instead of inside it, is left out of account, as the
// specification says.
package avro

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/avro"

	"shadoof/record"
)

// A Parsed schema is what decoders are made from. It is immutable.
type Parsed struct {
	Schema *record.Schema // of the rows, without Kafka columns
	Text   string         // the Avro schema as it was given

	plan  []node
	root  *avro.SchemaNode
	named map[string]*avro.SchemaNode // by full name
}

// Parse reads an Avro schema: a record at the top, not recursive, with at least one field that is not of type null.
func Parse(schemaJSON []byte) (*Parsed, error) {
	s, err := avro.Parse(string(schemaJSON))
	if err != nil {
		return nil, fmt.Errorf("avro schema: %w", err)
	}
	root := s.Root()
	if root.Type != "record" && root.Type != "error" {
		return nil, fmt.Errorf("avro schema: it is of type %s; rows need a record at the top", root.Type)
	}
	c := &compiler{named: map[string]*avro.SchemaNode{}}
	c.collect(root)
	name := fullName(root)
	t, plan, err := c.record(root, place{})
	if err == nil {
		p := &Parsed{Schema: &record.Schema{Name: name, Fields: t.Fields}, Text: string(schemaJSON), plan: plan, root: root, named: c.named}
		if err = p.Schema.Validate(); err == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("avro schema %s: %w", name, err)
}

// A compiler builds the row's type and the plan of the decoder in one walk, so that they cannot disagree.
type compiler struct {
	named  map[string]*avro.SchemaNode // by full name
	open   []string                    // records around the place, outermost first
	leaves int32
}

// A place is where in the row a type stands.
type place struct {
	path      string
	namespace string // that names without one are resolved in
	def, rep  uint8
	depth     int
}

func (p place) field(name string) place {
	if p.path != "" {
		name = p.path + "." + name
	}
	p.path = name
	return p
}

// collect notes the definition of each named type.
func (c *compiler) collect(n *avro.SchemaNode) {
	if name := fullName(n); name != "" && c.named[name] == nil {
		c.named[name] = n
	}
	for i := range n.Fields {
		c.collect(&n.Fields[i].Type)
	}
	for i := range n.Branches {
		c.collect(&n.Branches[i])
	}
	if n.Items != nil {
		c.collect(n.Items)
	}
	if n.Values != nil {
		c.collect(n.Values)
	}
}

func fullName(n *avro.SchemaNode) string {
	switch {
	case n.Name == "" || strings.Contains(n.Name, ".") || n.Namespace == "":
		return n.Name
	}
	return n.Namespace + "." + n.Name
}

func namespaceOf(fullName string) string {
	return fullName[:max(strings.LastIndexByte(fullName, '.'), 0)]
}

// definition follows a reference by name.
func (c *compiler) definition(n *avro.SchemaNode, namespace string) *avro.SchemaNode {
	if _, ok := kinds[n.Type]; ok {
		return n
	}
	if namespace != "" && !strings.Contains(n.Type, ".") {
		if d := c.named[namespace+"."+n.Type]; d != nil {
			return d
		}
	}
	if d := c.named[n.Type]; d != nil {
		return d
	}
	return n
}

// record compiles a record's fields; the plan has a node for each that is on the wire.
func (c *compiler) record(n *avro.SchemaNode, at place) (record.Type, []node, error) {
	name := fullName(n)
	if slices.Contains(c.open, name) {
		return record.Type{}, nil, fmt.Errorf("field %s: the schema is recursive: %s contains itself (%s), and a row has a fixed depth", at.path, name, strings.Join(append(c.open, name), " > "))
	}
	if at.depth++; at.depth > record.MaxDepth {
		return record.Type{}, nil, fmt.Errorf("field %s: nested deeper than %d levels", at.path, record.MaxDepth)
	}
	c.open = append(c.open, name)
	defer func() { c.open = c.open[:len(c.open)-1] }()
	at.namespace = namespaceOf(name)
	t := record.Type{Kind: record.Struct}
	var plan []node
	for i := range n.Fields {
		in := &n.Fields[i]
		if c.definition(&in.Type, at.namespace).Type == "null" {
			continue // nothing on the wire, nothing in a column
		}
		f, kids, err := c.field(in.Name, &in.Type, at.field(in.Name))
		if err != nil {
			return t, nil, err
		}
		f.Doc = in.Doc
		if in.HasDefault {
			if f.Default, err = c.defaultJSON(&in.Type, in.Default, at.namespace); err != nil {
				return t, nil, fmt.Errorf("field %s: its default: %w", at.field(in.Name).path, err)
			}
		}
		t.Fields = append(t.Fields, f)
		plan = append(plan, kids...)
	}
	if len(t.Fields) == 0 {
		return t, nil, fmt.Errorf("record %s has no fields: a column file cannot hold that", name)
	}
	return t, plan, nil
}

// field compiles a type that may be null. What a struct that is never null consists of is spliced into the plan around it.
func (c *compiler) field(name string, n *avro.SchemaNode, at place) (record.Field, []node, error) {
	f := record.Field{Name: name}
	n = c.definition(n, at.namespace)
	null, others := never, []*avro.SchemaNode(nil)
	if n.Type == "union" {
		for i := range n.Branches {
			b := c.definition(&n.Branches[i], at.namespace)
			if b.Type == "null" {
				null = nullability(2*i + 1)
				continue
			}
			others = append(others, b)
		}
		f.Nullable = null != never
		switch {
		case len(others) == 0:
			return f, nil, fmt.Errorf("field %s: a union without a type besides null", at.path)
		case len(others) == 1 && f.Nullable:
			n = others[0]
		default:
			return c.union(f, n, at)
		}
	}
	if f.Nullable {
		at.def++
	}
	first := c.leaves
	t, nodes, err := c.value(n, at)
	f.Type = t
	if err != nil || !f.Nullable {
		return f, nodes, err
	}
	if t.Kind == record.Struct {
		nodes = []node{{op: opRecord, kids: nodes, leaf: first, leaves: c.leaves - first, def: at.def, path: at.path}}
	}
	nodes[0].null = null
	return f, nodes, nil
}

// union compiles a union as a struct of nullable members.
func (c *compiler) union(f record.Field, n *avro.SchemaNode, at place) (record.Field, []node, error) {
	if f.Nullable {
		at.def++
	}
	u := node{op: opUnion, leaf: c.leaves, def: at.def, path: at.path}
	null := -1
	f.Type = record.Type{Kind: record.Struct, Union: true}
	if at.depth++; at.depth > record.MaxDepth {
		return f, nil, fmt.Errorf("field %s: nested deeper than %d levels", at.path, record.MaxDepth)
	}
	for i := range n.Branches {
		b := c.definition(&n.Branches[i], at.namespace)
		if b.Type == "null" {
			null = i
			u.kids = append(u.kids, node{op: opNull, leaf: u.leaf, def: at.def - 1, path: at.path})
			continue
		}
		name := "member" + strconv.Itoa(len(f.Type.Fields))
		in := at.field(name)
		in.def++
		first := c.leaves
		t, nodes, err := c.value(b, in)
		if err != nil {
			return f, nil, err
		}
		if t.Kind == record.Struct {
			nodes = []node{{op: opRecord, kids: nodes, leaf: first, leaves: c.leaves - first, def: in.def, path: in.path}}
		}
		u.kids = append(u.kids, nodes[0])
		f.Type.Fields = append(f.Type.Fields, record.Field{Name: name, Type: t, Nullable: true})
	}
	u.leaves = c.leaves - u.leaf
	if null >= 0 {
		u.kids[null].leaves = u.leaves
	}
	return f, []node{u}, nil
}

// value compiles a type that is not a union, at a place whose def counts a value as present.
func (c *compiler) value(n *avro.SchemaNode, at place) (record.Type, []node, error) {
	switch n.Type {
	case "record", "error":
		return c.record(n, at)
	case "array":
		return c.repeated(record.List, n.Items, at)
	case "map":
		return c.repeated(record.Map, n.Values, at)
	case "null":
		return record.Type{}, nil, fmt.Errorf("field %s: of type null: there is nothing to keep", at.path)
	}
	t, op, err := leafType(n)
	if err != nil {
		return t, nil, fmt.Errorf("field %s: %w", at.path, err)
	}
	l := leafNode(t, op, c.leaves, at)
	if c.leaves++; c.leaves > record.MaxLeaves {
		return t, nil, fmt.Errorf("more than %d columns", record.MaxLeaves)
	}
	return t, []node{l}, nil
}

func leafNode(t record.Type, op op, leaf int32, at place) node {
	n := node{op: op, leaf: leaf, leaves: 1, def: at.def, levels: at.def > 0, path: at.path, size: t.Size, symbols: t.Symbols}
	if t.Kind == record.Decimal {
		n.decimals = record.NewDecimals(t)
	}
	return n
}

// repeated compiles an array or a map. The kids of its node are what one entry consists of.
func (c *compiler) repeated(kind record.Kind, elem *avro.SchemaNode, at place) (record.Type, []node, error) {
	n := node{op: opList, leaf: c.leaves, def: at.def, rep: at.rep + 1, path: at.path}
	in := at
	in.def, in.rep, in.path = at.def+1, at.rep+1, at.path+"[]"
	if in.depth++; in.depth > record.MaxDepth {
		return record.Type{}, nil, fmt.Errorf("field %s: nested deeper than %d levels", at.path, record.MaxDepth)
	}
	name := "element"
	if kind == record.Map {
		name = "value"
		in.path = at.path + "{}"
		n.kids = append(n.kids, node{op: opString, leaf: c.leaves, leaves: 1, def: in.def, levels: true, path: at.path + ".key"})
		c.leaves++
	}
	f, kids, err := c.field(name, elem, in)
	n.kids = append(n.kids, kids...)
	n.leaves = c.leaves - n.leaf
	return record.Type{Kind: kind, Elem: &f}, []node{n}, err
}
