package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"shadoof/storage"
)

// scratch is the folder of what is there for a moment only.
const scratch = "_shadoof/tmp"

// makeDir makes a directory, by its path, and those above it. The answer to the next change makes them durable.
func (s *Store) makeDir(c client, dir string) error {
	if dir == "/" || s.isMade(dir) {
		return nil
	}
	st, err := c.Stat(dir)
	switch {
	case err == nil && !st.dir:
		return told(fs.ErrExist, "make folder %s: a file has this name", dir)
	case errors.Is(err, fs.ErrNotExist):
		if err = s.makeDir(c, path.Dir(dir)); err == nil {
			err = s.makeOne(c, dir)
		}
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.made) > 100_000 {
		clear(s.made)
	}
	s.made[dir] = true
	return nil
}

func (s *Store) makeOne(c client, dir string) error {
	err := c.Mkdir(dir, s.o.DirMode)
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody else was quicker
	}
	if err != nil {
		return err
	}
	return s.claim(c, dir, s.o.DirMode)
}

// claim gives a file or directory that was just made the mode and group of the options.
func (s *Store) claim(c client, name string, mode fs.FileMode) error {
	st, err := c.Stat(name)
	if err != nil {
		return err
	}
	return s.claimAs(c, name, st, mode)
}

func (s *Store) claimAs(c client, name string, st status, mode fs.FileMode) error {
	// Under a default access control list the mode is its mask: it is what the owner of the folder wants.
	if st.mode != mode && !st.acl {
		if err := c.Chmod(name, mode); err != nil {
			return err
		}
	}
	if s.o.Group != "" && st.group != s.o.Group {
		// With the owner that it has: the library sends an empty name, too, and the name node takes that for another owner.
		return c.Chown(name, st.owner, s.o.Group)
	}
	return nil
}

func (s *Store) isMade(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made[dir]
}

// forget drops what is known of a directory and of all above it, since one of them has gone.
func (s *Store) forget(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; dir != "/" && dir != "."; dir = path.Dir(dir) {
		delete(s.made, dir)
		delete(s.fit, dir)
	}
}

const (
	// A folder that many workers empty and fill can be gone many times in a row.
	folderGone = 100
	// Where it is there after a failure, either somebody has made it again, or what was missing is something else: a few more looks
	// tell the two apart.
	folderThere = 4
)

// inDir runs f after the directory of a path was made, and again if it went away in between: an empty one is removed by whoever takes
// the last staged file out of it. f fails with fs.ErrNotExist then, and must have changed nothing.
func (s *Store) inDir(c client, name string, f func() error) error {
	dir := path.Dir(name)
	for gone, there := 0, 0; ; {
		err := s.makeDir(c, dir)
		if err == nil {
			err = f()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		switch _, looking := c.Stat(dir); {
		case !answered(looking):
			return err
		case looking == nil:
			there++
		default:
			gone++
		}
		if there == folderThere || gone == folderGone {
			return err
		}
		s.forget(dir)
	}
}

// prove makes sure that all that this connection showed so far will stay: the answer to a change comes when the journal has it, and
// with it all changes before.
func (s *Store) prove(c client) error {
	name := temporary(s.path(scratch))
	if err := s.inDir(c, name, func() error { return c.Mkdir(name, s.o.DirMode) }); err != nil {
		return fmt.Errorf("make sure that it will stay: %w", err)
	}
	_ = c.Remove(name) // an empty folder that stays hurts nobody, and sweep takes it
	return nil
}

// removeEmpty removes the directory dir and those above it, up to and without top, as far as they are empty.
func (s *Store) removeEmpty(c client, dir, top string) {
	for ; dir != "/" && dir != top && strings.HasPrefix(dir, top); dir = path.Dir(dir) {
		if c.Remove(dir) != nil {
			return
		}
		s.forget(dir)
	}
}

// tidy removes the folder that held a staged file, by its path, and the one above it, once they are empty.
func (s *Store) tidy(c client, staged string) {
	dir := path.Dir(staged)
	s.removeEmpty(c, dir, path.Dir(path.Dir(dir)))
}

// RemoveEmptyFolders removes the folders below prefix, which ends in a slash, and prefix itself, as far as no object is in them.
func (s *Store) RemoveEmptyFolders(ctx context.Context, prefix string) error {
	dir := strings.TrimSuffix(prefix, "/")
	if err := storage.CheckName(dir); err != nil {
		return fmt.Errorf("remove empty folders: %w", err)
	}
	err := s.retry(ctx, func(c client) error { return s.removeFolders(ctx, c, s.path(dir)) })
	return s.failure("remove empty folders of", dir, err)
}

func (s *Store) removeFolders(ctx context.Context, c client, dir string) error {
	_, entries, err := c.Look(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, object := inner(dir, entries); object {
		return nil
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.dir {
			if err := s.removeFolders(ctx, c, path.Join(dir, e.name)); err != nil {
				return err
			}
		}
	}
	s.removeEmpty(c, dir, path.Dir(dir))
	return nil
}
