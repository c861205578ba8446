package registrybed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// A Schema as people register it.
type Schema struct {
	Type       string      `json:"schemaType,omitempty"` // AVRO, JSON, PROTOBUF; AVRO when empty
	Text       string      `json:"schema"`
	References []Reference `json:"references,omitempty"`
}

// A Reference names a registered schema.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// Register registers a schema as the next version of a subject, and returns its id. A schema that the subject has already keeps its
// place. Whether it is compatible with those before it is not looked at.
func (s *Server) Register(ctx context.Context, subject string, schema Schema) (id int32, err error) {
	var answer struct {
		ID int32 `json:"id"`
	}
	err = s.call(ctx, http.MethodPost, "/subjects/"+url.PathEscape(subject)+"/versions", schema, &answer)
	return answer.ID, err
}

// Delete deletes a subject, softly; permanent deletes one that was deleted softly.
func (s *Server) Delete(ctx context.Context, subject string, permanent bool) error {
	path := "/subjects/" + url.PathEscape(subject)
	if permanent {
		path += "?permanent=true"
	}
	return s.call(ctx, http.MethodDelete, path, nil, nil)
}

// call owes nothing to the product's client.
func (s *Server) call(ctx context.Context, method, path string, body, answer any) error {
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			return fmt.Errorf("testbed: registry: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("testbed: registry: %w", err)
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("testbed: registry: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("testbed: registry: %s %s: %w", method, path, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("testbed: registry: %s %s: %s: %s", method, path, resp.Status, text)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("testbed: registry: %s %s: %w", method, path, err)
	}
	return nil
}
