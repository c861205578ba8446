package offsets

import (
	"context"
	"fmt"
	"slices"

	"shadoof/storage"
)

// FileTokens returns every length and token that the log gives a file of record v: its own, then those of its repairs, oldest first.
// The last can publish it; a removal gives up all of them. The log is read back to v only if State counts more repairs of the file
// than there are among the records that were read.
func (l *Log) FileTokens(ctx context.Context, v int64, f *File) ([]storage.Staged, error) {
	key := RepairKey(FileRef{v, f.Key})
	pairs := []storage.Staged{{Bytes: f.Bytes, Token: f.Token}}
	for {
		l.mu.Lock()
		count, repairs, from := l.state.Repairs[key], slices.Clone(l.repairs[key]), l.repairsFrom
		l.mu.Unlock()
		if len(repairs) != count && from > v {
			if err := l.readRepairs(ctx, v+1, from); err != nil {
				return nil, err
			}
			continue
		}
		for i, r := range repairs {
			if r.after != i || len(repairs) != count {
				return nil, fmt.Errorf("%s: the state counts %d repairs of %s, but the log holds %d, number %d of them in record %d: %w",
					l.o.Topic, count, f.Key, len(repairs), r.after, r.v, ErrDamaged)
			}
			pairs = append(pairs, r.staged)
		}
		if len(repairs) < count {
			return nil, fmt.Errorf("%s: the state counts %d repairs of %s, but the log holds none: %w", l.o.Topic, count, f.Key, ErrDamaged)
		}
		return pairs, nil
	}
}

// readRepairs learns the repairs in records from to to, both included. If another goroutine does the same, one of them is enough.
func (l *Log) readRepairs(ctx context.Context, from, to int64) error {
	older := map[string][]repaired{}
	for r, err := range l.Records(ctx, from, to) {
		if err != nil {
			return err
		}
		if b, ok := r.Body.(*Repair); ok {
			key := RepairKey(b.File)
			older[key] = append(older[key], repairedBy(r.V, b))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.repairsFrom != to {
		return nil
	}
	for key, all := range older {
		l.repairs[key] = append(all, l.repairs[key]...)
	}
	l.repairsFrom = from - 1
	return nil
}
