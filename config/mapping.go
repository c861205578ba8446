package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A mapping is a YAML mapping that is read key by key. What it does not have is looked up in the fallback: a job's in defaults.
// Reading reports what is wrong and returns the default, so that one pass finds every problem.
type mapping struct {
	d        *document
	kind     string // index of known
	where    at
	values   map[string]*yaml.Node
	broken   bool // it is no mapping, which was reported: what is not in it is no news
	fallback *mapping
}

// mapping opens a node as a mapping, reporting unknown and repeated keys. A nil node is an absent section: an empty mapping.
func (d *document) mapping(n *yaml.Node, kind string) *mapping {
	return d.mappingAt(n, kind, kind)
}

func (d *document) mappingAt(n *yaml.Node, kind, path string) *mapping {
	m := &mapping{d: d, kind: kind, where: at{path: path}, values: map[string]*yaml.Node{}}
	if n == nil {
		return m
	}
	n = resolved(n)
	m.where = at{n.Line, n.Column, path}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return m
	}
	if n.Kind != yaml.MappingNode {
		d.report(m.where, "wants a section with keys, not %s", describe(n))
		m.broken = true
		return m
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		d.key(m, n.Content[i], n.Content[i+1])
	}
	return m
}

func (d *document) key(m *mapping, key, value *yaml.Node) {
	w := at{key.Line, key.Column, m.where.path}
	if key.Kind != yaml.ScalarNode {
		d.report(w, "a key must be a word, not %s", describe(key))
		return
	}
	if key.Tag == "!!merge" {
		d.report(w, "merge keys (<<) are not read: put what jobs share under defaults")
		return
	}
	w.path = join(m.where.path, key.Value)
	if !slices.Contains(known[m.kind], key.Value) {
		d.report(w, "unknown key%s", suggestion(m.kind, key.Value))
		return
	}
	if first, ok := m.values[key.Value]; ok {
		d.report(w, "stands here a second time, after line %d", first.Line)
		return
	}
	m.values[key.Value] = value
}

// resolved follows an alias to the node that its anchor names.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// describe says what a node is, for messages.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return fmt.Sprintf("%q", clip(n.Value))
}

// clip is what of a value is quoted in a message.
func clip(s string) string {
	const longest = 60
	s = withoutSecrets(s)
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// withoutSecrets masks the user, the password and the query of what may be meant as an address: user:password@host.
func withoutSecrets(s string) string {
	begin := 0
	if i := strings.Index(s, "://"); i >= 0 {
		begin = i + len("://")
		if q := strings.IndexByte(s[begin:], '?'); q >= 0 {
			s = s[:begin+q] + "?" + masked
		}
	}
	end := strings.LastIndexByte(s, '@')
	if end < begin || !strings.Contains(s[begin:end], ":") {
		return s
	}
	return s[:begin] + masked + s[end:]
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// lookup finds a key here or in the fallback, and where it stands. Asking for a key that is not in known is a mistake of this package.
func (m *mapping) lookup(key string) (*yaml.Node, at, bool) {
	if !slices.Contains(known[m.kind], key) {
		panic("config: " + m.kind + "." + key + " is read and not known")
	}
	for s := m; s != nil; s = s.fallback {
		if n, ok := s.values[key]; ok {
			n = resolved(n)
			return n, at{n.Line, n.Column, join(s.where.path, key)}, true
		}
	}
	return nil, at{m.where.line, m.where.column, join(m.where.path, key)}, false
}

// has says whether the key is written, here or in the fallback.
func (m *mapping) has(key string) bool {
	_, _, ok := m.lookup(key)
	return ok
}

// reject reports a problem with a key, at its value or, when it is absent, at the section.
func (m *mapping) reject(key, format string, args ...any) {
	_, w, ok := m.lookup(key)
	if ok || !m.broken {
		m.d.report(w, format, args...)
	}
}

// section opens the mapping below a key.
func (m *mapping) section(key string) *mapping {
	if !slices.Contains(known[m.kind], key) {
		panic("config: section " + m.kind + "." + key + " is read and not known")
	}
	s := m.d.mappingAt(m.values[key], join(m.kind, key), join(m.where.path, key))
	s.broken = s.broken || m.broken
	if s.where.line == 0 {
		s.where.line, s.where.column = m.where.line, m.where.column
	}
	if m.fallback != nil {
		s.fallback = m.fallback.section(key)
	}
	return s
}
