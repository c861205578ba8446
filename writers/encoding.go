package writers

import (
	"context"
	"fmt"

	"shadoof/record"
	"shadoof/storage"
)

// An encoding is a row group on its way into its staged file, in the goroutine of the set or beside it. Until it is done the file's
// encoder and writer belong to it.
//
// When it is done depends on what else the process does. What files there will be must depend on their rows alone. So what an encoding
// has shown, how well rows compress, counts from when it lands, which is at a fixed place in the sequence of rows; only memory comes
// back earlier.
type encoding struct {
	set     *Set
	file    *File
	request *storage.StageRequest // the file is not staged yet
	columns *record.Columns       // nil: there are no rows
	memory  int64                 // of the columns, and of what becomes of them: while it is encoded, a row group is there twice
	raw     int64                 // bytes of the rows
	done    chan struct{}

	// Of what was written, once it is done.
	encoded  int64
	written  int64
	buffered int64
	err      error
}

// mostEncodings is how many row groups of a set may be under way before the oldest has to land.
const mostEncodings = 8

// request begins a file whose name is settled now; nil if it was begun before.
func (s *Set) request(f *File) *storage.StageRequest {
	if f.begun {
		return nil
	}
	f.begun = true
	r := f.name()
	return &r
}

// prepare takes the buffered rows of a file that has no encoding under way.
func (s *Set) prepare(f *File, r *storage.StageRequest) *encoding {
	e := &encoding{set: s, file: f, request: r, done: make(chan struct{})}
	if f.buffered() > 0 {
		ratio, _ := s.learned.ratio()
		s.count(f, footprint(f.columns))
		e.columns, e.raw = f.columns, f.columns.Bytes()
		twice := int64(ratio * float64(e.raw))
		e.memory = f.inColumns + twice
		s.hold(twice)
		s.leave(e.memory)
		f.columns, f.inColumns = nil, 0
	}
	return e
}

// leave counts memory that comes back without anybody's doing.
func (s *Set) leave(n int64) {
	s.leaving.Add(n)
	s.o.Budget.leaving.Add(n)
}

// run stages the file, if need be, and writes the rows.
func (e *encoding) run(ctx context.Context) {
	if e.err = e.write(ctx); e.err != nil {
		e.set.failed.CompareAndSwap(nil, &e.err)
	}
	s, f := e.set, e.file
	s.weigh(f)
	if e.columns != nil {
		s.hold(-e.memory)
		s.leave(-e.memory)
		s.o.Budget.put(s.fingerprint, e.columns)
		e.columns = nil
	}
	close(e.done)
}

func (e *encoding) write(ctx context.Context) error {
	f, b := e.file, e.set.o.Budget
	if e.request != nil {
		if err := f.begin(ctx, *e.request); err != nil {
			return err
		}
	}
	before := f.encoder.Written()
	if e.columns != nil {
		if err := b.processors.acquire(ctx, e.set.stop); err != nil {
			return fmt.Errorf("write %s: %w", f.key, err)
		}
		f.out.working = true
		err := f.encoder.WriteRows(e.columns)
		f.out.working = false
		b.processors.release()
		if err != nil {
			return fmt.Errorf("write %s: %w", f.key, err)
		}
		if e.columns.Rows() >= firstRows {
			b.learn(e.set.fingerprint, e.columns)
		}
	}
	e.written, e.buffered = f.encoder.Written(), f.encoder.Buffered()
	e.encoded = e.written - before
	return nil
}

func (e *encoding) isDone() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// flush begins to write the buffered rows of a file as a row group: beside what the set does next if a processor is free for it.
func (s *Set) flush(ctx context.Context, f *File) error {
	if f.encoding != nil {
		if err := s.land(f.encoding); err != nil {
			return err
		}
	}
	if len(s.encodings) >= mostEncodings {
		if err := s.land(s.encodings[0]); err != nil {
			return err
		}
	}
	if !f.begun {
		if err := s.room(ctx); err != nil {
			return err
		}
	}
	e := s.prepare(f, s.request(f))
	f.encoding = e
	s.encodings = append(s.encodings, e)
	if p := s.o.Budget.processors; p.tryBeside() {
		s.beside.Go(func() {
			defer p.releaseBeside()
			e.run(ctx)
		})
	} else if e.run(ctx); e.err != nil {
		return e.err
	}
	s.measure(f)
	return nil
}

// land waits for an encoding, and for those that were begun before it, and takes in what they have shown.
func (s *Set) land(e *encoding) error {
	for {
		first := s.encodings[0]
		<-first.done
		if first.err != nil {
			return first.err
		}
		s.encodings = s.encodings[1:]
		f := first.file
		f.encoding, f.written, f.pending = nil, first.written, first.buffered
		if first.raw > 0 {
			s.learned.add(first.raw, first.encoded)
		}
		if f.ended == nil {
			s.measure(f)
		}
		if first == e {
			return nil
		}
	}
}

// landAll waits for all encodings.
func (s *Set) landAll() error {
	if n := len(s.encodings); n > 0 {
		return s.land(s.encodings[n-1])
	}
	return nil
}
