package avro

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"unsafe"

	"shadoof/record"
)

// blockBytes of rows, before compression, end a block. It is what readers split files at, and what they hold in memory.
const blockBytes = 1 << 20

// An encoder writes one file. Between row groups it holds nothing but itself: the memory of a block belongs to the process.
type encoder struct {
	w       io.Writer
	codec   codec
	plan    *plan
	sync    [syncBytes]byte
	written int64
	err     error
}

// newEncoder writes the header.
func newEncoder(w io.Writer, c codec, p *plan, meta map[string]string) (*encoder, error) {
	e := &encoder{w: w, codec: c, plan: p}
	h, err := newHeader(c.name, p.text, meta)
	if err != nil {
		return nil, err
	}
	e.sync = h.sync
	if err := e.write(h.bytes); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return e, nil
}

// WriteRows writes the rows as one block or more, the last of them as small as it happens to be.
func (e *encoder) WriteRows(c *record.Columns) (err error) {
	if e.err != nil {
		return e.err
	}
	if c.Rows() == 0 {
		return nil
	}
	defer func() { e.err = err }()
	defer recovered(&err)
	s := scratches.Get().(*scratch)
	defer s.release()
	write := e.writeColumns
	if e.plan.datums {
		write = e.writeDatums
	}
	if err := write(c, s); err != nil {
		return fmt.Errorf("avro: %w", err)
	}
	return nil
}

// writeColumns puts the rows together block by block.
func (e *encoder) writeColumns(c *record.Columns, s *scratch) (err error) {
	if c.Schema.Datum != nil {
		return errors.New("rows that are datums, for a file of columns")
	}
	if err := s.begin(e.plan, c); err != nil {
		return err
	}
	for left := c.Rows(); left > 0; {
		var n int
		if s.raw, n, err = s.rows(s.raw[:0], e.plan.steps, blockBytes, left); err != nil {
			return err
		}
		if err := e.block(s, s.raw, n); err != nil {
			return fmt.Errorf("block of %d rows: %w", n, err)
		}
		left -= n
	}
	return s.end()
}

// block writes a block in one piece: the number of rows, the number of bytes, the rows compressed, the sync marker.
func (e *encoder) block(s *scratch, raw []byte, rows int) (err error) {
	if s.out, err = e.codec.append(s.out[:longestPrefix], raw); err != nil {
		return err
	}
	var room [longestPrefix]byte
	prefix := appendLong(appendLong(room[:0], int64(rows)), int64(len(s.out)-longestPrefix))
	from := longestPrefix - len(prefix) // what comes before the rows ends where they begin
	copy(s.out[from:], prefix)
	s.out = append(s.out, e.sync[:]...)
	return e.write(s.out[from:])
}

func (e *encoder) write(b []byte) error {
	n, err := e.w.Write(b)
	e.written += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// Close has nothing to write: a file may end after any block.
func (e *encoder) Close() error {
	if e.err != nil {
		return e.err
	}
	e.err = errors.New("avro: the file is closed")
	return nil
}

func (e *encoder) Written() int64 { return e.written }

func (e *encoder) Buffered() int64 { return int64(unsafe.Sizeof(*e)) }

// scratch is what it takes to write a block.
type scratch struct {
	assembler
	raw []byte // rows of a block
	out []byte // the block as it is written
}

const (
	longestPrefix = 20      // two longs
	keptScratch   = 4 << 20 // of each buffer: one row may be far larger than a block
)

var scratches = sync.Pool{New: func() any {
	return &scratch{raw: make([]byte, 0, blockBytes+blockBytes/16), out: make([]byte, longestPrefix, blockBytes/2)}
}}

// release gives the scratch back for the next row group, without what it knows of the columns.
func (s *scratch) release() {
	clear(s.cursors)
	s.unknown = nil
	if cap(s.raw) <= keptScratch && cap(s.out) <= keptScratch {
		scratches.Put(s)
	}
}

// recovered turns a panic into an error: of columns that break the rules of levels in a way that no check found.
func recovered(err *error) {
	if p := recover(); p != nil {
		if e, ok := p.(error); ok {
			*err = fmt.Errorf("avro: %w", e)
		} else {
			*err = fmt.Errorf("avro: %v", p)
		}
	}
}
