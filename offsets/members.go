package offsets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

var headerMembers = []string{"format", "level", "v", "id", "prev", "time", "run", "writer", "type"}

// splitMembers parts the members of an object in those of the header and those of the body. Names count exactly, and once. What the
// members hold is not looked at: whoever parses a part finds out whether it is JSON.
func splitMembers(object []byte) (header, body []byte, err error) {
	s := members{rest: object}
	if !s.skip('{') {
		return nil, nil, errors.New("not a JSON object")
	}
	// One buffer has room for both parts: each member goes to one of them, with a comma.
	buffer := make([]byte, 2*len(object)+4)
	header, body = append(buffer[:0:len(object)+2], '{'), append(buffer[len(object)+2:][:0], '{')
	seen := make([]string, 0, 24)
	for !s.skip('}') {
		if len(seen) > 0 && !s.skip(',') {
			return nil, nil, errors.New("no comma between members")
		}
		member, name, err := s.next()
		if err != nil {
			return nil, nil, err
		}
		if slices.Contains(seen, name) || name == "sha256" {
			return nil, nil, fmt.Errorf("member %.40q stands twice", name)
		}
		seen = append(seen, name)
		part := &body
		if slices.Contains(headerMembers, name) {
			part = &header
		}
		if len(*part) > 1 {
			*part = append(*part, ',')
		}
		*part = append(*part, member...)
	}
	if s.space(); len(s.rest) > 0 {
		return nil, nil, errors.New("more than one JSON value")
	}
	return append(header, '}'), append(body, '}'), nil
}

// members walks over the members of an object.
type members struct{ rest []byte }

func (s *members) space() { s.rest = bytes.TrimLeft(s.rest, " \t\r\n") }

// skip passes white space, and c if it comes next.
func (s *members) skip(c byte) bool {
	if s.space(); len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// next passes a member, and returns all of it.
func (s *members) next() (member []byte, name string, err error) {
	s.space()
	start := s.rest
	quoted, err := s.quoted()
	if err != nil {
		return nil, "", err
	}
	if name, err = unquote(quoted); err != nil {
		return nil, "", err
	}
	if !s.skip(':') {
		return nil, "", fmt.Errorf("no colon after the name %.40q", name)
	}
	if s.space(); len(s.rest) == 0 {
		return nil, "", io.ErrUnexpectedEOF
	}
	if err := s.value(); err != nil {
		return nil, "", err
	}
	return start[:len(start)-len(s.rest)], name, nil
}

// quoted passes a string, and returns it with its quotes.
func (s *members) quoted() ([]byte, error) {
	if len(s.rest) == 0 || s.rest[0] != '"' {
		return nil, errors.New("no string where one has to be")
	}
	for i := 1; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case '"':
			q := s.rest[:i+1]
			s.rest = s.rest[i+1:]
			return q, nil
		}
	}
	return nil, io.ErrUnexpectedEOF
}

// unquote returns what a string says. Most names are what they look like.
func unquote(quoted []byte) (text string, err error) {
	plain := quoted[1 : len(quoted)-1]
	if !slices.ContainsFunc(plain, func(c byte) bool { return c < ' ' || c == '\\' || c >= 0x80 }) {
		return string(plain), nil
	}
	err = json.Unmarshal(quoted, &text)
	return text, err
}

// value passes a value: a string, what stands between brackets, or all up to what cannot be a part of it.
func (s *members) value() error {
	for depth := 0; len(s.rest) > 0; {
		switch c := s.rest[0]; c {
		case '"':
			if _, err := s.quoted(); err != nil {
				return err
			}
			if depth == 0 {
				return nil
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return nil // of the object
			}
			if depth--; depth == 0 {
				s.rest = s.rest[1:]
				return nil
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return nil
			}
		}
		s.rest = s.rest[1:]
	}
	return io.ErrUnexpectedEOF
}
