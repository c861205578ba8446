package hdfs

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
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

// The name node's refusal says how many data nodes there are, and not why none takes the block.
func TestABlockThatNoDataNodeTakesIsExplainedByTheLastThatFailed(t *testing.T) {
	t.Parallel()
	const node = "data node 127.0.0.1:9866"
	none := &exception{"java.io.IOException", "File /lake/x could only be written to 0 of the 1 minReplication nodes."}
	reset := &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9866}, Err: syscall.ECONNRESET}
	for name, write := range map[string]func(ctx context.Context, s *Store) error{
		"a record": func(ctx context.Context, s *Store) error {
			_, err := s.PutNew(ctx, record, []byte("{}"))
			return err
		},
		"a file": func(ctx context.Context, s *Store) error {
			w, err := s.Stage(ctx, storage.StageRequest{Key: key, Staging: stagingName})
			if err != nil {
				return err
			}
			_, err = w.Write([]byte("rows"))
			if err == nil {
				_, err = w.Finish(ctx)
			}
			return errors.Join(err, w.Abort(ctx))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNameNodes()
				s := n.store(t)
				var first error = reset
				refuse := func(_ int, line string) (error, bool) {
					if !strings.HasPrefix(line, "write") {
						return nil, false
					}
					defer func() { first = none }()
					return first, false
				}
				n.fault = refuse
				if err := write(t.Context(), s); err == nil || !strings.Contains(err.Error(), node) || !strings.Contains(err.Error(), "could only be written to 0") || !errors.Is(err, storage.ErrAway) {
					t.Errorf("%v; want %s to be named", err, node)
				}
				n.fault = nil
				if err := write(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				n.fault = refuse
				if err := write(t.Context(), s); err == nil || strings.Contains(err.Error(), node) {
					t.Errorf("%v; a file was written since %s failed", err, node)
				}
			})
		})
	}
}
