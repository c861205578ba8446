package config

import (
	"io"
	"os"
	"strings"
)

// longestSecret bounds what is read from a secret's file: a wrong name must not fill the memory.
const longestSecret = 64 << 10

// secret reads a secret from its key, or from the file that the key with "_file" at its end names. It also returns that file's name.
func (m *mapping) secret(key string) (Secret, string) {
	text := m.text(key, "")
	fileKey := key + "_file"
	if text != "" && m.text(fileKey, "") != "" {
		m.reject(fileKey, "%s is set too: a secret has one source", key)
		return Secret(text), ""
	}
	before := len(m.d.problems)
	name := m.file(fileKey)
	if name == "" || len(m.d.problems) > before {
		return Secret(text), name
	}
	content, err := readSecret(name)
	switch {
	case err != nil:
		m.reject(fileKey, "%v", err)
	case content == "":
		m.reject(fileKey, "%s is empty", name)
	}
	return Secret(content), name
}

// readSecret returns a file's content without the line end that editors put after it.
func readSecret(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, longestSecret))
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
}
