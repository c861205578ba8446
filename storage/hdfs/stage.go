package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"shadoof/storage"
)

// chunkSize is how many bytes are handed to the library at once: two of its packets.
const chunkSize = 128 << 10

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// Stage implements storage.Store.
func (s *Store) Stage(ctx context.Context, r storage.StageRequest) (storage.StageWriter, error) {
	if err := errors.Join(checkName(r.Key), checkStaging(r.Staging)); err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	w := &writer{ctx: ctx, s: s, request: r, path: s.path(r.Staging)}
	if err := w.open(); err != nil {
		return nil, s.failure("stage", r.Key, err)
	}
	return w, nil
}

// writer is a staged file that is open. Its context is that of Stage, since Write has none.
type writer struct {
	ctx     context.Context
	s       *Store
	request storage.StageRequest
	path    string

	lane      *lane
	file      outFile
	blockSize int64
	sent      int64
	chunk     *[chunkSize]byte // nil until the first byte
	filled    int
	held      atomic.Int64

	doubtful bool        // a file of this name may be there, from a try of which nothing is known
	left     atomic.Bool // a goroutine with the file is on its own
	err      error
	ended    bool
}

// open makes the file, for as long as it is worth trying.
func (w *writer) open() error {
	for t := w.s.trying(); ; {
		broke, err := w.begin()
		if err == nil {
			t.succeeded()
			return nil
		}
		if !t.again(w.ctx, broke, err) {
			return err
		}
	}
}

