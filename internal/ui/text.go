package ui

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Text writes bytes of any kind as one line that is harmless to a terminal: text as it is, with escapes for what does not print;
// bytes that are hardly text in hex, after 0x. At most so many bytes are shown, and the length of the whole after them.
func Text(b []byte, most int) string {
	shown := b
	if len(b) > most {
		shown = b[:most]
		for n := 1; n < utf8.UTFMax && n <= most; n++ { // not in the middle of a character
			if utf8.RuneStart(b[most-n]) {
				if !utf8.FullRune(b[most-n : most]) {
					shown = b[:most-n]
				}
				break
			}
		}
	}
	text := escaped(shown)
	if 2*strange(shown) > len(shown) {
		text = "0x" + hex.EncodeToString(shown)
	}
	if len(b) > most {
		text += fmt.Sprintf("… (%s)", Plural(len(b), "byte"))
	}
	return text
}

// strange counts bytes that no text has.
func strange(b []byte) (n int) {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			n += size
		}
		b = b[size:]
	}
	return n
}

// escaped is the text with escapes, as Go has them, for what does not print.
func escaped(b []byte) string {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, b[0])
		case r == '\\':
			out = append(out, `\\`...)
		case unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		default:
			q := strconv.QuoteRune(r)
			out = append(out, q[1:len(q)-1]...)
		}
		b = b[size:]
	}
	return string(out)
}
