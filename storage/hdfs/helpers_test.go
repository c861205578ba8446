package hdfs

import (
	"context"
	"testing"
	"time"

	"shadoof/storage"
)

// timedOut is a context that ends soon.
func timedOut(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// stage stages a file.
func stage(ctx context.Context, s *Store, data string) (storage.Staged, error) {
	w, err := s.Stage(ctx, storage.StageRequest{Key: key, Staging: stagingName})
	if err != nil {
		return storage.Staged{}, err
	}
	if _, err := w.Write([]byte(data)); err != nil {
		return storage.Staged{}, err
	}
	return w.Finish(ctx)
}
