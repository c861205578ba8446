package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"shadoof/storage"
)

var _ storage.Examiner = (*Store)(nil)

// A volume is a mounted file system, as far as the operating system tells.
type volume struct {
	kind     string // such as ext4; "" when unknown
	point    string // where it is mounted; "" when unknown
	options  string // comma-separated; "" when unknown
	readOnly bool
	free     int64 // bytes that this user may still write
	size     int64
	files    int64 // inodes that are left; -1 where there is no such limit
}

// Examine implements storage.Examiner.
func (s *Store) Examine(_ context.Context, moves []storage.Move) []storage.Finding {
	dir, err := s.existing()
	if err != nil {
		return []storage.Finding{{Name: "folder", Grade: storage.Bad, Detail: s.explain(err).Error()}}
	}
	found := []storage.Finding{s.rootFinding(dir)}
	if v, err := s.files.Volume(dir); err != nil {
		found = append(found, storage.Finding{Name: "file system", Grade: storage.Unseen, Detail: fmt.Sprintf("%v: look with `df -hT %s`", err, dir)})
	} else {
		found = append(found, v.kindFinding(), v.spaceFinding(), v.filesFinding())
	}
	if dir == s.root { // else all of it will lie in one new folder
		found = append(found, s.movesFinding(moves))
	}
	if f, ok := umaskFinding(s.files); ok {
		found = append(found, f)
	}
	return found
}

// existing is the root, or the nearest folder above it that is there.
func (s *Store) existing() (string, error) {
	for dir := s.root; ; dir = filepath.Dir(dir) {
		_, err := s.files.Lstat(dir)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir, err
		}
	}
}

// rootFinding looks at who may change what lies in the root.
func (s *Store) rootFinding(dir string) storage.Finding {
	if dir != s.root {
		return storage.Finding{Name: "folder", Detail: fmt.Sprintf("%s is not there yet; it will be made in %s", s.root, dir)}
	}
	info, err := s.files.Lstat(dir)
	if err != nil {
		return storage.Finding{Name: "folder", Grade: storage.Bad, Detail: s.explain(err).Error()}
	}
	f := storage.Finding{Name: "folder", Detail: fmt.Sprintf("%s, mode %s", s.root, info.Mode().Perm())}
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&os.ModeSticky == 0 {
		f.Grade = storage.Doubt
		f.Detail += ": everybody may delete and replace files in it: take away write permission of others"
	}
	return f
}

// kindFinding knows what network and layered file systems do to the promises of a local one.
func (v volume) kindFinding() storage.Finding {
	f := storage.Finding{Name: "file system", Detail: v.kind}
	if v.point != "" {
		f.Detail += " mounted at " + v.point
	}
	if v.options != "" {
		f.Detail += " (" + v.options + ")"
	}
	worry := func(grade storage.Grade, text string) { f.Grade, f.Detail = grade, f.Detail+": "+text }
	has := func(option string) bool { return strings.Contains(","+v.options+",", ","+option+",") }
	switch {
	case v.readOnly:
		worry(storage.Bad, "it is mounted read-only: nothing can be lifted to it")
	case strings.HasPrefix(v.kind, "nfs") && has("soft"):
		worry(storage.Bad, "a soft mount gives up on writes when the server is slow, and says so late or never: mount it hard")
	case strings.HasPrefix(v.kind, "nfs"):
		text := "on NFS another machine may see new files late, since attributes are cached: mount it with lookupcache=positive and a small actimeo where several machines work"
		if has("noac") || has("actimeo=0") {
			text = "attributes are not cached, which several machines need"
		}
		worry(storage.Doubt, text+"; the server must export it with sync")
	case v.kind == "cifs" || v.kind == "smb2" || v.kind == "9p" || v.kind == "fuse" || v.kind == "fuseblk":
		worry(storage.Doubt, "whether an fsync reaches the disk, and whether one of two links wins, is up to the server behind it: the races above tell about now only")
	case v.kind == "tmpfs" || v.kind == "ramfs":
		worry(storage.Doubt, "it is memory: everything is gone with the machine")
	case v.kind == "overlay":
		worry(storage.Doubt, "it is a container's own layer: everything is gone with the container: mount a volume there")
	case v.kind == "":
		f.Grade, f.Detail = storage.Unseen, "this system does not tell: look with `df -T`"
	}
	return f
}

// Less than this is a doubt.
const (
	littleSpace = 10 << 30
	fewFiles    = 100_000
)

func (v volume) spaceFinding() storage.Finding {
	f := storage.Finding{Name: "free space", Detail: fmt.Sprintf("%s of %s", gibibytes(v.free), gibibytes(v.size))}
	switch {
	case v.size == 0:
		f.Grade, f.Detail = storage.Unseen, "this system does not tell: look with `df -h`"
	case v.free < 64<<20:
		f.Grade, f.Detail = storage.Bad, f.Detail+": no run can stage anything: make room"
	case v.free < littleSpace || v.free < v.size/20:
		f.Grade, f.Detail = storage.Doubt, f.Detail+": a run that finds the disk full fails (exit 1) and commits nothing: make room"
	}
	return f
}

func (v volume) filesFinding() storage.Finding {
	f := storage.Finding{Name: "free inodes", Detail: fmt.Sprint(v.files)}
	switch {
	case v.files < 0:
		f.Detail = "no limit"
	case v.files < 1000:
		f.Grade, f.Detail = storage.Bad, f.Detail+": each run makes files: make room"
	case v.files < fewFiles:
		f.Grade, f.Detail = storage.Doubt, f.Detail+": an hour of a topic takes some ten: make room in time"
	}
	return f
}

func gibibytes(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

// movesFinding looks whether every staged file can be renamed to where it is published.
func (s *Store) movesFinding(moves []storage.Move) storage.Finding {
	for _, m := range moves {
		if err := s.checkMount(m.Staging+"/x", m.Folder+"/x"); err != nil {
			grade := storage.Unseen
			if errors.Is(err, storage.ErrUnfit) {
				grade = storage.Bad
			}
			return storage.Finding{Name: "one mount", Grade: grade, Detail: err.Error()}
		}
	}
	return storage.Finding{Name: "one mount", Detail: fmt.Sprintf("staging and %d folders can be renamed into each other", len(moves))}
}

func umaskFinding(f files) (storage.Finding, bool) {
	mask, ok := f.Umask()
	if !ok {
		return storage.Finding{}, false
	}
	found := storage.Finding{Name: "umask", Detail: fmt.Sprintf("%04o: files get mode %04o", mask, 0o666&^mask)}
	if mask&0o044 == 0o044 {
		found.Grade = storage.Doubt
		found.Detail += ": no other user can read them: set another umask where readers are not this user"
	}
	return found, true
}
