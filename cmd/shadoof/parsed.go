package main

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"shadoof/jobs"
	"shadoof/record"
)

// parsed are schemas that were parsed: each topic needs its own several times in a run, and many topics often have the same.
var parsed parsedWriters

// mostParsed schemas are kept; when there are more, all are forgotten.
const mostParsed = 256

// parsedWriters keep what was made of schemas, which is immutable. They are safe for concurrent use.
type parsedWriters struct {
	mu   sync.Mutex
	made map[[sha256.Size]byte]record.Writer
}

// get is newWriter, once for each schema.
func (p *parsedWriters) get(s *jobs.SchemaSettings, t *record.SchemaText, rows bool) (record.Writer, error) {
	var names []string // of the message that rows are made of: see newProtobufAs
	if s.Target != nil {
		names = append([]string{s.Target.Name}, s.Target.Aliases...)
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %v %q %q %q %q", s.Format, s.Framing, s.Message, s.AsJSON, rows, names, t.Format, t.Text, t.References))
	p.mu.Lock()
	w := p.made[key]
	p.mu.Unlock()
	if w != nil {
		return w, nil
	}
	w, err := newWriter(s, t, rows)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made == nil || len(p.made) >= mostParsed {
		p.made = map[[sha256.Size]byte]record.Writer{}
	}
	p.made[key] = w
	return w, nil
}
