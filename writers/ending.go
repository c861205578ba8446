package writers

import "context"

// An ending is a file that has reached its size, on its way to be staged whole while the set goes on with the next one.
type ending struct {
	done     chan struct{}
	finished Finished
	err      error
	kept     bool
}

// mostEndings is how many files of a set may be on their way at the same time.
const mostEndings = 2

func (e *ending) isDone() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// roll ends a file beside what the set does next. Rows of its bucket go to a new file from now on.
func (s *Set) roll(ctx context.Context, f *File) error {
	if err := s.flush(ctx, f); err != nil {
		return err
	}
	for len(s.ending) >= mostEndings {
		if err := s.reap(s.ending[0]); err != nil {
			return err
		}
	}
	s.forget(f)
	f.ended = &ending{done: make(chan struct{})}
	s.ending = append(s.ending, f)
	last, end := f.encoding, f.ended
	s.beside.Go(func() {
		defer close(end.done)
		<-last.done
		if end.err = last.err; end.err == nil {
			end.finished, end.err = f.complete(ctx)
			s.weigh(f)
		}
		if end.err != nil {
			s.failed.CompareAndSwap(nil, &end.err)
		}
	})
	return nil
}

// reap waits for a file that was rolled. After an error the file is still there, to be aborted.
func (s *Set) reap(f *File) error {
	<-f.ended.done
	if f.encoding != nil {
		if err := s.land(f.encoding); err != nil {
			return err
		}
	}
	s.keepEnded(f)
	if f.ended.err != nil {
		return f.ended.err
	}
	s.ending = remove(s.ending, f)
	s.drop(f)
	return nil
}

// keepEnded remembers what became of a file that was rolled.
func (s *Set) keepEnded(f *File) {
	if !f.ended.kept {
		s.keep(f, f.ended.finished)
		f.ended.kept = true
	}
}

// reapAll waits for all files that were rolled.
func (s *Set) reapAll() error {
	for len(s.ending) > 0 {
		if err := s.reap(s.ending[0]); err != nil {
			return err
		}
	}
	return nil
}
