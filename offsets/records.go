package offsets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"shadoof/storage"
)

// worthPacks is how many records make it worth to ask for packs.
const worthPacks = 20

// Records yields the records of slots from to to, both included, in their order, with their bundles. It reads packs where there are
// any, slots elsewhere, and checks that each record names the one before it. The iteration ends after the first error.
func (l *Log) Records(ctx context.Context, from, to int64) iter.Seq2[*Record, error] {
	return l.sequence(ctx, from, to, to-from >= worthPacks)
}

// Slots is Records without a look at packs: the log itself.
func (l *Log) Slots(ctx context.Context, from, to int64) iter.Seq2[*Record, error] {
	return l.sequence(ctx, from, to, false)
}

func (l *Log) sequence(ctx context.Context, from, to int64, usePacks bool) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		var packs []int64
		if usePacks {
			packs = l.listPacks(ctx, from, to)
		}
		s := &sequencer{l: l, next: max(from, 1), to: to, yield: yield}
		for s.more() {
			switch {
			case len(packs) > 0 && packs[0] < s.next:
				packs = packs[1:]
			case len(packs) > 0 && packs[0]-packSize < s.next:
				s.fromPack(ctx, packs[0])
				packs = packs[1:]
			case len(packs) > 0:
				s.fromSlots(ctx, packs[0]-packSize)
			default:
				s.fromSlots(ctx, to)
			}
		}
	}
}

// listPacks returns the packs that may hold some of the records, ascending. Nothing depends on them, so an error means none.
func (l *Log) listPacks(ctx context.Context, from, to int64) (packs []int64) {
	q := storage.Query{Prefix: Dir(l.o.Topic) + "/pack/", After: PackName(l.o.Topic, max(from, 1)-1)}
	for e, err := range l.o.Store.List(ctx, q) {
		if err != nil {
			l.o.Logger.Warn("packs cannot be listed, the log itself will do", "error", err)
			return packs
		}
		v, ok := ParsePackName(l.o.Topic, e.Name)
		if !ok {
			continue
		}
		if v-packSize >= to {
			break
		}
		packs = append(packs, v)
	}
	return packs
}

// A sequencer yields records in order.
type sequencer struct {
	l     *Log
	next  int64  // the record to yield next
	to    int64  // the last one
	prev  string // id of the record before next, "" if that is not known
	done  bool
	yield func(*Record, error) bool
}

func (s *sequencer) more() bool { return !s.done && s.next <= s.to }

func (s *sequencer) fail(err error) {
	s.done = true
	s.yield(nil, err)
}

// fromSlots goes on to record to, by reading slots.
func (s *sequencer) fromSlots(ctx context.Context, to int64) {
	for to = min(to, s.to); s.more() && s.next <= to; {
		n := min(width, to-s.next+1)
		records, err := s.slots(ctx, n)
		if errors.Is(err, ErrDamaged) {
			if err = s.l.o.Backoff(ctx, 1); err == nil {
				records, err = s.slots(ctx, n)
			}
		}
		if err != nil {
			s.fail(err)
			return
		}
		s.pass(records)
	}
}

// slots reads the next n records.
func (s *sequencer) slots(ctx context.Context, n int64) ([]*Record, error) {
	records := make([]*Record, n)
	err := inParallel(int(n), func(i int) (err error) {
		v := s.next + int64(i)
		if records[i], err = s.l.readRecord(ctx, v); errors.Is(err, fs.ErrNotExist) {
			err = s.l.missing(v)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return records, s.linked(records)
}

// missing says what it means that record v is not there. One that was folded and never confirmed may have vanished with the store's leader.
func (l *Log) missing(v int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v > l.durable.V && v <= l.state.V {
		return fmt.Errorf("record %d of %s vanished before the store had confirmed it, as happens when a store fails over: try again", v, l.o.Topic)
	}
	return l.hole(v)
}

// linked says whether records follow each other, and the one that was yielded last.
func (s *sequencer) linked(records []*Record) error {
	prev := s.prev
	for i, r := range records {
		if r.V != s.next+int64(i) || r.Prev != prev && (prev != "" || r.V == 1) {
			before := "it is the first"
			if r.V > 1 {
				before = fmt.Sprintf("%s is %s", LogName(s.l.o.Topic, r.V-1), prev)
			}
			return fmt.Errorf("%s follows a record %.32q, and %s: one of the two was written for another log, or over another record: %w",
				LogName(s.l.o.Topic, r.V), r.Prev, before, ErrDamaged)
		}
		prev = r.ID
	}
	return nil
}

func (s *sequencer) pass(records []*Record) {
	for _, r := range records {
		if s.next, s.prev = r.V+1, r.ID; !s.yield(r, nil) {
			s.done = true
			return
		}
	}
}

// fromPack goes on by reading the pack that ends with record v, and falls back on the slots behind it.
func (s *sequencer) fromPack(ctx context.Context, v int64) {
	records, err := s.l.readPack(ctx, v, s.next)
	if err == nil {
		err = s.linked(records)
	}
	if err == nil && s.prev == "" {
		// Nothing ties the pack to this log yet. Its last record does: it names the one before it, and so on.
		var r *Record
		if r, err = s.l.readSlot(ctx, v); err == nil && r.ID != records[len(records)-1].ID {
			err = fmt.Errorf("record %d has id %s: %w", v, r.ID, errNotThis)
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			s.fail(err)
			return
		}
		s.l.o.Logger.Warn("a pack cannot be used, the log itself will do", "name", PackName(s.l.o.Topic, v), "error", err)
		s.fromSlots(ctx, v)
		return
	}
	records = records[:min(int64(len(records)), s.to-s.next+1)]
	for len(records) > 0 && !s.done {
		batch := records[:min(width, len(records))]
		records = records[len(batch):]
		err := inParallel(len(batch), func(i int) error { return s.l.resolve(ctx, batch[i]) })
		if err != nil {
			s.fail(err)
			return
		}
		s.pass(batch)
	}
}
