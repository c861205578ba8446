package offsets

import (
	"context"
	"fmt"

	"shadoof/storage"
)

// lastCommitReads is how many records LastCommit looks at.
const lastCommitReads = 20

// LastCommit finds the newest commit of the log by a few requests, without folding it: two listings, and the newest record; up to twenty
// where the newest are of other types, and commit is nil if none of them is one. newest is the newest record of any type. It fails with
// ErrEmpty where there is no record. It is for knowing when a topic was lifted, and good for nothing else: what it reads is neither proved
// nor confirmed.
func (l *Log) LastCommit(ctx context.Context) (commit, newest *Header, err error) {
	checkpoint, err := l.newestCheckpoint(ctx)
	if err != nil {
		return nil, nil, err
	}
	first := max(checkpoint, 1)
	last, err := l.listSlots(ctx, first)
	if err != nil {
		return nil, nil, err
	}
	if last < first {
		return nil, nil, fmt.Errorf("%s: %w", l.o.Topic, ErrEmpty)
	}
	for v := last; v > max(0, last-lastCommitReads); v-- {
		r, err := l.readSlot(ctx, v)
		if err != nil {
			return nil, newest, err
		}
		if newest == nil {
			newest = &r.Header
		}
		if r.Type == TypeCommit {
			return &r.Header, newest, nil
		}
	}
	return nil, newest, nil
}

// newestCheckpoint is the version of the newest checkpoint by its name; 0 where there is none.
func (l *Log) newestCheckpoint(ctx context.Context) (int64, error) {
	for e, err := range l.o.Store.List(ctx, storage.Query{Prefix: Dir(l.o.Topic) + "/ckpt/"}) {
		if err != nil {
			return 0, fmt.Errorf("list the checkpoints of %s: %w", l.o.Topic, err)
		}
		if v, ok := ParseCkptName(l.o.Topic, e.Name); ok {
			return v, nil
		}
	}
	return 0, nil
}
