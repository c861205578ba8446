package admin

import (
	"net"
	"sync"
)

// connectionsAtOnce is how many connections a server has open: each costs memory and a file, and whoever can reach the address may open them.
const connectionsAtOnce = 64

// A boundedListener accepts a connection only while fewer than its places are open. Others wait to be accepted.
type boundedListener struct {
	net.Listener
	places chan struct{} // holds one for each connection that is open
	closed chan struct{}
	close  func() error
}

func newBoundedListener(l net.Listener, places int) *boundedListener {
	b := &boundedListener{Listener: l, places: make(chan struct{}, places), closed: make(chan struct{})}
	b.close = sync.OnceValue(func() error {
		close(b.closed)
		return l.Close()
	})
	return b
}

// Accept returns net.ErrClosed once the listener is closed, also where it waits for a place.
func (b *boundedListener) Accept() (net.Conn, error) {
	select {
	case b.places <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.places
		return nil, err
	}
	return placedConn{c, sync.OnceFunc(func() { <-b.places })}, nil
}

// Close may be called more than once.
func (b *boundedListener) Close() error { return b.close() }

// A placedConn gives its place back when it is closed.
type placedConn struct {
	net.Conn
	leave func()
}

func (c placedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
