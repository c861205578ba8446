package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"syscall"

	"shadoof/storage"
)

// List implements storage.Store. Staged files are selected by their staging names.
func (s *Store) List(ctx context.Context, q storage.Query) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		if err := storage.CheckQuery(q); err != nil {
			yield(storage.Entry{}, fmt.Errorf("list: %w", err))
			return
		}
		if q.Staged {
			q.Prefix = q.Staging
		}
		w := &walk{s: s, q: q, yield: yield}
		folder := q.Prefix[:strings.LastIndexByte(q.Prefix, '/')+1]
		if folder != "" && checkFolder(folder) != nil {
			return // no object can be below it
		}
		if err := w.folder(ctx, folder); err != nil && !errors.Is(err, errStopped) {
			yield(storage.Entry{}, fmt.Errorf("list %s: %w", q.Prefix, s.explain(err)))
		}
	}
}

// checkFolder keeps listings below the root, whatever the prefix.
func checkFolder(folder string) error { return storage.CheckName(folder + "x") }

// errStopped ends a walk when the caller has broken out of its loop.
var errStopped = errors.New("stopped")

// walk visits a tree in the byte order of full names.
type walk struct {
	s     *Store
	q     storage.Query
	yield func(storage.Entry, error) bool
}

// folder visits what is in a folder, whose name is empty or ends in a slash.
func (w *walk) folder(ctx context.Context, folder string) error {
	entries, err := w.read(ctx, folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := folder + e.Name()
		switch {
		case e.IsDir():
			err = w.directory(ctx, name+"/")
		case e.Type().IsRegular():
			err = w.file(name, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read returns the entries of a folder in the order of the names below them: that of a directory goes on with a slash, which
// comes after "-" and ".".
func (w *walk) read(ctx context.Context, folder string) ([]fs.DirEntry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := w.s.files.ReadDir(w.s.path(folder))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err == nil {
		w.s.saw(strings.TrimSuffix(folder, "/"))
	}
	key := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(key(a), key(b)) })
	return entries, err
}

// directory visits a directory, whose name ends in a slash, if the query can select anything in it.
func (w *walk) directory(ctx context.Context, name string) error {
	prefix := w.q.Prefix
	if !strings.HasPrefix(name, prefix) && !strings.HasPrefix(prefix, name) {
		return nil
	}
	if w.q.Shallow {
		if name <= w.q.After {
			return nil
		}
		some, err := w.holdsObjects(ctx, name)
		if err != nil || !some {
			return err
		}
		return w.give(storage.Entry{Name: name})
	}
	if w.q.After >= name && !strings.HasPrefix(w.q.After, name) {
		return nil // all names in it come before After
	}
	return w.folder(ctx, name)
}

func (w *walk) file(name string, e fs.DirEntry) error {
	if !strings.HasPrefix(name, w.q.Prefix) || name <= w.q.After || !w.selects(name) {
		return nil
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it went away since the directory was read
	}
	if err != nil {
		return err
	}
	entry := storage.Entry{Name: name, Size: info.Size(), Modified: info.ModTime()}
	if w.q.Staged {
		entry.Token = token{Path: name}.marshal()
	}
	return w.give(entry)
}

func (w *walk) selects(name string) bool {
	if w.q.Staged {
		return storage.CheckStaging(name) == nil
	}
	return !storage.IsHidden(name)
}

func (w *walk) give(e storage.Entry) error {
	if !w.yield(e, nil) {
		return errStopped
	}
	return nil
}

// holdsObjects says whether there is an object in a folder: the others do not exist for those who list.
func (w *walk) holdsObjects(ctx context.Context, folder string) (some bool, err error) {
	look := &walk{s: w.s, q: storage.Query{Prefix: folder}, yield: func(storage.Entry, error) bool { some = true; return false }}
	if err := look.folder(ctx, folder); err != nil && !errors.Is(err, errStopped) {
		return false, err
	}
	return some, nil
}
