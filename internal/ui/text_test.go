package ui

import (
	"testing"
	"unicode/utf8"
)

func TestTextIsOneHarmlessLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		most int
		want string
	}{
		{"", 10, ""},
		{"plain ü 😀", 100, "plain ü 😀"},
		{"a\nb\tc\x1b[31m\\", 100, `a\nb\tc\x1b[31m\\`},
		{"a\u0085\u2028b, long enough to be text", 100, `a\u0085\u2028b, long enough to be text`},
		{"\x00\x00\x00\x00\x07orders and so on", 100, `\x00\x00\x00\x00\aorders and so on`},
		{"\x00\x01\xff\xfea", 100, "0x0001fffe61"},
		{"0123456789", 4, "0123… (10 bytes)"},
		{"aüb", 2, "a… (4 bytes)"},
		{"aüb", 3, "aü… (4 bytes)"},
		{"\xff\xff\xff\xff", 2, "0xffff… (4 bytes)"},
	} {
		if got := Text([]byte(c.in), c.most); got != c.want {
			t.Errorf("Text(%q, %d) = %q, want %q", c.in, c.most, got, c.want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("a\xc3\xbc\n\x80"), 3)
	f.Fuzz(func(t *testing.T, b []byte, most int) {
		if most < 0 {
			return
		}
		got := Text(b, most)
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		for _, r := range got {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
				t.Fatalf("%q holds %U", got, r)
			}
		}
	})
}

func TestRanges(t *testing.T) {
	t.Parallel()
	for want, numbers := range map[string][]int32{"": nil, "7": {7}, "0-3,5": {0, 1, 2, 3, 5}, "0,2-3,9": {0, 2, 3, 9}} {
		if got := Ranges(numbers); got != want {
			t.Errorf("%v: %q, want %q", numbers, got, want)
		}
	}
}
