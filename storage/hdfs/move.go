package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"shadoof/storage"
)

// TryMove implements storage.Mover: it renames an empty hidden directory from one folder to the other. Encryption zones, permissions
// and quotas of names refuse that as they refuse a file; a quota of bytes refuses files only. What a quota refuses today it may take
// tomorrow: that does not make the store unfit.
func (s *Store) TryMove(ctx context.Context, m storage.Move) error {
	for _, name := range []string{m.Staging, m.Folder} {
		if err := checkName(name); err != nil {
			return fmt.Errorf("try to move: %w", err)
		}
	}
	from, to := s.path(m.Staging), s.path(m.Folder)
	err := s.retry(ctx, func(c client) error { return s.tryMove(c, from, to) })
	if err == nil {
		return nil
	}
	err = s.explain(err)
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w: %w", storage.ErrUnfit, err)
	}
	return fmt.Errorf("try to move a file from %s to %s: %w", s.url(m.Staging), s.url(m.Folder), err)
}

func (s *Store) tryMove(c client, from, to string) error {
	for _, dir := range []string{from, to} {
		if err := s.checkFit(c, dir); err != nil {
			return err
		}
	}
	source := temporary(from)
	if err := s.inDir(c, source, func() error { return c.Mkdir(source, s.o.DirMode) }); err != nil {
		return err
	}
	target := temporary(to)
	err := s.inDir(c, target, func() error { return c.Rename(source, target) })
	if err == nil {
		err = c.Remove(target)
	} else {
		_ = c.Remove(source) // it may stay behind, empty and hidden
	}
	s.removeEmpty(c, from, path.Dir(from))
	return err
}
