package offsets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"shadoof/storage"
)

// Marked says whether what version v asks for is known to be done: it has its marker, or its type wants none.
func (l *Log) Marked(v int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, unmarked := slices.BinarySearch(l.unmarked, v)
	return v <= l.state.V && !unmarked
}

// Unmarked returns the versions up to State that want a marker and are not known to have one, ascending. After Load these are all that
// had none then; Extend and Append add theirs.
func (l *Log) Unmarked() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.unmarked)
}

// RefreshMarks looks which of the unmarked versions have got a marker by now. It costs nothing if there are none.
func (l *Log) RefreshMarks(ctx context.Context) error {
	unmarked := l.Unmarked()
	if len(unmarked) == 0 {
		return nil
	}
	marks, err := l.listMarks(ctx, unmarked[0])
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unmarked = without(l.unmarked, marks)
	return nil
}

// Mark writes the marker of version v, which is true from then on: every file that v names and that is still live was seen under its
// name, or every removal that v asks for is finished. It is idempotent.
func (l *Log) Mark(ctx context.Context, v int64) error {
	name := PubName(l.o.Topic, v)
	for tries := 1; ; tries++ {
		answer, err := l.o.Store.PutNew(ctx, name, nil)
		switch answer {
		case storage.Created, storage.Exists:
			l.mu.Lock()
			defer l.mu.Unlock()
			l.unmarked = without(l.unmarked, map[int64]bool{v: true})
			return nil
		case storage.Refused:
			return refused(name, err)
		}
		// Whether it is there or not: to create it again is harmless, and tells.
		if ctx.Err() != nil || tries == patience {
			return fmt.Errorf("create %s: %w", name, errors.Join(err, ctx.Err()))
		}
		if err := l.o.Backoff(ctx, tries); err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
	}
}

// refused is the error for an object that the store would not create.
func refused(name string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w (the role that runs shadoof needs the right to create objects there)", err)
	}
	if err == nil {
		return fmt.Errorf("create %s: %w", name, ErrRefused)
	}
	return fmt.Errorf("create %s: %w: %w", name, ErrRefused, err)
}

// listMarks returns which versions from first on have a marker.
func (l *Log) listMarks(ctx context.Context, first int64) (map[int64]bool, error) {
	marks := map[int64]bool{}
	q := storage.Query{Prefix: Dir(l.o.Topic) + "/pub/", After: PubName(l.o.Topic, first-1)}
	for e, err := range l.o.Store.List(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("list the markers of %s: %w", l.o.Topic, err)
		}
		if v, ok := ParsePubName(l.o.Topic, e.Name); ok {
			marks[v] = true
		}
	}
	return marks, nil
}

// without returns versions without those that are marked.
func without(versions []int64, marked map[int64]bool) []int64 {
	return slices.DeleteFunc(slices.Clone(versions), func(v int64) bool { return marked[v] })
}
