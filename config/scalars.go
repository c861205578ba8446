package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// scalar returns the text of a key's value as written, with variables of the environment put in. YAML's own idea of types plays no
// part: an unquoted 0644 is "0644".
func (m *mapping) scalar(key string) (text string, ok bool) {
	n, w, ok := m.lookup(key)
	if !ok {
		return "", false
	}
	return m.d.text(n, w)
}

func (d *document) text(n *yaml.Node, w at) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		d.report(w, "wants one value, not %s", describe(n))
		return "", false
	}
	switch n.Tag {
	case "!!null":
		d.report(w, `has no value: leave the key out, or write ""`)
		return "", false
	case "!!str", "!!bool", "!!int", "!!float", "!!timestamp":
	default:
		d.report(w, "has the tag %s: tags are not read", n.Tag)
		return "", false
	}
	return d.expand(n.Value, w)
}

func (m *mapping) text(key, unset string) string {
	if s, ok := m.scalar(key); ok {
		return s
	}
	return unset
}

// choice reads one of a closed set of words.
func (m *mapping) choice(key, unset string, words ...string) string {
	s, ok := m.scalar(key)
	if !ok {
		return unset
	}
	if !slices.Contains(words, s) {
		m.reject(key, "%q is not one of %s%s", clip(s), list(words), didYouMean(s, words))
		return unset
	}
	return s
}

func list(words []string) string {
	shown := make([]string, len(words))
	for i, w := range words {
		if w == "" {
			w = `""`
		}
		shown[i] = w
	}
	return strings.Join(shown, ", ")
}

func (m *mapping) boolean(key string, unset bool) bool {
	s, ok := m.scalar(key)
	if !ok {
		return unset
	}
	switch s {
	case "true":
		return true
	case "false":
		return false
	}
	m.reject(key, "%q is neither true nor false", clip(s))
	return unset
}

func (m *mapping) integer(key string, unset, least, most int64) int64 {
	s, ok := m.scalar(key)
	if !ok {
		return unset
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		m.reject(key, "%q is not a whole number", clip(s))
		return unset
	}
	if n < least || n > most {
		m.reject(key, "%d is not between %d and %d", n, least, most)
		return unset
	}
	return n
}

func (m *mapping) size(key string, unset, least int64) int64 {
	s, ok := m.scalar(key)
	if !ok {
		return unset
	}
	n, err := ParseSize(s)
	if err != nil {
		m.reject(key, "%v", err)
		return unset
	}
	if n < least {
		m.reject(key, "%s is too small: the least is %s", s, FormatSize(least))
		return unset
	}
	return n
}

func (m *mapping) duration(key string, unset, least time.Duration) time.Duration {
	s, ok := m.scalar(key)
	if !ok {
		return unset
	}
	n, err := ParseDuration(s)
	if err != nil {
		m.reject(key, "%v", err)
		return unset
	}
	if n < least {
		m.reject(key, "%s is too short: the least is %s", s, FormatDuration(least))
		return unset
	}
	return n
}

// An item is an element of a list, and where it stands.
type item struct {
	text  string
	where at
}

// list reads a list of values; nothing is an empty list.
func (m *mapping) list(key string) []item {
	n, w, ok := m.lookup(key)
	if !ok {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		m.d.report(w, "wants a list such as [a, b], not %s", describe(n))
		return nil
	}
	var items []item
	for i, e := range n.Content {
		e = resolved(e)
		ew := at{e.Line, e.Column, w.path + "[" + strconv.Itoa(i) + "]"}
		if s, ok := m.d.text(e, ew); ok {
			items = append(items, item{s, ew})
		}
	}
	return items
}

// file reads the name of a file that must exist. Relative names start at the document's folder.
func (m *mapping) file(key string) string {
	return m.existing(key, "a file", fs.FileMode.IsRegular)
}

// dir reads the name of a folder that must exist. Relative names start at the document's folder.
func (m *mapping) dir(key string) string {
	return m.existing(key, "a folder", fs.FileMode.IsDir)
}

func (m *mapping) existing(key, kind string, is func(fs.FileMode) bool) string {
	s := m.text(key, "")
	if s == "" {
		return ""
	}
	path := s
	if !filepath.IsAbs(path) {
		path = filepath.Join(m.d.dir, path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		m.reject(key, "%v", err)
	case !is(info.Mode()):
		m.reject(key, "%s is not %s", path, kind)
	}
	return path
}
