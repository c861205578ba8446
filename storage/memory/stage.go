package memory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"shadoof/storage"
)

// Stage implements storage.Store.
func (s *Store) Stage(ctx context.Context, r storage.StageRequest) (storage.StageWriter, error) {
	if err := storage.CheckName(r.Key); err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	if err := storage.CheckStaging(r.Staging); err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	var id string
	err := s.change(ctx, OpStage, r.Key, func() string {
		id = s.disk.stageLocked(r.Key)
		return "begun"
	})
	if err != nil {
		return nil, err
	}
	return &writer{ctx: ctx, s: s, key: r.Key, id: id}, nil
}

// writer is a file being staged. Its context is that of Stage, since Write has none.
type writer struct {
	ctx   context.Context
	s     *Store
	key   string
	id    string
	sent  int64
	tail  []byte // not sent yet
	err   error
	ended bool
}

func (w *writer) Write(p []byte) (int, error) {
	switch {
	case w.ended:
		return 0, fmt.Errorf("write %s: %w", w.key, fs.ErrClosed)
	case w.err != nil:
		return 0, w.err
	}
	w.tail = append(w.tail, p...)
	for len(w.tail) >= w.s.o.PartSize {
		if w.err = w.send(w.ctx, OpPart, w.s.o.PartSize); w.err != nil {
			return 0, w.err
		}
	}
	return len(p), nil
}

// send moves the first n bytes of the tail to the upload.
func (w *writer) send(ctx context.Context, op Op, n int) error {
	part, at := slices.Clone(w.tail[:n]), w.sent
	gone := false
	err := w.s.change(ctx, op, w.key, func() string {
		u := w.s.disk.uploads[w.id]
		if gone = u == nil; gone {
			return "upload is gone"
		}
		u.data = append(u.data[:min(at, int64(len(u.data)))], part...)
		return fmt.Sprintf("%d bytes", len(part))
	})
	if err != nil {
		return err
	}
	if gone {
		return fmt.Errorf("%s %s: the upload was aborted by somebody else: %w", op, w.key, fs.ErrNotExist)
	}
	w.sent += int64(n)
	w.tail = append(w.tail[:0], w.tail[n:]...)
	return nil
}

// Finish implements storage.StageWriter.
func (w *writer) Finish(ctx context.Context) (storage.Staged, error) {
	switch {
	case w.ended:
		return storage.Staged{}, fmt.Errorf("finish %s: %w", w.key, fs.ErrClosed)
	case w.err != nil:
		return storage.Staged{}, w.err
	}
	err := w.send(ctx, OpFinish, len(w.tail))
	if err != nil {
		return storage.Staged{}, errors.Join(err, w.Abort(ctx))
	}
	w.ended, w.tail = true, nil
	return storage.Staged{Bytes: w.sent, Token: token{w.id}.marshal()}, nil
}

// Abort implements storage.StageWriter.
func (w *writer) Abort(ctx context.Context) error {
	if w.ended {
		return nil
	}
	w.ended, w.tail = true, nil
	return w.s.change(ctx, OpAbort, w.key, func() string {
		s := w.s.disk.discardLocked(w.key, w.id)
		return s.String()
	})
}

// Buffered implements storage.StageWriter.
func (w *writer) Buffered() int64 { return int64(cap(w.tail)) }

// Publish implements storage.Store.
func (s *Store) Publish(ctx context.Context, key string, pairs []storage.Staged) (storage.Publication, error) {
	if err := storage.CheckName(key); err != nil {
		return storage.PublishConflict, fmt.Errorf("publish: %w", err)
	}
	if len(pairs) == 0 {
		return storage.PublishConflict, fmt.Errorf("publish %s: no token is given: %w", key, fs.ErrInvalid)
	}
	parsed := make([]staged, len(pairs))
	for i, p := range pairs {
		t, err := parseToken(p.Token)
		if err != nil {
			return storage.PublishConflict, fmt.Errorf("publish %s: %w", key, err)
		}
		parsed[i] = staged{t.Upload, p.Bytes}
	}
	var answer storage.Publication
	err := s.change(ctx, OpPublish, key, func() string {
		answer = s.disk.publishLocked(key, parsed)
		return answer.String()
	})
	if err != nil {
		return storage.PublishUnclear, err
	}
	if answer == storage.PublishConflict {
		return answer, fmt.Errorf("publish %s: another object has this name: %w", key, fs.ErrExist)
	}
	return answer, nil
}

// Discard implements storage.Store.
func (s *Store) Discard(ctx context.Context, key string, p storage.Staged) (storage.Discarding, error) {
	t, err := parseToken(p.Token)
	if err != nil {
		return storage.DiscardUnclear, fmt.Errorf("discard %s: %w", key, err)
	}
	var answer storage.Discarding
	err = s.change(ctx, OpDiscard, key, func() string {
		answer = s.disk.discardLocked(key, t.Upload)
		return answer.String()
	})
	if err != nil {
		return storage.DiscardUnclear, err
	}
	return answer, nil
}
