package contract_test

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"strings"
	"sync"
	"time"

	"shadoof/storage"
	"shadoof/storage/memory"
)

// rotten is a memory with one thing wrong with it.
type rotten struct {
	*memory.Store
	*rot
}

// rot is what all clients of a rotten store share.
type rot struct {
	fault string
	mu    sync.Mutex
	seen  map[string]int
}

func (r rotten) first(what string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[what]++
	return r.seen[what] == 1
}

func (r rotten) has(what string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[what] > 0
}

func (r rotten) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	racing := strings.HasPrefix(string(data), "racer")
	switch {
	case r.fault == "ignores the condition" && !racing,
		r.fault == "ignores the condition under load" && racing:
		r.Tamper(name, data)
		return storage.Created, nil
	case r.fault == "keeps quiet about overwriting":
		p, err := r.Store.PutNew(ctx, name, data)
		r.Tamper(name, data)
		return p, err
	case r.fault == "takes the same bytes for a retry":
		p, err := r.Store.PutNew(ctx, name, data)
		if p == storage.Exists && string(r.Bytes(name)) == string(data) {
			p = storage.Created
		}
		return p, err
	case r.fault == "remembers deleted names" && r.has("delete "+name):
		return storage.Exists, nil
	case r.fault == "may not create":
		return storage.Refused, fs.ErrPermission
	}
	return r.Store.PutNew(ctx, name, data)
}

func (r rotten) Delete(ctx context.Context, name string) error {
	switch r.fault {
	case "may not delete":
		return fs.ErrPermission
	case "fails to delete what is gone":
		if r.Bytes(name) == nil {
			return fs.ErrNotExist
		}
	}
	r.first("delete " + name)
	return r.Store.Delete(ctx, name)
}

func (r rotten) Open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	switch {
	case r.fault == "caches misses":
		if r.has("miss " + name) {
			return nil, fs.ErrNotExist
		}
		o, err := r.Store.Open(ctx, name, from, n)
		if err != nil {
			r.first("miss " + name)
		}
		return o, err
	case r.fault == "shows uploads" && r.staged(ctx, name):
		return &storage.Object{ReadCloser: io.NopCloser(strings.NewReader(""))}, nil
	case r.fault == "ends early" && n == 4:
		return r.Store.Open(ctx, name, from, n-1)
	case r.fault == "ends without an error":
		o, err := r.Store.Open(ctx, name, from, -1)
		if err == nil && n >= 0 {
			o.ReadCloser = io.NopCloser(io.LimitReader(o.ReadCloser, n))
		}
		return o, err
	case r.fault == "has no clock" || r.fault == "has a wrong clock":
		o, err := r.Store.Open(ctx, name, from, n)
		if err == nil && r.fault == "has no clock" {
			o.Modified = time.Time{}
		} else if err == nil {
			o.Modified = o.Modified.Add(-10 * time.Minute)
		}
		return o, err
	}
	return r.Store.Open(ctx, name, from, n)
}

func (r rotten) staged(ctx context.Context, key string) bool {
	entries, _ := storage.Entries(ctx, r.Store, storage.Query{Staged: true, Prefix: key})
	return len(entries) > 0
}

func (r rotten) List(ctx context.Context, q storage.Query) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		if r.fault == "lists late" && !q.Staged && r.first("list "+q.Prefix) {
			return
		}
		if r.fault == "lists uploads as objects" && !q.Staged {
			staged := q
			staged.Staged, staged.Shallow = true, false
			for e, err := range r.Store.List(ctx, staged) {
				if !yield(e, err) {
					return
				}
			}
		}
		for e, err := range r.Store.List(ctx, q) {
			if r.fault == "mangles names" {
				e.Name = strings.ReplaceAll(e.Name, "+", " ")
			}
			if r.fault == "hides tokens" {
				e.Token = nil
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (r rotten) Confirm(ctx context.Context, name string) (storage.Durability, error) {
	if r.fault == "forgets" {
		return storage.Gone, nil
	}
	return r.Store.Confirm(ctx, name)
}

func (r rotten) Publish(ctx context.Context, key string, pairs []storage.Staged) (storage.Publication, error) {
	newest := pairs[len(pairs)-1]
	switch r.fault {
	case "publishes on and on", "publishes what was discarded", "publishes any token":
		p, err := r.Store.Publish(ctx, key, pairs)
		if p == storage.NothingToPublish && r.mine(r.fault, key, newest) {
			r.Tamper(key, []byte(content))
			return storage.Published, nil
		}
		return p, err
	case "cannot publish twice":
		if !r.first("publish " + key) {
			return storage.NothingToPublish, nil
		}
	case "publishes half":
		p, err := r.Store.Publish(ctx, key, pairs)
		r.Tamper(key, []byte(content[:5]))
		return p, err
	case "knows only the newest token":
		if len(pairs) > 1 && r.Bytes(key) != nil {
			return storage.PublishConflict, fs.ErrExist
		}
	}
	p, err := r.Store.Publish(ctx, key, pairs)
	if p == storage.Published {
		r.first("published " + string(newest.Token))
	}
	return p, err
}

// mine says whether this fault brings back this file.
func (r rotten) mine(fault, key string, s storage.Staged) bool {
	published, discarded := r.has("published "+string(s.Token)), r.has("discarded "+string(s.Token))
	switch fault {
	case "publishes on and on":
		return !discarded && r.has("delete "+key)
	case "publishes what was discarded":
		return discarded
	}
	return !published && !discarded
}

func (r rotten) Discard(ctx context.Context, key string, s storage.Staged) (storage.Discarding, error) {
	switch r.fault {
	case "says discarded and does nothing":
		return storage.Discarded, nil
	case "discards what was published":
		r.Tamper(key, nil)
	}
	d, err := r.Store.Discard(ctx, key, s)
	switch {
	case r.fault == "says discarded after publishing" && d == storage.TokenUsed:
		return storage.Discarded, nil
	case d == storage.Discarded:
		r.first("discarded " + string(s.Token))
	}
	return d, err
}

const content = "what a staged file holds"
