package ui

import (
	"bytes"
	"errors"
	"testing"
	"unicode/utf8"
)

func TestNothingThatATerminalObeysIsWritten(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                      "",
		"a line\tof ü 😀\n":                      "a line\tof ü 😀\n",
		"\x1b]0;title\x07\x1b[2J":               `\x1b]0;title\x07\x1b[2J`,
		"a\rb\bc\x7f":                           `a\x0db\x08c\x7f`,
		"a\u009b2Jb":                            `a\u009b2Jb`,
		"a\x9b2Jb":                              `a\x9b2Jb`,
		"orders\u202etxt.\u2066x\u2069\u200f\n": `orders\u202etxt.\u2066x\u2069\u200f` + "\n",
	} {
		var got bytes.Buffer
		if n, err := Harmless(&got).Write([]byte(in)); n != len(in) || err != nil || got.String() != want {
			t.Errorf("%q: %q, %d, %v, want %q", in, got.String(), n, err, want)
		}
	}
	if _, err := Harmless(failing{}).Write([]byte("\x1b")); err == nil {
		t.Error("an error was lost")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }

func FuzzHarmless(f *testing.F) {
	f.Add([]byte("a\x1b\u009b\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got bytes.Buffer
		if n, err := Harmless(&got).Write(b); n != len(b) || err != nil {
			t.Fatal(n, err)
		}
		if !utf8.Valid(got.Bytes()) {
			t.Fatalf("%q", got.Bytes())
		}
		for _, r := range got.String() {
			if commands(r) {
				t.Fatalf("%q holds %U", got.Bytes(), r)
			}
		}
	})
}
