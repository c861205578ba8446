package avro

import (
	"bytes"
	"io"
)

// values are what a block holds, read in order. Once err is set, nothing more is read.
type values struct {
	window []byte // what is there of it
	p      int    // what was read of the window
	source io.Reader
	buffer []byte
	rest   *bytes.Reader // what source reads: nothing of it may be left over
	err    error
}

const windowBytes = 64 << 10

// row reads a row, and returns its Kafka columns where it has them.
func (v *values) row(r *row) (partition int32, offset int64) {
	for i := range r.fields {
		switch i {
		case r.partition:
			p := v.long()
			if !fitsInt32(p) {
				v.fail(errMalformed)
			}
			partition = int32(p)
		case r.offset:
			offset = v.long()
		default:
			v.skip(r.fields[i])
		}
	}
	return partition, offset
}

// skip reads a value and forgets it.
func (v *values) skip(s *shape) {
	switch s.op {
	case shapeLong:
		v.long()
	case shapeBytes:
		v.discard(v.long())
	case shapeFixed:
		v.discard(s.width)
	case shapeRecord:
		for _, kid := range s.kids {
			v.skip(kid)
		}
	case shapeUnion:
		branch := v.long()
		if branch < 0 || branch >= int64(len(s.kids)) {
			v.fail(errMalformed)
			return
		}
		v.skip(s.kids[branch])
	case shapeBlocks:
		v.blocks(s)
	}
}

// blocks skips an array or a map.
func (v *values) blocks(s *shape) {
	for v.err == nil {
		switch count := v.long(); {
		case count == 0:
			return
		case count < 0:
			v.discard(v.long()) // the size of the entries
		default:
			for ; count > 0 && v.err == nil; count-- {
				for _, kid := range s.kids {
					v.skip(kid)
				}
			}
		}
	}
}

// long reads an int or long: 0 after an error.
func (v *values) long() int64 {
	var u uint64
	for shift := 0; shift < 64; shift += 7 {
		if v.p == len(v.window) && !v.more() {
			v.fail(io.ErrUnexpectedEOF)
			return 0
		}
		b := v.window[v.p]
		v.p++
		if shift == 63 && b > 1 {
			break
		}
		u |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return unzigzag(u)
		}
	}
	v.fail(errMalformed)
	return 0
}

func (v *values) discard(n int64) {
	if n < 0 {
		v.fail(errMalformed)
		return
	}
	for n > int64(len(v.window)-v.p) {
		n -= int64(len(v.window) - v.p)
		v.p = len(v.window)
		if !v.more() {
			v.fail(io.ErrUnexpectedEOF)
			return
		}
	}
	v.p += int(n)
}

// more fills the window, which was read to its end. It is false at the end of the block, and after an error.
func (v *values) more() bool {
	if v.err != nil || v.source == nil {
		return false
	}
	if v.buffer == nil {
		v.buffer = make([]byte, windowBytes)
	}
	n, err := io.ReadAtLeast(v.source, v.buffer, 1)
	v.window, v.p = v.buffer[:n], 0
	if n == 0 && err != io.EOF {
		v.fail(err)
	}
	return n > 0
}

// atEnd is true when all was read.
func (v *values) atEnd() bool {
	return v.err == nil && v.p == len(v.window) && !v.more() && v.err == nil && (v.rest == nil || v.rest.Len() == 0)
}

func (v *values) fail(err error) {
	if v.err == nil {
		v.err = err
	}
	v.window, v.p = nil, 0
}
