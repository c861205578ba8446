package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/twmb/franz-go/pkg/sr"

	"shadoof/record"
)

// A document is a schema as the registry's API gives it. By an id it comes without id, subject and version.
type document struct {
	ID         *int32               `json:"id"`
	Subject    string               `json:"subject"`
	Version    int                  `json:"version"`
	Type       string               `json:"schemaType"` // AVRO when empty
	Text       *string              `json:"schema"`
	References []sr.SchemaReference `json:"references"`
}

var errNoDocument = errors.New("there is no schema in it")

func (d *document) hasText() error {
	if d.Text == nil {
		return errNoDocument
	}
	return nil
}

func (d *document) hasPlace() error {
	if d.Text == nil || d.ID == nil || d.Version < 1 {
		return errNoDocument
	}
	return nil
}

func (p place) path() string {
	at := "/subjects/" + url.PathEscape(p.subject) + "/versions/"
	if p.version == 0 {
		return at + "latest"
	}
	return fmt.Sprintf("%s%d", at, p.version)
}

// document asks for one schema; whole says whether the answer has what belongs to it.
func (c *Client) document(ctx context.Context, what, path string, whole func(*document) error) (*document, error) {
	var d *document
	err := c.ask(ctx, question{what, path, func(body []byte) error {
		d = &document{}
		if err := json.Unmarshal(body, d); err != nil {
			return notJSON(err)
		}
		return whole(d)
	}})
	return d, err
}

// list asks for a page that is a list of strings.
func (c *Client) list(ctx context.Context, what, path string) error {
	return c.ask(ctx, question{what, path, func(body []byte) error {
		var names []string
		if err := json.Unmarshal(body, &names); err != nil {
			return notJSON(err)
		}
		return nil
	}})
}

// notJSON leaves out what was in the answer.
func notJSON(err error) error {
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errors.New("it is not JSON")
	}
	return errors.New("it is JSON of another form")
}

var formats = map[string]string{"": "avro", "AVRO": "avro", "JSON": "json", "PROTOBUF": "protobuf"}

// text is the document with everything that it refers to.
func (c *Client) text(ctx context.Context, what string, d *document) (*record.SchemaText, error) {
	format, ok := formats[d.Type]
	if !ok {
		return nil, fmt.Errorf("%s: it is of the type %q: AVRO, JSON and PROTOBUF can be read", what, d.Type)
	}
	r := references{c: c, begun: map[string]bool{}}
	if err := r.add(ctx, d.References); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return &record.SchemaText{Format: format, Text: *d.Text, References: r.found}, nil
}
