package avro

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"shadoof/record"
)

// A plan is what a schema was compiled to: the Avro schema as it stands in the file, and the steps that write a row. It is immutable.
type plan struct {
	schema *record.Schema
	text   string
	steps  []step
	leaves int
	datums bool // the rows are datums already: there are no steps
}

// rowName is the record's name where the schema has none.
const rowName = "Row"

// compile makes schema and steps in one walk, so that they cannot disagree. A name that Avro does not allow is an error, never changed:
// a changed one could be that of another field.
func compile(s *record.Schema) (*plan, error) {
	if s.Datum != nil {
		return datumPlan(s)
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	name := s.Name
	if name == "" {
		name = rowName
	}
	for part := range strings.SplitSeq(name, ".") {
		if !record.IsAvroName(part) {
			return nil, fmt.Errorf("the schema's name %q: %q is not a name in Avro, which has letters of ASCII, digits and _, and no digit first", name, part)
		}
	}
	c := &compiler{root: name}
	steps, err := c.record(name, s.Fields, level{})
	if err != nil {
		return nil, err
	}
	return &plan{schema: s, text: string(c.text), steps: steps, leaves: int(c.leaves)}, nil
}

type compiler struct {
	root   string // full name of the row's record
	text   []byte
	leaves int32 // so far
}

// A level is the definition and repetition level of a value at a place.
type level struct{ def, rep uint8 }

func (c *compiler) write(parts ...string) {
	for _, p := range parts {
		c.text = append(c.text, p...)
	}
}

// field is a path as people know it.
func (c *compiler) field(path string) string { return strings.TrimPrefix(path, c.root+".") }

// record writes the type of a record at a path, and returns the steps of its fields.
func (c *compiler) record(path string, fields []record.Field, at level) ([]step, error) {
	c.named("record", path)
	c.write(`,"fields":[`)
	var steps []step
	for i := range fields {
		f := &fields[i]
		if !record.IsAvroName(f.Name) {
			return nil, fmt.Errorf("field %q: not a name in Avro, which has letters of ASCII, digits and _, and no digit first; rename it, or write Parquet (output.format)", c.field(path+"."+f.Name))
		}
		if i > 0 {
			c.write(",")
		}
		c.write(`{"name":"`, f.Name, `","type":`)
		s, err := c.optional(path+"."+f.Name, f, at)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s...)
		if f.Nullable {
			c.write(`,"default":null`)
		}
		c.write("}")
	}
	c.write("]}")
	return steps, nil
}

// named begins a type that must have a name. The path makes it unique: the root record's full name, then field names, "element" for
// what is in a list and "value" for what is in a map. Its last part is the name, the rest the namespace.
func (c *compiler) named(kind, path string) {
	dot := strings.LastIndexByte(path, '.')
	c.write(`{"type":"`, kind, `","name":"`, typeName(path[dot+1:]), `"`)
	if dot > 0 {
		c.write(`,"namespace":"`, path[:dot], `"`)
	}
}

// optional writes a type that may be null. What a struct that is never null consists of is spliced into the steps around it.
func (c *compiler) optional(path string, f *record.Field, at level) ([]step, error) {
	if !f.Nullable {
		return c.value(path, &f.Type, at)
	}
	c.write(`["null",`)
	at.def++
	first := c.leaves
	steps, err := c.value(path, &f.Type, at)
	if err != nil {
		return nil, err
	}
	c.write("]")
	if f.Type.Kind == record.Struct {
		steps = []step{{op: opRecord, leaf: first, leaves: c.leaves - first, def: at.def, kids: steps}}
	}
	steps[0].nullable = true
	return steps, nil
}

// value writes a type that is not null, and returns its steps: one, but for structs.
func (c *compiler) value(path string, t *record.Type, at level) ([]step, error) {
	switch t.Kind {
	case record.Struct:
		return c.record(path, t.Fields, at)
	case record.List, record.Map:
		return c.repeated(path, t, at)
	}
	s := step{leaf: c.leaves, leaves: 1, def: at.def}
	c.leaves++
	if err := c.leaf(&s, path, t); err != nil {
		return nil, fmt.Errorf("field %s: %w", c.field(path), err)
	}
	return []step{s}, nil
}

