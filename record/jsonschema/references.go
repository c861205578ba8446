package jsonschema

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"shadoof/record"
	"shadoof/record/internal/jsonvalue"
)

// Limits of a schema's text.
const (
	maxBytes   = 16 << 20
	maxNesting = 500
)

type value = jsonvalue.Value

func parse(text string) (*value, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("it has %d bytes, the most is %d", len(text), maxBytes)
	}
	v, _, err := jsonvalue.Parse([]byte(text), maxNesting)
	return v, err
}

// A resource is a schema with a URI of its own: a document, or what has an $id within one.
type resource struct {
	base    *url.URL
	root    *value
	anchors map[string]*value
	draft   int // 4, 6, 7, 2019, 2020; also 2020 where nothing says so
}

// Resources are all that references can lead to. Nothing else is looked for anywhere.
type resources struct {
	byURI map[string]*resource // without a fragment
	homes map[*value]*resource // what references in a value are relative to; of data there is none
}

// errElsewhere is what a reference leads to that is neither in the document nor among its references.
var errElsewhere = errors.New("no reference of the schema has that name, and nothing is fetched")

// load parses the schema and what it refers to.
func load(t *record.SchemaText) (*resource, *resources, error) {
	all := &resources{byURI: map[string]*resource{}, homes: map[*value]*resource{}}
	root, err := parse(t.Text)
	if err != nil {
		return nil, nil, err
	}
	if !root.Is("{tf") {
		return nil, nil, errors.New("it is neither an object nor true or false")
	}
	main := all.add(root, "")
	for _, r := range t.References {
		v, err := parse(r.Text)
		if err != nil {
			return nil, nil, fmt.Errorf("reference %s: %w", r.Name, err)
		}
		name := r.Name
		if u, err := main.base.Parse(name); err == nil {
			name = u.String()
		}
		res := all.add(v, name)
		all.name(r.Name, res) // as the schema has it, where the URI is another
		all.name(name, res)
	}
	return main, all, nil
}

// name gives a resource a further URI; one that is taken stays as it is.
func (all *resources) name(uri string, r *resource) {
	uri, _, _ = strings.Cut(uri, "#")
	if _, taken := all.byURI[uri]; !taken && uri != "" {
		all.byURI[uri] = r
	}
}

// add enters a document that is known by a URI.
func (all *resources) add(root *value, uri string) *resource {
	base, err := url.Parse(uri)
	if err != nil {
		base = &url.URL{}
	}
	r := &resource{base: base, root: root, anchors: map[string]*value{}, draft: 2020}
	all.walk(root, r, false)
	if own := all.homes[root]; own != nil {
		r = own // by its own $id
	}
	return r
}

// maps are the keywords whose members are schemas under any name.
var maps = map[string]bool{"properties": true, "patternProperties": true, "$defs": true, "definitions": true, "dependentSchemas": true, "dependencies": true}

// data are the keywords below which no schema stands.
var data = map[string]bool{"enum": true, "const": true, "default": true, "examples": true}

// walk notes where schemas are at home, their identifiers and anchors. names: the members' names are not keywords.
func (all *resources) walk(v *value, home *resource, names bool) {
	switch v.Kind {
	case '[':
		all.homes[v] = home
		for _, item := range v.Items {
			all.walk(item, home, false)
		}
	case '{':
		if !names {
			home = all.identify(v, home)
		}
		all.homes[v] = home
		for _, name := range v.Names {
			if names || !data[name] {
				all.walk(v.Members[name], home, !names && maps[name])
			}
		}
	default:
		all.homes[v] = home
	}
}

// identify is the resource that an object belongs to: a new one if it has an identifier.
func (all *resources) identify(v *value, home *resource) *resource {
	draft := home.draft
	if d, ok := draftOf(v.Str("$schema")); ok {
		draft = d
		if v == home.root {
			home.draft = d
		}
	}
	id := v.Str("$id")
	if draft == 4 {
		id = v.Str("id")
	}
	uri, fragment, _ := strings.Cut(id, "#")
	if uri != "" {
		if base, err := home.base.Parse(uri); err == nil {
			home = &resource{base: base, root: v, anchors: map[string]*value{}, draft: draft}
			all.name(base.String(), home)
		}
	}
	for _, anchor := range []string{fragment, v.Str("$anchor"), v.Str("$dynamicAnchor")} {
		if anchor != "" && home.anchors[anchor] == nil {
			home.anchors[anchor] = v
		}
	}
	return home
}

func draftOf(uri string) (draft int, ok bool) {
	for _, d := range []struct {
		part  string
		draft int
	}{{"draft-03", 4}, {"draft-04", 4}, {"draft-06", 6}, {"draft-07", 7}, {"2019-09", 2019}, {"2020-12", 2020}} {
		if strings.Contains(uri, d.part) {
			return d.draft, true
		}
	}
	return 0, false
}

// find is what a reference within a resource leads to; errElsewhere where that is another document that is not there.
func (all *resources) find(ref string, from *resource) (*value, error) {
	uri, fragment, _ := strings.Cut(ref, "#")
	to := from
	if uri != "" {
		to = nil
		if u, err := from.base.Parse(uri); err == nil {
			to = all.byURI[u.String()]
		}
		if to == nil {
			to = all.byURI[uri]
		}
		if to == nil {
			return nil, errElsewhere
		}
	}
	if plain, err := url.PathUnescape(fragment); err == nil {
		fragment = plain
	}
	v := to.root
	if strings.HasPrefix(fragment, "/") {
		for part := range strings.SplitSeq(fragment[1:], "/") {
			if v = step(v, strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")); v == nil {
				return nil, fmt.Errorf("$ref %s leads nowhere", ref)
			}
		}
	} else if fragment != "" {
		if v = to.anchors[fragment]; v == nil {
			return nil, fmt.Errorf("$ref %s: there is no such anchor", ref)
		}
	}
	if all.homes[v] == nil {
		all.walk(v, to, false) // below what looked like data
	}
	return v, nil
}

// step is one part of a JSON pointer.
func step(v *value, part string) *value {
	if v.Kind == '[' {
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(v.Items) {
			return v.Items[i]
		}
		return nil
	}
	return v.Get(part)
}
