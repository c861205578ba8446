// Package local is a storage.Store in a directory of a local disk, or of a network file system that behaves like one.
//
// A record is written to a temporary file, synced, and linked to its name: of many that link, one succeeds. A staged file lies
// under its staging name until a rename that never overwrites publishes it. Every answer that promises durability comes after an
// fsync of the file and of the directories that hold its name.
package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"

	"shadoof/storage"
)

// A Store is a storage.Store below one directory.
type Store struct {
	root  string
	files files

	mu sync.Mutex
	folders
	failed error // of an fsync of a directory: nothing that this process sees can be trusted after it

	swept sync.Once
}

var _ storage.Store = (*Store)(nil)

// New returns a store below root, which is made by the first write. It refuses a root whose folder for staging and for the log is
// on another file system than the rest: nothing could be renamed out of it.
func New(root string) (*Store, error) {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", root, err)
	}
	// A root may be a symbolic link; below it, links are not followed.
	if real, err := filepath.EvalSymlinks(absolute); err == nil {
		absolute = real
	}
	return open(absolute, disk{})
}

// open returns a store below an absolute path.
func open(root string, f files) (*Store, error) {
	s := &Store{root: root, files: f, folders: newFolders()}
	info, err := f.Lstat(s.root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("open store: %w", s.explain(err))
	case !info.IsDir():
		return nil, fmt.Errorf("open store: %s is not a directory", s.root)
	}
	if err := s.checkMount("_shadoof/x", "x"); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// String is the directory.
func (s *Store) String() string { return s.root }

// path is the file of a name that was checked.
func (s *Store) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

// checkMount says whether a rename between the folders of two names can work.
func (s *Store) checkMount(staging, key string) error {
	var mounts [2]mount
	var folders [2]string
	for i, name := range []string{staging, key} {
		dir := path.Dir(name)
		for {
			m, err := s.files.Mount(s.path(dir))
			if err == nil {
				mounts[i], folders[i] = m, s.path(dir)
				break
			}
			if !errors.Is(err, fs.ErrNotExist) || dir == "." {
				return s.explain(err)
			}
			dir = path.Dir(dir)
		}
	}
	if mounts[0] != mounts[1] {
		return fmt.Errorf("%w: %s and %s are different mounts, and no file can be renamed from one to the other: keep the whole root %s on one",
			storage.ErrUnfit, folders[0], folders[1], s.root)
	}
	return nil
}

// explain adds what to do about an error.
func (s *Store) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: the root %s is on a read-only file system: mount it writable, or set store.url to another", err, s.root)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: the user %d needs read and write permission below the root %s", err, os.Geteuid(), s.root)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: the disk of the root %s is full, or out of inodes: make room", err, s.root)
	case errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: the quota of the user %d on the disk of the root %s is used up", err, os.Geteuid(), s.root)
	case errors.Is(err, syscall.EXDEV):
		return fmt.Errorf("%w (%w): keep the whole root %s on one file system", err, storage.ErrUnfit, s.root)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: a file has the name of a folder below the root %s", err, s.root)
	}
	return err
}

// definite says whether a call to the operating system that failed like this has certainly changed nothing.
func definite(err error) bool {
	for _, e := range []error{
		syscall.EROFS, syscall.EACCES, syscall.EPERM, syscall.ENOSPC, syscall.EDQUOT, syscall.EXDEV, syscall.ENOTDIR, syscall.ENOENT, syscall.EMLINK,
		syscall.ENAMETOOLONG, syscall.EMFILE, syscall.ENFILE, syscall.ELOOP, syscall.EISDIR,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// regular opens nothing: it returns the file that has a name, if it is one and no directory or link.
func (s *Store) regular(name string) (fs.FileInfo, error) {
	info, err := s.files.Lstat(s.path(name))
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return nil, &fs.PathError{Op: "lstat", Path: s.path(name), Err: fs.ErrNotExist}
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file, but %s: %w", s.path(name), info.Mode(), fs.ErrNotExist)
	}
	return info, nil
}
