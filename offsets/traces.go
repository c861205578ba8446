package offsets

import (
	"context"
	"fmt"

	"shadoof/storage"
)

// Traces returns, for a topic whose log is empty, what shows that there was one: a name out of each folder that only a log with
// records fills. Settings and staged files do not count: they come before the first commit.
func (l *Log) Traces(ctx context.Context) (found []string, err error) {
	for _, folder := range []string{"log", "pub", "att", "ckpt", "pack", "quarantine"} {
		prefix := Dir(l.o.Topic) + "/" + folder + "/"
		for e, err := range l.o.Store.List(ctx, storage.Query{Prefix: prefix}) {
			if err != nil {
				return found, fmt.Errorf("list %s: %w", prefix, err)
			}
			if !storage.IsHidden(e.Name) {
				found = append(found, e.Name)
				break
			}
		}
	}
	return found, nil
}
