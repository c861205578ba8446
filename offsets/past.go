package offsets

import (
	"context"
	"errors"
	"fmt"

	"shadoof/storage"
)

// StateAt folds the log up to record v, which is not newer than State. It begins at the newest checkpoint that is not after v, so that
// it reads a hundred records or less where there are checkpoints.
func (l *Log) StateAt(ctx context.Context, v int64) (*State, error) {
	if s := l.State(); s.V == v {
		return s, nil
	}
	if v < 1 {
		return NewState(), nil
	}
	q := storage.Query{Prefix: Dir(l.o.Topic) + "/ckpt/", After: CkptName(l.o.Topic, v+1)} // the newest comes first
	for e, err := range l.o.Store.List(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("list the checkpoints of %s: %w", l.o.Topic, err)
		}
		at, ok := ParseCkptName(l.o.Topic, e.Name)
		if !ok || at > v {
			continue
		}
		c, err := l.readCheckpoint(ctx, at)
		if err == nil {
			var s *State
			if s, err = l.foldTo(ctx, c, v); !errors.Is(err, errNotThis) {
				return s, err
			}
		} else if !errors.Is(err, ErrDamaged) {
			return nil, err
		}
		l.o.Logger.Warn("a checkpoint cannot be used, an older one or the log itself will do", "name", e.Name, "error", err)
	}
	return l.foldTo(ctx, nil, v)
}

// foldTo folds the records after a checkpoint up to v. As loadAfter it reads the record at the checkpoint, too.
func (l *Log) foldTo(ctx context.Context, c *checkpoint, v int64) (*State, error) {
	s := newKnown(c).state
	for r, err := range l.Records(ctx, max(s.V, 1), v) {
		if err != nil {
			return nil, err
		}
		if c != nil && r.V == c.State.V {
			if err := c.belongs(r); err != nil {
				return nil, err
			}
			continue
		}
		if s, err = Fold(s, r); err != nil {
			return nil, fmt.Errorf("%s: %w", l.o.Topic, err)
		}
	}
	return s, nil
}
