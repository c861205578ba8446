package writers

import (
	"context"
	"unsafe"

	"shadoof/record"
)

// giveBack frees memory while the budget asks this set for it: first what is kept for later, then the largest row group is
// written. What an upload has not sent yet, and what an encoder knows of its file, is freed by no flush: when these take more
// than half of what the set may keep, a file is finished early.
func (s *Set) giveBack(ctx context.Context) error {
	for {
		excess := s.o.Budget.excess(s.held)
		if excess == 0 {
			return nil
		}
		if s.spare != nil {
			s.hold(-footprint(s.spare))
			s.spare = nil
			continue
		}
		group, tail, tails := s.heaviest()
		var err error
		switch {
		case tail != nil && s.o.Key == "" && (group == nil || tails > (s.held-excess)/2):
			err = s.finishEarly(ctx, tail)
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

// heaviest returns the file with the most memory in rows, the one to finish early, and the memory that no flush frees. To be
// finished is, of the files that the last batch did not need, the one that frees most; if it needed all, that of all.
func (s *Set) heaviest() (group, tail *File, tails int64) {
	var most, mostTail int64
	cold := false
	for _, f := range s.files {
		n := f.tail()
		tails += n
		if m := f.memory - n; f.buffered() > 0 && m > most {
			group, most = f, m
		}
		if f.stage == nil {
			continue
		}
		isCold := f.used < s.batch
		if tail == nil || isCold && !cold || isCold == cold && n > mostTail {
			tail, mostTail, cold = f, n, isCold
		}
	}
	return group, tail, tails
}

// newColumns are the spare ones, or new.
func (s *Set) newColumns() *record.Columns {
	if c := s.spare; c != nil {
		s.spare = nil
		s.hold(-footprint(c)) // counted again with its file
		return c
	}
	return record.NewColumns(s.o.Schema)
}

// recycle takes the empty columns of a file away from it: a row group's memory is not for each file to keep.
func (s *Set) recycle(f *File) {
	if f.columns != nil && s.spare == nil {
		s.spare = f.columns
		s.hold(footprint(s.spare))
	}
	f.columns = nil
	s.measure(f)
}

// measure counts what a file holds, and how far it has come.
func (s *Set) measure(f *File) {
	n := int64(unsafe.Sizeof(*f)) + f.tail()
	if f.columns != nil {
		n += footprint(f.columns)
	}
	s.hold(n - f.memory)
	f.memory = n
	ratio, _ := s.learned.ratio()
	s.progress(f, f.size(ratio))
}

func (s *Set) hold(n int64) {
	s.held += n
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
