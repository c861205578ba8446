// Package relay stands between a client and a server, byte by byte, and does what networks do: it loses replies, cuts connections
// and is slow. It knows no protocol.
package relay

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// TB is the part of testing.TB that a relay needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatal(args ...any)
}

// A Relay forwards connections to a server. It is safe for concurrent use.
type Relay struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	links  map[*link]bool
	rule   *Rule
	delay  time.Duration
	closed bool
}

// A Rule says which requests lose their replies. Of each request that matches, the server's reply is awaited, so that the request is
// known to be carried out, and then thrown away. That is for protocols with one request at a time on a connection: what the server
// sends next counts as the reply.
type Rule struct {
	Match []byte // in what the client sends
	Times int    // how many requests; 0 means every one
	Keep  bool   // the connection stays open and answers nothing more, instead of being cut

	mu   sync.Mutex
	lost int
}

// Lost is how many replies were thrown away.
func (r *Rule) Lost() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

// take says whether one more reply is to be lost.
func (r *Rule) take() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Times > 0 && r.lost == r.Times {
		return false
	}
	r.lost++
	return true
}

// Start starts a relay to a server's address. It ends with the test.
func Start(tb TB, target string) *Relay {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	r := &Relay{target: target, listener: l, links: make(map[*link]bool)}
	r.running.Go(r.accept)
	tb.Cleanup(r.close)
	return r
}

// Address is where the relay listens.
func (r *Relay) Address() string { return r.listener.Addr().String() }

// Lose makes replies get lost from now on; nil ends that.
func (r *Relay) Lose(rule *Rule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rule = rule
}

// Delay makes each piece of bytes, in both directions, wait for so long from now on.
func (r *Relay) Delay(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delay = d
}

// Cut ends all connections that there are now. New ones are forwarded.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.links {
		l.close()
	}
}

func (r *Relay) close() {
	r.listener.Close()
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.Cut()
	r.running.Wait()
}

func (r *Relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.DialTimeout("tcp", r.target, 10*time.Second)
		if err != nil {
			client.Close()
			continue
		}
		l := &link{relay: r, client: client, server: server, ended: make(chan struct{})}
		if !r.add(l) {
			l.close()
			return
		}
		r.running.Go(l.requests)
		r.running.Go(l.replies)
	}
}

// add makes a link known, unless the relay is at its end.
func (r *Relay) add(l *link) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.links[l] = true
	}
	return !r.closed
}

func (r *Relay) forget(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.links, l)
}

func (r *Relay) settings() (*Rule, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rule, r.delay
}

// A link is one client's connection and its own to the server.
type link struct {
	relay          *Relay
	client, server net.Conn
	once           sync.Once
	ended          chan struct{}

	mu    sync.Mutex
	doing *Rule // the next reply falls to it
	mute  bool  // no reply gets through any more
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.ended)
		l.client.Close()
		l.server.Close()
	})
}

func (l *link) end() {
	l.close()
	l.relay.forget(l)
}

// wait is over early when the link ends.
func (l *link) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.ended:
	}
}

func (l *link) requests() {
	defer l.end()
	buf := make([]byte, 64<<10)
	var tail []byte // of what came before, for a match that lies across two pieces
	for {
		n, err := l.client.Read(buf)
		if n > 0 {
			rule, delay := l.relay.settings()
			l.wait(delay)
			if rule != nil {
				seen := append(tail, buf[:n]...)
				if bytes.Contains(seen, rule.Match) {
					l.lose(rule)
					seen = nil
				}
				tail = bytes.Clone(seen[max(0, len(seen)-len(rule.Match)+1):])
			}
			if _, err := l.server.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (l *link) lose(rule *Rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doing == nil && !l.mute {
		l.doing = rule
	}
}

func (l *link) replies() {
	defer l.end()
	buf := make([]byte, 64<<10)
	for {
		n, err := l.server.Read(buf)
		if n > 0 {
			_, delay := l.relay.settings()
			l.wait(delay)
			cut, mute := l.swallow()
			if cut {
				return
			}
			if !mute {
				if _, err := l.client.Write(buf[:n]); err != nil {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// swallow says what becomes of a reply.
func (l *link) swallow() (cut, mute bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rule := l.doing; rule != nil {
		l.doing = nil
		if rule.take() {
			l.mute = rule.Keep
			return !rule.Keep, rule.Keep
		}
	}
	return false, l.mute
}
