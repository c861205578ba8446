package hdfs

import (
	"path"
	"strings"
	"time"

	"shadoof/storage"
)

// litterAge is when a temporary directory has no owner any more: preparing an object takes milliseconds, and no call lasts so long.
const litterAge = 24 * time.Hour

// see remembers temporary directories that a listing came across and that a process left behind when it died.
func (s *Store) see(dir string, entries []status) {
	for _, e := range entries {
		if !strings.HasPrefix(e.name, storage.TemporaryPrefix) || s.now().Sub(e.modified) < litterAge {
			continue
		}
		s.mu.Lock()
		if len(s.litter) < 1000 {
			s.litter[path.Join(dir, e.name)] = true
		}
		s.mu.Unlock()
	}
}

// sweep removes what see has found in a directory, a little at a time. Whoever could still rename such a directory has been dead for a
// day, and does not find it after this.
func (s *Store) sweep(c client, dir string) {
	s.mu.Lock()
	var names []string
	for n := range s.litter {
		if path.Dir(n) == dir && len(names) < 10 {
			names = append(names, n)
			delete(s.litter, n)
		}
	}
	s.mu.Unlock()
	for _, n := range names {
		if c.RemoveAll(n) != nil {
			return // another time
		}
	}
}
