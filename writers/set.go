package writers

import (
	"context"
	"errors"
	"slices"
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
	learned  learned

	staged      []Finished
	closedEarly int
	done        bool
	err         error

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
	return &Set{o: o, fingerprint: o.Schema.Fingerprint(), byBucket: map[string]*File{}, batch: 1}
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
	for _, f := range s.touched {
		if f.rows == 0 {
			s.recycle(f) // every record of its bucket was taken back
			s.close(f)
			continue
		}
		if f.buffered() == 0 {
			s.recycle(f) // what was begun in it was taken back
			continue
		}
		s.measure(f)
		switch s.due(f) {
		case dueFlush:
			f.wide = true
			if err := s.flush(ctx, f); err != nil {
				return err
			}
			if ratio, _ := s.learned.ratio(); s.o.TargetSize > 0 && f.size(ratio) >= s.o.TargetSize {
				if err := s.finish(ctx, f); err != nil {
					return err
				}
			}
		case dueFinish:
			if err := s.finish(ctx, f); err != nil {
				return err
			}
		}
	}
	return s.giveBack(ctx)
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
			group = min(group, target/2)
		} else if f.size(ratio) >= target {
			return dueFinish
		}
	}
	if raw >= group || f.buffered() >= s.o.RowGroupRows {
		return dueFlush
	}
	return notDue
}

// flush writes the buffered rows of f as a row group, and finishes f if that makes it large enough.
func (s *Set) flush(ctx context.Context, f *File) error {
	if f.stage == nil {
		if err := s.room(ctx); err != nil {
			return err
		}
		if err := f.begin(ctx, f.name()); err != nil {
			return err
		}
	}
	ratio, _ := s.learned.ratio()
	raw, encoded, err := f.write(ratio)
	if err != nil {
		return err
	}
	s.learned.add(raw, encoded)
	s.recycle(f)
	return nil
}

// room finishes the coldest file when as many are staged as may be.
func (s *Set) room(ctx context.Context) error {
	if s.o.MaxOpen <= 0 {
		return nil
	}
	open := 0
	var coldest *File
	for _, f := range s.files {
		if f.stage == nil {
			continue
		}
		open++
		if coldest == nil || f.used < coldest.used {
			coldest = f
		}
	}
	if open < s.o.MaxOpen {
		return nil
	}
	return s.finishEarly(ctx, coldest)
}

func (s *Set) finishEarly(ctx context.Context, f *File) error {
	s.closedEarly++
	return s.finish(ctx, f)
}

// finish writes the rest of a file that has rows, and ends it.
func (s *Set) finish(ctx context.Context, f *File) error {
	if err := s.flush(ctx, f); err != nil {
		return err
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

// close forgets an open file.
func (s *Set) close(f *File) {
	delete(s.byBucket, f.bucket)
	s.files = slices.DeleteFunc(s.files, func(o *File) bool { return o == f })
	if s.last == f {
		s.last = nil
	}
	s.hold(-f.inColumns - f.besides)
	s.bytes.Add(-f.bytes)
	f.inColumns, f.besides, f.bytes = 0, 0, 0
}

// progress counts what a file has by now.
func (s *Set) progress(f *File, bytes int64) {
	s.bytes.Add(bytes - f.bytes)
	s.rows.Add(f.rows - f.counted)
	f.bytes, f.counted = bytes, f.rows
}

// ClosedEarly is how many files were finished before they reached their size, for want of memory or of open files.
func (s *Set) ClosedEarly() int { return s.closedEarly }

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
