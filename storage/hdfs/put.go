package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	hdfs "github.com/colinmarc/hdfs/v2"

	"shadoof/storage"
)

// PutNew implements storage.Store.
func (s *Store) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	if err := checkName(name); err != nil {
		return storage.Refused, fmt.Errorf("create: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return storage.PutUnknown, s.failure("create", name, err)
	}
	if len(data) == 0 {
		put, err := s.putEmpty(ctx, name)
		return put, s.failure("create", name, err)
	}
	put, err := s.putNew(ctx, name, data)
	return put, s.failure("create", name, err)
}

// putEmpty makes a plain file: one without bytes is whole from the moment on that it has its name. Markers are such objects, one for
// each commit, and as plain files they cost the name node half.
func (s *Store) putEmpty(ctx context.Context, name string) (storage.Put, error) {
	p := s.path(name)
	put := storage.Refused // nothing is sent yet
	err := s.retry(ctx, func(c client) error {
		d, err := s.serverDefaults(c)
		if err == nil {
			err = s.makeDir(c, path.Dir(p))
		}
		if err == nil {
			err = s.checkFit(c, path.Dir(p))
		}
		if err != nil {
			return err
		}
		f, err := c.Create(p, d.replication, d.blockSize, s.o.FileMode)
		if put = judgeCreate(err); put == storage.Exists {
			return nil
		}
		if errors.Is(err, fs.ErrNotExist) && answered(err) {
			s.forget(path.Dir(p)) // somebody found the folder empty and removed it
			put = storage.Refused
		}
		if put == storage.Refused {
			return err
		}
		if err != nil {
			return &once{err}
		}
		// The name node's answer made it durable. That it stays open until its lease ends, if the rest fails, changes nothing for readers.
		if s.complete(ctx, f) != nil || s.claim(c, p, s.o.FileMode) != nil {
			_ = broken(c, nil)
		}
		return nil
	})
	if put == storage.Refused && err != nil && ctx.Err() != nil {
		put = storage.PutUnknown // told to stop; nothing was sent
	}
	return put, err
}

// judgeCreate says what became of an empty object, by the answer to its creation.
func judgeCreate(err error) storage.Put {
	if err == nil {
		return storage.Created
	}
	exception, _, ok := said(err)
	switch {
	case answered(err) && errors.Is(err, fs.ErrExist), ok && strings.HasSuffix(exception, ".RecoveryInProgressException"):
		return storage.Exists // the latter: by a process that died before it closed it
	case inSafeMode(err), overQuota(err), !ok && errors.Is(err, fs.ErrPermission) && answered(err):
		return storage.Refused // checked before anything is changed
	}
	return storage.PutUnknown
}

// putNew writes the object into a directory that nobody sees, and renames that. Up to the rename everything may be tried again, each
// time under a new name; the rename is sent once.
func (s *Store) putNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	p := s.path(name)
	put := storage.Refused // nothing is sent yet
	litter := ""           // a directory that was not renamed: nobody else knows it, and if it stays, sweep finds it
	err := s.retry(ctx, func(c client) error {
		s.tryRemoveAll(c, &litter)
		dir := temporary(path.Dir(p))
		litter = dir
		err := s.inDir(c, dir, func() error { return s.prepare(ctx, c, dir, p, data) })
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		// The connection is sealed: it never carries a request a second time, nor to another name node. So a request is behind each
		// answer, and one only.
		err = c.Rename(dir, p)
		if unsent(err, p) {
			return err
		}
		switch put = judgeRename(err); put {
		case storage.Created:
			litter = ""
			s.sweep(c, path.Dir(p))
			return nil
		case storage.Exists:
			s.tryRemoveAll(c, &litter)
			return nil
		case storage.PutUnknown:
			litter = "" // it may be the record itself, under its name
		}
		return &once{err}
	})
	if litter != "" && ctx.Err() == nil {
		_, _ = s.call(ctx, func(c client) error { s.tryRemoveAll(c, &litter); return nil })
	}
	if put == storage.Refused && err != nil && ctx.Err() != nil {
		put = storage.PutUnknown // told to stop; nothing was sent
	}
	return put, err
}

