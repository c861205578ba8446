package local

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"shadoof/storage"
)

// temporaries is the folder of files that are being written: not that of their final name, since some readers take every file in
// a topic's folder for data.
const temporaries = "_shadoof/tmp"

// temporary returns the name of a new temporary file.
func temporary() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return path.Join(temporaries, storage.TemporaryPrefix+hex.EncodeToString(b[:]))
}

// sweep removes, once, the temporary files that crashes have left behind. Writing one takes milliseconds, so a day-old file has no
// owner. Whatever cannot be removed stays until the next time.
func (s *Store) sweep() {
	s.swept.Do(func() {
		entries, err := s.files.ReadDir(s.path(temporaries))
		if err != nil {
			return
		}
		for _, e := range entries {
			info, err := e.Info()
			if err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > 24*time.Hour {
				_ = s.files.Remove(s.path(path.Join(temporaries, e.Name())))
			}
		}
	})
}

// removeEmpty removes the directory dir and those above it, up to and without top and those that last, as far as they are empty.
func (s *Store) removeEmpty(dir, top string) {
	for ; dir != "." && dir != top && strings.HasPrefix(dir, top) && !lasts(dir); dir = path.Dir(dir) {
		if s.files.Remove(s.path(dir)) != nil {
			return
		}
		s.mu.Lock()
		delete(s.durable, dir)
		s.mu.Unlock()
	}
}

// RemoveEmptyFolders removes the folders below prefix, which ends in a slash, and prefix itself, as far as no file is in them.
func (s *Store) RemoveEmptyFolders(ctx context.Context, prefix string) error {
	dir := strings.TrimSuffix(prefix, "/")
	if err := storage.CheckName(dir); err != nil {
		return fmt.Errorf("remove empty folders: %w", err)
	}
	entries, err := s.files.ReadDir(s.path(dir))
	if err != nil {
		return fmt.Errorf("remove empty folders: %w", s.explain(err))
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.IsDir() {
			if err := s.RemoveEmptyFolders(ctx, path.Join(dir, e.Name())+"/"); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	s.removeEmpty(dir, path.Dir(dir))
	return nil
}
