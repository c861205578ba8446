package local

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"shadoof/storage"
)

// folders are what is known of directories, by their names relative to the root.
type folders struct {
	durable map[string]bool            // with all that is above them
	seen    map[string]map[string]bool // by the directory above them: those that were there, and are durable once it is synced
	syncs   map[string]*syncing        // under way
}

func newFolders() folders {
	return folders{durable: map[string]bool{}, seen: map[string]map[string]bool{}, syncs: map[string]*syncing{}}
}

// mostFolders is how many of them are remembered at most.
const mostFolders = 100_000

// saw notes that a directory that lasts is there, and so those above it. The next fsync of the directory above makes its name durable,
// whoever made it.
func (s *Store) saw(dir string) {
	if !lasts(dir) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) > mostFolders {
		clear(s.seen)
	}
	for dir != "." && !s.durable[dir] {
		above := path.Dir(dir)
		if s.seen[above][dir] {
			return
		}
		if s.seen[above] == nil {
			s.seen[above] = map[string]bool{}
		}
		s.seen[above][dir] = true
		dir = above
	}
}

// takeSeen returns the directories that were seen in one by now.
func (s *Store) takeSeen(above string) map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen[above]
	delete(s.seen, above)
	return seen
}

func (s *Store) remember(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.durable) > mostFolders {
		clear(s.durable)
	}
	s.durable[dir] = true
}

// ofTopic are the directories that each topic needs at its first run. They are made together, with the topic's own, so that one fsync does
// for all.
var ofTopic = []string{"log", "pub", "schema", "settings", "staging"}

// depth says how far below _shadoof/topics a directory is, which has depth 0: that of a topic has 1.
func depth(dir string) (int, bool) {
	below, ok := strings.CutPrefix(dir, "_shadoof/topics")
	return strings.Count(below, "/"), ok && (below == "" || below[0] == '/')
}

// lasts says whether a directory stays once it was made, as those do that hold a topic's log. The others are removed when they are empty, or
// may be by a person.
func lasts(dir string) bool {
	n, ok := depth(dir)
	return dir == "_shadoof" || ok && n <= 2
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
	err := s.files.Mkdir(s.path(dir))
	switch n, ok := depth(dir); {
	case errors.Is(err, fs.ErrExist):
		err = s.ownDir(dir)
	case err == nil && ok && n == 1:
		s.makeFoldersOfTopic(dir)
	}
	if err != nil {
		return err
	}
	// Also when somebody else made it: they may not have come to the fsync yet.
	if err := s.syncDir(above); err != nil {
		return err
	}
	// What was known of the directory above may be of one that is gone: somebody found it empty and removed it, somebody else made it
	// again, and has not come to the fsync. From now on it is not empty, and stays.
	if known && above != "." && !lasts(above) {
		if err := s.syncDir(path.Dir(above)); err != nil {
			return err
		}
	}
	s.remember(dir)
	return nil
}

// makeFoldersOfTopic makes what the first run of a topic needs. Whoever uses one that could not be made tries again, and is told why.
func (s *Store) makeFoldersOfTopic(topic string) {
	for _, name := range ofTopic {
		if dir := path.Join(topic, name); s.files.Mkdir(s.path(dir)) == nil {
			s.saw(dir)
		}
	}
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
	s.remember(".")
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

// syncDir makes the names in a directory durable. Where the directory itself is known to be, so are now those that were seen in it before.
func (s *Store) syncDir(dir string) error {
	seen := s.takeSeen(dir)
	if err := s.syncPath(s.path(dir)); err != nil {
		return err
	}
	if len(seen) > 0 && s.isDurable(dir) {
		for inner := range seen {
			if s.ownDir(inner) == nil {
				s.remember(inner)
			}
		}
	}
	return nil
}

// syncPath is syncDir by a full path. After a failure it fails for ever: the kernel may have dropped what it could not write, and a
// second fsync that succeeds would prove nothing.
func (s *Store) syncPath(dir string) error {
	if err := s.trust(); err != nil {
		return err
	}
	err := s.syncTogether(dir)
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
