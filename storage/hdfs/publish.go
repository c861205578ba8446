package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"shadoof/storage"
)

// Publish implements storage.Store: it renames the staged file to its key.
//
// The library asks the name node to overwrite what has the new name, and that happens in silence. What keeps one publisher from
// overwriting what another has put there:
//   - With the same token, they rename the same file. The name node carries out one rename; for the others the source is not there.
//   - Tokens of one key differ only after a repair, and that discards the token before it, so that its file is gone, before the newer
//     token is committed. No two staged files can be published under one key at a time.
//   - A key carries its attempt, so that no other commit has it. What somebody else puts there is seen by the look before the rename,
//     but for the milliseconds between the two.
//
// A rename that was sent and is carried out late finds its source, or does not: it can do no more than publish that very file.
func (s *Store) Publish(ctx context.Context, key string, pairs []storage.Staged) (storage.Publication, error) {
	if err := checkName(key); err != nil {
		return storage.PublishConflict, fmt.Errorf("publish: %w", err)
	}
	if len(pairs) == 0 {
		return storage.PublishConflict, s.failure("publish", key, fmt.Errorf("no token is given: %w", fs.ErrInvalid))
	}
	newest := pairs[len(pairs)-1]
	t, err := parseToken(newest.Token)
	if err == nil && t.Key != key {
		err = fmt.Errorf("the token is of %q: %w", t.Key, fs.ErrInvalid)
	}
	if err != nil {
		return storage.PublishConflict, s.failure("publish", key, err)
	}
	answer := storage.PublishUnclear
	err = s.retry(ctx, func(c client) error {
		p := publisher{s: s, ctx: ctx, c: c, key: s.path(key), staged: s.path(t.Path), pairs: pairs, bytes: newest.Bytes}
		var err error
		answer, err = p.publish()
		return err
	})
	switch {
	case err == nil:
	case errors.Is(err, errConflict), errors.Is(err, fs.ErrPermission), errors.Is(s.explain(err), storage.ErrUnfit):
		answer = storage.PublishConflict // a person must look
	default:
		answer = storage.PublishUnclear
	}
	return answer, s.failure("publish", key, err)
}

// errConflict marks what has the name of a key and is none of its files.
var errConflict = errors.New("it is none of the committed files of this name")

func conflict(format string, args ...any) error {
	return &failed{fmt.Sprintf(format, args...), fs.ErrExist, errConflict}
}

// publisher is one try to publish, over one connection.
type publisher struct {
	s           *Store
	ctx         context.Context
	c           client
	key, staged string // paths
	pairs       []storage.Staged
	bytes       int64 // that the staged file must have
}

func (p publisher) publish() (storage.Publication, error) {
	for try := 0; ; try++ {
		target, there, err := p.file(p.key)
		if err != nil {
			return storage.PublishUnclear, err
		}
		source, usable, err := p.file(p.staged)
		if err != nil {
			return storage.PublishUnclear, err
		}
		// One of another length is not what was committed: something went over the staging folder. It counts as lost.
		usable = usable && source.size == p.bytes
		var answer storage.Publication
		switch {
		case there && usable:
			answer, err = p.both(target)
		case there:
			answer, err = p.already(target)
		case usable:
			answer, err = p.move()
		default:
			answer, err = p.neither()
		}
		// It changed between a look and what followed from it: look again.
		if !errors.Is(err, fs.ErrNotExist) || try == 5 {
			return answer, err
		}
	}
}

// file looks for a plain file.
func (p publisher) file(name string) (st status, there bool, err error) {
	st, err = p.c.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return st, false, nil
	case err != nil:
		return st, false, err
	case st.dir:
		return st, false, conflict("%s is a folder", name)
	}
	return st, true, nil
}

// move publishes. It fails with fs.ErrNotExist if another publisher was quicker, or a discard.
func (p publisher) move() (storage.Publication, error) {
	err := p.s.inDir(p.c, p.key, func() error { return p.c.Rename(p.staged, p.key) })
	if err != nil {
		return storage.PublishUnclear, err
	}
	p.s.tidy(p.c, p.staged)
	return storage.Published, nil // a clean answer to a change: the journal has it
}

// already answers where the object is there and the staged file is not. What was seen may be in this name node's memory only.
func (p publisher) already(target status) (storage.Publication, error) {
	if !slices.ContainsFunc(p.pairs, func(pair storage.Staged) bool { return pair.Bytes == target.size }) {
		return storage.PublishConflict, conflict("an object of %d bytes has this name, and no committed file of this name has that length", target.size)
	}
	if err := p.s.settle(p.c, place{path: p.key, object: p.key, status: target}); err != nil {
		return storage.PublishUnclear, err
	}
	return storage.AlreadyPublished, nil
}

// both answers where the object and the staged file are there. Equal ones come from a file system that was copied or restored.
func (p publisher) both(target status) (storage.Publication, error) {
	equal := target.size == p.bytes
	if equal {
		var err error
		if equal, err = p.equal(target); err != nil {
			return storage.PublishUnclear, err
		}
	}
	if !equal {
		return storage.PublishConflict, conflict("another object has this name, and differs from the staged file %s", p.staged)
	}
	// The object must be sure to stay before the copy goes.
	if err := p.s.settle(p.c, place{path: p.key, object: p.key, status: target}); err != nil {
		return storage.PublishUnclear, err
	}
	if err := p.c.Remove(p.staged); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage.PublishUnclear, err
	}
	p.s.tidy(p.c, p.staged)
	return storage.AlreadyPublished, nil
}

// equal compares the object and the staged file, which have one length.
func (p publisher) equal(target status) (bool, error) {
	x := p.s.whole(p.ctx, p.key, target)
	defer x.Close()
	y := p.s.whole(p.ctx, p.staged, target)
	defer y.Close()
	a, b := make([]byte, chunkSize), make([]byte, chunkSize)
	for {
		n, errX := io.ReadFull(x, a)
		m, errY := io.ReadFull(y, b)
		if !slices.Equal(a[:n], b[:m]) {
			return false, nil
		}
		if ended(errX) && ended(errY) {
			return true, nil
		}
		if err := errors.Join(errX, errY); err != nil {
			return false, &once{err} // it was tried again already
		}
	}
}

func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

// whole reads a file by its path.
func (s *Store) whole(ctx context.Context, p string, st status) io.ReadCloser {
	return storage.Exactly(&body{ctx: ctx, s: s, name: path.Base(p), place: place{path: p, object: p, status: st}, end: st.size}, st.size)
}

// neither answers where nothing is there. That must be sure to stay so, since a repair will follow from it; and the file may have been
// published between the two looks.
func (p publisher) neither() (storage.Publication, error) {
	_, there, err := p.file(p.key)
	switch {
	case err != nil:
		return storage.PublishUnclear, err
	case there:
		return storage.PublishUnclear, &fs.PathError{Op: "publish", Path: p.staged, Err: fs.ErrNotExist}
	}
	if err := p.s.prove(p.c); err != nil {
		return storage.PublishUnclear, err
	}
	return storage.NothingToPublish, nil
}
