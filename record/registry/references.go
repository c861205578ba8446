package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"shadoof/record"
)

// maxReferences is far more than people write: an answer with more is a registry gone wild.
const maxReferences = 1000

// references collects what a schema refers to, and what that refers to, so that each comes after those that it needs. A name stands for
// the first that has it on the way down, whatever versions are named later: so does Confluent's registry, by which the schema was
// accepted, and so do its clients, by which the records were written.
type references struct {
	c     *Client
	begun map[string]bool      // by name
	path  []sr.SchemaReference // from the schema down to the one that is being looked at
	found []record.Reference
}

func (r *references) add(ctx context.Context, refs []sr.SchemaReference) error {
	for _, ref := range refs {
		if i := slices.IndexFunc(r.path, func(p sr.SchemaReference) bool {
			return p.Name == ref.Name || p.Subject == ref.Subject && p.Version == ref.Version
		}); i >= 0 {
			return fmt.Errorf("its references go round in a circle: %s", circle(append(r.path[i:], ref)))
		}
		if r.begun[ref.Name] {
			continue
		}
		if len(r.begun) == maxReferences {
			return fmt.Errorf("it refers to more than %d others", maxReferences)
		}
		r.begun[ref.Name] = true
		d, err := r.c.refer(ctx, ref)
		if err != nil {
			return fmt.Errorf("it refers to %q: %w", ref.Name, err)
		}
		r.path = append(r.path, ref)
		if err := r.add(ctx, d.References); err != nil {
			return err
		}
		r.path = r.path[:len(r.path)-1]
		r.found = append(r.found, record.Reference{Name: ref.Name, Text: *d.Text})
	}
	return nil
}

func circle(refs []sr.SchemaReference) string {
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = fmt.Sprintf("%q (%s)", ref.Name, place{ref.Subject, max(0, ref.Version)})
	}
	return strings.Join(names, " -> ")
}

// refer asks for what a reference names, deleted or not: who refers to it needs it all the same.
func (c *Client) refer(ctx context.Context, ref sr.SchemaReference) (*document, error) {
	at := place{ref.Subject, max(0, ref.Version)} // -1 is the latest
	return c.referred.get(ctx, at, func() (*document, error) {
		return c.document(sr.WithParams(ctx, sr.ShowDeleted), at.String(), at.path(), (*document).hasText)
	})
}
