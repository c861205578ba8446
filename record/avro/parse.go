// Package avro turns Avro schemas into schemas of rows, and Avro data into columns.
//
// Names, types and logical types follow parquet-avro, so that files look as they do when a Java job writes them: a union with null
// is a nullable field, any other union a struct of nullable members member0, member1 …, a field of type null has no column.
// A logical type that does not belong on its type, or stands beside the type instead of inside it, is left out of account, as the
// specification says.
//
// Rows also keep what else decides what reads what: full names, aliases, defaults, the symbols of enums that stand for others. So a schema of
// rows is a reader's schema, wherever it came from: see [Resolve].
package avro

import (
	"fmt"
	"strings"

	"github.com/twmb/avro"

	"shadoof/record"
)

// A Parsed schema is what decoders are made from. It is immutable.
type Parsed struct {
	Schema *record.Schema // of the rows, without Kafka columns
	Text   string         // the Avro schema as it was given

	root   typ
	asJSON map[string]bool // paths of fields that become JSON, without the signs of lists and maps
	plan   []node
}

// Parse reads an Avro schema: a record at the top, not recursive, with at least one field that is not of type null.
func Parse(schemaJSON []byte) (*Parsed, error) {
	return parse(&record.SchemaText{Text: string(schemaJSON)}, record.ReadOptions{}, true)
}

// parse is Parse with what others may ask for. A type at the top that is no record becomes one, with the one field value, which is the
// same on the wire.
func parse(t *record.SchemaText, o record.ReadOptions, onlyRecords bool) (*Parsed, error) {
	node, err := parseText(t)
	if err != nil {
		return nil, fmt.Errorf("avro schema: %w", err)
	}
	names := definitions{}
	names.collect(node)
	root := names.typ(node, "")
	if root.kind() != "record" {
		if onlyRecords {
			return nil, fmt.Errorf("avro schema: it is of type %s; rows need a record at the top", root.Type)
		}
		root = names.typ(&avro.SchemaNode{Type: "record", Fields: []avro.SchemaField{{Name: record.ValueColumn, Type: *node}}}, "")
	}
	p := &Parsed{Text: t.Text, root: root, asJSON: map[string]bool{}}
	for _, path := range o.AsJSON {
		p.asJSON[path] = true
	}
	if err := p.compile(o.ElseJSON); err != nil {
		return nil, fmt.Errorf("%s: %w", strings.TrimSpace("avro schema "+root.name()), err)
	}
	return p, nil
}

func (p *Parsed) compile(elseJSON bool) error {
	b := builder{asJSON: p.asJSON, elseJSON: elseJSON}
	t, err := b.record(p.root, "", 0)
	if err != nil {
		return err
	}
	p.Schema = &record.Schema{Name: t.Name, Aliases: t.Aliases, Fields: t.Fields}
	if err := p.Schema.Validate(); err != nil {
		return err
	}
	r := resolver{writer: p, target: p.Schema}
	p.plan, err = r.plan()
	return err
}

// parseText reads the schema, with those that it refers to.
func parseText(t *record.SchemaText) (*avro.SchemaNode, error) {
	var c avro.SchemaCache
	for _, r := range t.References {
		if _, err := c.Parse(r.Text); err != nil {
			return nil, fmt.Errorf("the schema %s, which it refers to: %w", r.Name, err)
		}
	}
	s, err := c.Parse(t.Text)
	if err != nil {
		return nil, err
	}
	return s.Root(), nil
}

// definitions are the named types of a schema, by full name.
type definitions map[string]*avro.SchemaNode

// collect notes the definition of each named type.
func (d definitions) collect(n *avro.SchemaNode) {
	if name := fullName(n); name != "" && d[name] == nil {
		d[name] = n
	}
	for i := range n.Fields {
		d.collect(&n.Fields[i].Type)
	}
	for i := range n.Branches {
		d.collect(&n.Branches[i])
	}
	if n.Items != nil {
		d.collect(n.Items)
	}
	if n.Values != nil {
		d.collect(n.Values)
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

// A typ is a type of a schema: a definition, never a reference, and the namespace that references within it are resolved in.
type typ struct {
	*avro.SchemaNode
	namespace string
	names     definitions
}

// typ follows a reference by name.
func (d definitions) typ(n *avro.SchemaNode, namespace string) typ {
	if _, ok := kinds[n.Type]; !ok {
		if in := d[namespace+"."+n.Type]; in != nil && namespace != "" && !strings.Contains(n.Type, ".") {
			n = in
		} else if in := d[n.Type]; in != nil {
			n = in
		}
	}
	t := typ{n, namespace, d}
	if t.kind() == "record" {
		t.namespace = namespaceOf(t.name())
	}
	return t
}

// inner is a type within t.
func (t typ) inner(n *avro.SchemaNode) typ { return t.names.typ(n, t.namespace) }

// kind is the name of the type; an error is a record.
func (t typ) kind() string {
	if t.Type == "error" {
		return "record"
	}
	return t.Type
}

// name is the full name, "" where there is none.
func (t typ) name() string { return fullName(t.SchemaNode) }

// aliases are full names. One without a namespace is in that of the type.
func (t typ) aliases() (full []string) {
	for _, a := range t.Aliases {
		if namespace := namespaceOf(t.name()); namespace != "" && !strings.Contains(a, ".") {
			a = namespace + "." + a
		}
		full = append(full, a)
	}
	return full
}

// branches are the types of a union besides null, and whether null is one, too. Any other type is its only branch.
func (t typ) branches() (null bool, others []typ) {
	if t.Type != "union" {
		return false, []typ{t}
	}
	for i := range t.Branches {
		if b := t.inner(&t.Branches[i]); b.Type == "null" {
			null = true
		} else {
			others = append(others, b)
		}
	}
	return null, others
}
