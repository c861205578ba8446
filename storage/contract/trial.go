package contract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"shadoof/storage"
)

// A trial is one run of one check. It remembers what it made, to remove it.
type trial struct {
	Options
	stores []storage.Store
	store  storage.Store // the first of stores
	dir    string
	detail string

	mu     sync.Mutex
	names  []string
	tokens []stagedFile
	count  int
}

type stagedFile struct {
	key string
	storage.Staged
}

func newTrial(stores []storage.Store, dir string, o Options) *trial {
	return &trial{Options: o, stores: stores, store: stores[0], dir: dir}
}

// errNoDelete ends a check that needs deletes where they are not allowed. A worker can do without: only gc, drop and replace delete.
var errNoDelete = errors.New("deleting is not allowed")

func (t *trial) judge(ctx context.Context, c check) Result {
	start := time.Now()
	err := c.run(ctx, t)
	if errors.Is(err, errNoDelete) {
		t.detail = "not looked at: deleting is not allowed here (gc, drop and replace would need it)"
		err = nil
	}
	if left := t.clean(ctx); left > 0 {
		t.note("%d probe objects remain below %s: deleting them failed", left, t.dir)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", c.name, err)
	}
	return Result{c.name, err, t.detail, time.Since(start)}
}

func (t *trial) note(format string, args ...any) {
	if t.detail != "" {
		t.detail += "; "
	}
	t.detail += fmt.Sprintf(format, args...)
}

// broken is the error of a promise that was not kept.
func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", storage.ErrUnfit, fmt.Sprintf(format, args...))
}

// name returns a new name in the folder of the trial, to be removed at its end.
func (t *trial) name(ending string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	n := fmt.Sprintf("%s/%03d%s", t.dir, t.count, ending)
	t.names = append(t.names, n)
	return n
}

// put creates an object, and expects one answer. No other trial has its name, so who is told that it exists may be told of the own
// request, which something between here and the store has repeated: then it holds the own bytes.
func (t *trial) put(ctx context.Context, name, data string, want storage.Put) error {
	began := time.Now()
	got, err := t.store.PutNew(ctx, name, []byte(data))
	for n := 1; got == storage.PutUnknown && n < unclearAnswers && time.Since(began) < unclearFor && ctx.Err() == nil; n++ { // it says nothing of the store
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
		got, err = t.store.PutNew(ctx, name, []byte(data))
	}
	switch {
	case got == want:
		return nil
	case err != nil:
		return err
	case got == storage.Exists && want == storage.Created:
		if err := t.expect(ctx, name, data); err == nil || !errors.Is(err, storage.ErrUnfit) {
			return err
		}
	}
	return broken("creating %s was answered with %q instead of %q", name, got, want)
}

// A check fails by so many unclear answers in a row about one name, or by those of so long: of a server that hangs one is enough.
const (
	unclearAnswers = 4
	unclearFor     = 5 * time.Second
)

// expect reads an object, and expects its content.
func (t *trial) expect(ctx context.Context, name, want string) error {
	data, err := storage.ReadAll(ctx, t.store, name, 1<<20)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return broken("%s is not there, although it was made visible: %v", name, err)
	case err != nil:
		return err
	case string(data) != want:
		return broken("%s holds %.60q instead of %.60q", name, data, want)
	}
	return nil
}

// absent expects that an object cannot be seen, neither by its name nor in a listing.
func (t *trial) absent(ctx context.Context, name, why string) error {
	for _, n := range []int64{0, -1} {
		o, err := t.store.Open(ctx, name, 0, n)
		switch {
		case err == nil:
			return errors.Join(broken("%s is visible %s", name, why), o.Close())
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	entries, err := storage.Entries(ctx, t.store, storage.Query{Prefix: t.dir + "/"})
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name == name || storage.IsHidden(e.Name) {
			return broken("%s is listed %s", e.Name, why)
		}
	}
	return nil
}

func (t *trial) delete(ctx context.Context, name string) error {
	err := t.store.Delete(ctx, name)
	if errors.Is(err, fs.ErrPermission) {
		return errNoDelete
	}
	return err
}

// content is what staged files hold in these checks.
const content = "what a staged file holds"

// stage writes a staged file to the end.
func (t *trial) stage(ctx context.Context, key string) (storage.Staged, error) {
	w, err := t.begin(ctx, key)
	if err != nil {
		return storage.Staged{}, err
	}
	return t.finish(ctx, w, key)
}

func (t *trial) begin(ctx context.Context, key string) (storage.StageWriter, error) {
	staging := t.dir + "/staging/" + key[len(t.dir)+1:] + "-" + random(4) + storage.StagedSuffix
	w, err := t.store.Stage(ctx, storage.StageRequest{Key: key, Staging: staging})
	if err != nil {
		return nil, err
	}
	if _, err := w.Write([]byte(content)); err != nil {
		return nil, errors.Join(err, w.Abort(ctx))
	}
	return w, nil
}

func (t *trial) finish(ctx context.Context, w storage.StageWriter, key string) (storage.Staged, error) {
	s, err := w.Finish(ctx)
	if err != nil {
		return s, err
	}
	t.mu.Lock()
	t.tokens = append(t.tokens, stagedFile{key, s})
	t.mu.Unlock()
	if s.Bytes != int64(len(content)) {
		return s, broken("staging %d bytes for %s was answered with %d", len(content), key, s.Bytes)
	}
	return s, nil
}

// publish publishes, and expects one of some answers. A driver whose first request lost its reply finds the file visible when it asks
// again, and can only say that it was before: where Published is expected, AlreadyPublished is as good.
func (t *trial) publish(ctx context.Context, key string, pairs []storage.Staged, want ...storage.Publication) error {
	got, err := t.store.Publish(ctx, key, pairs)
	switch {
	case slices.Contains(want, got), got == storage.AlreadyPublished && slices.Contains(want, storage.Published):
		return nil
	case got == storage.PublishUnclear:
		return err
	}
	return broken("publishing %s was answered with %q instead of %q (%v)", key, got, want[0], err)
}

// discard discards, and expects one of some answers. For the reason that publish has, AbsentToken is as good as Discarded.
func (t *trial) discard(ctx context.Context, key string, s storage.Staged, want ...storage.Discarding) error {
	got, err := t.store.Discard(ctx, key, s)
	switch {
	case slices.Contains(want, got), got == storage.AbsentToken && slices.Contains(want, storage.Discarded):
		return nil
	case got == storage.DiscardUnclear:
		return err
	}
	return broken("discarding %s was answered with %q instead of %q", key, got, want[0])
}

// clean removes what the trial made, and returns how many objects it could not remove.
func (t *trial) clean(ctx context.Context) (left int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleaning)
	defer cancel()
	for _, f := range t.tokens {
		// A discard that fails here leaves bytes that cannot be seen, for gc and the store's own rules.
		_, _ = t.store.Discard(ctx, f.key, f.Staged)
	}
	for _, n := range t.names {
		if t.store.Delete(ctx, n) != nil {
			left++
		}
	}
	return left
}

// removeFolders removes the empty folders that a probe leaves behind on stores that have folders.
func removeFolders(ctx context.Context, s storage.Store, dir string) {
	if f, has := s.(interface {
		RemoveEmptyFolders(ctx context.Context, prefix string) error
	}); has {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleaning)
		defer cancel()
		// Empty folders hurt nobody: that they cannot be removed does not matter.
		_ = f.RemoveEmptyFolders(ctx, dir+"/")
	}
}
