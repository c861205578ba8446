package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"shadoof/storage"
)

// Open implements storage.Store.
func (s *Store) Open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if from < 0 {
		return nil, fmt.Errorf("open %s: negative offset %d: %w", s.url(name), from, fs.ErrInvalid)
	}
	o, err := s.open(ctx, name, from, n)
	if err != nil {
		return nil, s.failure("open", name, err)
	}
	return o, nil
}

func (s *Store) open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	var at place
	err := s.retry(ctx, func(c client) (err error) {
		at, err = s.find(c, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	o := &storage.Object{ReadCloser: empty{}, Size: at.size, Modified: at.modified}
	if n == 0 {
		return o, nil
	}
	if n < 0 {
		n = max(at.size-from, 0)
	}
	if from < at.size {
		o.ReadCloser = &body{ctx: ctx, s: s, name: name, place: at, at: from, end: min(from+n, at.size)}
	}
	o.ReadCloser = storage.Exactly(o.ReadCloser, n)
	return o, nil
}

// empty is the reader of nothing.
type empty struct{}

func (empty) Read([]byte) (int, error) { return 0, io.EOF }
func (empty) Close() error             { return nil }

// Delete implements storage.Store. An object that is a directory goes with it, at once: no half of it can be seen, and its name is
// free for another one whole.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	err := s.retry(ctx, func(c client) error {
		at, err := s.find(c, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return s.prove(c) // it may be gone for now only
		case err != nil:
			return err
		case at.path == at.object:
			err = c.Remove(at.path)
		default:
			err = c.RemoveAll(at.object)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		// The library does not tell whether it was this request that removed it, and only a change is proof.
		return s.prove(c)
	})
	return s.failure("delete", name, err)
}

// Confirm implements storage.Store: it sets the times of the object's file to what they are. The name node answers when its journal
// has that, and with it all that was before. The path of a record's file holds random digits, so that it is the one that was seen.
func (s *Store) Confirm(ctx context.Context, name string) (storage.Durability, error) {
	if err := checkName(name); err != nil {
		return storage.DurabilityUnknown, fmt.Errorf("confirm: %w", err)
	}
	d := storage.DurabilityUnknown
	err := s.retry(ctx, func(c client) error {
		at, err := s.find(c, name)
		if err == nil {
			err = s.settle(c, at)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			d = storage.Gone
			return nil
		case err == nil:
			d = storage.Durable
		}
		return err
	})
	if err != nil {
		d = storage.DurabilityUnknown
	}
	return d, s.failure("confirm", name, err)
}

// settle makes sure that a file that this connection has seen will stay. It fails with fs.ErrNotExist if it is gone.
func (s *Store) settle(c client, at place) error {
	err := c.Chtimes(at.path, at.accessed, at.modified)
	switch {
	case errors.Is(err, fs.ErrPermission) && answered(err), timesOff(err):
		// Another's file, or a cluster that keeps no access times, which the library always sets. Any other change proves as much.
		return s.prove(c)
	}
	return err
}

// timesOff says whether the name node refuses access times (dfs.namenode.accesstime.precision is 0).
func timesOff(err error) bool {
	_, message, ok := said(err)
	return ok && strings.HasPrefix(message, "Access time for hdfs is not configured")
}
