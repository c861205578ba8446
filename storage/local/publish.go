package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"syscall"

	"shadoof/storage"
)

// Publish implements storage.Store.
func (s *Store) Publish(ctx context.Context, key string, pairs []storage.Staged) (storage.Publication, error) {
	p, err := s.publish(ctx, key, pairs)
	if err != nil {
		return p, fmt.Errorf("publish %s: %w", key, s.explain(err))
	}
	return p, nil
}

func (s *Store) publish(ctx context.Context, key string, pairs []storage.Staged) (storage.Publication, error) {
	if err := storage.CheckName(key); err != nil {
		return storage.PublishConflict, err
	}
	if len(pairs) == 0 {
		return storage.PublishConflict, fmt.Errorf("no token is given: %w", fs.ErrInvalid)
	}
	newest := pairs[len(pairs)-1]
	t, err := parseToken(newest.Token)
	if err != nil {
		return storage.PublishConflict, err
	}
	if t.Key != key {
		return storage.PublishConflict, fmt.Errorf("the token is of %q: %w", t.Key, fs.ErrInvalid)
	}
	if err := errors.Join(ctx.Err(), s.trust()); err != nil {
		return storage.PublishUnclear, err
	}
	info, err := s.regular(t.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.look(key, t, pairs)
	case err != nil:
		return storage.PublishUnclear, err
	case info.Size() != newest.Bytes:
		// Not what was committed: something went over the staging folder. It counts as lost.
		return s.look(key, t, pairs)
	}
	err = s.inDir(key, func() error {
		err := s.move(t.Path, key)
		if errors.Is(err, fs.ErrNotExist) {
			if _, gone := s.regular(t.Path); gone != nil {
				return errSpent
			}
		}
		return err
	})
	switch {
	case err == nil:
		return s.settle(key, t, storage.Published)
	case errors.Is(err, errSpent):
		return s.look(key, t, pairs) // another publisher was quicker, or a discard
	case errors.Is(err, fs.ErrExist):
		return s.both(key, t)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EXDEV), errors.Is(err, syscall.EROFS):
		return storage.PublishConflict, err
	}
	return storage.PublishUnclear, err
}

