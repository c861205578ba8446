package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"shadoof/config"
)

func TestTokensAreLongAndOneWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ token, want string }{
		{"0123456789abcdef\n", ""},
		{"0123456789abcdef\r\n", ""},
		{"", "holds a token of 0 characters: it takes 16 at least"},
		{"hunter2\n", "holds a token of 7 characters: it takes 16 at least"},
		{"correct horse battery staple", "holds more than one word of plain ASCII"},
		{"0123456789abcdef\n0123456789abcdef\n", "holds more than one word of plain ASCII"},
		{"0123456789abcdéf", "holds more than one word of plain ASCII"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "token"), c.token)
		got, err := config.Parse(filepath.Join(dir, "shadoof.yaml"), []byte(least+"admin: {token_file: token}\n"), noEnv)
		switch {
		case c.want == "" && err == nil:
			if token := got.Admin.Token.Reveal(); token != "0123456789abcdef" {
				t.Errorf("%q: got %q", c.token, token)
			}
		case c.want == "" || err == nil || !strings.Contains(err.Error(), c.want):
			t.Errorf("%q: got %v, want %q", c.token, err, c.want)
		case len(c.token) > 2 && strings.Contains(err.Error(), strings.TrimSpace(c.token)):
			t.Errorf("%q: the token is printed: %v", c.token, err)
		}
	}
}

func TestAddressesToListenAt(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{
		"127.0.0.1:8080": true, ":8080": true, "[::1]:0": true, "admin.example:80": true, "0.0.0.0:65535": true,
		"": false, "8080": false, "localhost": false, "localhost:http": false, "localhost:65536": false, "localhost:-1": false, "::1:80": false, "a b:80": false, "http://a:80": false,
	} {
		_, err := config.Parse("shadoof.yaml", []byte(least+"admin: {listen: \""+listen+"\"}\n"), noEnv)
		if (err == nil) != want {
			t.Errorf("%q: %v", listen, err)
		}
	}
}
