package jsonschema

import (
	"errors"
	"fmt"
	"slices"
)

// maxPlaces is how many places a schema may unfold to. References multiply them: a few lines can name billions.
const maxPlaces = 100_000

// A reader turns schemas into shapes.
type reader struct {
	all    *resources
	asJSON map[string]bool // paths without brackets
	open   map[*value]bool // schemas that the place is in
	places int
	err    error // of the first thing that cannot be read
}

func (r *reader) spend() bool {
	if r.places++; r.places > maxPlaces && r.err == nil {
		r.err = fmt.Errorf("with its references resolved it has more than %d places; name fields that are to be one column of JSON", maxPlaces)
	}
	return r.err == nil
}

// schema is the shape of the values that a schema takes at a path.
func (r *reader) schema(v *value, path string) *shape {
	switch {
	case !r.spend():
		return anything()
	case len(r.asJSON) > 0 && r.asJSON[bare(path)]:
		return opaque("as asked for")
	case v.Kind == 't':
		return anything()
	case v.Kind == 'f':
		return &shape{}
	case v.Kind != '{':
		r.fail(path, errors.New("its schema is neither an object nor true or false"))
		return anything()
	case r.open[v]:
		return opaque("the schema is recursive here, and a row has a fixed depth")
	}
	r.open[v] = true
	defer delete(r.open, v)

	var s *shape
	for _, keyword := range []string{"$ref", "$dynamicRef", "$recursiveRef"} {
		if ref := v.Str(keyword); ref != "" {
			to := r.reference(ref, v, path)
			if home := r.all.homes[v]; home != nil && home.draft <= 7 { // what stands beside it does not count
				return described(v).over(to)
			}
			s = r.bothOf(s, to)
		}
	}
	if s == nil {
		s = r.keywords(v, path)
	} else {
		s = r.both(r.keywords(v, path), s)
	}
	s = r.combined(v, s, path)
	if v.Get("nullable").Is("t") && !s.soft && s.json == "" { // OpenAPI's way to say it
		c := *s
		c.kinds |= null
		s = &c
	}
	return s
}

func (r *reader) fail(path string, err error) {
	if r.err == nil {
		r.err = err
		if path != "" {
			r.err = fmt.Errorf("field %s: %w", path, err)
		}
	}
}

func (r *reader) reference(ref string, v *value, path string) *shape {
	home := r.all.homes[v]
	if home == nil {
		return opaque("$ref " + ref + " stands where no schema does")
	}
	to, err := r.all.find(ref, home)
	switch {
	case errors.Is(err, errElsewhere):
		return opaque("$ref " + ref + ": " + err.Error())
	case err != nil:
		r.fail(path, err)
		return anything()
	}
	return r.schema(to, path)
}

// described is the shape of a schema's doc and default alone.
func described(v *value) *shape {
	return &shape{soft: true, doc: v.Str("description"), def: v.Get("default")}
}

// over is the other shape with the doc and default of this one, where it has them.
func (s *shape) over(other *shape) *shape {
	c := *other
	if s.doc != "" {
		c.doc = s.doc
	}
	if s.def != nil {
		c.def = s.def
	}
	return &c
}

// keywords is the shape by the keywords of the schema itself.
func (r *reader) keywords(v *value, path string) *shape {
	s := described(v)
	r.kinds(s, v)
	logical(s, v)
	r.object(s, v, path)
	switch items := v.Get("items"); {
	case v.Get("prefixItems").Is("["), items.Is("["):
		s.tuple = true
	case items.Is("{tf"):
		if item := r.schema(items, path+"[]"); !item.open() {
			s.item = item
		}
	}
	return s
}

// kinds reads what says of which kind values are, or suggests it.
func (r *reader) kinds(s *shape, v *value) {
	var said kinds
	for _, t := range append([]*value{v.Get("type")}, v.Get("type").List()...) {
		if t.Is("\"") {
			k := typeNames[t.Text]
			if k == 0 {
				k = all // of an older draft
			}
			said |= k
		}
	}
	if said != 0 {
		s.kinds, s.soft = said, false
	}
	one := v.Get("enum").List()
	if c := v.Get("const"); c != nil {
		one = []*value{c}
	}
	if len(one) > 0 {
		var of kinds
		for _, e := range one {
			of |= kindOf(e)
		}
		if s.soft {
			s.kinds = all
		}
		s.kinds, s.soft = s.kinds&of, false
	}
	if !s.soft {
		return
	}
	for k, keywords := range map[kinds][]string{
		object: {"properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties", "propertyNames"},
		array:  {"items", "prefixItems", "additionalItems", "contains", "minItems", "maxItems", "uniqueItems"},
		text:   {"format", "pattern", "minLength", "maxLength", "contentEncoding", "contentMediaType"},
		number: {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
	} {
		if slices.ContainsFunc(keywords, func(keyword string) bool { return v.Get(keyword) != nil }) {
			s.kinds |= k
		}
	}
}

// everyName are patterns that each name matches, or each but the empty one.
var everyName = []string{"", ".*", ".+", "^.*$", "^.+$", "^.*", "^.+", "^"}

func (r *reader) object(s *shape, v *value, path string) {
	if props := v.Get("properties"); props.Is("{") {
		for _, name := range props.Names {
			s.props = append(s.props, prop{name: name, shape: r.schema(props.Members[name], join(path, name))})
		}
	}
	for _, name := range v.Get("required").List() {
		if name.Is("\"") && !slices.Contains(s.required, name.Text) {
			s.required = append(s.required, name.Text)
		}
	}
	others := v.Get("additionalProperties")
	s.closed = others.Is("f")
	if others.Is("{") {
		if extra := r.schema(others, path+"{}"); !extra.open() {
			s.extra = extra
		}
	}
	patterns := v.Get("patternProperties")
	if !patterns.Is("{") {
		return
	}
	s.loose = !s.closed && s.extra == nil
	for _, pattern := range patterns.Names {
		extra := r.schema(patterns.Members[pattern], path+"{}")
		if s.extra == nil {
			s.extra = extra
		} else {
			s.extra = r.either(s.extra, extra)
		}
		s.loose = s.loose && !slices.Contains(everyName, pattern)
	}
	s.closed = false
}

// combined adds what allOf, anyOf, oneOf and conditions say.
func (r *reader) combined(v *value, s *shape, path string) *shape {
	for _, sub := range v.Get("allOf").List() {
		s = r.both(s, r.schema(sub, path))
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		var one *shape
		for _, sub := range v.Get(keyword).List() {
			if next := r.schema(sub, path); one == nil {
				one = next
			} else {
				one = r.either(one, next)
			}
		}
		if one != nil {
			s = r.both(s, one)
		}
	}
	if s.json != "" {
		return s
	}
	var hints []*shape
	if v.Get("if") != nil {
		for _, keyword := range []string{"then", "else"} {
			if sub := v.Get(keyword); sub.Is("{") {
				hints = append(hints, r.schema(sub, path))
			}
		}
	}
	for _, keyword := range []string{"dependentSchemas", "dependencies"} {
		if subs := v.Get(keyword); subs.Is("{") {
			for _, name := range subs.Names {
				if sub := subs.Members[name]; sub.Is("{") {
					hints = append(hints, r.schema(sub, path))
				}
			}
		}
	}
	if len(hints) == 0 {
		return s
	}
	return r.extended(s, hints...)
}
