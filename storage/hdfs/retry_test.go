package hdfs

import (
	"context"
	"errors"
	"testing"
	"time"

	"shadoof/storage"
)

// TestANameNodeThatHangsFromTheStartLeavesTheOtherToBeAsked has the first take longer for its silence than the store has patience.
func TestANameNodeThatHangsFromTheStartLeavesTheOtherToBeAsked(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	s.o.Patience = time.Millisecond
	connect := s.pool.connect
	asked := 0
	s.pool = newPool(func(ctx context.Context, first int, sealed bool) (client, int, error) {
		if asked++; first == 0 {
			<-time.After(5 * time.Millisecond)
			return nil, 0, errors.New("no answer in time")
		}
		return connect(ctx, 0, sealed)
	}, 2)
	if put, err := s.PutNew(t.Context(), "x.json", []byte("x")); put != storage.Created {
		t.Errorf("%v, %v after %d connections, want %v", put, err, asked, storage.Created)
	}
}
