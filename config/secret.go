package config

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

const masked = "***"

// A Secret is text that never prints: in whatever way it is formatted, encoded or logged, it shows as three stars.
type Secret string

// Reveal returns the text. Only what hands it to a server calls it.
func (s Secret) Reveal() string { return string(s) }

// IsZero says whether there is none.
func (s Secret) IsZero() bool { return s == "" }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format masks the secret under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalJSON masks the secret.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalYAML masks the secret.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue masks the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
