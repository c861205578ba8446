package parquet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	pqformat "github.com/parquet-go/parquet-go/format"

	"shadoof/record"
)

// An encoder writes one file. Between row groups it holds no pages, only what the footer and the page index will say.
type encoder struct {
	out    *output
	codec  codec
	schema []pqformat.SchemaElement
	meta   []pqformat.KeyValue
	leaves int
	groups []rowGroup
	rows   int64
	pages  int64
	choose func(*record.Column) choice // nil: automatic
	err    error
}

// A rowGroup is what the footer says of one.
type rowGroup struct {
	rows   int64
	chunks []chunkMeta
}

// What an encoder holds for the footer until the file is closed, roughly.
const (
	leafMemory  = 300
	chunkMemory = 600
	pageMemory  = 150
)

func newEncoder(w io.Writer, c codec, s *record.Schema, meta map[string]string) (*encoder, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	schema, err := schemaElements(s)
	if err != nil {
		return nil, err
	}
	e := &encoder{out: &output{w: w}, codec: c, schema: schema}
	for i := range schema {
		if schema[i].Type.Valid {
			e.leaves++
		}
	}
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		e.meta = append(e.meta, pqformat.KeyValue{Key: k, Value: meta[k]})
	}
	return e, nil
}

// WriteRows writes the rows as one row group.
func (e *encoder) WriteRows(c *record.Columns) (err error) {
	if e.err != nil {
		return e.err
	}
	if c.Rows() == 0 {
		return nil
	}
	if len(c.Leaves) != e.leaves {
		return fmt.Errorf("parquet: rows of %d columns for a file of %d", len(c.Leaves), e.leaves)
	}
	defer func() { e.err = err }()
	e.out.begin()
	defer e.out.end(&err)
	if err := e.begin(); err != nil {
		return err
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	g := rowGroup{rows: int64(c.Rows()), chunks: make([]chunkMeta, 0, e.leaves)}
	for i := range c.Leaves {
		w := chunkWriter{column: &c.Leaves[i], rows: c.Rows(), codec: e.codec, out: e.out, scratch: s}
		if e.choose != nil {
			w.choice = e.choose(w.column)
		}
		if err := w.write(); err != nil {
			return fmt.Errorf("parquet: row group %d, column %s: %w", len(e.groups), strings.Join(c.Leaves[i].Path, "."), err)
		}
		g.chunks = append(g.chunks, w.meta)
		e.pages += int64(len(w.meta.pages))
	}
	e.groups = append(e.groups, g)
	e.rows += g.rows
	return nil
}

// begin writes the magic number before anything else.
func (e *encoder) begin() error {
	if e.out.written > 0 {
		return nil
	}
	_, err := e.out.Write([]byte(magic))
	return err
}

// Close writes the page index and the footer.
func (e *encoder) Close() (err error) {
	if e.err != nil {
		return e.err
	}
	defer func() {
		if e.err = err; err == nil {
			e.err = errors.New("parquet: the file is closed")
		}
	}()
	e.out.begin()
	defer e.out.end(&err)
	if err := e.begin(); err != nil {
		return err
	}
	tail, err := e.tail()
	if err != nil {
		return fmt.Errorf("parquet: footer: %w", err)
	}
	_, err = e.out.Write(tail)
	return err
}

func (e *encoder) Written() int64 { return e.out.written }

func (e *encoder) Buffered() int64 {
	return int64(e.leaves)*(leafMemory+chunkMemory*int64(len(e.groups))) + pageMemory*e.pages
}

// output counts what is written, and joins small writes.
type output struct {
	w       io.Writer
	buffer  *bufio.Writer // while a row group or the footer is written
	written int64
}

const outputBuffer = 64 << 10

var outputBuffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, outputBuffer) }}

func (o *output) begin() {
	o.buffer = outputBuffers.Get().(*bufio.Writer)
	o.buffer.Reset(o.w)
}

func (o *output) end(err *error) {
	if flushErr := o.buffer.Flush(); *err == nil {
		*err = flushErr
	}
	o.buffer.Reset(nil)
	outputBuffers.Put(o.buffer)
	o.buffer = nil
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.buffer.Write(b)
	o.written += int64(n)
	return n, err
}
