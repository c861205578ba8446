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

	mu      sync.Mutex
	durable map[string]bool // directories, relative to root, whose names are known to be durable
	failed  error           // of an fsync of a directory: nothing that this process sees can be trusted after it

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
	s := &Store{root: root, files: f, durable: map[string]bool{}}
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

// makeDir makes the directory dir and those above it, each durable in the one that holds it.
func (s *Store) makeDir(dir string) error {
	if dir == "." {
		return s.makeRoot()
	}
	if s.isDurable(dir) {
		return nil
	}
	above := path.Dir(dir)
	known := s.isDurable(above)
	if err := s.makeDir(above); err != nil {
		return err
	}
	if err := s.files.Mkdir(s.path(dir)); errors.Is(err, fs.ErrExist) {
		if err := s.ownDir(dir); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	// Also when somebody else made it: they may not have come to the fsync yet.
	if err := s.syncDir(above); err != nil {
		return err
	}
	// What was known of the directory above may be of one that is gone: whoever takes the last staged file away removes it, somebody
	// else makes it again, and has not come to the fsync. From now on it is not empty, and stays.
	if known && above != "." {
		if err := s.syncDir(path.Dir(above)); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.durable) > 100_000 {
		clear(s.durable)
	}
	s.durable[dir] = true
	return nil
}

// ownDir refuses a symbolic link in the place of a directory: listings do not follow it, and files would go to where it leads.
func (s *Store) ownDir(dir string) error {
	info, err := s.files.Lstat(s.path(dir))
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is a symbolic link, and links below the root are not followed: make it a directory (the root itself may be a link): %w", s.path(dir), storage.ErrUnfit)
	}
	return err
}

// makeRoot makes the root and the directories above it.
func (s *Store) makeRoot() error {
	if s.isDurable(".") {
		return nil
	}
	var missing []string
	dir := s.root
	for ; ; dir = filepath.Dir(dir) {
		_, err := s.files.Lstat(dir)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return err
		}
		missing = append(missing, dir)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := s.files.Mkdir(missing[i]); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := s.syncPath(filepath.Dir(missing[i])); err != nil {
			return err
		}
	}
	// Whoever has put anything into the root had made it durable before.
	if _, err := s.files.Lstat(s.path("_shadoof")); err != nil {
		if err := s.syncAbove(dir); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.durable["."] = true
	return nil
}

// syncAbove makes durable that dir, which was there, is in the directory above it, and so on up to where it is mounted: another
// process may have made it a moment ago, or a person. What this user may not read another has made, and is left to them.
func (s *Store) syncAbove(dir string) error {
	for above := filepath.Dir(dir); above != dir; dir, above = above, filepath.Dir(above) {
		inner, err := s.files.Mount(dir)
		outer, errAbove := s.files.Mount(above)
		if err != nil || errAbove != nil || inner != outer {
			return nil
		}
		if err := s.syncPath(above); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

func (s *Store) isDurable(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.durable[dir]
}

// forget drops what is known of a directory and of all above it: one of them has gone.
func (s *Store) forget(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; dir != "."; dir = path.Dir(dir) {
		delete(s.durable, dir)
	}
	delete(s.durable, ".")
}

// inDir runs f after the directory of name was made, and again when the directory went away in between: an empty one is removed
// by whoever takes the last staged file out of it. It may be back by the time one looks, made by somebody else, so that a directory
// that is there proves little: only after some tries something else is missing.
func (s *Store) inDir(name string, f func() error) error {
	dir := path.Dir(name)
	there := 0
	for try := 0; ; try++ {
		err := s.makeDir(dir)
		if err == nil {
			err = f()
		}
		if try == 100 || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if _, gone := s.files.Lstat(s.path(dir)); gone == nil {
			if there++; there == 4 {
				return err
			}
		}
		s.forget(dir)
	}
}

// syncDir makes the names in a directory durable.
func (s *Store) syncDir(dir string) error { return s.syncPath(s.path(dir)) }

// syncPath is syncDir by a full path. After a failure it fails for ever: the kernel may have dropped what it could not write, and a
// second fsync that succeeds would prove nothing.
func (s *Store) syncPath(dir string) error {
	if err := s.trust(); err != nil {
		return err
	}
	err := s.files.SyncDir(dir)
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return err // nothing was lost: the directory could not be opened
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = fmt.Errorf("fsync of %s: %w: what was written may be lost: check the disk and the kernel log before the next run", dir, err)
	}
	return s.failed
}

// trust fails once an fsync of a directory has failed.
func (s *Store) trust() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
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
