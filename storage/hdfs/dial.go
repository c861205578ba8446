package hdfs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	hdfs "github.com/colinmarc/hdfs/v2"
	"github.com/colinmarc/hdfs/v2/hadoopconf"
)

// connectFunc connects to the active name node. It begins with the address of that number, and says which one it ended at. A client
// that is sealed stays with that name node and that connection until it breaks.
type connectFunc func(ctx context.Context, first int, sealed bool) (c client, at int, err error)

// A dialer connects to a cluster.
type dialer struct {
	o       Options
	cluster cluster
	tickets *tickets
}

func newDialer(o Options, c cluster) (*dialer, error) {
	d := &dialer{o: o, cluster: c}
	if c.kerberos {
		t, err := newTickets(o.Kerberos)
		if err != nil {
			return nil, err
		}
		d.tickets = t
	}
	return d, nil
}

// setupError is one that no second try will mend.
type setupError struct{ error }

func (e *setupError) Unwrap() error { return e.error }

// hello is the name of nothing. The question whether its mode can be set is refused by a name node that is not active, and changes
// nothing.
const hello = "/.tmp-shadoof-hello/none"

// connect runs what the library does in a goroutine of its own, since Kerberos knows no context. That goroutine comes to an end: each
// request to a KDC has a deadline of five seconds, and each to a name node has one of ours.
func (d *dialer) connect(ctx context.Context, first int, sealed bool) (client, int, error) {
	w := newWires(d.o)
	type result struct {
		c   *remote
		err error
	}
	done := make(chan result, 1)
	go func() {
		c, err := d.open(w, first)
		done <- result{c, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			w.kill()
			return nil, 0, r.err
		}
		if sealed {
			w.seal()
		}
		return r.c, max(slices.Index(d.cluster.addresses, w.nameNode()), 0), nil
	case <-ctx.Done():
		w.kill()
		go func() {
			if r := <-done; r.err == nil {
				r.c.Kill()
			}
		}()
		return nil, 0, ctx.Err()
	}
}

// state asks one name node whether it is active. The error of a standby names its exception.
func (d *dialer) state(ctx context.Context, address int) error {
	one := *d
	one.cluster.addresses = d.cluster.addresses[address : address+1]
	c, _, err := one.connect(ctx, 0, true)
	if err != nil {
		return err
	}
	c.Kill()
	return nil
}

func (d *dialer) open(w *wires, first int) (*remote, error) {
	o := hdfs.ClientOptionsFromConf(hadoopconf.HadoopConf(d.cluster.wireValues()))
	o.Addresses = slices.Concat(d.cluster.addresses[first:], d.cluster.addresses[:first])
	o.User = d.cluster.user
	o.UseDatanodeHostname = d.cluster.hostnames
	o.DataTransferProtection = d.cluster.protection
	o.NamenodeDialFunc, o.DatanodeDialFunc = w.dialNameNode, w.dialDataNode
	o.KerberosClient, o.KerberosServicePrincipleName = nil, ""
	if d.tickets != nil {
		who, err := d.tickets.client()
		if err != nil {
			return nil, err
		}
		o.KerberosClient = who
		o.KerberosServicePrincipleName = withoutRealm(d.cluster.principal)
	}
	c, err := hdfs.NewClient(o)
	if err != nil {
		return nil, err
	}
	r := &remote{Client: c, wires: w}
	// The library moves on to the next name node by itself when one says that it is not active. This makes it do so now, and shows
	// that what was reached is active: a standby may answer questions from an old state.
	if err := r.Chmod(hello, 0o700); !answered(err) {
		r.Kill()
		return nil, err
	}
	// The library keeps them without a lock: they must be there before the client is shared.
	s, err := r.Defaults()
	if err == nil && s.encrypt {
		err = &setupError{protected("dfs.encrypt.data.transfer", "true", "the name node's configuration")}
	}
	if err != nil {
		r.Kill()
		return nil, err
	}
	return r, nil
}

// wireValues are the properties that the library reads, but for those that make it panic when they are no URLs.
func (c cluster) wireValues() map[string]string {
	values := map[string]string{}
	for _, key := range []string{"dfs.encrypt.data.transfer"} {
		if v, ok := c.values[key]; ok {
			values[key] = v
		}
	}
	return values
}

func withoutRealm(principal string) string {
	for i, b := range []byte(principal) {
		if b == '@' {
			return principal[:i]
		}
	}
	return principal
}

// wires are the sockets of one client.
type wires struct {
	o      Options
	ctx    context.Context // ends dials under way when the client is killed
	cancel context.CancelFunc

	mu     sync.Mutex
	open   map[*wire]bool
	sealed bool
	dead   bool
	at     string // the name node that was dialed last
}

func newWires(o Options) *wires {
	w := &wires{o: o, open: map[*wire]bool{}}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// errSealed ends the library's attempts to reach another name node: what was asked of one is not to be answered by another.
var errSealed = errors.New("the connection to the name node was lost")

func (w *wires) dialNameNode(_ context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	refused := w.sealed || w.dead
	w.at = address
	w.mu.Unlock()
	if refused {
		return nil, errSealed
	}
	return w.dial(w.o.DialNameNode, network, address, w.o.NameNodeTimeout, true)
}

func (w *wires) dialDataNode(_ context.Context, network, address string) (net.Conn, error) {
	return w.dial(w.o.DialDataNode, network, address, w.o.DataNodeTimeout, false)
}

func (w *wires) dial(dial func(context.Context, string, string) (net.Conn, error), network, address string, timeout time.Duration, nameNode bool) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(w.ctx, min(timeout, 10*time.Second))
	defer cancel()
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	c, err := dial(ctx, network, address)
	if err != nil {
		if ctx.Err() != nil && w.ctx.Err() == nil {
			err = fmt.Errorf("dial %s: no answer within %s", address, min(timeout, 10*time.Second))
		}
		return nil, err
	}
	conn := &wire{Conn: c, wires: w, timeout: timeout, nameNode: nameNode}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	w.open[conn] = true
	return conn, nil
}

func (w *wires) seal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sealed = true
}

func (w *wires) nameNode() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

// kill closes all sockets.
func (w *wires) kill() {
	w.mu.Lock()
	w.dead = true
	open := w.open
	w.open = nil
	w.mu.Unlock()
	w.cancel()
	for c := range open {
		_ = c.Conn.Close() // whoever uses it finds out
	}
}

// wire is a connection on which each read and each write has a deadline of its own.
type wire struct {
	net.Conn
	wires    *wires
	timeout  time.Duration
	nameNode bool
}

func (c *wire) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if err != nil && c.nameNode {
		// An answer that comes later would be taken for that to the next question. On a closed connection the library dials anew.
		c.Conn.Close()
	}
	return n, err
}

func (c *wire) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func (c *wire) Close() error {
	c.wires.mu.Lock()
	delete(c.wires.open, c)
	c.wires.mu.Unlock()
	return c.Conn.Close()
}

// SetDeadline does nothing: the library would take away the deadlines of Read and Write with it.
func (c *wire) SetDeadline(time.Time) error { return nil }
