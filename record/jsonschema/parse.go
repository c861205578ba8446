// Package jsonschema turns a JSON Schema (drafts 4, 6, 7, 2019-09, 2020-12) into a schema of rows, for documents that record/json reads.
//
//	object with properties        struct, in the order of the text. What is required and not null is not nullable; all else is.
//	                              Further properties are left out, as record/json does
//	object with additionalProperties (or one that covers all names of patternProperties) and no properties: a map
//	array with one schema of items: list
//	integer, number               int64, double. By title, as Kafka Connect and Debezium write it: decimal, date, time, timestamp
//	string                        string; by format: date-time (timestamp in microseconds), date, uuid; contentEncoding base64: bytes.
//	                              A time of day has a zone in JSON Schema, which no column of times keeps: it stays a string
//	enum, const                   the type of the values. Strings stay strings: a value that is new tomorrow would not fit an enum
//	boolean                       boolean
//	null                          makes a field nullable; alone, there is no column
//	allOf                         all of them at once
//	oneOf, anyOf                  what all of them have in common; of several objects a struct with the fields of all of them
//	if, dependentSchemas          fields of what applies sometimes, nullable
//	$ref                          within the document, and to the references of the schema. Nothing is ever fetched
//	default                       the field's default
//
// What cannot be a typed column becomes one column of JSON, and a note says which and why: values of several types, tuples, recursion at
// the place where it closes, objects and arrays of anything. Other keywords do not matter for the type. A document may break a rule and
// fit all the same, as one may keep all rules and not fit: an integer of more than 64 bits does not.
package jsonschema

import (
	"fmt"
	"strings"

	"shadoof/record"
)

// A Note is something that people should know about a schema's rows.
type Note struct {
	Path string `json:"path"` // of the field, dotted, [] for elements and {} for values of a map; "" for the whole
	Text string `json:"text"`
}

func (n Note) String() string {
	if n.Path == "" {
		return n.Text
	}
	return n.Path + ": " + n.Text
}

// Parse reads a schema with its references. Fields at the paths asJSON (dotted; brackets may be left out) become columns of JSON, whatever
// their type. An error says what is wrong with the schema, or that it has no rows.
func Parse(t *record.SchemaText, asJSON ...string) (*record.Schema, []Note, error) {
	s, notes, err := compile(t, asJSON)
	if err != nil {
		return nil, nil, fmt.Errorf("json schema: %w", err)
	}
	return s, notes, nil
}

func compile(t *record.SchemaText, asJSON []string) (*record.Schema, []Note, error) {
	main, all, err := load(t)
	if err != nil {
		return nil, nil, err
	}
	r := &reader{all: all, asJSON: map[string]bool{}, open: map[*value]bool{}}
	for _, path := range asJSON {
		r.asJSON[bare(path)] = path != ""
	}
	shape := r.schema(main.root, "")
	if r.err != nil {
		return nil, nil, r.err
	}
	w := &rows{}
	fields, err := w.top(shape)
	if err != nil {
		return nil, nil, err
	}
	s := &record.Schema{Fields: fields}
	return s, w.notes, s.Validate()
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// bare is a path without the brackets of lists and maps.
func bare(path string) string { return strings.NewReplacer("[]", "", "{}", "").Replace(path) }

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
