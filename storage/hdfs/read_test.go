package hdfs

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"shadoof/storage"
)

func TestAnEarlyEndIsReadAgainOverAnotherClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNameNodes()
		s := n.store(t)
		n.pieces = 1
		if put, err := s.PutNew(t.Context(), record, []byte("0123456789")); put != storage.Created {
			t.Fatal(put, err)
		}
		reads := 0
		n.fault = func(_ int, line string) (error, bool) {
			if strings.HasPrefix(line, "read") {
				if reads++; reads%3 == 0 {
					return errEOF, false
				}
			}
			return nil, false
		}
		if data, err := storage.ReadAll(t.Context(), s, record, 100); string(data) != "0123456789" || err != nil {
			t.Errorf("%q, %v", data, err)
		}
		if slices.Index(n.connects, 1) < 0 {
			t.Errorf("all clients began at one address: %v", n.connects)
		}
	})
}

func TestAnEndThatStaysIsUnexpected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNameNodes()
		s := n.store(t)
		if put, err := s.PutNew(t.Context(), record, []byte("0123456789")); put != storage.Created {
			t.Fatal(put, err)
		}
		n.fault = failing("read", errEOF, false)
		start := time.Now()
		_, err := storage.ReadAll(t.Context(), s, record, 100)
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), record) {
			t.Error(err)
		}
		if took := time.Since(start); took < s.o.Patience || took > 2*s.o.Patience {
			t.Errorf("gave up after %s", took)
		}
	})
}

func TestReadersWaitForSafeModeToEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNameNodes()
		s := n.store(t)
		if put, err := s.PutNew(t.Context(), record, []byte("{}")); put != storage.Created {
			t.Fatal(put, err)
		}
		zero := &exception{"org.apache.hadoop.hdfs.server.namenode.SafeModeException", "Zero blocklocations for /lake. Name node is in safe mode."}
		ends := time.Now().Add(10 * time.Second)
		n.fault = func(_ int, line string) (error, bool) {
			if strings.HasPrefix(line, "read") && time.Now().Before(ends) {
				return zero, false
			}
			return nil, false
		}
		if data, err := storage.ReadAll(t.Context(), s, record, 100); string(data) != "{}" || err != nil {
			t.Errorf("%q, %v", data, err)
		}
		n.fault = failing("mkdir", errSafe, false)
		start := time.Now()
		put, err := s.PutNew(t.Context(), marker, nil)
		if put != storage.Refused || err == nil || !strings.Contains(err.Error(), "safemode get") {
			t.Error(put, err)
		}
		if took := time.Since(start); took < s.o.SafeModeWait || took > s.o.SafeModeWait+5*time.Second {
			t.Errorf("waited for %s", took)
		}
	})
}

func TestConfirmAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault func(int, string) (error, bool)
		want  storage.Durability
	}{
		{"clean", nil, storage.Durable},
		{"gone", failing("chtimes", os.ErrNotExist, false), storage.Gone},
		{"no answer", failing("chtimes", errEOF, true), storage.DurabilityUnknown},
		{"safe mode", failing("chtimes", errSafe, false), storage.DurabilityUnknown},
		{"some exception", failing("chtimes", &exception{"java.io.IOException", "x"}, false), storage.DurabilityUnknown},
		{"another's file", failing("chtimes", os.ErrPermission, false), storage.Durable},
		{"no access times", failing("chtimes", errTimesOff, false), storage.Durable},
		{"nothing allowed", func(_ int, line string) (error, bool) {
			if strings.HasPrefix(line, "chtimes") || strings.HasPrefix(line, "mkdir") {
				return os.ErrPermission, false
			}
			return nil, false
		}, storage.DurabilityUnknown},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newNameNodes()
			s := n.store(t)
			if put, err := s.PutNew(t.Context(), record, []byte("{}")); put != storage.Created {
				t.Fatal(put, err)
			}
			n.reset()
			n.fault = c.fault
			d, err := s.Confirm(t.Context(), record)
			if d != c.want || (err == nil) != (c.want != storage.DurabilityUnknown) {
				t.Errorf("%s: %s, %v", c.name, d, err)
			}
			if n.count("chtimes /lake/"+record+"/") == 0 {
				t.Errorf("%s: the file in the record was not touched: %v", c.name, n.calls)
			}
		})
	}
}

func TestAnUnreachableClusterIsGivenUpSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNameNodes()
		s := n.store(t)
		s.pool.connect = func(_ context.Context, first int, _ bool) (client, int, error) {
			n.connects = append(n.connects, first)
			return nil, 0, errors.New("no available namenodes: dial tcp 127.0.0.1:1: connect: connection refused")
		}
		start := time.Now()
		_, err := s.Open(t.Context(), record, 0, -1)
		if err == nil || !strings.Contains(err.Error(), "nn1:8020, nn2:8020") || !strings.Contains(err.Error(), "check store.url") || errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("gave up after %s", took)
		}
		if n.connects[0] != 0 || n.connects[1] != 1 || n.connects[2] != 0 {
			t.Errorf("clients began at %v", n.connects)
		}
	})
}

func TestTroubleWithTheConnectionSaysNothingOfObjects(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{syscall.ENOENT, syscall.EACCES, syscall.EEXIST} {
		synctest.Test(t, func(t *testing.T) {
			n, s, pairs := staged(t)
			socket := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", cause)}
			n.fault = func(int, string) (error, bool) { return socket, false }
			_, opening := s.Open(t.Context(), record, 0, -1)
			p, publishing := s.Publish(t.Context(), key, pairs)
			put, creating := s.PutNew(t.Context(), record, nil)
			d, confirming := s.Confirm(t.Context(), record)
			g, discarding := s.Discard(t.Context(), key, pairs[0])
			if p != storage.PublishUnclear || put != storage.Refused || d != storage.DurabilityUnknown || g != storage.DiscardUnclear {
				t.Errorf("%v: %s, %s, %s, %s", cause, p, put, d, g)
			}
			for _, err := range []error{opening, publishing, creating, confirming, discarding, s.Delete(t.Context(), record)} {
				if err == nil || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrExist) {
					t.Errorf("%v: %v", cause, err)
				}
			}
		})
	}
}

func TestNobodyAsksANameNodeThatWasActiveBefore(t *testing.T) {
	t.Parallel()
	n := newNameNodes()
	s := n.store(t)
	ask := func(during func()) {
		if _, err := s.call(t.Context(), func(c client) error {
			_, err := c.Stat("/")
			during()
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	// Two at the first, of which one is idle when a third finds the other active.
	ask(func() {
		ask(func() {})
		n.standby[0] = true
		ask(func() { ask(func() {}) })
	})
	for i, c := range n.clients {
		if c.isDead() != (c.at == 0) {
			t.Errorf("client %d, of name node %d: ended: %t", i, c.at, c.isDead())
		}
	}
	n.standby[0] = false
	before := len(n.clients)
	ask(func() {})
	if len(n.clients) != before {
		t.Error("no session was kept")
	}
}

func TestIdleClientsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNameNodes()
		s := n.store(t)
		if _, err := s.Open(t.Context(), record, 0, 0); !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if n.clients[0].isDead() {
			t.Error("it ended at once")
		}
		time.Sleep(2 * idleFor)
		synctest.Wait()
		if !n.clients[0].isDead() {
			t.Error("it renews leases for nobody")
		}
	})
}