func (c *compiler) repeated(path string, t *record.Type, at level) ([]step, error) {
	s := step{op: opList, leaf: c.leaves, def: at.def, rep: at.rep + 1}
	in := level{at.def + 1, at.rep + 1}
	if t.Kind == record.List {
		path += ".element"
		c.write(`{"type":"array","items":`)
	} else {
		path += ".value"
		c.write(`{"type":"map","values":`)
		s.kids = []step{{op: opBytes, leaf: c.leaves, leaves: 1, def: in.def}}
		c.leaves++
	}
	kids, err := c.optional(path, t.Elem, in)
	if err != nil {
		return nil, err
	}
	c.write("}")
	s.kids = append(s.kids, kids...)
	s.leaves = c.leaves - s.leaf
	return []step{s}, nil
}

// A plainType is how a kind is stored.
type plainType struct {
	op      op
	name    string
	logical string
}

// plainTypes are those that need nothing but their kind. A UUID and JSON are plain strings, as in Parquet: nothing says that the text
// of a field of that type is one, and readers fail on a file where one is not.
var plainTypes = map[record.Kind]plainType{
	record.Boolean:         {opBoolean, "boolean", ""},
	record.Int32:           {opInt, "int", ""},
	record.Int64:           {opLong, "long", ""},
	record.Float:           {opFloat, "float", ""},
	record.Double:          {opDouble, "double", ""},
	record.Bytes:           {opBytes, "bytes", ""},
	record.String:          {opBytes, "string", ""},
	record.UUID:            {opBytes, "string", ""},
	record.JSON:            {opBytes, "string", ""},
	record.Date:            {opInt, "int", "date"},
	record.TimeMillis:      {opInt, "int", "time-millis"},
	record.TimeMicros:      {opLong, "long", "time-micros"},
	record.TimestampMillis: {opLong, "long", "timestamp-millis"},
	record.TimestampMicros: {opLong, "long", "timestamp-micros"},
	record.TimestampNanos:  {opLong, "long", "timestamp-nanos"},
	record.LocalMillis:     {opLong, "long", "local-timestamp-millis"},
	record.LocalMicros:     {opLong, "long", "local-timestamp-micros"},
	record.LocalNanos:      {opLong, "long", "local-timestamp-nanos"},
}

// leaf writes the type of a plain value, and completes its step.
func (c *compiler) leaf(s *step, path string, t *record.Type) error {
	if p, ok := plainTypes[t.Kind]; ok {
		s.op = p.op
		if p.logical == "" {
			c.write(`"`, p.name, `"`)
		} else {
			c.write(`{"type":"`, p.name, `","logicalType":"`, p.logical, `"}`)
		}
		return nil
	}
	switch t.Kind {
	case record.Fixed:
		s.op, s.size = opFixed, t.Size
		c.named("fixed", path)
		c.write(`,"size":`, strconv.Itoa(t.Size), "}")
	case record.Decimal:
		c.decimal(s, path, t)
	case record.Enum:
		c.enum(s, path, t)
	default:
		return fmt.Errorf("type %q cannot be stored in Avro", t.Kind)
	}
	return nil
}

// decimal writes a decimal as what it came from: a fixed, or bytes, which then are as few as hold the number.
func (c *compiler) decimal(s *step, path string, t *record.Type) {
	if t.Size > 0 {
		s.op, s.size = opFixed, t.Size
		c.named("fixed", path)
		c.write(`,"size":`, strconv.Itoa(t.Size))
	} else {
		s.op, s.size = opDecimal, record.DecimalSize(t.Precision)
		c.write(`{"type":"bytes"`)
	}
	c.write(`,"logicalType":"decimal","precision":`, strconv.Itoa(t.Precision), `,"scale":`, strconv.Itoa(t.Scale), "}")
}

// enum writes an enum, or a string where the symbols are none that Avro allows.
func (c *compiler) enum(s *step, path string, t *record.Type) {
	sorted := slices.Sorted(slices.Values(t.Symbols))
	if len(slices.Compact(sorted)) < len(t.Symbols) || slices.ContainsFunc(t.Symbols, func(symbol string) bool { return !record.IsAvroName(symbol) }) {
		s.op = opBytes
		c.write(`"string"`)
		return
	}
	s.op, s.symbols = opEnum, newSymbols(t.Symbols)
	c.named("enum", path)
	c.write(`,"symbols":["`, strings.Join(t.Symbols, `","`), `"]}`)
}

// typeNames are what types are called: no type of a schema's own may have one of these names, in any namespace.
var typeNames = []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "error", "enum", "array", "map", "union", "fixed"}

// typeName is the name of a type that belongs to the field of this name. Those that are taken get a "_" more, and so do these in turn:
// different fields have types of different names.
func typeName(field string) string {
	if slices.Contains(typeNames, strings.TrimRight(field, "_")) {
		return field + "_"
	}
	return field
}
