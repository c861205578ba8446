package writers

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// A Set is the open files of one attempt, one per bucket: rows are buffered in columns, written as row groups, and finished
// when they are large enough. It is used by one goroutine, but for Bytes and Rows.
//
// The loop of its user: per record File, then the decoder on Columns, then EndRow (or Columns.Rollback); per batch Settle; at
// the end Finish. After an error the set is good for Abort only.
type Set struct {
	o           Options
	fingerprint string

	byBucket map[string]*File
	files    []*File // open, in the order in which they were begun
	last     *File   // that was asked for
	touched  []*File // since the set settled
	batch    uint64
	seen     int64        // rows, of all files
	held     atomic.Int64 // counted in the budget
	leaving  atomic.Int64 // of it, what comes back when row groups under way are written
	learned  learned

	encodings []*encoding // that have not landed, in the order in which they were begun
	ending    []*File     // that have reached their size
	beside    sync.WaitGroup
	failed    atomic.Pointer[error] // the first error of what is done beside
	stop      chan struct{}         // closed by Abort

	staged []Finished
	early  Early
	done   bool
	err    error

	bytes, rows atomic.Int64 // of all files, finished or open
}

const (
	defaultRowGroupBytes = 64 << 20
	defaultRowGroupRows  = 1 << 20
)

var errDone = errors.New("the set of files is finished or aborted")

// A Sequence numbers the files of an attempt. It is safe for concurrent use.
type Sequence struct{ n atomic.Int64 }

func (s *Sequence) next() int { return int(s.n.Add(1)) - 1 }

// Next takes a number for a file that no set writes.
func (s *Sequence) Next() int { return s.next() }

// NewSet returns a set without files. It counts in the budget until it is finished or aborted.
func NewSet(o Options) *Set {
	if o.Kind == "" {
		o.Kind = Data
	}
	if o.Sequence == nil {
		o.Sequence = new(Sequence)
	}
	if o.Key != "" {
		o.TargetSize, o.MaxOpen = 0, 0
	}
	if o.RowGroupBytes <= 0 {
		o.RowGroupBytes = min(defaultRowGroupBytes, o.Budget.Limit()/4)
	}
	if o.RowGroupRows <= 0 {
		o.RowGroupRows = defaultRowGroupRows
	}
	o.Budget.sets.Add(1)
	return &Set{o: o, fingerprint: o.Schema.Fingerprint(), byBucket: map[string]*File{}, batch: 1, stop: make(chan struct{})}
}

// File returns the open file of a bucket, a new one if there is none. It does no I/O.
func (s *Set) File(bucket string) (*File, error) {
	if f := s.last; f != nil && f.bucket == bucket {
		return f, nil
	}
	if s.err != nil {
		return nil, s.err
	}
	if s.done {
		return nil, errDone
	}
	f := s.byBucket[bucket]
	if f == nil {
		f = &File{set: s, bucket: bucket}
		s.byBucket[bucket] = f
		s.files = append(s.files, f)
	}
	if f.used != s.batch {
		f.used = s.batch
		s.touched = append(s.touched, f)
	}
	s.last = f
	return f, nil
}

// isBusy says whether an encoding has the file's encoder and writer.
func (f *File) isBusy() bool { return f.encoding != nil && !f.encoding.isDone() }

// Settle is called after each batch, or more often where batches are large, when no row is open: it writes full row groups,
// finishes files that have reached their size, and gives memory back when the budget is over its limit. With nothing to do it
// costs less than a microsecond per file that got rows.
func (s *Set) Settle(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	if s.done {
		return errDone
	}
	if s.err = s.settle(ctx); s.err != nil {
		return s.err
	}
	s.batch++
	s.last, s.touched = nil, s.touched[:0]
	return nil
}

func (s *Set) settle(ctx context.Context) error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	for _, f := range s.touched {
		switch {
		case f.closed: // to make room for another
		case f.buffered() > 0:
			s.measure(f)
			if err := s.advance(ctx, f); err != nil {
				return err
			}
		case f.rows > 0:
			s.recycle(f) // what was begun in it was taken back
		default:
			s.recycle(f) // every record of its bucket was taken back
			s.close(f)
		}
		f.seen = s.seen
	}
	if err := s.writeCold(ctx); err != nil {
		return err
	}
	return s.giveBack(ctx)
}

// advance does what the size of a file asks for. What that is may depend on row groups that have not landed: these are waited for only
// when something is due.
func (s *Set) advance(ctx context.Context, f *File) error {
	d := s.due(f)
	for ; d != notDue && s.mustLand(f); d = s.due(f) {
		if err := s.landNext(f); err != nil {
			return err
		}
	}
	switch d {
	case dueFinish:
		return s.roll(ctx, f)
	case dueFlush:
		f.wide = true
		if err := s.flush(ctx, f); err != nil {
			return err
		}
		if !s.isLarge(f) {
			return nil
		}
		if err := s.land(f.encoding); err != nil {
			return err
		}
		if s.isLarge(f) {
			return s.roll(ctx, f)
		}
	}
	return nil
}

