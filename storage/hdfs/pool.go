package hdfs

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"
)

const (
	// idleSessions are kept for the next call. Each costs the name node one request a second, by which the library renews leases.
	idleSessions = 4
	idleFor      = 10 * time.Second

	// writersPerLane share one client: its calls to the name node wait for one another.
	writersPerLane = 4
)

// pool keeps clients. A session belongs to one call, or to one open reader, at a time; a lane is shared by a few writers.
type pool struct {
	connect   connectFunc
	addresses int

	making chan struct{} // holds a token while somebody makes a lane

	mu     sync.Mutex
	first  int // the address to begin with
	idle   []*session
	lanes  []*lane
	busy   map[*session]bool
	closed bool
}

func newPool(connect connectFunc, addresses int) *pool {
	return &pool{connect: connect, addresses: addresses, busy: map[*session]bool{}, making: make(chan struct{}, 1)}
}

// A session is a client that notices when it must not be used any more.
type session struct {
	client
	at     int
	broken bool
	expiry *time.Timer
}

// note remembers an error that was no answer, and keeps it from being taken for one.
func (s *session) note(err error) error {
	if answered(err) {
		return err
	}
	s.broken = true
	return &lostError{err}
}

func (s *session) Stat(name string) (status, error) {
	st, err := s.client.Stat(name)
	return st, s.note(err)
}

func (s *session) Look(name string) (status, []status, error) {
	st, l, err := s.client.Look(name)
	return st, l, s.note(err)
}

func (s *session) Mkdir(name string, mode fs.FileMode) error {
	return s.note(s.client.Mkdir(name, mode))
}
func (s *session) Rename(from, to string) error {
	err := s.note(s.client.Rename(from, to))
	if errors.Is(err, fs.ErrPermission) {
		return &renameError{err, from, to}
	}
	return err
}
func (s *session) Remove(name string) error    { return s.note(s.client.Remove(name)) }
func (s *session) RemoveAll(name string) error { return s.note(s.client.RemoveAll(name)) }
func (s *session) Chmod(name string, mode fs.FileMode) error {
	return s.note(s.client.Chmod(name, mode))
}
func (s *session) Chown(name, user, group string) error {
	return s.note(s.client.Chown(name, user, group))
}
func (s *session) Chtimes(name string, accessed, modified time.Time) error {
	return s.note(s.client.Chtimes(name, accessed, modified))
}

func (s *session) Open(name string) (inFile, error) {
	f, err := s.client.Open(name)
	return f, s.note(err)
}

func (s *session) Create(name string, replication int, blockSize int64, mode fs.FileMode) (outFile, error) {
	f, err := s.client.Create(name, replication, blockSize, mode)
	return f, s.note(err)
}

func (s *session) Defaults() (defaults, error) {
	d, err := s.client.Defaults()
	return d, s.note(err)
}

func (s *session) Space() (space, error) {
	d, err := s.client.Space()
	return d, s.note(err)
}

func (s *session) Superuser() (bool, error) {
	is, err := s.client.Superuser()
	return is, s.note(err)
}

func (s *session) Quota(name string) (quota, error) {
	q, err := s.client.Quota(name)
	return q, s.note(err)
}

// begin returns the address to connect to first.
func (p *pool) begin() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, fs.ErrClosed
	}
	return p.first, nil
}

// get returns a session for one call.
func (p *pool) get(ctx context.Context) (*session, error) {
	p.mu.Lock()
	for len(p.idle) > 0 && !p.closed {
		s := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if s.expiry.Stop() {
			p.busy[s] = true
			p.mu.Unlock()
			return s, nil
		}
	}
	p.mu.Unlock()
	first, err := p.begin()
	if err != nil {
		return nil, err
	}
	c, at, err := p.connect(ctx, first, true)
	if err != nil {
		p.blame(first)
		return nil, err
	}
	s := &session{client: c, at: at}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		c.Kill()
		return nil, fs.ErrClosed
	}
	p.first = at
	p.busy[s] = true
	p.mu.Unlock()
	// Another name node was active before. If it still takes itself for that, what it answers is old.
	p.dropIdle(func(other *session) bool { return other.at != at })
	return s, nil
}

