package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"shadoof/storage"
)

// List implements storage.Store. Staged files are selected by their staging names. A folder that goes away meanwhile is empty.
//
// The numbered records of a topic's log are told by their names, and listed with a size of -1: with sizes, a listing of them would
// cost a request for each.
func (s *Store) List(ctx context.Context, q storage.Query) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		if err := storage.CheckQuery(q); err != nil {
			yield(storage.Entry{}, fmt.Errorf("list: %w", err))
			return
		}
		if q.Staged {
			q.Prefix = q.Staging
		}
		w := &walk{ctx: ctx, s: s, q: q, yield: yield}
		folder := q.Prefix[:strings.LastIndexByte(q.Prefix, '/')+1]
		if folder != "" && checkName(folder+"x") != nil {
			return // no object can be below it
		}
		entries, err := w.read(folder)
		if _, object := inner(s.path(folder), entries); err == nil && !object {
			err = w.folder(folder, entries)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(storage.Entry{}, s.failure("list", q.Prefix, err))
		}
	}
}

// errStopped ends a walk when the caller has broken out of its loop.
var errStopped = errors.New("stopped")

// walk visits a tree in the byte order of full names. Its context is that of List.
type walk struct {
	ctx   context.Context
	s     *Store
	q     storage.Query
	yield func(storage.Entry, error) bool
}

// An item is something in a folder. Its key sorts it: what lies in a folder comes where its name with a slash does, which is after
// names that go on with "-" or ".".
type item struct {
	status
	key    string
	folder bool     // known to be one
	inside []status // of a folder that was read to know it for one
	read   bool
}

// folder visits what is in a folder, whose name is empty or ends in a slash.
func (w *walk) folder(folder string, entries []status) error {
	items := make([]item, 0, len(entries))
	for _, e := range entries {
		if strings.HasPrefix(e.name, storage.TemporaryPrefix) || e.dir && e.children == 0 {
			continue
		}
		i := item{status: e, key: folder + e.name, folder: e.dir && (e.children > 1 || w.q.Staged)}
		if i.folder {
			i.key += "/"
		}
		items = append(items, i)
	}
	byKey := func(a, b item) int { return strings.Compare(a.key, b.key) }
	slices.SortFunc(items, byKey)
	for len(items) > 0 {
		i := items[0]
		items = items[1:]
		name := folder + i.name
		var err error
		switch {
		case i.folder:
			err = w.directory(i)
		case !i.dir, isSlot(name, i.status):
			if i.dir {
				i.size = -1
			}
			err = w.object(name, i.status)
		case w.apart(name):
		default:
			if i.inside, err = w.read(name + "/"); err != nil {
				return err
			}
			if file, ok := inner(name, i.inside); ok {
				err = w.object(name, file)
				break
			}
			i.key, i.folder, i.read = name+"/", true, true
			at, _ := slices.BinarySearchFunc(items, i, byKey)
			items = slices.Insert(items, at, i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// apart says whether neither an object of this name nor anything in a folder of this name is asked for.
func (w *walk) apart(name string) bool {
	if !strings.HasPrefix(name, w.q.Prefix) && !strings.HasPrefix(w.q.Prefix, name) && !strings.HasPrefix(w.q.Prefix, name+"/") {
		return true
	}
	return w.q.After >= name+"/" && !strings.HasPrefix(w.q.After, name+"/")
}

// read returns what is in a folder; nothing, if it is none.
func (w *walk) read(folder string) (entries []status, err error) {
	dir := w.s.path(folder)
	err = w.s.retry(w.ctx, func(c client) error {
		_, entries, err = c.Look(dir)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	w.s.see(dir, entries)
	return entries, err
}

// directory visits a folder if the query can select anything in it.
func (w *walk) directory(i item) error {
	prefix, name := w.q.Prefix, i.key
	if !strings.HasPrefix(name, prefix) && !strings.HasPrefix(prefix, name) {
		return nil
	}
	if w.q.Shallow && name <= w.q.After {
		return nil
	}
	if w.q.After >= name && !strings.HasPrefix(w.q.After, name) {
		return nil // all names in it come before After
	}
	entries := i.inside
	if !i.read {
		var err error
		if entries, err = w.read(name); err != nil {
			return err
		}
	}
	if !w.q.Shallow {
		return w.folder(name, entries)
	}
	some, err := w.holdsObjects(name, entries)
	if err != nil || !some {
		return err
	}
	return w.give(storage.Entry{Name: name})
}

func (w *walk) object(name string, st status) error {
	if !strings.HasPrefix(name, w.q.Prefix) || name <= w.q.After || !w.selects(name) {
		return nil
	}
	entry := storage.Entry{Name: name, Size: st.size, Modified: st.modified}
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
func (w *walk) holdsObjects(folder string, entries []status) (some bool, err error) {
	look := &walk{ctx: w.ctx, s: w.s, q: storage.Query{Prefix: folder}, yield: func(storage.Entry, error) bool { some = true; return false }}
	if err := look.folder(folder, entries); err != nil && !errors.Is(err, errStopped) {
		return false, err
	}
	return some, nil
}