// begin makes the file, and says whether a connection broke on the way.
func (w *writer) begin() (broke bool, err error) {
	dir := path.Dir(w.path)
	var d defaults
	broke, err = w.s.call(w.ctx, func(c client) error {
		if err := w.s.inDir(c, w.path, func() error { return nil }); err != nil {
			return err
		}
		if err := errors.Join(w.s.checkFit(c, dir), w.s.checkFit(c, path.Dir(w.s.path(w.request.Key)))); err != nil {
			return err
		}
		if w.doubtful {
			if err := c.Remove(w.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		d, err = w.s.serverDefaults(c)
		return err
	})
	if err != nil {
		return broke, err
	}
	if w.lane, err = w.s.pool.lane(w.ctx); err != nil {
		return !isSetup(err), w.s.lost(w.ctx, err)
	}
	w.blockSize = d.blockSize
	var file outFile
	l := w.lane
	err = w.await(w.ctx, func() (err error) {
		file, err = l.Create(w.path, d.replication, d.blockSize, w.s.o.FileMode)
		return err
	})
	if err == nil {
		w.file = file
		return false, nil
	}
	broke = !answered(err)
	w.doubtful = w.doubtful || broke
	w.drop(broke)
	if !broke && errors.Is(err, fs.ErrNotExist) {
		w.s.forget(dir) // somebody found it empty and removed it
		return true, err
	}
	return broke, w.s.lost(w.ctx, err)
}

func isSetup(err error) bool {
	var setup *setupError
	return errors.As(err, &setup) || errors.Is(err, fs.ErrClosed)
}

// await runs f, which uses the file, until it is done or a context ends. In the latter case f is left alone with the file, which nobody
// touches after that. It comes to an end: each of its steps on the network has a deadline.
func (w *writer) await(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	var err error
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		err = ctx.Err()
	case <-w.ctx.Done():
		err = w.ctx.Err()
	}
	w.left.Store(true)
	return err
}

func (w *writer) Write(p []byte) (int, error) {
	if w.err == nil && w.ended {
		w.err = fmt.Errorf("write %s: %w", w.s.url(w.request.Key), fs.ErrClosed)
	}
	if w.err != nil {
		return 0, w.err
	}
	written := 0
	for len(p) > 0 {
		if w.chunk == nil {
			w.chunk = chunks.Get().(*[chunkSize]byte)
			w.held.Store(2 * chunkSize) // the library holds about as much
		}
		n := copy(w.chunk[w.filled:], p)
		w.filled += n
		p = p[n:]
		if w.filled == chunkSize {
			if err := w.flush(w.ctx); err != nil {
				w.err = w.s.failure("write", w.request.Key, err)
				return written, w.err
			}
		}
		written += n
	}
	return written, nil
}

// beginnings of a file are tried, each with data nodes that the name node chooses anew. In a small cluster it has few to choose from, so
// that the later ones wait for one that is restarted: a quarter of a minute in all.
const beginnings = 10

// beforeBeginning is how long the n-th one waits, from 1, after what came of the one before it.
func beforeBeginning(n int, err error) time.Duration {
	wait := time.Duration(0)
	if n > 2 {
		wait = min(250*time.Millisecond<<(n-2), 4*time.Second)
	}
	if noDataNode(err) {
		wait = max(wait, 500*time.Millisecond)
	}
	return wait
}

// flush sends the chunk. The name node hands out a data node that is down until it misses its heartbeats, for ten minutes by default,
// and the library leaves none out; and for a moment after its own start it has none to hand out. As long as all of the file is still
// in the chunk, it is begun anew.
func (w *writer) flush(ctx context.Context) error {
	if w.filled == 0 {
		return nil
	}
	end := time.Now().Add(w.s.o.Patience)
	err := w.send(ctx)
	for n := 1; err != nil && w.sent == 0 && n < beginnings && (!answered(err) || noDataNode(err)) && !w.left.Load() && time.Now().Before(end); n++ {
		if wait := beforeBeginning(n, err); wait > 0 && !pause(ctx, wait) {
			return err
		}
		w.drop(true) // it is not closed
		w.doubtful = true
		if again := w.open(); again != nil {
			return errors.Join(again, err)
		}
		err = w.send(ctx)
	}
	return err
}

// send sends the chunk. A call of the library ends where a block does, so that those that begin a block are known.
func (w *writer) send(ctx context.Context) error {
	data := w.chunk[:w.filled]
	l, file, at := w.lane, w.file, w.sent
	err := w.await(ctx, func() error {
		for len(data) > 0 && !w.left.Load() {
			n := int(min(int64(len(data)), w.blockSize-at%w.blockSize))
			if err := l.send(file, data[:n], at%w.blockSize == 0); err != nil {
				return w.s.wrote(err)
			}
			data, at = data[n:], at+int64(n)
		}
		return nil
	})
	if err == nil {
		w.sent += int64(w.filled)
		w.filled = 0
	}
	return err
}

// send writes to a file of the lane, within one block.
func (l *lane) send(file outFile, data []byte, begins bool) error {
	if begins {
		l.starting.Lock()
		defer l.starting.Unlock()
	}
	n, err := file.Write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	return err
}

// Finish implements storage.StageWriter.
func (w *writer) Finish(ctx context.Context) (storage.Staged, error) {
	if w.err == nil && w.ended {
		w.err = fmt.Errorf("finish %s: %w", w.s.url(w.request.Key), fs.ErrClosed)
	}
	if w.err != nil {
		return storage.Staged{}, w.err
	}
	err := w.finish(ctx)
	if err != nil {
		w.err = w.s.failure("finish", w.request.Key, err)
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		return storage.Staged{}, errors.Join(w.err, w.Abort(detached))
	}
	w.ended = true
	return storage.Staged{Bytes: w.sent, Token: token{w.request.Staging, w.request.Key}.marshal()}, nil
}

func (w *writer) finish(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	file := w.file
	if err := w.await(ctx, func() error { return w.s.wrote(w.s.complete(ctx, file)) }); err != nil {
		return err
	}
	w.leave(false)
	return w.s.retry(ctx, func(c client) error {
		if err := w.check(c); err != nil {
			return err
		}
		// Nothing may be missing for the rename once it is committed.
		dir := path.Dir(w.s.path(w.request.Key))
		if err := w.s.makeDir(c, dir); err != nil {
			return err
		}
		return w.s.checkFit(c, dir)
	})
}

// check looks whether what is there is what was written, and gives it mode and group, which a rename keeps.
func (w *writer) check(c client) error {
	st, err := c.Stat(w.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return told(fs.ErrNotExist, "the staged file was removed while it was written, as gc does after orphan_age")
	case err != nil:
		return err
	case st.dir || st.size != w.sent:
		return told(io.ErrShortWrite, "the staged file has %d bytes instead of the %d that were written", st.size, w.sent)
	case st.encrypted || st.coded:
		return w.s.unfit(w.path, st)
	}
	return w.s.claimAs(c, w.path, st, w.s.o.FileMode)
}

// Abort implements storage.StageWriter.
func (w *writer) Abort(ctx context.Context) error {
	if w.ended {
		return nil
	}
	w.ended = true
	if w.lane != nil {
		failed := w.err != nil || w.left.Load() || ctx.Err() != nil
		if !failed {
			// It ends the library's goroutines and sockets. After a failed Write it would hang, or complete a short file.
			failed = w.await(ctx, w.file.Close) != nil
		}
		w.leave(failed)
	}
	err := w.s.retry(ctx, func(c client) error {
		err := c.Remove(w.path)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err == nil {
			w.s.tidy(c, w.path)
		}
		return err
	})
	return w.s.failure("abort", w.request.Key, err)
}

// leave gives the lane up, and the chunk, unless a goroutine still reads it.
func (w *writer) leave(failed bool) {
	w.drop(failed)
	if w.chunk != nil && !w.left.Load() {
		chunks.Put(w.chunk)
	}
	w.chunk = nil
	w.held.Store(0)
}

// drop gives the lane up, and with it the file.
func (w *writer) drop(failed bool) {
	w.s.pool.leave(w.lane, failed)
	w.lane, w.file = nil, nil
}

// Buffered implements storage.StageWriter. It may be called at any time.
func (w *writer) Buffered() int64 { return w.held.Load() }

// checkFit refuses a directory whose files the client cannot write: it, or the nearest one above that is there.
func (s *Store) checkFit(c client, dir string) error {
	s.mu.Lock()
	known := s.fit[dir]
	s.mu.Unlock()
	if known {
		return nil
	}
	for at := dir; ; at = path.Dir(at) {
		st, err := c.Stat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && at != "/":
			continue
		case err != nil:
			return err
		case st.encrypted || st.coded:
			return s.unfit(at, st)
		}
		break
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.fit) > 100_000 {
		clear(s.fit)
	}
	s.fit[dir] = true
	return nil
}

// unfit is the error of a place whose files would come out wrong.
func (s *Store) unfit(where string, st status) error {
	what, out := "is in an encryption zone", "use a folder outside of encryption zones"
	if st.coded {
		what, out = "is erasure-coded", "set its policy to replication (hdfs ec -setPolicy -path "+where+" -replicate), or use another folder"
	}
	return fmt.Errorf("%w: %s %s, which this client does not write correctly: %s", storage.ErrUnfit, where, what, out)
}
