package hdfs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
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

// Tries become rare, and may be further apart than the wait is long.
func TestTheWaitForSafeModeEndsHoweverShortItIs(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{10 * time.Millisecond, time.Second, 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			n := newNameNodes()
			s := n.store(t)
			s.o.SafeModeWait = wait
			calls := 0
			n.fault = func(_ int, line string) (error, bool) {
				if calls++; calls > 1000 {
					t.Fatal("it is tried for ever")
				}
				if strings.HasPrefix(line, "mkdir") || strings.HasPrefix(line, "create") {
					return errSafe, false
				}
				return nil, false
			}
			for _, data := range [][]byte{nil, []byte("{}")} {
				begun := time.Now()
				if put, err := s.PutNew(t.Context(), record, data); put != storage.Refused || err == nil {
					t.Error(put, err)
				}
				if took := time.Since(begun); took > wait+5*time.Second {
					t.Errorf("a wait of %s took %s", wait, took)
				}
			}
		})
	}
}
