package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"shadoof/storage"
)

// once marks an error after which nothing is tried again.
type once struct{ error }

func (e *once) Unwrap() error { return e.error }

// call runs f on a session of its own, and says whether the connection broke. When ctx ends, so does the session, and with it whatever
// f waits for.
func (s *Store) call(ctx context.Context, f func(c client) error) (broke bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	c, err := s.pool.get(ctx)
	if err != nil {
		var setup *setupError
		return !errors.As(err, &setup) && !errors.Is(err, fs.ErrClosed), s.lost(ctx, err)
	}
	s.reached.Store(true)
	stop := context.AfterFunc(ctx, c.client.Kill)
	err = f(c)
	if errors.Is(err, fs.ErrPermission) && !c.broken {
		err = s.denied(c, err)
	}
	if c.broken {
		err = s.lost(ctx, err)
	}
	broke = c.broken
	if !stop() {
		c.broken = true
	}
	s.pool.put(c)
	return broke, err
}

// lostError is an error that says nothing about files. It hides its cause: errors of sockets match fs.ErrPermission and
// fs.ErrNotExist, too.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }

// lost is the error of a call that had no answer: that of ctx, if the connection broke because ctx ended.
func (s *Store) lost(ctx context.Context, err error) error {
	var (
		done  *failed
		setup *setupError
		known *lostError
	)
	switch {
	case err == nil, answered(err), errors.As(err, &done), errors.As(err, &setup), errors.Is(err, fs.ErrClosed):
		return err
	case ctx.Err() != nil:
		return &failed{text: fmt.Sprintf("no answer from the name node of %s: %v", s.cluster.name, context.Cause(ctx)), is: ctx.Err(), err: &lostError{err}}
	case errors.As(err, &known):
		return err
	}
	return &lostError{err}
}

// retry runs f until it succeeds or fails for good. f must be safe to be run again after a run of which nothing is known.
func (s *Store) retry(ctx context.Context, f func(c client) error) error {
	t := s.trying()
	for {
		broke, err := s.call(ctx, f)
		if err == nil {
			t.succeeded()
			return nil
		}
		if !t.again(ctx, broke, err) {
			return err
		}
	}
}

// tries counts how long something is tried.
type tries struct {
	s        *Store
	n        int
	begun    time.Time
	safeMode time.Time // when it was met first; the zero time is never
}

func (s *Store) trying() *tries { return &tries{s: s, begun: time.Now()} }

// again waits before the next try, and says whether there is one.
func (t *tries) again(ctx context.Context, broke bool, err error) bool {
	var stop *once
	if errors.As(err, &stop) || ctx.Err() != nil || overQuota(err) || errors.Is(err, storage.ErrUnfit) {
		return false
	}
	now := time.Now()
	switch {
	case inSafeMode(err):
		if t.safeMode.IsZero() {
			t.safeMode = now
		}
		if max(now.Sub(t.safeMode), t.s.inSafeModeFor(now)) > t.s.o.SafeModeWait {
			return false
		}
	case !broke && !passing(err):
		return false
	default:
		patience := t.s.o.Patience
		if !t.s.reached.Load() {
			patience = min(patience, 5*time.Second) // nothing ever answered: more likely a wrong address than a passing trouble
		}
		// One that hangs uses up all of it: each of the name nodes is asked at least once.
		if now.Sub(t.begun) > patience && t.n+1 >= len(t.s.cluster.addresses) {
			return false
		}
	}
	t.n++
	wait := min(50*time.Millisecond<<min(t.n, 6), 2*time.Second)
	return pause(ctx, wait/2+rand.N(wait/2))
}

// pause waits, and says whether ctx lasted as long.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// succeeded ends the wait for safe mode to end.
func (t *tries) succeeded() {
	if !t.safeMode.IsZero() {
		t.s.mu.Lock()
		defer t.s.mu.Unlock()
		t.s.safeMode.last = time.Time{}
	}
}

// inSafeModeFor is for how long the name node has been in safe mode, as far as calls have met it. All calls share one wait: callers try
// again, too, and would wait many times as long. When no call has met it for that long, the next wait is a new one.
func (s *Store) inSafeModeFor(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.safeMode.last) > s.o.SafeModeWait {
		s.safeMode.first = now
	}
	s.safeMode.last = now
	return now.Sub(s.safeMode.first)
}

// passing says whether the name node itself asks for another try.
func passing(err error) bool {
	exception, message, _ := said(err)
	for _, e := range []string{".RetriableException", ".StandbyException", ".NotReplicatedYetException"} {
		if strings.HasSuffix(exception, e) {
			return true
		}
	}
	return strings.Contains(message, "NameNode still not started")
}

// inSafeMode says whether the name node refused a change, or has no data nodes yet, since it has just begun or was told so. With HA the
// exception comes in another.
func inSafeMode(err error) bool {
	exception, message, ok := said(err)
	return ok && (strings.HasSuffix(exception, ".SafeModeException") || strings.HasSuffix(exception, ".RetriableException") && strings.Contains(message, "SafeMode"))
}
