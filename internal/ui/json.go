package ui

import (
	"encoding/json"
	"io"
)

// Document writes one value as one JSON document, for people to read too.
func Document(w io.Writer, v any) error {
	enc := newEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Lines writes a list as JSON lines: one value, one line.
func Lines[T any](w io.Writer, list []T) error {
	enc := newEncoder(w)
	for i := range list {
		if err := enc.Encode(list[i]); err != nil {
			return err
		}
	}
	return nil
}

func newEncoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}
