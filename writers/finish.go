package writers

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// parallel is how many files are finished or aborted at the same time: each is some requests that wait for the store.
const parallel = 8

// Finish writes what is buffered and finishes all open files, several at the same time. It returns all files of the set, by
// their sequence; a set without rows has none. After an error the files that are finished are in Staged, and Abort drops the
// others.
func (s *Set) Finish(ctx context.Context) ([]Finished, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.done {
		return nil, errDone
	}
	if s.err = s.landAll(); s.err != nil {
		return nil, s.err
	}
	if s.err = s.reapAll(); s.err != nil {
		return nil, s.err
	}
	// The staged ones first: then there are none, and as many may be begun as may be open.
	var open, rest []*File
	for _, f := range s.files {
		switch {
		case f.begun:
			open = append(open, f)
		case f.rows > 0:
			rest = append(rest, f)
		}
	}
	if s.err = s.finishAll(ctx, open, parallel); s.err != nil {
		return nil, s.err
	}
	limit := parallel
	if s.o.MaxOpen > 0 {
		limit = min(limit, s.o.MaxOpen)
	}
	if s.err = s.finishAll(ctx, rest, limit); s.err != nil {
		return nil, s.err
	}
	s.end()
	return s.Staged(), nil
}

// finishAll finishes files, so many at the same time, and forgets those that went well. After the first error no other is
// begun; those under way end as they end.
func (s *Set) finishAll(ctx context.Context, files []*File, limit int) error {
	done := make([]Finished, len(files))
	ended := make([]bool, len(files))
	var failed atomic.Bool
	var g errgroup.Group
	g.SetLimit(limit)
	for i, f := range files {
		request := s.request(f)
		g.Go(func() error {
			if failed.Load() {
				return nil
			}
			e := s.prepare(f, request)
			e.run(ctx)
			err := e.err
			if err == nil {
				done[i], err = f.complete(ctx)
			}
			if ended[i] = err == nil; !ended[i] {
				failed.Store(true)
			}
			return err
		})
	}
	err := g.Wait()
	for i, f := range files {
		s.keep(f, done[i])
		if ended[i] {
			s.close(f)
		}
	}
	return err
}

// Abort drops all open files, once what is under way has come to an end. What is left of them after an error is for gc to find;
// nothing of it can become visible. The finished files are still staged: discard those of Staged. It may be called at any time, and
// again.
func (s *Set) Abort(ctx context.Context) error {
	if !s.done {
		close(s.stop)
	}
	s.beside.Wait()
	for _, f := range s.ending {
		s.keepEnded(f)
	}
	open := slices.Concat(s.files, s.ending)
	errs := make([]error, len(open))
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, f := range open {
		g.Go(func() error {
			errs[i] = f.abort(ctx)
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs, all of them
	s.end()
	return errors.Join(errs...)
}

// end gives all memory back.
func (s *Set) end() {
	for _, f := range slices.Concat(s.files, s.ending) { // aborted ones
		s.free(f)
		s.bytes.Add(-f.bytes)
	}
	s.files, s.ending, s.encodings, s.byBucket, s.last, s.touched = nil, nil, nil, nil, nil, nil
	s.hold(-s.held.Load())
	if !s.done {
		s.done = true
		s.o.Budget.sets.Add(-1)
		s.o.Budget.trim()
	}
}
