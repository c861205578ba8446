package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// faulty passes calls on to the disk, writes them down, and makes some fail.
type faulty struct {
	disk
	root string

	// fault is asked before every call, by its number from 1. If err is not nil it is answered, after the call was carried out
	// where applied is true.
	fault func(call int, line string) (err error, applied bool)

	mu    sync.Mutex
	calls []string
}

func newFaulty(t *testing.T) *faulty {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &faulty{root: root}
}

var (
	numbers = regexp.MustCompile(`\.tmp-[0-9a-f]+`)
	reading = regexp.MustCompile(`(?m)^(lstat|readdir|mount|open) .*\n`)
)

// changes returns the calls so far that change anything, one per line.
func (f *faulty) changes() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return reading.ReplaceAllString(strings.Join(f.calls, "\n")+"\n", "")
}

func (f *faulty) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
}

func (f *faulty) do(call func() error, op string, names ...string) error {
	for i, n := range names {
		rel, err := filepath.Rel(f.root, n)
		if err != nil {
			rel = n
		}
		names[i] = numbers.ReplaceAllString(filepath.ToSlash(rel), ".tmp-X")
	}
	line := op + " " + strings.Join(names, " -> ")
	f.mu.Lock()
	f.calls = append(f.calls, line)
	number := len(f.calls)
	f.mu.Unlock()
	if f.fault != nil {
		if err, applied := f.fault(number, line); err != nil {
			if applied {
				_ = call()
			}
			return &fs.PathError{Op: op, Path: strings.Join(names, " -> "), Err: err}
		}
	}
	return call()
}

func (f *faulty) Open(name string) (opened file, err error) {
	err = f.do(func() (err error) { opened, err = f.disk.Open(name); return err }, "open", name)
	return opened, err
}

func (f *faulty) Create(name string) (file, error) {
	var created file
	err := f.do(func() (err error) { created, err = f.disk.Create(name); return err }, "create", name)
	if err != nil {
		if created != nil {
			created.Close()
		}
		return nil, err
	}
	return &faultyFile{created, f, name}, nil
}

func (f *faulty) Lstat(name string) (info fs.FileInfo, err error) {
	err = f.do(func() (err error) { info, err = f.disk.Lstat(name); return err }, "lstat", name)
	return info, err
}

func (f *faulty) ReadDir(name string) (entries []fs.DirEntry, err error) {
	err = f.do(func() (err error) { entries, err = f.disk.ReadDir(name); return err }, "readdir", name)
	return entries, err
}

func (f *faulty) Mount(name string) (m mount, err error) {
	err = f.do(func() (err error) { m, err = f.disk.Mount(name); return err }, "mount", name)
	return m, err
}

func (f *faulty) Mkdir(name string) error {
	return f.do(func() error { return f.disk.Mkdir(name) }, "mkdir", name)
}

func (f *faulty) Remove(name string) error {
	return f.do(func() error { return f.disk.Remove(name) }, "remove", name)
}

func (f *faulty) Link(from, to string) error {
	return f.do(func() error { return f.disk.Link(from, to) }, "link", from, to)
}

func (f *faulty) Rename(from, to string) error {
	return f.do(func() error { return f.disk.Rename(from, to) }, "rename", from, to)
}

func (f *faulty) SyncDir(name string) error {
	return f.do(func() error { return f.disk.SyncDir(name) }, "syncdir", name)
}

type faultyFile struct {
	file
	f    *faulty
	name string
}

func (f *faultyFile) Write(p []byte) (n int, err error) {
	err = f.f.do(func() (err error) { n, err = f.file.Write(p); return err }, fmt.Sprintf("write %d bytes to", len(p)), f.name)
	return n, err
}

func (f *faultyFile) Sync() error { return f.f.do(f.file.Sync, "sync", f.name) }

func (f *faultyFile) Close() error { return f.f.do(f.file.Close, "close", f.name) }

// linking is a disk without a rename that refuses to overwrite.
type linking struct{ disk }

func (linking) Rename(string, string) error { return errors.ErrUnsupported }

// tree lists all files and folders below a directory.
func tree(t *testing.T, root string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && name != root {
			rel, _ := filepath.Rel(root, name)
			if d.IsDir() {
				rel += "/"
			}
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return names
}
