package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// A Registry holds the schemas of writers, by ids that stand before each value. It is safe for concurrent use. What it answered once
// it may answer again from memory: it is made anew for each run.
type Registry interface {
	// Check says what keeps the registry from answering; nil when nothing does.
	Check(ctx context.Context) error

	// ByID is ErrNoSchema, wrapped, when the registry is well and has no such id. Other errors say nothing about the id.
	ByID(ctx context.Context, id int32) (*SchemaText, error)

	// BySubject is a version of a subject, the latest for 0; ErrNoSchema when there is none.
	BySubject(ctx context.Context, subject string, version int) (*Registered, error)
}

// ErrNoSchema is the registry's answer that it has no such schema.
var ErrNoSchema = errors.New("the registry has no such schema")

// A SchemaText is a schema as its author wrote it.
type SchemaText struct {
	Format     string      `json:"format"` // avro, json, protobuf
	Text       string      `json:"text"`
	References []Reference `json:"references,omitempty"` // each refers only to those before it
}

// A Reference is a schema that another refers to.
type Reference struct {
	Name string `json:"name"` // by which the other refers to it: a full type name, an import path, a URI
	Text string `json:"text"`
}

// A Registered schema is one that has a place in a registry.
type Registered struct {
	ID      int32  `json:"id"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
	SchemaText
}

// Fingerprint identifies the schema: 16 hex digits. White space of schemas that are JSON does not count: registries lay it out anew.
func (t *SchemaText) Fingerprint() string {
	h := sha256.New()
	add := func(name, text string) {
		var b bytes.Buffer
		if t.Format == "protobuf" || json.Compact(&b, []byte(text)) != nil {
			b.Reset()
			b.WriteString(text)
		}
		fmt.Fprintf(h, "%s %q %d %s\n", t.Format, name, b.Len(), b.Bytes())
	}
	add("", t.Text)
	for _, r := range t.References {
		add(r.Name, r.Text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
