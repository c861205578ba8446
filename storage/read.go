package storage

import (
	"context"
	"fmt"
	"io"
)

// ReadAll returns all bytes of an object that is no larger than max, and fails before it reads anything of a larger one. What it
// returns without an error is the whole object.
func ReadAll(ctx context.Context, s Store, name string, max int64) (data []byte, err error) {
	o, err := s.Open(ctx, name, 0, -1)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := o.Close(); err == nil && closing != nil {
			data, err = nil, fmt.Errorf("read %s: %w", name, closing)
		}
	}()
	if o.Size > max {
		return nil, fmt.Errorf("read %s: %d bytes are more than the %d that such an object can have: is it one?", name, o.Size, max)
	}
	data = make([]byte, o.Size)
	if _, err := io.ReadFull(o, data); err != nil {
		return nil, named(name, err)
	}
	return data, nil
}

// Size returns the length of an object.
func Size(ctx context.Context, s Store, name string) (int64, error) {
	o, err := s.Open(ctx, name, 0, 0)
	if err != nil {
		return 0, err
	}
	return o.Size, o.Close()
}

// ReaderAt reads an object of the given size at any place, each call by a request of its own: for the footers of columnar files.
// It is safe for concurrent use, and good for as long as ctx is: io.ReaderAt leaves no other way to hand it on.
func ReaderAt(ctx context.Context, s Store, name string, size int64) io.ReaderAt {
	return &readerAt{ctx, s, name, size}
}

type readerAt struct {
	ctx  context.Context
	s    Store
	name string
	size int64
}

func (r *readerAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read %s: negative offset %d", r.name, off)
	}
	want := min(int64(len(p)), r.size-off)
	if want <= 0 {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	o, err := r.s.Open(r.ctx, r.name, off, want)
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(o, p[:want])
	if closing := o.Close(); err == nil {
		err = closing
	}
	switch {
	case err != nil:
		return n, named(r.name, err)
	case n < len(p):
		return n, io.EOF
	}
	return n, nil
}

// named is err with the name of the object, which errors of readers have already, but for an early end.
func named(name string, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("read %s: %w", name, io.ErrUnexpectedEOF)
	}
	return err
}

// Exactly reads n bytes from rc and no more; an end before that is io.ErrUnexpectedEOF. Drivers wrap the readers of Open in it.
func Exactly(rc io.ReadCloser, n int64) io.ReadCloser { return &exactly{rc, n} }

type exactly struct {
	rc   io.ReadCloser
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > e.left {
		p = p[:e.left]
	}
	n, err := e.rc.Read(p)
	e.left -= int64(n)
	if err == io.EOF {
		err = nil
		if e.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

func (e *exactly) Close() error { return e.rc.Close() }