// put gives a session back. One that is broken is thrown away, with all that are idle at the same name node, and the next client
// starts at the other address: a name node that was stopped still accepts connections.
func (p *pool) put(s *session) {
	p.mu.Lock()
	delete(p.busy, s)
	keep := !s.broken && !p.closed && s.at == p.first && len(p.idle) < idleSessions
	if keep {
		p.idle = append(p.idle, s)
		s.expiry = time.AfterFunc(idleFor, func() { p.expire(s) })
	}
	p.mu.Unlock()
	if !keep {
		s.client.Kill()
	}
	if s.broken {
		p.blame(s.at)
	}
}

func (p *pool) expire(s *session) {
	p.mu.Lock()
	for i, other := range p.idle {
		if other == s {
			p.idle = append(p.idle[:i:i], p.idle[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	s.client.Kill()
}

// blame moves on to the address after one that did not answer.
func (p *pool) blame(at int) {
	p.mu.Lock()
	if p.first == at {
		p.first = (at + 1) % p.addresses
	}
	p.mu.Unlock()
	p.dropIdle(func(s *session) bool { return s.at == at })
}

// dropIdle ends idle sessions.
func (p *pool) dropIdle(which func(*session) bool) {
	p.mu.Lock()
	var stale []*session
	kept := p.idle[:0:0]
	for _, s := range p.idle {
		switch {
		case !which(s):
			kept = append(kept, s)
		case s.expiry.Stop():
			stale = append(stale, s)
		}
	}
	p.idle = kept
	p.mu.Unlock()
	for _, s := range stale {
		s.client.Kill()
	}
}

// A lane is a client that a few writers share. Unlike a session it may move on to another name node: what is written is judged only
// once it is complete.
type lane struct {
	client
	starting sync.Mutex // held while a writer begins a block: the library keeps some of what it asks for then without a lock

	// Guarded by the pool's mutex.
	writers int
	broken  bool
}

// lane returns a client for a writer.
func (p *pool) lane(ctx context.Context) (*lane, error) {
	select {
	case p.making <- struct{}{}:
		defer func() { <-p.making }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l := p.enter(); l != nil {
		return l, nil
	}
	first, err := p.begin()
	if err != nil {
		return nil, err
	}
	c, _, err := p.connect(ctx, first, false)
	if err != nil {
		p.blame(first)
		return nil, err
	}
	l := &lane{client: c, writers: 1}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Kill()
		return nil, fs.ErrClosed
	}
	p.lanes = append(p.lanes, l)
	return l, nil
}

// enter finds a lane with room for one more.
func (p *pool) enter() *lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lanes {
		if l.writers < writersPerLane && !l.broken {
			l.writers++
			return l
		}
	}
	return nil
}

// leave ends a writer's part in a lane. One that failed leaves sockets and goroutines of the library behind, so nobody else comes in,
// and the last to leave ends it. An empty lane ends, too: the library renews its lease all the time.
func (p *pool) leave(l *lane, failed bool) {
	p.mu.Lock()
	l.writers--
	l.broken = l.broken || failed
	end := l.writers == 0
	if end || l.broken {
		for i, other := range p.lanes {
			if other == l {
				p.lanes = append(p.lanes[:i:i], p.lanes[i+1:]...)
				break
			}
		}
	}
	p.mu.Unlock()
	if end {
		l.client.Kill()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	var all []client
	for _, s := range p.idle {
		s.expiry.Stop()
		all = append(all, s.client)
	}
	for s := range p.busy {
		all = append(all, s.client)
	}
	for _, l := range p.lanes {
		all = append(all, l.client)
	}
	p.idle, p.lanes = nil, nil
	p.mu.Unlock()
	for _, c := range all {
		c.Kill()
	}
}
