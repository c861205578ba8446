package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"shadoof/storage"
)

// PutNew implements storage.Store.
func (s *Store) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	put, err := s.putNew(ctx, name, data)
	if err != nil {
		return put, fmt.Errorf("create %s: %w", name, s.explain(err))
	}
	return put, nil
}

func (s *Store) putNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	if err := storage.CheckName(name); err != nil {
		return storage.Refused, err
	}
	if err := errors.Join(ctx.Err(), s.trust()); err != nil {
		return storage.PutUnknown, err
	}
	s.sweep()
	if len(data) == 0 {
		// After a reply that a file server lost, one's own marker is taken for another's: they are the same.
		return s.putNamed(name, func() error { return s.createEmpty(name) }, func() bool { return false })
	}
	tmp := temporary()
	if err := s.inDir(tmp, func() error { return s.writeFile(tmp, data) }); err != nil {
		return storage.Refused, err
	}
	// A temporary file that cannot be removed is litter for the next sweep.
	defer s.files.Remove(s.path(tmp))

	link := func() error { return s.files.Link(s.path(tmp), s.path(name)) }
	return s.putNamed(name, link, func() bool { return s.same(tmp, name) })
}

// putNamed gives an object its name. mine says whether it has that by an attempt that seemed to fail.
func (s *Store) putNamed(name string, give func() error, mine func() bool) (storage.Put, error) {
	// Whoever gives the name has created the object.
	err := s.inDir(name, give)
	switch {
	case errors.Is(err, fs.ErrExist) && mine(): // the reply to the link got lost on its way from a file server
	case errors.Is(err, fs.ErrExist):
		return storage.Exists, nil
	case err != nil && definite(err):
		return storage.Refused, err
	case err != nil:
		return storage.PutUnknown, err
	}
	if err := s.syncDir(path.Dir(name)); err != nil {
		return storage.PutUnknown, err
	}
	return storage.Created, nil
}

// createEmpty makes a file without bytes, which is whole as soon as it has its name: nothing of it could be torn, or lost without the name.
func (s *Store) createEmpty(name string) error {
	f, err := s.files.Create(s.path(name))
	if err != nil {
		return err
	}
	_ = f.Close() // the file is there, whatever this says
	return nil
}

// writeFile makes a file with these durable bytes, or none.
func (s *Store) writeFile(name string, data []byte) error {
	f, err := s.files.Create(s.path(name))
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return errors.Join(err, s.files.Remove(s.path(name)))
	}
	return nil
}

// same says whether two names are links to one file.
func (s *Store) same(a, b string) bool {
	x, errX := s.files.Lstat(s.path(a))
	y, errY := s.files.Lstat(s.path(b))
	return errX == nil && errY == nil && s.files.Same(x, y)
}

// Open implements storage.Store.
func (s *Store) Open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	o, err := s.open(ctx, name, from, n)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, s.explain(err))
	}
	return o, nil
}

func (s *Store) open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	if err := storage.CheckName(name); err != nil {
		return nil, err
	}
	if from < 0 {
		return nil, fmt.Errorf("negative offset %d: %w", from, fs.ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := s.regular(name)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return &storage.Object{ReadCloser: empty{}, Size: info.Size(), Modified: info.ModTime()}, nil
	}
	f, err := s.files.Open(s.path(name))
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil && from > 0 {
		_, err = f.Seek(from, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if n < 0 {
		n = max(info.Size()-from, 0)
	}
	return &storage.Object{ReadCloser: storage.Exactly(f, n), Size: info.Size(), Modified: info.ModTime()}, nil
}

// empty is the reader of those who asked for the size.
type empty struct{}

func (empty) Read([]byte) (int, error) { return 0, io.EOF }
func (empty) Close() error             { return nil }

// Delete implements storage.Store.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := s.delete(ctx, name); err != nil {
		return fmt.Errorf("delete %s: %w", name, s.explain(err))
	}
	return nil
}

func (s *Store) delete(ctx context.Context, name string) error {
	if err := storage.CheckName(name); err != nil {
		return err
	}
	if err := errors.Join(ctx.Err(), s.trust()); err != nil {
		return err
	}
	_, err := s.regular(name)
	if err == nil {
		err = s.files.Remove(s.path(name))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.syncNearest(path.Dir(name))
}

// syncNearest makes durable that a name is not in dir any more; where dir itself is gone, that it is not in the one above it.
func (s *Store) syncNearest(dir string) error {
	for {
		err := s.syncDir(dir)
		switch {
		case !errors.Is(err, fs.ErrNotExist):
			return err
		case dir == ".":
			return nil // not even the root is there
		}
		dir = path.Dir(dir)
	}
}

// Confirm implements storage.Store.
func (s *Store) Confirm(ctx context.Context, name string) (storage.Durability, error) {
	d, err := s.confirm(ctx, name)
	if err != nil {
		return storage.DurabilityUnknown, fmt.Errorf("confirm %s: %w", name, s.explain(err))
	}
	return d, nil
}

func (s *Store) confirm(ctx context.Context, name string) (storage.Durability, error) {
	if err := storage.CheckName(name); err != nil {
		return storage.DurabilityUnknown, err
	}
	if err := errors.Join(ctx.Err(), s.trust()); err != nil {
		return storage.DurabilityUnknown, err
	}
	_, err := s.regular(name)
	if errors.Is(err, fs.ErrNotExist) {
		return storage.Gone, nil
	}
	if err == nil {
		err = s.syncDir(path.Dir(name)) // whoever gave it its name had made the folders above it durable before
	}
	if err != nil {
		return storage.DurabilityUnknown, err
	}
	return storage.Durable, nil
}