// mustLand says whether more can be known of a file's size: by its own row group, or by the first of all, which shows how well rows
// compress, before the file can be too large.
func (s *Set) mustLand(f *File) bool {
	_, known := s.learned.ratio()
	return f.encoding != nil || !known && len(s.encodings) > 0 && f.size(1) >= s.o.TargetSize/8
}

// landNext lands the row group of a file, or the first of all.
func (s *Set) landNext(f *File) error {
	if f.encoding != nil {
		return s.land(f.encoding)
	}
	return s.land(s.encodings[0])
}

// isLarge says whether a file has reached its size, as far as can be said.
func (s *Set) isLarge(f *File) bool {
	ratio, _ := s.learned.ratio()
	return s.o.TargetSize > 0 && f.size(ratio) >= s.o.TargetSize
}

type due int

const (
	notDue due = iota
	dueFlush
	dueFinish
)

// due says what the size of a file asks for.
func (s *Set) due(f *File) due {
	if f.buffered() == 0 {
		return notDue
	}
	raw := f.columns.Bytes()
	group := s.o.RowGroupBytes
	if target := s.o.TargetSize; target > 0 {
		ratio, known := s.learned.ratio()
		if !known {
			// How well these rows compress shows only when some were written, before the first file can be too large.
			if group = min(group, target/2); len(s.encodings) > 0 {
				group = min(group, target/8) // it is time to look at them
			}
		} else if f.size(ratio) >= target {
			return dueFinish
		}
	}
	if raw >= group || f.buffered() >= s.o.RowGroupRows {
		return dueFlush
	}
	return notDue
}

// room finishes the coldest file when as many are staged as may be. Files that have reached their size leave before.
func (s *Set) room(ctx context.Context) error {
	if s.o.MaxOpen <= 0 {
		return nil
	}
	open := len(s.ending)
	var coldest *File
	for _, f := range s.files {
		if !f.begun {
			continue
		}
		open++
		if coldest == nil || f.used < coldest.used {
			coldest = f
		}
	}
	for ; open >= s.o.MaxOpen && len(s.ending) > 0; open-- {
		if err := s.reap(s.ending[0]); err != nil {
			return err
		}
	}
	if open < s.o.MaxOpen {
		return nil
	}
	s.early.Open++
	return s.finish(ctx, coldest)
}

// finish writes the rest of a file that has rows, and ends it.
func (s *Set) finish(ctx context.Context, f *File) error {
	if f.buffered() > 0 {
		if err := s.flush(ctx, f); err != nil {
			return err
		}
	}
	if f.encoding != nil {
		if err := s.land(f.encoding); err != nil {
			return err
		}
	}
	done, err := f.complete(ctx)
	s.keep(f, done)
	if err != nil {
		return err
	}
	s.close(f)
	return nil
}

// keep remembers a file that is staged, also one that turned out wrong: its token must be discarded.
func (s *Set) keep(f *File, done Finished) {
	if done.Key == "" {
		return
	}
	s.staged = append(s.staged, done)
	s.progress(f, done.Staged.Bytes)
	f.bytes = 0 // counted for good
}

// close forgets an open file, and what it held.
func (s *Set) close(f *File) {
	s.forget(f)
	s.drop(f)
}

// forget takes a file out of the open ones.
func (s *Set) forget(f *File) {
	f.closed = true
	delete(s.byBucket, f.bucket)
	s.files = remove(s.files, f)
	if s.last == f {
		s.last = nil
	}
}

func remove(files []*File, f *File) []*File {
	return slices.DeleteFunc(files, func(o *File) bool { return o == f })
}

// drop gives back what a file held.
func (s *Set) drop(f *File) {
	s.hold(-f.inColumns - f.besides.Swap(0))
	s.bytes.Add(-f.bytes)
	f.inColumns, f.bytes = 0, 0
}

// progress counts what a file has by now.
func (s *Set) progress(f *File, bytes int64) {
	s.bytes.Add(bytes - f.bytes)
	s.rows.Add(f.rows - f.counted)
	f.bytes, f.counted = bytes, f.rows
}

// ClosedEarly is how many files were finished before they reached their size, for want of memory or of open files.
func (s *Set) ClosedEarly() int { return s.early.Memory + s.early.Open }

// Early says what files were finished early for. It is for a message to whoever runs the process: with more memory, or with more
// open files, there would be fewer and larger files.
func (s *Set) Early() Early { return s.early }

// Staged are the files that are finished so far: to be committed, or discarded after Abort.
func (s *Set) Staged() []Finished {
	files := slices.Clone(s.staged)
	slices.SortFunc(files, func(a, b Finished) int { return a.number - b.number })
	return files
}

// Bytes is an estimate of what the set's files have in all, as of the last Settle. It is safe for concurrent use.
func (s *Set) Bytes() int64 { return s.bytes.Load() }

// Rows is the number of rows ended, as of the last Settle. It is safe for concurrent use.
func (s *Set) Rows() int64 { return s.rows.Load() }
