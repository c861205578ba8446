package offsets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"shadoof/storage"
)

// Load folds the log: the newest checkpoint, then the records after it, then which versions have their markers. It fails with
// ErrEmpty when there is no record; Traces then tells whether there should be. It is meant to be the first call on a Log; a later one
// starts from scratch.
func (l *Log) Load(ctx context.Context) (*State, error) {
	if err := l.startReading(ctx); err != nil {
		return nil, err
	}
	defer l.stopReading()
	for again := false; ; again = true {
		k, err := l.load(ctx)
		if err == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.known = k
			return k.state, nil
		}
		// A listing and the reads after it are not one moment: what they show together may be damage that is none.
		if again || !errors.Is(err, ErrDamaged) {
			return nil, err
		}
		if err := l.o.Backoff(ctx, 1); err != nil {
			return nil, err
		}
	}
}

func (l *Log) load(ctx context.Context) (known, error) {
	k, err := l.loadRecords(ctx)
	if err != nil {
		return k, err
	}
	first := k.state.V + 1
	if len(k.unmarked) > 0 {
		first = k.unmarked[0]
	}
	marks, err := l.listMarks(ctx, first)
	if err != nil {
		return k, err
	}
	k.unmarked = without(k.unmarked, marks)
	return k, l.noneAhead(ctx, k.state.V, marks)
}

// noneAhead looks whether records are missing that had their marker. A record that is newer than the listing of the log has been created
// since: it is there. If the next slot is empty, the end of the log was lost, and to go on would lift again what those records lifted.
func (l *Log) noneAhead(ctx context.Context, newest int64, marks map[int64]bool) error {
	ahead := int64(0)
	for v := range marks {
		ahead = max(ahead, v)
	}
	if ahead <= newest {
		return nil
	}
	_, err := l.get(ctx, LogName(l.o.Topic, newest+1))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there, so record %d was carried out, but the log of %s ends with record %d: its end was deleted, has expired, or an older copy was put in its place: %w",
			PubName(l.o.Topic, ahead), ahead, l.o.Topic, newest, ErrDamaged)
	}
	return err
}

// errNotThis: a checkpoint or a pack that does not belong to the log.
var errNotThis = errors.New("the log holds another record there")

// loadRecords tries the checkpoints, newest first, and does without in the end.
func (l *Log) loadRecords(ctx context.Context) (known, error) {
	for e, err := range l.o.Store.List(ctx, storage.Query{Prefix: Dir(l.o.Topic) + "/ckpt/"}) {
		if err != nil {
			return known{}, fmt.Errorf("list the checkpoints of %s: %w", l.o.Topic, err)
		}
		v, ok := ParseCkptName(l.o.Topic, e.Name)
		if !ok {
			continue
		}
		c, err := l.readCheckpoint(ctx, v)
		if err == nil {
			var k known
			if k, err = l.loadAfter(ctx, c); !errors.Is(err, errNotThis) {
				return k, err
			}
		} else if !errors.Is(err, ErrDamaged) {
			return known{}, err
		}
		l.o.Logger.Warn("a checkpoint cannot be used, an older one or the log itself will do", "name", e.Name, "error", err)
	}
	return l.loadAfter(ctx, nil)
}

// loadAfter folds the records after a checkpoint. The record at the checkpoint is read, too: it shows that the checkpoint belongs to
// this log, and that the log was not cut off before it.
func (l *Log) loadAfter(ctx context.Context, c *checkpoint) (known, error) {
	k := newKnown(c)
	first := max(k.state.V, 1)
	newest, err := l.listSlots(ctx, first)
	if err != nil {
		return k, err
	}
	// Confirmed before it is read: what is read of the newest slot from here on stays, and needs no second look. What is gone since it was
	// listed was never there. An unclear answer is no verdict yet; whoever concludes something asks again.
	confirmed := storage.Gone
	for confirmed == storage.Gone && newest >= first {
		if confirmed, _ = l.o.Store.Confirm(ctx, LogName(l.o.Topic, newest)); confirmed == storage.Gone {
			newest--
		}
	}
	if newest < first {
		if c == nil {
			return k, fmt.Errorf("%s: %w", l.o.Topic, ErrEmpty)
		}
		return k, fmt.Errorf("%s is not there, but a checkpoint of it is: the end of the log of %s was deleted, restore it from a backup: %w",
			LogName(l.o.Topic, first), l.o.Topic, ErrDamaged)
	}
	for r, err := range l.sequence(ctx, first, newest, newest-first > 2*packSize) {
		if err != nil {
			return k, err
		}
		if c != nil && r.V == c.State.V {
			if err := c.belongs(r); err != nil {
				return k, err
			}
			k.written = r.Time
			if lift := r.Lift(); lift != nil {
				k.settings[lift.Settings] = r.V
			}
			continue
		}
		if err := k.take(r); err != nil {
			return k, fmt.Errorf("%s: %w", LogName(l.o.Topic, r.V), err)
		}
	}
	if confirmed == storage.Durable {
		k.settle(k.state)
	}
	return k, nil
}

// listSlots returns the newest occupied slot, or first-1 if none from first on is. Without a hole, the list begins with first.
func (l *Log) listSlots(ctx context.Context, first int64) (newest int64, err error) {
	prefix := Dir(l.o.Topic) + "/log/"
	newest = first - 1
	for e, err := range l.o.Store.List(ctx, storage.Query{Prefix: prefix, After: LogName(l.o.Topic, first-1)}) {
		if err != nil {
			return newest, fmt.Errorf("list the log of %s: %w", l.o.Topic, err)
		}
		v, ok := ParseLogName(l.o.Topic, e.Name)
		if !ok {
			continue
		}
		if v != newest+1 {
			return newest, l.hole(newest + 1)
		}
		newest = v
	}
	return newest, nil
}
