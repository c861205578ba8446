package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"shadoof/record"
)

// A shape is what a reader has to know of a type to get past a value of it.
type shape struct {
	op     shapeOp
	width  int64    // shapeFixed
	kids   []*shape // shapeRecord: of fields; shapeBlocks: of an entry; shapeUnion: of branches
	height int      // of the nesting
	open   bool     // its definition has not ended: a type that contains itself
}

type shapeOp uint8

const (
	shapeNothing shapeOp = iota // null
	shapeLong                   // also an int, and the place of an enum's symbol
	shapeBytes                  // also a string
	shapeFixed                  // also what is always as long
	shapeRecord
	shapeBlocks // arrays and maps
	shapeUnion
)

// A row is the shape of the record at the top.
type row struct {
	fields            []*shape
	partition, offset int // of the fields; -1 where there is none
}

func (r *row) hasKafkaColumns() bool { return r.partition >= 0 && r.offset >= 0 }

// maxShapes bounds the nesting of types. Ours is that of schemas, with a union for each that may be null.
const maxShapes = 2*record.MaxDepth + 10

// parseRow reads a schema as far as that takes. What our files do not have is an error: types that contain themselves, and types whose
// values take no bytes, of which a damaged count could claim any number. Fields of the type null are left out.
func parseRow(text string) (*row, error) {
	p := shapes{named: map[string]*shape{}}
	top, err := p.parse(json.RawMessage(text), "", 0)
	if err != nil {
		return nil, err
	}
	if top.op != shapeRecord {
		return nil, errors.New("it is not that of a record with fields")
	}
	r := &row{fields: top.kids, partition: -1, offset: -1}
	for i, f := range p.top {
		switch {
		case f.Name == record.PartitionColumn && string(f.Type) == `"int"`:
			r.partition = i
		case f.Name == record.OffsetColumn && string(f.Type) == `"long"`:
			r.offset = i
		}
	}
	return r, nil
}

// shapes are those of a schema. Each named type has one, wherever it stands.
type shapes struct {
	named map[string]*shape // by full name
	top   []schemaField     // of the record at the top, as they are in its shape
}

type schemaField struct {
	Name string
	Type json.RawMessage
}

// A schemaType is a type that is more than a word, or the beginning of one.
type schemaType struct {
	Type          json.RawMessage
	Name          string
	Namespace     *string // nil: that of what is around it
	Fields        []schemaField
	Items, Values json.RawMessage
	Size          int64
}

// UnmarshalJSON takes names as they are written: what people add to a schema may differ from its attributes in case alone.
func (t *schemaType) UnmarshalJSON(text []byte) error {
	return exactly(text, map[string]any{"type": &t.Type, "name": &t.Name, "namespace": &t.Namespace, "fields": &t.Fields, "items": &t.Items, "values": &t.Values, "size": &t.Size})
}

// UnmarshalJSON takes names as they are written.
func (f *schemaField) UnmarshalJSON(text []byte) error {
	return exactly(text, map[string]any{"name": &f.Name, "type": &f.Type})
}

func exactly(text []byte, into map[string]any) error {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	for name, v := range into {
		if in, ok := o[name]; ok {
			if err := json.Unmarshal(in, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// primitiveShapes are those of types that are named by a word.
var primitiveShapes = map[string]*shape{
	"null":    {op: shapeNothing},
	"boolean": {op: shapeFixed, width: 1},
	"int":     {op: shapeLong},
	"long":    {op: shapeLong},
	"float":   {op: shapeFixed, width: 4},
	"double":  {op: shapeFixed, width: 8},
	"bytes":   {op: shapeBytes},
	"string":  {op: shapeBytes},
}

// parse reads a type. Names without a namespace are looked for in the one that is given.
func (p *shapes) parse(text json.RawMessage, namespace string, depth int) (*shape, error) {
	if depth > maxShapes {
		return nil, errors.New("nested too deep")
	}
	text = json.RawMessage(strings.TrimLeft(string(text), " \t\r\n"))
	if len(text) == 0 {
		return nil, errors.New("no type")
	}
	switch text[0] {
	case '"':
		var word string
		if err := json.Unmarshal(text, &word); err != nil {
			return nil, err
		}
		return p.byName(word, namespace)
	case '[':
		return p.union(text, namespace, depth)
	}
	var t schemaType
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, err
	}
	switch string(t.Type) {
	case `"record"`, `"enum"`, `"fixed"`:
		return p.definition(&t, namespace, depth)
	case `"array"`:
		return p.entries(&shape{op: shapeBlocks}, t.Items, namespace, depth)
	case `"map"`:
		return p.entries(&shape{op: shapeBlocks, kids: []*shape{primitiveShapes["string"]}}, t.Values, namespace, depth)
	}
	return p.parse(t.Type, namespace, depth+1) // {"type": "long", "logicalType": ...}
}

func (p *shapes) byName(name, namespace string) (*shape, error) {
	if s, ok := primitiveShapes[name]; ok {
		return s, nil
	}
	s := p.named[name]
	if in := p.named[namespace+"."+name]; in != nil && namespace != "" && !strings.Contains(name, ".") {
		s = in
	}
	switch {
	case s == nil:
		return nil, fmt.Errorf("type %q is not one of our files'", name)
	case s.open:
		return nil, fmt.Errorf("type %q contains itself", name)
	}
	return s, nil
}

// definition reads a type that has a name.
func (p *shapes) definition(t *schemaType, namespace string, depth int) (*shape, error) {
	name := t.Name
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		namespace = name[:dot]
	} else {
		if t.Namespace != nil {
			namespace = *t.Namespace
		}
		if namespace != "" {
			name = namespace + "." + name
		}
	}
	s := &shape{open: true}
	p.named[name] = s
	defer func() { s.open = false }()
	switch string(t.Type) {
	case `"enum"`:
		s.op = shapeLong
	case `"fixed"`:
		if t.Size <= 0 {
			return nil, fmt.Errorf("fixed of %d bytes", t.Size)
		}
		s.op, s.width = shapeFixed, t.Size
	default:
		s.op = shapeRecord
		for _, f := range t.Fields {
			kid, err := p.parse(f.Type, namespace, depth+1)
			if err == nil && kid.op != shapeNothing {
				if depth == 0 {
					p.top = append(p.top, f)
				}
				err = s.add(kid, depth)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		if len(s.kids) == 0 {
			return nil, errors.New("a record without fields")
		}
	}
	return s, nil
}

func (p *shapes) union(text json.RawMessage, namespace string, depth int) (*shape, error) {
	var branches []json.RawMessage
	if err := json.Unmarshal(text, &branches); err != nil {
		return nil, err
	}
	s := &shape{op: shapeUnion}
	for _, b := range branches {
		kid, err := p.parse(b, namespace, depth+1)
		if err == nil {
			err = s.add(kid, depth)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// entries reads the type of what is in an array or a map, which takes bytes.
func (p *shapes) entries(s *shape, text json.RawMessage, namespace string, depth int) (*shape, error) {
	kid, err := p.parse(text, namespace, depth+1)
	if err == nil && kid.op == shapeNothing {
		err = errors.New("entries that take no bytes")
	}
	if err == nil {
		err = s.add(kid, depth)
	}
	return s, err
}

// add puts a shape into s, which stands at a depth.
func (s *shape) add(kid *shape, depth int) error {
	if s.height = max(s.height, kid.height+1); depth+s.height > maxShapes {
		return errors.New("nested too deep")
	}
	s.kids = append(s.kids, kid)
	return nil
}
