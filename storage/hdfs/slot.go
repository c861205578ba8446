package hdfs

import (
	"crypto/rand"
	"encoding/hex"
	"io/fs"
	"path"
	"strings"

	"shadoof/storage"
)

// An object of PutNew is a directory that holds one file, whose name is 32 random hex digits and the ending of the object's own name:
// log/00000000000000000007.json/<32 digits>.json. By these digits no request that is meant for the file can meet that of another
// object of the same name, whatever happened in between.
const idDigits = 32

func newID() string {
	var b [idDigits / 2]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// innerName is the name of the file in the directory of an object.
func innerName(name string) string { return newID() + path.Ext(name) }

// isInner says whether the file of an object can be called that.
func isInner(object, inner string) bool {
	if len(inner) < idDigits || inner[idDigits:] != path.Ext(object) {
		return false
	}
	for _, b := range []byte(inner[:idDigits]) {
		if (b < '0' || b > '9') && (b < 'a' || b > 'f') {
			return false
		}
	}
	return true
}

// inner finds the file of the object that a directory is. A directory with anything else in it is a folder.
func inner(object string, entries []status) (status, bool) {
	if len(entries) != 1 || entries[0].dir || !isInner(object, entries[0].name) {
		return status{}, false
	}
	return entries[0], true
}

// isSlot says whether a directory must be an object, by its name and the number of its children alone: one of the numbered records of
// a topic's log, of which there are thousands.
func isSlot(name string, st status) bool {
	if st.children != 1 {
		return false
	}
	dir, base := path.Split(name)
	switch path.Base(dir) {
	case "log", "pub", "ckpt", "pack":
	default:
		return false
	}
	if len(base) < 20 || len(base) > 20 && base[20] != '.' {
		return false
	}
	return strings.Trim(base[:20], "0123456789") == ""
}

// A place is where the bytes of an object lie.
type place struct {
	path   string // of the file
	object string // of the object; that of the file, or of the directory around it
	status        // of the file
}

// find looks for an object. It fails with fs.ErrNotExist where there is none, or a folder.
func (s *Store) find(c client, name string) (place, error) {
	p := s.path(name)
	st, entries, err := c.Look(p)
	if err != nil {
		return place{}, err
	}
	if !st.dir {
		return place{p, p, st}, nil
	}
	file, ok := inner(p, entries)
	if !ok {
		return place{}, &fs.PathError{Op: "stat", Path: p, Err: fs.ErrNotExist}
	}
	return place{p + "/" + file.name, p, file}, nil
}

// temporary returns the name of a new hidden file or directory in dir.
func temporary(dir string) string { return path.Join(dir, storage.TemporaryPrefix+newID()[:16]) }
