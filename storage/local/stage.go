package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"shadoof/storage"
)

// token is the JSON of a staged file: where it lies, and the only key under which it can be published. A listing knows no key.
type token struct {
	Path string `json:"path"`
	Key  string `json:"key,omitempty"`
}

func (t token) marshal() storage.Token {
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // a struct of strings
	}
	return data
}

func parseToken(raw storage.Token) (token, error) {
	var t token
	if err := json.Unmarshal(raw, &t); err != nil {
		return t, fmt.Errorf("token %.200q: %w", raw, err)
	}
	if t.Path == "" {
		return t, fmt.Errorf("token %.200q holds no path: is it of another kind of store? %w", raw, fs.ErrInvalid)
	}
	if err := storage.CheckStaging(t.Path); err != nil {
		return t, fmt.Errorf("token: %w", err)
	}
	return t, nil
}

// Stage implements storage.Store.
func (s *Store) Stage(ctx context.Context, r storage.StageRequest) (storage.StageWriter, error) {
	w, err := s.stage(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("stage %s: %w", r.Key, s.explain(err))
	}
	return w, nil
}

func (s *Store) stage(ctx context.Context, r storage.StageRequest) (*writer, error) {
	err := errors.Join(storage.CheckName(r.Key), storage.CheckStaging(r.Staging), ctx.Err(), s.trust())
	if err != nil {
		return nil, err
	}
	w := &writer{s: s, request: r}
	err = s.inDir(r.Staging, func() (err error) {
		w.file, err = s.files.Create(s.path(r.Staging))
		return err
	})
	if err != nil {
		return nil, err
	}
	// The folder of the key may be a mount of its own: no commit may name a file that cannot be renamed there.
	if err := s.checkMount(r.Staging, r.Key); err != nil {
		return nil, errors.Join(err, w.Abort(ctx))
	}
	return w, nil
}

// writer is a staged file that is open.
type writer struct {
	s       *Store
	request storage.StageRequest
	file    file
	bytes   int64
	err     error
	ended   bool
}

func (w *writer) Write(p []byte) (int, error) {
	if w.err == nil && w.ended {
		w.err = fmt.Errorf("write %s: %w", w.request.Key, fs.ErrClosed)
	}
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.file.Write(p)
	w.bytes += int64(n)
	if err != nil {
		w.err = fmt.Errorf("write %s: %w", w.request.Key, w.s.explain(err))
	}
	return n, w.err
}

// Finish implements storage.StageWriter.
func (w *writer) Finish(ctx context.Context) (storage.Staged, error) {
	if w.err == nil && w.ended {
		w.err = fmt.Errorf("finish %s: %w", w.request.Key, fs.ErrClosed)
	}
	if w.err != nil {
		return storage.Staged{}, w.err
	}
	if err := w.finish(ctx); err != nil {
		return storage.Staged{}, errors.Join(fmt.Errorf("finish %s: %w", w.request.Key, w.s.explain(err)), w.Abort(ctx))
	}
	w.ended = true
	return storage.Staged{Bytes: w.bytes, Token: token{w.request.Staging, w.request.Key}.marshal()}, nil
}

func (w *writer) finish(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	mine, err := w.file.Stat()
	if err != nil {
		return err
	}
	there, err := w.s.regular(w.request.Staging)
	if err != nil || !w.s.files.Same(mine, there) {
		return fmt.Errorf("the staged file was removed while it was written, as gc does after orphan_age: %w", fs.ErrNotExist)
	}
	if err := w.file.Close(); err != nil {
		return err
	}
	w.file = nil
	return w.s.syncDir(path.Dir(w.request.Staging))
}

// Abort implements storage.StageWriter.
func (w *writer) Abort(context.Context) error {
	if w.ended {
		return nil
	}
	w.ended = true
	if w.file != nil {
		// Whatever Close has to say about bytes that nobody wants does not matter.
		_ = w.file.Close()
		w.file = nil
	}
	err := w.s.files.Remove(w.s.path(w.request.Staging))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("abort %s: %w", w.request.Key, w.s.explain(err))
	}
	w.s.tidy(w.request.Staging)
	return nil
}

// Buffered implements storage.StageWriter: bytes go to the operating system at once.
func (w *writer) Buffered() int64 { return 0 }

// tidy removes the folder that held a staged file, and those above it that do not last, once they are empty.
func (s *Store) tidy(staging string) {
	dir := path.Dir(staging)
	s.removeEmpty(dir, path.Dir(path.Dir(dir)))
}
