package hdfs

import (
	"context"

	"shadoof/storage"
)

// Examine implements storage.Examiner.
func (s *Store) Examine(ctx context.Context, moves []storage.Move) []storage.Finding { return nil }
