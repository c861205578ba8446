package offsets

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"
)

// Completeness is what a log says about which time folders are complete.
type Completeness struct {
	Through int64 `json:"through"` // ms: each folder whose time ends by then is complete
	Tracked bool  `json:"tracked"` // Open has every folder that got data files and has not been said to be complete since

	// Open are the folders that may be waiting for a marker, with the version of the last record that removed files of theirs: 0 where
	// none did.
	Open map[string]int64 `json:"open,omitempty"`
}

// IsTracked says whether folders get markers.
func (c *Completeness) IsTracked() bool { return c != nil && c.Tracked }

// FolderOf is the folder of a file.
func FolderOf(key string) string { return path.Dir(key) }

// passed is the time that a partition's records have reached with a segment. A time ahead of the lift's clock is somebody's mistake: it
// says nothing about the records to come, but where there were none to come.
func (s *Segment) passed(clock time.Time) int64 {
	t := s.MaxTime
	if s.Passed != nil {
		t = *s.Passed
	}
	switch {
	case t <= clock.UnixMilli():
		return t
	case s.AtEnd && s.EndTime != nil:
		return s.EndTime.UnixMilli()
	}
	return 0
}

// Folders are the folders of a lift's data files, ascending.
func (l *Lift) Folders() []string {
	seen := map[string]bool{}
	for _, b := range l.Bundles {
		for i := range b.Files {
			if b.Files[i].Kind == KindData {
				seen[FolderOf(b.Files[i].Key)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// LateRows is how many rows of a file of the lift are late: those of a copy are the original's, which before has by key.
func (l *Lift) LateRows(f *File, before map[string]int64) int64 {
	if f.CopyOf != nil {
		return before[f.CopyOf.Key]
	}
	if _, late := slices.BinarySearch(l.Late, FolderOf(f.Key)); late && f.Kind == KindData {
		return f.Rows
	}
	return 0
}

// open notes the folders of a lift's data files.
func (s *State) open(l *Lift) error {
	if l.Late != nil && s.Complete == nil {
		return errors.New("it has late rows, but no folder was ever complete")
	}
	folders := l.Folders()
	for _, f := range l.Late {
		if _, ok := slices.BinarySearch(folders, f); !ok {
			return fmt.Errorf("it has late rows in %.200s, but no file", f)
		}
	}
	if !s.Complete.IsTracked() {
		return nil
	}
	fresh := slices.DeleteFunc(folders, func(f string) bool { _, ok := s.Complete.Open[f]; return ok })
	if len(fresh) > 0 {
		s.openAs(0, fresh)
	}
	return nil
}

// reopen notes folders that files are removed from.
func (s *State) reopen(folders []string) error {
	if len(folders) == 0 {
		return nil
	}
	if s.Complete == nil {
		return errors.New("it reopens folders, but none was ever complete")
	}
	if err := checkFolders(folders); err != nil {
		return err
	}
	if s.Complete.IsTracked() {
		s.openAs(s.V, folders)
	}
	return nil
}

func (s *State) openAs(v int64, folders []string) {
	c := s.Complete.clone()
	for _, f := range folders {
		c.Open[f] = v
	}
	s.Complete = c
}

func (c *Completeness) clone() *Completeness {
	n := &Completeness{Open: map[string]int64{}}
	if c != nil {
		n.Through, n.Tracked = c.Through, c.Tracked
		maps.Copy(n.Open, c.Open)
	}
	return n
}

func checkFolders(folders []string) error {
	for i, f := range folders {
		if f == "" || f == "." || i > 0 && f <= folders[i-1] {
			return fmt.Errorf("folder %.200q stands out of order", f)
		}
	}
	return nil
}

func (b *Complete) fold(n *State, _ time.Time) error {
	if b.Incarnation != n.Incarnation {
		return fmt.Errorf("it is for incarnation %d, but %d is the current one", b.Incarnation, n.Incarnation)
	}
	for _, list := range [][]string{b.Folders, b.Vacant, b.Open} {
		if err := checkFolders(list); err != nil {
			return err
		}
	}
	c, tracked := n.Complete.clone(), n.Complete.IsTracked()
	switch {
	case b.Off && (!tracked || b.Through != 0 || b.Anew || len(b.Folders)+len(b.Vacant)+len(b.Open) > 0):
		return errors.New("it ends the tracking of folders, where nothing is tracked, or says more than that")
	case b.Off:
		c.Tracked, c.Open = false, nil
		n.Complete = c
		return nil
	case b.Through < c.Through:
		return fmt.Errorf("it goes back from %d to %d", c.Through, b.Through)
	case tracked && (len(b.Open) > 0 || b.Anew):
		return errors.New("it begins to track folders, which are tracked already")
	case tracked && len(b.Folders)+len(b.Vacant) == 0:
		return errors.New("it says nothing new")
	}
	for _, f := range b.Open {
		if _, ok := c.Open[f]; !ok {
			c.Open[f] = 0
		}
	}
	for _, list := range [][]string{b.Folders, b.Vacant} {
		for _, f := range list {
			if _, ok := c.Open[f]; !ok {
				return fmt.Errorf("folder %.200s is not open", f)
			}
			delete(c.Open, f)
		}
	}
	if b.Anew {
		n.passedNothing()
	}
	c.Through, c.Tracked = b.Through, true
	n.Complete = c
	return nil
}

// passedNothing forgets what records have reached.
func (s *State) passedNothing() {
	s.Partitions = maps.Clone(s.Partitions)
	for n, p := range s.Partitions {
		p.Passed = 0
		s.Partitions[n] = p
	}
}

// check says whether c may have come out of a fold.
func (c *Completeness) check(v int64) error {
	if c == nil {
		return nil
	}
	for f, reopened := range c.Open {
		if f == "" || reopened < 0 || reopened > v || reopened == 0 && !c.Tracked {
			return fmt.Errorf("folder %.200q is open since version %d", f, reopened)
		}
	}
	return nil
}
