package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// body reads a part of an object, over a session of its own, and over another one where that breaks: the object never changes. It is
// good for as long as the context of Open is.
type body struct {
	ctx   context.Context
	s     *Store
	name  string
	place place
	at    int64
	end   int64

	session *session
	file    inFile
	stop    func() bool
	tries   *tries
	err     error
}

func (b *body) Read(p []byte) (int, error) {
	for b.err == nil {
		if b.at >= b.end {
			return 0, io.EOF
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := b.readOnce(p)
		b.at += int64(n)
		if n > 0 {
			if b.tries != nil {
				b.tries.succeeded()
				b.tries = nil
			}
			return n, nil
		}
		if err != nil {
			b.again(err)
		}
	}
	return 0, b.err
}

// readOnce reads from the open file, which it opens if there is none.
func (b *body) readOnce(p []byte) (int, error) {
	if b.file == nil {
		if err := b.open(); err != nil {
			return 0, err
		}
	}
	n, err := b.file.Read(p[:min(int64(len(p)), b.end-b.at)])
	if err == io.EOF && n == 0 {
		// A name node that went away shows as a bare end of the file. It is too early for one.
		err = io.ErrUnexpectedEOF
	}
	if n == 0 && err == nil {
		err = io.ErrNoProgress
	}
	if n > 0 {
		err = nil // it comes again
	}
	return n, err
}

func (b *body) open() error {
	c, err := b.s.pool.get(b.ctx)
	if err != nil {
		return err
	}
	b.s.reached.Store(true)
	b.session, b.stop = c, context.AfterFunc(b.ctx, c.client.Kill)
	f, err := c.Open(b.place.path)
	if err != nil {
		return err
	}
	b.file = f
	if size := f.Status().size; size != b.place.size {
		return told(io.ErrUnexpectedEOF, "it has %d bytes now, and had %d when it was opened", size, b.place.size)
	}
	_, err = f.Seek(b.at, io.SeekStart)
	return err
}

// again decides whether to go on over another connection, after this one failed with err.
func (b *body) again(err error) {
	b.release(!answered(err))
	if b.tries == nil {
		b.tries = b.s.trying()
	}
	if errors.Is(err, fs.ErrClosed) || !b.tries.again(b.ctx, !answered(err), err) {
		if err == io.ErrUnexpectedEOF {
			err = &failed{fmt.Sprintf("it ended after %d of %d bytes: the connection broke", b.at, b.place.size), io.ErrUnexpectedEOF, err}
		}
		b.err = b.s.failure("read", b.name, b.s.lost(b.ctx, err))
	}
}

// release gives the session back.
func (b *body) release(broken bool) {
	if b.file != nil {
		_ = b.file.Close() // nothing was written
		b.file = nil
	}
	if b.session != nil {
		if !b.stop() || broken {
			b.session.broken = true
		}
		b.s.pool.put(b.session)
		b.session = nil
	}
}

func (b *body) Close() error {
	b.release(false)
	if b.err == nil {
		b.err = fs.ErrClosed
	}
	return nil
}
