//go:build long

package hdfsfaults_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"shadoof/storage/hdfs"
	"shadoof/testbed/hdfsbed"
)

// A gate holds back a request to the name node.
type gate struct {
	match []byte
	came  chan struct{} // closed when the request is there
	leave chan struct{} // closed when it may go on
	once  sync.Once
	dials sync.Mutex // held while there is to be no connection
}

func newGate(match string) *gate {
	return &gate{match: []byte(match), came: make(chan struct{}), leave: make(chan struct{})}
}

// open opens a store behind the gate.
func (g *gate) open(t *testing.T, c *hdfsbed.Cluster, root string) *hdfs.Store {
	t.Helper()
	o := storeOptions(c.Authority(), root, c.ConfDir())
	o.DialNameNode = func(ctx context.Context, network, address string) (net.Conn, error) {
		g.lock()
		defer g.unlock()
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &gated{conn, g}, nil
	}
	s, err := hdfs.New(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func (g *gate) reached(t *testing.T) {
	t.Helper()
	select {
	case <-g.came:
	case <-bounded(t, 30*time.Second).Done():
		t.Fatalf("there was no %s", g.match)
	}
}

func (g *gate) pass()   { close(g.leave) }
func (g *gate) lock()   { g.dials.Lock() }
func (g *gate) unlock() { g.dials.Unlock() }

type gated struct {
	net.Conn
	gate *gate
}

func (c *gated) Write(b []byte) (int, error) {
	if bytes.Contains(b, c.gate.match) {
		c.gate.once.Do(func() { close(c.gate.came) })
		<-c.gate.leave
	}
	return c.Conn.Write(b)
}
