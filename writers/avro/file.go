package avro

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// A file is read from its beginning to its end, with few requests: for some stores each is one over the network.
type file struct {
	at   io.ReaderAt
	size int64
	in   *contextReader
	b    *bufio.Reader

	meta   map[string]string // without what is Avro's own
	schema string
	codec  string
	sync   string
	bytes  []byte // of a block
}

const (
	chunkBytes = 4 << 20 // read at once
	maxHeader  = 16 << 20
	// A block that claims to be larger is not read before there is a sync marker at its end.
	plainBlock = 4 * blockBytes
)

// contextReader reads until its context ends, and counts.
type contextReader struct {
	ctx  context.Context
	r    io.Reader
	read int64
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(b)
	c.read += int64(n)
	return n, err
}

func newFile(ctx context.Context, r io.ReaderAt, size int64) *file {
	f := &file{at: r, size: size, in: &contextReader{ctx: ctx, r: io.NewSectionReader(r, 0, size)}, meta: make(map[string]string), codec: codecNull}
	f.b = bufio.NewReaderSize(f.in, int(min(chunkBytes, max(size, 0))))
	return f
}

func (f *file) position() int64 { return f.in.read - int64(f.b.Buffered()) }

func (f *file) header() error {
	if s, err := f.text(int64(len(magic))); err != nil || s != magic {
		return errors.Join(errors.New("it does not begin as an Avro file does"), err)
	}
	for {
		count, err := f.long()
		if err != nil || count == 0 {
			if err == nil {
				f.sync, err = f.text(syncBytes)
			}
			return err
		}
		if count < 0 { // the size of these entries follows
			if _, err := f.long(); err != nil {
				return err
			}
			if count = -count; count < 0 {
				return errMalformed
			}
		}
		for range count {
			if err := f.entry(); err != nil {
				return err
			}
		}
	}
}

// entry reads a key and a value of the metadata.
func (f *file) entry() error {
	var kv [2]string
	for i := range kv {
		n, err := f.long()
		if err == nil && (n < 0 || n > maxHeader-f.position()) {
			err = errMalformed
		}
		if err != nil {
			return err
		}
		if kv[i], err = f.text(n); err != nil {
			return err
		}
	}
	switch {
	case kv[0] == schemaKey:
		f.schema = kv[1]
	case kv[0] == codecKey:
		f.codec = kv[1]
	case !strings.HasPrefix(kv[0], reserved):
		f.meta[kv[0]] = kv[1]
	}
	return nil
}

// block reads the next block: its number of rows, and what they were compressed to, which is valid until the next call. At the end
// of the file the error is io.EOF.
func (f *file) block() (rows int64, b []byte, err error) {
	if f.position() == f.size {
		return 0, nil, io.EOF
	}
	if rows, err = f.long(); err != nil {
		return 0, nil, err
	}
	n, err := f.long()
	if err != nil {
		return 0, nil, err
	}
	at := f.position()
	if rows < 0 || n < 0 || n > f.size-at-syncBytes {
		return 0, nil, fmt.Errorf("%d rows in %d bytes, where %d are left: %w", rows, n, f.size-at, errMalformed)
	}
	if n > plainBlock {
		marker := make([]byte, syncBytes)
		if _, err := f.at.ReadAt(marker, at+n); err != nil && err != io.EOF {
			return 0, nil, err
		}
		if string(marker) != f.sync {
			return 0, nil, errSync
		}
	}
	if int64(cap(f.bytes)) < n {
		f.bytes = make([]byte, n)
	}
	f.bytes = f.bytes[:n]
	if _, err := io.ReadFull(f.b, f.bytes); err != nil {
		return 0, nil, cutOff(err)
	}
	if marker, err := f.text(syncBytes); err != nil || marker != f.sync {
		return 0, nil, errors.Join(errSync, err)
	}
	return rows, f.bytes, nil
}

var (
	errMalformed = errors.New("malformed")
	errSync      = errors.New("the sync marker is not at its end: it is damaged")
)

// text reads n bytes. It makes no room for more than the file has.
func (f *file) text(n int64) (string, error) {
	if left := f.size - f.position(); n > left {
		return "", io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(f.b, b); err != nil {
		return "", cutOff(err)
	}
	return string(b), nil
}

func (f *file) long() (int64, error) {
	var u uint64
	for shift := 0; shift < 64; shift += 7 {
		b, err := f.b.ReadByte()
		if err != nil {
			return 0, cutOff(err)
		}
		if shift == 63 && b > 1 {
			break
		}
		u |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return unzigzag(u), nil
		}
	}
	return 0, errMalformed
}

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// fitsInt32 says whether an int may be v.
func fitsInt32(v int64) bool { return v >= math.MinInt32 && v <= math.MaxInt32 }
