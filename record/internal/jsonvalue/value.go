// Package jsonvalue reads JSON into values that keep what encoding/json's own do not: the order of members, the text of numbers, that a
// name stands twice.
package jsonvalue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A Value is one of JSON.
type Value struct {
	Kind    byte              // { [ " 0 t f n
	Text    string            // of a string or a number
	Names   []string          // of an object's members, in order
	Members map[string]*Value // of names that stand twice, the last
	Items   []*Value          // of an array
}

// Parse reads a whole text, nested no deeper than so many levels. An object in which the name stands twice is noted in twice.
func Parse(text []byte, nesting int) (v *Value, twice string, err error) {
	r := reader{d: json.NewDecoder(bytes.NewReader(text)), nesting: nesting}
	r.d.UseNumber()
	if v, err = r.value(0); err != nil {
		return nil, "", err
	}
	if _, err := r.d.Token(); err != io.EOF {
		return nil, "", fmt.Errorf("byte %d: something follows the value", r.d.InputOffset())
	}
	return v, r.twice, nil
}

type reader struct {
	d       *json.Decoder
	nesting int
	twice   string // a name, quoted
}

func (r *reader) value(depth int) (*Value, error) {
	t, err := r.d.Token()
	if err != nil {
		return nil, r.fault(err)
	}
	switch t := t.(type) {
	case nil:
		return &Value{Kind: 'n'}, nil
	case bool:
		if t {
			return &Value{Kind: 't'}, nil
		}
		return &Value{Kind: 'f'}, nil
	case string:
		return &Value{Kind: '"', Text: t}, nil
	case json.Number:
		return &Value{Kind: '0', Text: t.String()}, nil
	}
	if depth == r.nesting {
		return nil, fmt.Errorf("byte %d: nested deeper than %d levels", r.d.InputOffset(), r.nesting)
	}
	v := &Value{Kind: '['}
	if t == json.Delim('{') {
		v.Kind, v.Members = '{', map[string]*Value{}
	}
	for r.d.More() {
		if err := r.entry(v, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := r.d.Token(); err != nil {
		return nil, r.fault(err)
	}
	return v, nil
}

// entry reads an item of an array, or a member of an object.
func (r *reader) entry(v *Value, depth int) error {
	if v.Kind == '[' {
		item, err := r.value(depth)
		v.Items = append(v.Items, item)
		return err
	}
	name, err := r.value(depth)
	if err != nil {
		return err
	}
	member, err := r.value(depth)
	if err != nil {
		return err
	}
	if v.Members[name.Text] == nil {
		v.Names = append(v.Names, name.Text)
	} else {
		r.twice = strconv.Quote(name.Text)
	}
	v.Members[name.Text] = member
	return nil
}

// fault is the error of a text that is not JSON.
func (r *reader) fault(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("byte %d: %w", r.d.InputOffset(), err)
}

// Is says whether the value has one of the kinds; a value that is not there has none.
func (v *Value) Is(kinds string) bool { return v != nil && strings.IndexByte(kinds, v.Kind) >= 0 }

// Get is a member of an object, nil where there is none.
func (v *Value) Get(name string) *Value { return v.Members[name] }

// Str is the text of a member that is a string, else "".
func (v *Value) Str(name string) string {
	if m := v.Get(name); m.Is("\"") {
		return m.Text
	}
	return ""
}

// List is the items of an array, none of anything else.
func (v *Value) List() []*Value {
	if v == nil {
		return nil
	}
	return v.Items
}

// Append writes the value without white space.
func (v *Value) Append(dst []byte) []byte {
	switch v.Kind {
	case 'n':
		return append(dst, "null"...)
	case 't':
		return append(dst, "true"...)
	case 'f':
		return append(dst, "false"...)
	case '0':
		return append(dst, v.Text...)
	case '"':
		return AppendString(dst, v.Text)
	case '[':
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.Append(dst)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i, name := range v.Names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = v.Members[name].Append(append(AppendString(dst, name), ':'))
	}
	return append(dst, '}')
}

// AppendString writes a string of JSON.
func AppendString(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
