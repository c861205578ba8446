package writers

import (
	"context"
	"unsafe"

	"shadoof/record"
)

// giveBack frees memory while the budget asks this set for it: first what is kept for later, then what is being written, then the
// largest row group is written. What an upload has not sent yet, and what an encoder knows of its file, is freed by no flush: when
// these take more than half of what the set may keep, a file is finished early.
func (s *Set) giveBack(ctx context.Context) error {
	for {
		s.o.Budget.trim()
		if s.o.Budget.isTight() && s.awaitOne() {
			if err := s.failed.Load(); err != nil {
				return *err
			}
			continue
		}
		held := s.held.Load() - s.leaving.Load()
		excess := s.o.Budget.excess(held)
		if excess <= 0 {
			return nil
		}
		group, tail, tails := s.heaviest()
		var err error
		switch {
		case tail != nil && s.o.Key == "" && (group == nil || tails > (held-excess)/2):
			s.early.Memory++
			err = s.finish(ctx, tail)
		case group != nil:
			err = s.flush(ctx, group)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// coldPart is the part of a full row group that is worth to be written before it is full.
const coldPart = 8

// writeCold writes the rows of files that got none while the others got those of a row group: where records come by the hour, the
// next hours take the memory of those before, and what remains to be encoded at the end is little.
func (s *Set) writeCold(ctx context.Context) error {
	var cold []*File
	for _, f := range s.files {
		rows, others := int64(f.buffered()), s.seen-f.seen
		if rows == 0 || others < rows/4 {
			continue
		}
		if raw := f.columns.Bytes(); raw >= s.o.RowGroupBytes/coldPart && raw/rows*others >= s.o.RowGroupBytes/4 {
			cold = append(cold, f)
		}
	}
	for _, f := range cold {
		if f.closed { // to make room for another
			continue
		}
		if err := s.flush(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// awaitOne waits for the oldest of what is under way, if anything is. Nobody who is waited for here waits for memory.
func (s *Set) awaitOne() bool {
	for _, e := range s.encodings {
		if !e.isDone() {
			<-e.done
			return true
		}
	}
	for _, f := range s.ending {
		if !f.ended.isDone() {
			<-f.ended.done
			return true
		}
	}
	return false
}

// heaviest returns the file with the most memory in rows, the one to finish early, and the memory that no flush frees. To be
// finished is, of the files that the last batch did not need, the one that frees most; if it needed all, that of all.
func (s *Set) heaviest() (group, tail *File, tails int64) {
	var most, mostTail int64
	cold := false
	for _, f := range s.files {
		if f.buffered() > 0 && f.inColumns > most {
			group, most = f, f.inColumns
		}
		if !f.begun {
			continue
		}
		if !f.isBusy() {
			s.weigh(f) // an upload may have sent more by now
		}
		n := f.besides.Load()
		tails += n
		isCold := f.used < s.batch
		if tail == nil || isCold && !cold || isCold == cold && n > mostTail {
			tail, mostTail, cold = f, n, isCold
		}
	}
	return group, tail, tails
}

// recycle takes the columns of a file, without rows, away from it: a row group's memory is not for each file to keep.
func (s *Set) recycle(f *File) {
	s.free(f)
	s.measure(f)
}

// free is recycle for a file that is about to end.
func (s *Set) free(f *File) {
	if f.columns != nil {
		s.count(f, 0)
		s.o.Budget.put(s.fingerprint, f.columns)
		f.columns = nil
	}
}

// measure counts what a file holds, and how far it has come.
func (s *Set) measure(f *File) {
	if f.columns != nil {
		s.count(f, footprint(f.columns))
	}
	if !f.isBusy() {
		s.weigh(f)
	}
	ratio, _ := s.learned.ratio()
	s.progress(f, f.size(ratio))
}

// weigh counts what a file holds besides its columns.
func (s *Set) weigh(f *File) {
	n := int64(unsafe.Sizeof(*f)) + f.tail()
	s.hold(n - f.besides.Swap(n))
}

// count counts what the columns of a file take by now.
func (s *Set) count(f *File, columns int64) {
	s.hold(columns - f.inColumns)
	f.inColumns = columns
}

func (s *Set) hold(n int64) {
	s.held.Add(n)
	s.o.Budget.add(n)
}

// footprint is the memory of columns, used or not.
func footprint(c *record.Columns) int64 {
	return int64(unsafe.Sizeof(*c)) + int64(cap(c.Leaves))*int64(unsafe.Sizeof(record.Column{})) + c.Allocated()
}

// learned is how many bytes one of columns became, by the row groups written, recent ones most.
type learned struct{ raw, encoded float64 }

const guessedRatio = 0.25

func (l *learned) add(raw, encoded int64) {
	l.raw = l.raw/2 + float64(raw)
	l.encoded = l.encoded/2 + float64(encoded)
}

func (l *learned) ratio() (ratio float64, known bool) {
	if l.raw <= 0 {
		return guessedRatio, false
	}
	return l.encoded / l.raw, true
}
