package hdfs

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shadoof/storage"
)

// silent is the address of a server that takes connections and never answers, like a name node that was stopped.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestASilentNameNodeHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	dir := site(t, "", "dfs.ha.namenodes.lake=a,b\ndfs.namenode.rpc-address.lake.a="+silent(t)+"\ndfs.namenode.rpc-address.lake.b="+silent(t))
	o := Options{Authority: "lake", Path: "/a", ConfDir: dir, User: "u", NameNodeTimeout: 100 * time.Millisecond, Patience: 300 * time.Millisecond}
	s, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start := time.Now()
	if _, err := s.Open(t.Context(), record, 0, -1); err == nil || !strings.Contains(err.Error(), "lake") {
		t.Error(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s to give up", took)
	}

	o.NameNodeTimeout, o.Patience = time.Hour, time.Hour
	if s, err = New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, call := range map[string]func(context.Context) error{
		"open":  func(ctx context.Context) error { _, err := s.Open(ctx, record, 0, -1); return err },
		"put":   func(ctx context.Context) error { _, err := s.PutNew(ctx, record, nil); return err },
		"stage": func(ctx context.Context) error { _, err := stage(ctx, s, "x"); return err },
		"list": func(ctx context.Context) error {
			for _, err := range s.List(ctx, storage.Query{}) {
				return err
			}
			return nil
		},
	} {
		ctx := timedOut(t)
		start := time.Now()
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %s to stop", name, took)
		}
	}
}

func TestEachReadHasADeadlineOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		o := Options{NameNodeTimeout: 20 * time.Second, DialNameNode: func(context.Context, string, string) (net.Conn, error) { return here, nil }}
		w := newWires(o)
		c, err := w.dialNameNode(t.Context(), "tcp", "nn1:8020")
		if err != nil {
			t.Fatal(err)
		}
		// The library takes deadlines away.
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		go func() {
			for range 4 {
				time.Sleep(15 * time.Second)
				if _, err := there.Write([]byte("x")); err != nil {
					return
				}
			}
		}()
		b := make([]byte, 1)
		for range 4 {
			if _, err := c.Read(b); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		// A late answer must not be taken for that to the next question.
		if _, err := c.Write(b); err == nil {
			t.Error("the connection is used after a read without an answer")
		}
		w.seal()
		if _, err := w.dialNameNode(t.Context(), "tcp", "nn2:8020"); !errors.Is(err, errSealed) {
			t.Error(err)
		}
		w.kill()
	})
}

func TestKillEndsADial(t *testing.T) {
	t.Parallel()
	o := Options{NameNodeTimeout: time.Hour, DataNodeTimeout: time.Hour, DialDataNode: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	w := newWires(o)
	done := make(chan error)
	go func() { _, err := w.dialDataNode(context.Background(), "tcp", "dn:1"); done <- err }()
	w.kill()
	if err := <-done; err == nil {
		t.Error("it connected")
	}
	if _, err := w.dialNameNode(t.Context(), "tcp", "nn1:8020"); err == nil {
		t.Error("a dead client dials")
	}
}

func TestOnlyAnswersOfTheNameNodeLeaveAConnectionUsable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, true},
		{&os.PathError{Err: os.ErrNotExist}, true},
		{&os.PathError{Err: errNotEmpty}, true},
		{errNotEmpty, true},
		{&os.PathError{Err: errEOF}, false},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", os.ErrPermission)}, false},
		{errors.New("unexpected sequence number"), false},
		{errSealed, false},
	} {
		if got := answered(c.err); got != c.want {
			t.Errorf("%v: %t", c.err, got)
		}
	}
}
