package avro

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"shadoof/record"
)

// A shape is what a reader has to know of a type to get past a value of it.
type shape struct {
	op    shapeOp
	width int64   // shapeFixed
	kids  []shape // shapeRecord: of fields; shapeBlocks: of an entry; shapeUnion: of branches
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
	fields            []shape
	partition, offset int // of the fields; -1 where there is none
}

func (r *row) hasKafkaColumns() bool { return r.partition >= 0 && r.offset >= 0 }

// maxShapes bounds the nesting of types. Ours is that of schemas, with a union for each that may be null.
const maxShapes = 2*record.MaxDepth + 10

// parseRow reads a schema as far as that takes. What our files do not have is an error: references to named types, and types whose
// values may take no bytes, of which a damaged count could claim any number.
func parseRow(text string) (*row, error) {
	var schema struct {
		Type   string
		Fields []schemaField
	}
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		return nil, err
	}
	if schema.Type != "record" || len(schema.Fields) == 0 {
		return nil, errors.New("it is not that of a record with fields")
	}
	r := &row{partition: -1, offset: -1}
	for i, f := range schema.Fields {
		s, err := parseShape(f.Type, 1)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		r.fields = append(r.fields, s)
		switch {
		case f.Name == record.PartitionColumn && string(f.Type) == `"int"`:
			r.partition = i
		case f.Name == record.OffsetColumn && string(f.Type) == `"long"`:
			r.offset = i
		}
	}
	return r, nil
}

type schemaField struct {
	Name string
	Type json.RawMessage
}

// primitiveShapes are those of types that are named by a word.
var primitiveShapes = map[string]shape{
	"boolean": {op: shapeFixed, width: 1},
	"int":     {op: shapeLong},
	"long":    {op: shapeLong},
	"float":   {op: shapeFixed, width: 4},
	"double":  {op: shapeFixed, width: 8},
	"bytes":   {op: shapeBytes},
	"string":  {op: shapeBytes},
}

func parseShape(text json.RawMessage, depth int) (shape, error) {
	if depth > maxShapes {
		return shape{}, errors.New("nested too deep")
	}
	text = bytes.TrimLeft(text, " \t\r\n")
	if len(text) == 0 {
		return shape{}, errors.New("no type")
	}
	switch text[0] {
	case '"':
		var word string
		if err := json.Unmarshal(text, &word); err != nil {
			return shape{}, err
		}
		s, ok := primitiveShapes[word]
		if !ok {
			return shape{}, fmt.Errorf("type %q is not one of our files'", word)
		}
		return s, nil
	case '[':
		return parseUnion(text, depth)
	}
	var t struct {
		Type          json.RawMessage
		Fields        []schemaField
		Items, Values json.RawMessage
		Size          int64
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return shape{}, err
	}
	switch string(t.Type) {
	case `"record"`:
		s := shape{op: shapeRecord}
		for _, f := range t.Fields {
			if err := s.add(f.Type, depth); err != nil {
				return s, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		if len(s.kids) == 0 {
			return s, errors.New("a record without fields")
		}
		return s, nil
	case `"array"`:
		s := shape{op: shapeBlocks}
		return s, s.add(t.Items, depth)
	case `"map"`:
		s := shape{op: shapeBlocks, kids: []shape{{op: shapeBytes}}}
		return s, s.add(t.Values, depth)
	case `"enum"`:
		return shape{op: shapeLong}, nil
	case `"fixed"`:
		if t.Size <= 0 {
			return shape{}, fmt.Errorf("fixed of %d bytes", t.Size)
		}
		return shape{op: shapeFixed, width: t.Size}, nil
	}
	return parseShape(t.Type, depth+1) // {"type": "long", "logicalType": ...}
}

func parseUnion(text json.RawMessage, depth int) (shape, error) {
	var branches []json.RawMessage
	if err := json.Unmarshal(text, &branches); err != nil {
		return shape{}, err
	}
	s := shape{op: shapeUnion}
	for _, b := range branches {
		if string(b) == `"null"` {
			s.kids = append(s.kids, shape{})
		} else if err := s.add(b, depth); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *shape) add(text json.RawMessage, depth int) error {
	kid, err := parseShape(text, depth+1)
	s.kids = append(s.kids, kid)
	return err
}

// values are what a block holds, read in order. Once err is set, nothing more is read.
type values struct {
	window []byte // what is there of it
	p      int    // what was read of the window
	source io.Reader
	buffer []byte
	rest   *bytes.Reader // what source reads: nothing of it may be left over
	err    error
}

const windowBytes = 64 << 10

// row reads a row, and returns its Kafka columns where it has them.
func (v *values) row(r *row) (partition int32, offset int64) {
	for i := range r.fields {
		switch i {
		case r.partition:
			p := v.long()
			if !fitsInt32(p) {
				v.fail(errMalformed)
			}
			partition = int32(p)
		case r.offset:
			offset = v.long()
		default:
			v.skip(&r.fields[i])
		}
	}
	return partition, offset
}

// skip reads a value and forgets it.
func (v *values) skip(s *shape) {
	switch s.op {
	case shapeLong:
		v.long()
	case shapeBytes:
		v.discard(v.long())
	case shapeFixed:
		v.discard(s.width)
	case shapeRecord:
		for i := range s.kids {
			v.skip(&s.kids[i])
		}
	case shapeUnion:
		branch := v.long()
		if branch < 0 || branch >= int64(len(s.kids)) {
			v.fail(errMalformed)
			return
		}
		v.skip(&s.kids[branch])
	case shapeBlocks:
		v.blocks(s)
	}
}

// blocks skips an array or a map.
func (v *values) blocks(s *shape) {
	for v.err == nil {
		switch count := v.long(); {
		case count == 0:
			return
		case count < 0:
			v.discard(v.long()) // the size of the entries
		default:
			for ; count > 0 && v.err == nil; count-- {
				for i := range s.kids {
					v.skip(&s.kids[i])
				}
			}
		}
	}
}

// long reads an int or long: 0 after an error.
func (v *values) long() int64 {
	var u uint64
	for shift := 0; shift < 64; shift += 7 {
		if v.p == len(v.window) && !v.more() {
			v.fail(io.ErrUnexpectedEOF)
			return 0
		}
		b := v.window[v.p]
		v.p++
		if shift == 63 && b > 1 {
			break
		}
		u |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return unzigzag(u)
		}
	}
	v.fail(errMalformed)
	return 0
}

func (v *values) discard(n int64) {
	if n < 0 {
		v.fail(errMalformed)
		return
	}
	for n > int64(len(v.window)-v.p) {
		n -= int64(len(v.window) - v.p)
		v.p = len(v.window)
		if !v.more() {
			v.fail(io.ErrUnexpectedEOF)
			return
		}
	}
	v.p += int(n)
}

// more fills the window, which was read to its end. It is false at the end of the block, and after an error.
func (v *values) more() bool {
	if v.err != nil || v.source == nil {
		return false
	}
	if v.buffer == nil {
		v.buffer = make([]byte, windowBytes)
	}
	n, err := io.ReadAtLeast(v.source, v.buffer, 1)
	v.window, v.p = v.buffer[:n], 0
	if n == 0 && err != io.EOF {
		v.fail(err)
	}
	return n > 0
}

// atEnd is true when all was read.
func (v *values) atEnd() bool {
	return v.err == nil && v.p == len(v.window) && !v.more() && v.err == nil && (v.rest == nil || v.rest.Len() == 0)
}

func (v *values) fail(err error) {
	if v.err == nil {
		v.err = err
	}
	v.window, v.p = nil, 0
}
