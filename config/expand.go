package config

import (
	"strings"
	"unicode/utf8"
)

// expand puts variables of the environment in for ${NAME}. $${ stands for ${ itself; any other dollar sign is one.
func (d *document) expand(s string, w at) (string, bool) {
	if !strings.Contains(s, "${") {
		return s, true
	}
	var b strings.Builder
	var missing []string
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			if len(missing) > 0 {
				d.report(w, "the environment lacks %s", strings.Join(missing, ", "))
				return "", false
			}
			return b.String(), true
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		name, rest, closed := strings.Cut(s[i+2:], "}")
		if !closed || !isVariable(name) {
			d.report(w, "has a ${ that does not begin ${NAME}; write $${ for the characters ${") // it is not quoted: it may be a part of a secret
			return "", false
		}
		value, ok := d.env(name)
		switch {
		case !ok:
			missing = append(missing, name)
		case !utf8.ValidString(value):
			d.report(w, "the variable %s is not UTF-8", name)
			return "", false
		}
		b.WriteString(value)
		s = rest
	}
}

func isVariable(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
