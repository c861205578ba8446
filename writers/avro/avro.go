// Package avro writes and reads Avro object container files: typed columns in, blocks of rows out.
//
// A file says what is in it by its own schema, which [compile] makes of the rows' schema, and is byte for byte the same for the same
// rows, schema and metadata: there is no time and nothing random in it.
package avro

import (
	"fmt"
	"io"
	"sync"

	"shadoof/record"
	"shadoof/writers"
)

// Extension ends the name of an Avro file.
const Extension = ".avro"

// Options of a format.
type Options struct {
	Compression string // zstd (at its fastest level), snappy, gzip (deflate in the file), none
}

// New returns the format. The error names the compression that it does not know.
func New(o Options) (writers.Format, error) {
	c, err := codecByName(o.Compression)
	if err != nil {
		return nil, fmt.Errorf("avro: %w", err)
	}
	return &format{codec: c}, nil
}

type format struct {
	codec codec

	mu   sync.Mutex
	last *plan // the files of a set have one schema: they share what was compiled of it
}

func (*format) Extension() string { return Extension }

func (f *format) NewEncoder(w io.Writer, s *record.Schema, meta map[string]string) (writers.Encoder, error) {
	p, err := f.plan(s)
	if err != nil {
		return nil, fmt.Errorf("avro: %w", err)
	}
	e, err := newEncoder(w, f.codec, p, meta)
	if err != nil {
		return nil, fmt.Errorf("avro: %w", err)
	}
	return e, nil
}

func (f *format) plan(s *record.Schema) (*plan, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last != nil && f.last.schema == s {
		return f.last, nil
	}
	p, err := compile(s)
	if err != nil {
		return nil, err
	}
	f.last = p
	return p, nil
}