// tryRemoveAll removes a directory that nobody needs, if one is named.
func (s *Store) tryRemoveAll(c client, dir *string) {
	if *dir != "" && c.RemoveAll(*dir) == nil {
		*dir = ""
	}
}

// unsent says whether a rename failed before it was sent: the library looks at the target first.
func unsent(err error, target string) bool {
	var lost *lostError
	if errors.As(err, &lost) {
		err = lost.err
	}
	var inner *fs.PathError
	return errors.As(err, &inner) && inner.Path == target
}

// judgeRename says what became of the object, by the answer to the rename that creates it.
func judgeRename(err error) storage.Put {
	if err == nil {
		return storage.Created
	}
	exception, message, ok := said(err)
	switch {
	case ok && exception == "java.io.IOException" && strings.HasPrefix(message, "rename destination directory is not empty"):
		return storage.Exists // perhaps not for long: it may be there before the journal has it
	case ok && exception == "java.io.IOException" && strings.HasPrefix(message, "Source ") && strings.Contains(firstLine(message), "must both be directories"):
		return storage.Exists // a file
	case inSafeMode(err), overQuota(err), !ok && errors.Is(err, fs.ErrPermission) && answered(err):
		// The name node checks these before it changes anything, and has had this request once: nothing of it is left to land.
		return storage.Refused
	}
	// Not there, too: a name node that dies may have carried it out, and its successor does not find the source any more.
	return storage.PutUnknown
}

// prepare makes the directory of an object, complete.
func (s *Store) prepare(ctx context.Context, c client, dir, object string, data []byte) error {
	if err := s.checkFit(c, path.Dir(dir)); err != nil {
		return err
	}
	if err := c.Mkdir(dir, s.o.DirMode); err != nil {
		return err
	}
	if err := s.claim(c, dir, s.o.DirMode); err != nil {
		return err
	}
	name := path.Join(dir, innerName(object))
	f, err := s.create(c, name)
	if err != nil {
		return err
	}
	if len(data) > 0 {
		// After a failed Write it stays open: closing it hangs, or completes a short file.
		if _, err := f.Write(data); err != nil {
			return broken(c, s.wrote(err))
		}
	}
	if err := s.wrote(s.complete(ctx, f)); err != nil {
		return broken(c, err)
	}
	st, err := c.Stat(name)
	if err != nil {
		return err
	}
	if st.size != int64(len(data)) {
		return broken(c, told(io.ErrShortWrite, "%s has %d bytes instead of %d", name, st.size, len(data)))
	}
	return s.claimAs(c, name, st, s.o.FileMode)
}

// broken marks a session whose client is left with an open file.
func broken(c client, err error) error {
	if session, ok := c.(*session); ok {
		session.broken = true
	}
	var done *failed
	if answered(err) || errors.As(err, &done) {
		return err
	}
	return &lostError{err}
}

// create begins a file that must not exist.
func (s *Store) create(c client, name string) (outFile, error) {
	d, err := s.serverDefaults(c)
	if err != nil {
		return nil, err
	}
	return c.Create(name, d.replication, d.blockSize, s.o.FileMode)
}

// serverDefaults are those of the options, and for what they leave open of the server.
func (s *Store) serverDefaults(c client) (defaults, error) {
	s.mu.Lock()
	known := s.defaults
	s.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	d := defaults{replication: s.o.Replication, blockSize: s.o.BlockSize}
	if d.replication == 0 || d.blockSize == 0 {
		server, err := c.Defaults()
		if err != nil {
			return d, err
		}
		if d.replication == 0 {
			d.replication = server.replication
		}
		if d.blockSize == 0 {
			d.blockSize = server.blockSize
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.defaults = &d
	return d, nil
}

// complete closes a file until the name node has all its blocks, for a while: also a single data node reports a block some time after
// the client knows that it is written.
func (s *Store) complete(ctx context.Context, f outFile) error {
	end := time.Now().Add(s.o.DataNodeTimeout)
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		err := f.Close()
		if err == nil {
			return nil
		}
		if !hdfs.IsErrReplicating(err) {
			return err
		}
		if time.Now().After(end) {
			return told(hdfs.ErrReplicating, "the name node misses blocks of it for %s: see hdfs dfsadmin -report for data nodes that are down", s.o.DataNodeTimeout)
		}
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
}
