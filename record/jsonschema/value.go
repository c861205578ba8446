package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of a schema's text.
const (
	maxBytes   = 16 << 20
	maxNesting = 500
)

// A value is a JSON value that keeps the order of its members and the text of its numbers.
type value struct {
	kind    byte   // { [ " 0 t f n
	text    string // of a string or a number
	names   []string
	members map[string]*value
	items   []*value

	home *resource // what references in it are relative to; nil where no schema can stand
}

// parse reads a whole text. Of a name that stands twice the last one counts.
func parse(text string) (*value, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("it has %d bytes, the most is %d", len(text), maxBytes)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := read(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("byte %d: something follows the value", d.InputOffset())
	}
	return v, nil
}

func read(d *json.Decoder, depth int) (*value, error) {
	t, err := d.Token()
	if err != nil {
		return nil, ended(d, err)
	}
	switch t := t.(type) {
	case nil:
		return &value{kind: 'n'}, nil
	case bool:
		if t {
			return &value{kind: 't'}, nil
		}
		return &value{kind: 'f'}, nil
	case string:
		return &value{kind: '"', text: t}, nil
	case json.Number:
		return &value{kind: '0', text: t.String()}, nil
	}
	if depth == maxNesting {
		return nil, fmt.Errorf("byte %d: nested deeper than %d levels", d.InputOffset(), maxNesting)
	}
	if t == json.Delim('[') {
		v := &value{kind: '['}
		for d.More() {
			item, err := read(d, depth+1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
		return v, closing(d)
	}
	v := &value{kind: '{', members: map[string]*value{}}
	for d.More() {
		name, err := read(d, depth+1)
		if err != nil {
			return nil, err
		}
		member, err := read(d, depth+1)
		if err != nil {
			return nil, err
		}
		if v.members[name.text] == nil {
			v.names = append(v.names, name.text)
		}
		v.members[name.text] = member
	}
	return v, closing(d)
}

func closing(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return ended(d, err)
	}
	return nil
}

// ended is the error of a text that is not JSON.
func ended(d *json.Decoder, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("byte %d: %w", d.InputOffset(), err)
}

// get is a member of an object, nil where there is none.
func (v *value) get(name string) *value { return v.members[name] }

// str is the text of a member that is a string, else "".
func (v *value) str(name string) string {
	if m := v.get(name); m != nil && m.kind == '"' {
		return m.text
	}
	return ""
}

// is says whether the value has one of the kinds; a value that is not there has none.
func (v *value) is(kinds string) bool { return v != nil && strings.IndexByte(kinds, v.kind) >= 0 }

// append writes the value without white space.
func (v *value) append(dst []byte) []byte {
	switch v.kind {
	case 'n':
		return append(dst, "null"...)
	case 't':
		return append(dst, "true"...)
	case 'f':
		return append(dst, "false"...)
	case '0':
		return append(dst, v.text...)
	case '"':
		return appendString(dst, v.text)
	case '[':
		dst = append(dst, '[')
		for i, item := range v.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.append(dst)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i, name := range v.names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = v.members[name].append(append(appendString(dst, name), ':'))
	}
	return append(dst, '}')
}

func appendString(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
