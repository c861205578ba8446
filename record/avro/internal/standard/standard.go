// Package standard finds out whether the text of an Avro schema is one that every reader takes, and where fields can be added to it.
package standard

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"shadoof/record"
)

// Datum cuts the text of a schema where further fields of the record at the top can stand. It stays as its author wrote it, but for
// white space between its parts. ok is false where it is not a text that every reader takes.
func Datum(text string) (d *record.Datum, ok bool) {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return nil, false
	}
	whole := b.Bytes()
	s := schema{defined: map[string]bool{}}
	if !s.record(whole) {
		return nil, false
	}
	end, ok := endOfFields(whole)
	if !ok {
		return nil, false
	}
	return &record.Datum{Before: string(whole[:end]), After: string(whole[end:])}, true
}

// endOfFields is where the fields of the record end, before the bracket. They must stand there once, and none may have the name of a
// Kafka column, also a field of type null, which is in no schema of rows.
func endOfFields(text []byte) (end int, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil { // the brace
		return 0, false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return 0, false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return 0, false
		}
		if key != "fields" {
			continue
		}
		if ok { // twice
			return 0, false
		}
		end, ok = int(d.InputOffset())-1, true
		var fields []struct{ Name string }
		if err := json.Unmarshal(value, &fields); err != nil || len(fields) == 0 {
			return 0, false
		}
		for _, f := range fields {
			if slices.Contains([]string{record.PartitionColumn, record.OffsetColumn, record.TimestampColumn}, f.Name) {
				return 0, false
			}
		}
	}
	return end, ok
}

// A schema is one by the letter of the specification: the parser takes more than that, such as types that are named before they
// are defined, or attributes of a type beside it.
type schema struct{ defined map[string]bool }

// record says whether the text is that of a record.
func (s *schema) record(text json.RawMessage) bool {
	var o struct{ Type string }
	return json.Unmarshal(text, &o) == nil && o.Type == "record" && s.is(text, "")
}

// is says whether the text is a type, where names without a namespace are looked for in one.
func (s *schema) is(text json.RawMessage, namespace string) bool {
	if len(text) == 0 {
		return false
	}
	switch text[0] {
	case '"':
		var name string
		return json.Unmarshal(text, &name) == nil && s.known(name, namespace)
	case '[':
		var branches []json.RawMessage
		if json.Unmarshal(text, &branches) != nil {
			return false
		}
		return !slices.ContainsFunc(branches, func(b json.RawMessage) bool { return !s.is(b, namespace) })
	}
	var o map[string]json.RawMessage // a struct would take names in any case
	if json.Unmarshal(text, &o) != nil {
		return false
	}
	var kind string
	if json.Unmarshal(o["type"], &kind) != nil {
		return s.is(o["type"], namespace)
	}
	switch kind {
	case "record", "enum", "fixed":
		name, ok := s.define(o, namespace)
		if !ok {
			return false
		}
		return kind != "record" || s.fields(o["fields"], namespaceOf(name))
	case "array":
		return s.is(o["items"], namespace)
	case "map":
		return s.is(o["values"], namespace)
	}
	return s.known(kind, namespace)
}

func (s *schema) known(name, namespace string) bool {
	switch name {
	case "null", "boolean", "int", "long", "float", "double", "bytes", "string":
		return true
	}
	return s.defined[name] || namespace != "" && !strings.Contains(name, ".") && s.defined[namespace+"."+name]
}

// define notes the full name of a type.
func (s *schema) define(o map[string]json.RawMessage, namespace string) (name string, ok bool) {
	if json.Unmarshal(o["name"], &name) != nil {
		return "", false
	}
	if own, given := o["namespace"]; given && json.Unmarshal(own, &namespace) != nil {
		return "", false
	}
	if !strings.Contains(name, ".") && namespace != "" {
		name = namespace + "." + name
	}
	if size, given := o["size"]; given && len(size) > 0 && size[0] == '"' {
		return "", false
	}
	s.defined[name] = true
	return name, true
}

func (s *schema) fields(text json.RawMessage, namespace string) bool {
	var fields []map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return false
	}
	return !slices.ContainsFunc(fields, func(f map[string]json.RawMessage) bool { return f["name"] == nil || !s.is(f["type"], namespace) })
}

func namespaceOf(fullName string) string {
	return fullName[:max(strings.LastIndexByte(fullName, '.'), 0)]
}
