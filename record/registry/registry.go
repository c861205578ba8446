// Package registry asks a schema registry that speaks Confluent's protocol: Confluent's own, Apicurio (below /apis/ccompat/v7),
// Karapace, Redpanda.
package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/sr"

	"shadoof/record"
)

// A Client implements [record.Registry]. It is safe for concurrent use, and made for one run: what it was answered it keeps, and
// answers again without asking. What it returns is shared: it must not be changed.
type Client struct {
	opts      Options
	http      *http.Client
	urls      []*sr.Client // in the order of Options.URLs
	favourite atomic.Int64 // index of the one that answered last: it is asked first

	byID      answers[int32, *record.SchemaText]
	bySubject answers[place, *record.Registered]
	referred  answers[place, *document]
}

// A place is where a schema stands in the registry; version 0 is the latest.
type place struct {
	subject string
	version int
}

func (p place) String() string {
	if p.version == 0 {
		return fmt.Sprintf("the latest version of subject %q", p.subject)
	}
	return fmt.Sprintf("version %d of subject %q", p.version, p.subject)
}

// New checks the options and reads the files of certificates. It connects to nothing yet.
func New(opts Options) (*Client, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	transport, err := opts.transport()
	if err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	return newClient(opts, transport)
}

func newClient(opts Options, transport http.RoundTripper) (*Client, error) {
	c := &Client{opts: opts, http: &http.Client{Transport: bounded{transport}, CheckRedirect: refuseRedirect}}
	for _, u := range opts.URLs {
		clientOpts := []sr.ClientOpt{sr.URLs(u), sr.HTTPClient(c.http), sr.UserAgent(opts.UserAgent)}
		if opts.Username != "" {
			clientOpts = append(clientOpts, sr.BasicAuth(opts.Username, opts.Password))
		}
		client, err := sr.NewClient(clientOpts...)
		if err != nil {
			return nil, fmt.Errorf("schema registry: %w", err)
		}
		c.urls = append(c.urls, client)
	}
	return c, nil
}

// ByID implements [record.Registry]. A schema that refers to one that the registry does not have is ErrNoSchema, too: there is no
// such schema as a whole.
func (c *Client) ByID(ctx context.Context, id int32) (*record.SchemaText, error) {
	what := fmt.Sprintf("schema id %d", id)
	if id < 0 {
		// No registry gives such an id away: the record is broken.
		return nil, fmt.Errorf("%s: %w: ids are not negative", what, record.ErrNoSchema)
	}
	return c.byID.get(ctx, id, func() (*record.SchemaText, error) {
		d, err := c.document(ctx, what, fmt.Sprintf("/schemas/ids/%d", id), (*document).hasText)
		if err != nil {
			return nil, err
		}
		return c.text(ctx, what, d)
	})
}

// BySubject implements [record.Registry]. What is the latest version stays so for the life of the client.
func (c *Client) BySubject(ctx context.Context, subject string, version int) (*record.Registered, error) {
	at := place{subject, version}
	switch {
	case subject == "" || subject == "." || subject == "..":
		return nil, fmt.Errorf("schema of subject %q: that is no name of a subject", subject)
	case version < 0:
		return nil, fmt.Errorf("schema of subject %q: version %d: versions are counted from 1, and 0 is the latest", subject, version)
	}
	return c.bySubject.get(ctx, at, func() (*record.Registered, error) {
		d, err := c.document(ctx, at.String(), at.path(), (*document).hasPlace)
		if err != nil {
			return nil, err
		}
		text, err := c.text(ctx, at.String(), d)
		if err != nil {
			return nil, err
		}
		return &record.Registered{ID: *d.ID, Subject: cmp.Or(d.Subject, subject), Version: d.Version, SchemaText: *text}, nil
	})
}

// Check asks the registry for something that each has. Its error is for a person: what is wrong, and what to do.
func (c *Client) Check(ctx context.Context) error {
	err := c.list(ctx, "the types of schemas that it knows", "/schemas/types")
	if errors.Is(err, errNoPage) {
		// Old registries know Avro only and have no such page.
		return c.list(sr.WithParams(ctx, sr.Limit(1)), "its subjects", "/subjects")
	}
	return err
}

// Close gives idle connections back. The client goes on answering what it knows.
func (c *Client) Close() { c.http.CloseIdleConnections() }
