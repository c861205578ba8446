package json

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// scan finds the end of a string whose text begins at p: the position of its closing quote, or -1. The text is then UTF-8 without
// control characters; its escape sequences are not looked at.
func (d *Decoder) scan(p int) (end int, escapes bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	b, from, high := d.b, p, uint64(0)
	for {
		for p+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[p:])
			quote, slash := w^('"'*ones), w^('\\'*ones)
			// The lowest bit set is that of the first byte that is a quote, a backslash or below a space.
			stop := (((quote - ones) &^ quote) | ((slash - ones) &^ slash) | ((w - ' '*ones) &^ w)) & highs
			high |= w
			if stop != 0 {
				p += bits.TrailingZeros64(stop) >> 3
				break
			}
			p += 8
		}
		for p < len(b) && b[p] != '"' && b[p] != '\\' && b[p] >= ' ' {
			high |= uint64(b[p])
			p++
		}
		switch {
		case p >= len(b):
			return d.syntax(p, "the end of a string"), false
		case b[p] == '"':
			if high&highs != 0 && !utf8.Valid(b[from:p]) {
				return d.syntax(from, "UTF-8"), false
			}
			return p, escapes
		case b[p] == '\\':
			escapes = true
			p = min(p+2, len(b))
		default:
			return d.syntax(p, "no control character within a string"), false
		}
	}
}

// unquote reads the string at p, which is a quote. The text is valid until the next one is read.
func (d *Decoder) unquote(p int) (text []byte, end int) {
	end, escapes := d.scan(p + 1)
	if end < 0 {
		return nil, -1
	}
	if !escapes {
		return d.b[p+1 : end], end + 1
	}
	text, bad := unescape(d.scratch[:0], d.b[p+1:end])
	d.scratch = text[:0]
	if bad >= 0 {
		return nil, d.syntax(p+1+bad, "an escape sequence of JSON")
	}
	return text, end + 1
}

// text reads the string that n takes at p.
func (d *Decoder) text(n *node, p int) (text []byte, end int) {
	if d.b[p] != '"' {
		return nil, d.mismatch(n, p)
	}
	return d.unquote(p)
}

func appendText(dst, s []byte, escapes bool) (_ []byte, bad int) {
	if escapes {
		return unescape(dst, s)
	}
	return append(dst, s...), -1
}

// unescape appends the text of a string with escape sequences. bad is where the first one stands that means nothing, or -1.
func unescape(dst, s []byte) (_ []byte, bad int) {
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			from := i
			for i < len(s) && s[i] != '\\' {
				i++
			}
			dst = append(dst, s[from:i]...)
			continue
		}
		if i+1 == len(s) {
			return dst, i
		}
		switch c := s[i+1]; c {
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(s, i)
			if utf16.IsSurrogate(r) {
				r = utf16.DecodeRune(r, hex4(s, i+6))
				if r == utf8.RuneError { // not the two halves of a pair
					return dst, i
				}
				i += 6
			}
			if r < 0 {
				return dst, i
			}
			dst = utf8.AppendRune(dst, r)
			i += 4
		default:
			return dst, i
		}
		i += 2
	}
	return dst, -1
}

// hex4 is the number of the \uXXXX at i, or -1 when there is none.
func hex4(s []byte, i int) rune {
	if len(s)-i < 6 || s[i] != '\\' || s[i+1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range s[i+2 : i+6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
