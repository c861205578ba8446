package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"

	"shadoof/storage"
)

// PutNew implements storage.Store.
func (s *Store) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	if err := storage.CheckName(name); err != nil {
		return storage.Refused, err
	}
	data = append([]byte{}, data...)
	var answer storage.Put
	err := s.change(ctx, OpPutNew, name, func() string {
		answer = s.disk.createLocked(name, data)
		return answer.String()
	})
	if err != nil {
		return storage.PutUnknown, err
	}
	return answer, nil
}

// Open implements storage.Store.
func (s *Store) Open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	if err := storage.CheckName(name); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if from < 0 {
		return nil, fmt.Errorf("open %s: negative offset %d: %w", name, from, fs.ErrInvalid)
	}
	op := OpOpen
	if n == 0 {
		op = OpSize
	}
	var o object
	var there bool
	v, err := s.look(ctx, op, name, func() string {
		if o, there = s.disk.objects[name]; !there {
			return "absent"
		}
		return fmt.Sprintf("%d bytes", len(o.data))
	})
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	size := int64(len(o.data))
	if n < 0 {
		n = max(size-from, 0)
	}
	rest := o.data[min(from, size):]
	if v == LoseReply {
		rest = rest[:min(int64(len(rest)), n)/2]
		n++
	}
	body := storage.Exactly(io.NopCloser(bytes.NewReader(rest)), n)
	return &storage.Object{ReadCloser: body, Size: size, Modified: o.modified}, nil
}

// Delete implements storage.Store.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := storage.CheckName(name); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return s.change(ctx, OpDelete, name, func() string {
		s.disk.deleteLocked(name)
		return "deleted"
	})
}

// Confirm implements storage.Store.
func (s *Store) Confirm(ctx context.Context, name string) (storage.Durability, error) {
	if err := storage.CheckName(name); err != nil {
		return storage.DurabilityUnknown, fmt.Errorf("confirm: %w", err)
	}
	var answer storage.Durability
	v, err := s.look(ctx, OpConfirm, name, func() string {
		answer = s.disk.confirmLocked(name)
		return answer.String()
	})
	if err == nil && v == LoseReply {
		err = injected(OpConfirm, name, "reply lost")
	}
	if err != nil {
		return storage.DurabilityUnknown, err
	}
	return answer, nil
}

// List implements storage.Store. Staged files are selected by their keys.
func (s *Store) List(ctx context.Context, q storage.Query) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		if err := storage.CheckQuery(q); err != nil {
			yield(storage.Entry{}, fmt.Errorf("list: %w", err))
			return
		}
		op := OpList
		if q.Staged {
			op = OpListStaged
		}
		for after := q.After; ; {
			var page []storage.Entry
			v, err := s.look(ctx, op, q.Prefix, func() string {
				page = cut(s.disk.pageLocked(q, after), s.o.PageSize)
				return fmt.Sprintf("%d entries", len(page))
			})
			if err != nil {
				yield(storage.Entry{}, err)
				return
			}
			full := len(page) >= s.o.PageSize
			if v == LoseReply {
				page = page[:len(page)/2]
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
				after = e.Name
			}
			if v == LoseReply {
				yield(storage.Entry{}, injected(op, q.Prefix, "reply lost"))
				return
			}
			if !full {
				return
			}
		}
	}
}

// cut returns the first n entries, and those after them that have the name of the last: the next page begins after that name.
func cut(page []storage.Entry, n int) []storage.Entry {
	for n < len(page) && page[n].Name == page[n-1].Name {
		n++
	}
	return page[:min(n, len(page))]
}

// pageLocked returns what the query selects after a name.
func (d *disk) pageLocked(q storage.Query, after string) []storage.Entry {
	if q.Staged {
		return d.stagedLocked(q.Prefix, after)
	}
	var entries []storage.Entry
	for _, name := range slices.Sorted(maps.Keys(d.objects)) {
		if !strings.HasPrefix(name, q.Prefix) {
			continue
		}
		o := d.objects[name]
		e := storage.Entry{Name: name, Size: int64(len(o.data)), Modified: o.modified}
		if folder, _, in := strings.Cut(name[len(q.Prefix):], "/"); q.Shallow && in {
			e = storage.Entry{Name: q.Prefix + folder + "/"}
		}
		seen := len(entries) > 0 && entries[len(entries)-1].Name == e.Name
		if e.Name > after && !seen {
			entries = append(entries, e)
		}
	}
	return entries
}

// stagedLocked lists uploads by key. Those of one key come together, in the order of their ids.
func (d *disk) stagedLocked(prefix, after string) []storage.Entry {
	var entries []storage.Entry
	for _, id := range slices.Sorted(maps.Keys(d.uploads)) {
		u := d.uploads[id]
		if strings.HasPrefix(u.key, prefix) && u.key > after {
			entries = append(entries, storage.Entry{
				Name: u.key, Size: int64(len(u.data)), Modified: u.begun, Token: token{id}.marshal(),
			})
		}
	}
	slices.SortStableFunc(entries, func(a, b storage.Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries
}
