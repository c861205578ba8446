package jsonschema

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"shadoof/record"
)

// A resource is a schema with a URI of its own: a document, or what has an $id within one.
type resource struct {
	base    *url.URL
	root    *value
	anchors map[string]*value
	draft   int // 4, 6, 7, 2019, 2020; also 2020 where nothing says so
}

// Resources are all that references can lead to, by URI without a fragment. Nothing else is looked for anywhere.
type resources map[string]*resource

// errElsewhere is what a reference leads to that is neither in the document nor among its references.
var errElsewhere = errors.New("no reference of the schema has that name, and nothing is fetched")

// load parses the schema and what it refers to.
func load(t *record.SchemaText) (*resource, resources, error) {
	all := resources{}
	root, err := parse(t.Text)
	if err != nil {
		return nil, nil, err
	}
	if !root.is("{tf") {
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
func (all resources) name(uri string, r *resource) {
	uri, _, _ = strings.Cut(uri, "#")
	if _, taken := all[uri]; !taken && uri != "" {
		all[uri] = r
	}
}

// add enters a document that is known by a URI.
func (all resources) add(root *value, uri string) *resource {
	base, err := url.Parse(uri)
	if err != nil {
		base = &url.URL{}
	}
	r := &resource{base: base, root: root, anchors: map[string]*value{}, draft: 2020}
	all.walk(root, r, false)
	if root.home != nil {
		r = root.home // its own $id
	}
	return r
}

// maps are the keywords whose members are schemas under any name.
var maps = map[string]bool{"properties": true, "patternProperties": true, "$defs": true, "definitions": true, "dependentSchemas": true, "dependencies": true}

// data are the keywords below which no schema stands.
var data = map[string]bool{"enum": true, "const": true, "default": true, "examples": true}

// walk notes where schemas are at home, their identifiers and anchors. names: the members' names are not keywords.
func (all resources) walk(v *value, home *resource, names bool) {
	switch v.kind {
	case '[':
		v.home = home
		for _, item := range v.items {
			all.walk(item, home, false)
		}
	case '{':
		if !names {
			home = all.identify(v, home)
		}
		v.home = home
		for _, name := range v.names {
			if names || !data[name] {
				all.walk(v.members[name], home, !names && maps[name])
			}
		}
	default:
		v.home = home
	}
}

// identify is the resource that an object belongs to: a new one if it has an identifier.
func (all resources) identify(v *value, home *resource) *resource {
	draft := home.draft
	if d, ok := draftOf(v.str("$schema")); ok {
		draft = d
		if v == home.root {
			home.draft = d
		}
	}
	id := v.str("$id")
	if draft == 4 {
		id = v.str("id")
	}
	uri, fragment, _ := strings.Cut(id, "#")
	if uri != "" {
		if base, err := home.base.Parse(uri); err == nil {
			home = &resource{base: base, root: v, anchors: map[string]*value{}, draft: draft}
			all.name(base.String(), home)
		}
	}
	for _, anchor := range []string{fragment, v.str("$anchor"), v.str("$dynamicAnchor")} {
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
func (all resources) find(ref string, from *resource) (*value, error) {
	uri, fragment, _ := strings.Cut(ref, "#")
	to := from
	if uri != "" {
		to = nil
		if u, err := from.base.Parse(uri); err == nil {
			to = all[u.String()]
		}
		if to == nil {
			to = all[uri]
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
			if v = v.step(strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")); v == nil {
				return nil, fmt.Errorf("$ref %s leads nowhere", ref)
			}
		}
	} else if fragment != "" {
		if v = to.anchors[fragment]; v == nil {
			return nil, fmt.Errorf("$ref %s: there is no such anchor", ref)
		}
	}
	if v.home == nil {
		all.walk(v, to, false) // below what looked like data
	}
	return v, nil
}

// step is one part of a JSON pointer.
func (v *value) step(part string) *value {
	if v.kind == '[' {
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(v.items) {
			return v.items[i]
		}
		return nil
	}
	return v.get(part)
}
