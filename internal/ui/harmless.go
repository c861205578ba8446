package ui

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// Harmless returns a writer of lines for people, into which others' words may go: names of files that anybody may have put there, errors of
// servers, text of records. What a terminal would obey is written as an escape; lines and tabs stay. A character that is cut in two by two
// writes is not text.
func Harmless(w io.Writer) io.Writer { return harmless{w} }

type harmless struct{ w io.Writer }

func (h harmless) Write(p []byte) (int, error) {
	var out []byte // nil as long as all is harmless
	from := 0
	for i := 0; i < len(p); {
		r, size := utf8.DecodeRune(p[i:])
		if bad := r == utf8.RuneError && size == 1; bad || commands(r) {
			out = append(out, p[from:i]...)
			if bad || r < 0x80 {
				out = fmt.Appendf(out, `\x%02x`, p[i])
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
			from = i + size
		}
		i += size
	}
	if out == nil {
		return h.w.Write(p)
	}
	if _, err := h.w.Write(append(out, p[from:]...)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// commands says whether a terminal may take a character for more than something to show: control characters, and those that turn the
// direction of a line around.
func commands(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ' || r >= 0x7f && r < 0xa0:
		return true
	}
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f
}