// move gives a file another name. Where there is no rename that refuses to overwrite, the new name is linked and the old one removed:
// the link decides, both names may be left when the process dies in between, and that somebody else has removed the old one by then
// does not undo it.
func (s *Store) move(from, to string) error {
	err := s.files.Rename(s.path(from), s.path(to))
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := s.files.Link(s.path(from), s.path(to)); err != nil {
		return err
	}
	// Before this a power cut could keep the removal and forget the link.
	if err := s.syncDir(path.Dir(to)); err != nil {
		return err
	}
	if err := s.files.Remove(s.path(from)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// errSpent is the answer to a move whose source went away.
var errSpent = errors.New("staged file is gone")

// settle makes a publication durable: the new name first, and then that the old one is gone, so that a crash between them leaves
// at least one. Whoever gave the new name had made the folders above it durable before.
func (s *Store) settle(key string, t token, answer storage.Publication) (storage.Publication, error) {
	if err := s.syncDir(path.Dir(key)); err != nil {
		return storage.PublishUnclear, err
	}
	if err := s.syncNearest(path.Dir(t.Path)); err != nil {
		return storage.PublishUnclear, err
	}
	s.tidy(t.Path)
	return answer, nil
}

// look answers when there is no staged file to move: the object itself tells whether it was moved before.
func (s *Store) look(key string, t token, pairs []storage.Staged) (storage.Publication, error) {
	info, err := s.regular(key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return storage.NothingToPublish, nil
	case err != nil:
		return storage.PublishUnclear, err
	case !slices.ContainsFunc(pairs, func(p storage.Staged) bool { return p.Bytes == info.Size() }):
		return storage.PublishConflict, fmt.Errorf("an object of %d bytes has this name, and no committed file of this name has that length: %w", info.Size(), fs.ErrExist)
	}
	return s.settle(key, t, storage.AlreadyPublished)
}

// both answers when the object and the staged file are there: two links to one file after a crash between link and remove, or
// two files, which must be equal.
func (s *Store) both(key string, t token) (storage.Publication, error) {
	if _, err := s.regular(key); err != nil {
		return storage.PublishConflict, err
	}
	if !s.same(key, t.Path) {
		equal, err := s.equal(key, t.Path)
		if err != nil {
			return storage.PublishUnclear, err
		}
		if !equal {
			return storage.PublishConflict, fmt.Errorf("another object has this name, and differs from the staged file %s: %w", t.Path, fs.ErrExist)
		}
	}
	// The object must be durable before the copy goes.
	if err := s.syncDir(path.Dir(key)); err != nil {
		return storage.PublishUnclear, err
	}
	if err := s.files.Remove(s.path(t.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage.PublishUnclear, err
	}
	return s.settle(key, t, storage.AlreadyPublished)
}

// equal compares two files.
func (s *Store) equal(a, b string) (equal bool, err error) {
	x, err := s.files.Open(s.path(a))
	if err != nil {
		return false, err
	}
	defer x.Close()
	y, err := s.files.Open(s.path(b))
	if err != nil {
		return false, err
	}
	defer y.Close()
	p, q := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errX := io.ReadFull(x, p)
		m, errY := io.ReadFull(y, q)
		if !slices.Equal(p[:n], q[:m]) {
			return false, nil
		}
		if ended(errX) && ended(errY) {
			return true, nil
		}
		if err := errors.Join(errX, errY); err != nil {
			return false, err
		}
	}
}

func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

// Discard implements storage.Store.
func (s *Store) Discard(ctx context.Context, key string, p storage.Staged) (storage.Discarding, error) {
	d, err := s.discard(ctx, key, p)
	if err != nil {
		return storage.DiscardUnclear, fmt.Errorf("discard %s: %w", key, s.explain(err))
	}
	return d, nil
}

func (s *Store) discard(ctx context.Context, key string, p storage.Staged) (storage.Discarding, error) {
	t, err := parseToken(p.Token)
	if err != nil {
		return storage.DiscardUnclear, err
	}
	if err := errors.Join(ctx.Err(), s.trust()); err != nil {
		return storage.DiscardUnclear, err
	}
	if t.Key != "" && t.Key != key {
		return storage.AbsentToken, nil // the staged file of another key: it stays
	}
	answer, err := s.remove(key, t.Path)
	if err == nil && answer == storage.AbsentToken && t.Key != "" {
		answer, err = s.used(key, p.Bytes)
	}
	if err == nil && answer == storage.TokenUsed {
		err = s.syncDir(path.Dir(key)) // else a power cut could leave neither name
	}
	if err == nil {
		// Before this a crash of the machine could bring the staged file back, and with it the right to publish.
		err = s.syncNearest(path.Dir(t.Path))
	}
	if err != nil {
		return storage.DiscardUnclear, err
	}
	s.tidy(t.Path)
	return answer, nil
}

// used says whether it is for having been published that a token is absent.
func (s *Store) used(key string, bytes int64) (storage.Discarding, error) {
	info, err := s.regular(key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return storage.AbsentToken, nil
	case err != nil:
		return storage.DiscardUnclear, err
	case info.Size() == bytes:
		return storage.TokenUsed, nil
	}
	return storage.AbsentToken, nil
}

// remove takes away the name of a staged file. Where publishing is a link and a remove, the file may have got its key before that:
// no link can be made to it afterwards, so that looking then is enough.
func (s *Store) remove(key, staging string) (storage.Discarding, error) {
	f, err := s.files.Open(s.path(staging)) // keeps its number from being given to another file
	if err == nil {
		defer f.Close()
		err = s.files.Remove(s.path(staging))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return storage.AbsentToken, nil
	case err != nil:
		return storage.DiscardUnclear, err
	}
	mine, err := f.Stat()
	if err != nil {
		return storage.DiscardUnclear, err
	}
	if there, err := s.files.Lstat(s.path(key)); err == nil && s.files.Same(mine, there) {
		return storage.TokenUsed, nil
	}
	return storage.Discarded, nil
}
