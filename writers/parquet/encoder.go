package parquet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"shadoof/record"
)

// An encoder writes one file. Between row groups it holds no page buffers, only what the footer will say.
type encoder struct {
	out *output
	//lint:ignore SA1019 GenericWriter builds functions over Go types that the columns have no use for, and refuses some names.
	writer *pq.Writer
	leaves []*leaf
	bounds [][]bounds // per row group and leaf
	hidden []bool     // leaves whose column index is not to be read
	err    error
}

// What a leaf and a column chunk cost in memory until the file is closed, roughly.
const (
	leafMemory  = 2800
	chunkMemory = 1000
)

func newEncoder(w io.Writer, codec compress.Codec, s *record.Schema, meta map[string]string) (e *encoder, err error) {
	defer recovered(&err)
	if err := s.Validate(); err != nil {
		return nil, err
	}
	schema, leaves, err := newSchema(s)
	if err != nil {
		return nil, err
	}
	out := &output{w: w}
	options := []pq.WriterOption{
		schema,
		pq.Compression(codec),
		pq.DataPageVersion(1),
		pq.DataPageStatistics(false), // the page index has them
		pq.PageBufferSize(pageBufferSize),
		pq.WriteBufferSize(0), // output has one that lives only as long as it is needed
		pq.DictionaryMaxBytes(maxDictionaryBytes),
		pq.ColumnIndexSizeLimit(func([]string) int { return maxBound }),
	}
	for k, v := range meta {
		options = append(options, pq.KeyValueMetadata(k, v))
	}
	e = &encoder{out: out, writer: pq.NewWriter(out, options...), leaves: leaves, hidden: make([]bool, len(leaves))}
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
	if len(c.Leaves) != len(e.leaves) {
		return fmt.Errorf("parquet: rows of %d columns for a file of %d", len(c.Leaves), len(e.leaves))
	}
	defer func() { e.err = err }()
	defer recovered(&err)
	e.out.begin()
	defer e.out.end(&err)

	all := make([]bounds, len(c.Leaves))
	for i := range c.Leaves {
		e.leaves[i].dictionary = pays(&c.Leaves[i])
	}
	// A row group of its own has its own buffers, which go when it is written; those of the writer would stay.
	group := e.writer.BeginRowGroup()
	v := scratch.Get().(*values)
	defer scratch.Put(v)
	for i, w := range group.ColumnWriters() {
		column := &c.Leaves[i]
		nan := false
		all[i], nan = boundsOf(column)
		e.hidden[i] = e.hidden[i] || nan || !indexed(column.Type.Kind)
		v.reset(column, i)
		rows, err := writeColumn(w, v)
		if err == nil && rows != c.Rows() {
			err = fmt.Errorf("it has %d of %d rows", rows, c.Rows())
		}
		if err != nil {
			return fmt.Errorf("parquet: column %s: %w", strings.Join(column.Path, "."), err)
		}
	}
	if _, err := group.Commit(); err != nil {
		return fmt.Errorf("parquet: row group %d: %w", len(e.bounds), err)
	}
	e.bounds = append(e.bounds, all)
	return nil
}

var scratch = sync.Pool{New: func() any { return &values{batch: make([]pq.Value, 0, batchValues)} }}

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
	defer recovered(&err)
	e.out.begin()
	defer e.out.end(&err)
	e.out.held = []byte{}
	if err := e.writer.Close(); err != nil {
		return fmt.Errorf("parquet: close: %w", err)
	}
	tail := e.out.held
	e.out.held = nil
	if tail, err = e.footer(tail); err != nil {
		return fmt.Errorf("parquet: footer: %w", err)
	}
	_, err = e.out.Write(tail)
	return err
}

func (e *encoder) Written() int64 { return e.out.written }

func (e *encoder) Buffered() int64 {
	return int64(len(e.leaves)) * (leafMemory + chunkMemory*int64(len(e.bounds)))
}

// output counts what is written, and joins the small writes of headers and footers.
type output struct {
	w       io.Writer
	buffer  *bufio.Writer // while a row group or the footer is written
	written int64
	held    []byte // not nil: writes are held back here
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
	if o.held != nil {
		o.held = append(o.held, b...)
		return len(b), nil
	}
	n, err := o.buffer.Write(b)
	o.written += int64(n)
	return n, err
}

// recovered turns a panic of parquet-go into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		if e, ok := p.(error); ok {
			*err = fmt.Errorf("parquet: %w", e)
		} else {
			*err = fmt.Errorf("parquet: %v", p)
		}
	}
}
