package offsets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"shadoof/storage"
)

// Options say whose log is opened, and by whom.
type Options struct {
	Store  storage.Store
	Topic  string // 1 to 249 characters of [a-zA-Z0-9._-], as Kafka demands
	Writer Writer // stands in every record
	Run    string // stands in every record

	Now  func() time.Time // nil: time.Now
	Rand io.Reader        // for ids; nil: crypto/rand

	// Backoff waits before something is tried again, and returns the error of a context that ends meanwhile. behind is how many
	// versions the proposer fell behind, or the how manyth unclear answer in a row it got. Nil: a timer with jitter.
	Backoff func(ctx context.Context, behind int) error

	Logger *slog.Logger // for what is odd and harmless, such as a damaged cache; nil: nobody
}

// A Log is the commit log of one topic. It is safe for concurrent use by any number of goroutines, and any number of Logs in any
// number of processes may work on the same topic.
type Log struct {
	o Options

	reading chan struct{} // holds one element while a goroutine reads new records; taken before mu, never while mu is held

	mu sync.Mutex
	known
}

// Open returns the log of a topic. It does no I/O: until Load or Extend, the state is that of an empty log.
func Open(o Options) *Log {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Backoff == nil {
		o.Backoff = wait
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = o.Logger.With("topic", o.Topic)
	return &Log{o: o, reading: make(chan struct{}, 1), known: newKnown(nil)}
}

// State is the newest state that was folded. The last of its records may still vanish, until ConfirmNewest or Append confirmed it:
// Load tries to, but is content with a store that cannot tell, and Extend does not ask.
func (l *Log) State() *State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// Written is when the newest record was written, by the clock of its writer; zero where the log has none. It is good for an order of logs
// alone.
func (l *Log) Written() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written
}

// LastLift is the newest lift among the records that were read one by one, those after the newest checkpoint that Load found, or nil.
// all says that there was no checkpoint: then nil means that the log has none. The lift's record may have vanished since: it is good for
// estimates alone.
func (l *Log) LastLift() (lift *Lift, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lastLift, l.fromFirst
}

// Named returns the version of the record that names an attempt, if it is among those that were read one by one: those after
// the newest checkpoint that Load found.
func (l *Log) Named(attempt string) (v int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok = l.attempts[attempt]
	return v, ok
}

// Extend folds the records that came after State, by reading slots until one is empty.
func (l *Log) Extend(ctx context.Context) (*State, error) {
	if err := l.startReading(ctx); err != nil {
		return nil, err
	}
	defer l.stopReading()
	return l.extend(ctx)
}

// ConfirmNewest makes sure that the newest record survives a crash of the store. It is to be called before anything is concluded
// from the state: that there is nothing to do, that a version is to be published or a file removed. Append does it itself. If the
// record turns out to be gone, the state goes back and is extended again. It costs nothing where the record is known to be durable.
func (l *Log) ConfirmNewest(ctx context.Context) error {
	_, err := l.confirmed(ctx, false)
	return err
}

// confirmed returns the newest state whose last record is durable, after looking for new records if extend is set.
func (l *Log) confirmed(ctx context.Context, extend bool) (*State, error) {
	if err := l.startReading(ctx); err != nil {
		return nil, err
	}
	defer l.stopReading()
	for tries := 1; ; tries++ {
		if extend {
			if _, err := l.extend(ctx); err != nil {
				return nil, err
			}
		}
		s, gone, err := l.confirmOnce(ctx)
		switch {
		case err == nil && !gone:
			return s, nil
		case gone:
			l.o.Logger.Warn("a record vanished that had been read, as happens when a store fails over", "version", s.V, "id", s.ID)
			extend = true
		case ctx.Err() != nil || errors.Is(err, fs.ErrPermission) || tries >= 5:
			return nil, fmt.Errorf("confirm record %d of %s: %w", s.V, l.o.Topic, err)
		}
		if err := l.o.Backoff(ctx, tries); err != nil {
			return nil, err
		}
	}
}

// confirmOnce asks whether the record that s ends with is durable. If it is gone, the log has gone back when it returns.
func (l *Log) confirmOnce(ctx context.Context) (s *State, gone bool, err error) {
	l.mu.Lock()
	s, durable := l.state, l.durable
	l.mu.Unlock()
	if s.V == durable.V {
		return s, false, nil
	}
	answer, err := l.o.Store.Confirm(ctx, LogName(l.o.Topic, s.V))
	if answer == storage.Durable {
		// Whatever the slot holds now, it holds for ever. Whether that is what was folded, only a look from here on can tell.
		r, err := l.readSlot(ctx, s.V)
		switch {
		case err == nil && r.ID == s.ID:
			l.mu.Lock()
			defer l.mu.Unlock()
			l.settle(s)
			return s, false, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return s, false, err
		}
		answer = storage.Gone
	}
	if answer == storage.Gone {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.goBack()
		return s, true, nil
	}
	if err == nil {
		err = errors.New("the store cannot tell whether it is durable")
	}
	return s, false, err
}

// extend needs the right to read.
func (l *Log) extend(ctx context.Context) (*State, error) {
	for again := false; ; again = true {
		s, err := l.readOn(ctx)
		if err == nil || again || !errors.Is(err, ErrDamaged) {
			return s, err
		}
		// What was folded last may have been a record that did not survive, and what follows it now belongs to another.
		l.mu.Lock()
		l.goBack()
		l.mu.Unlock()
		if err := l.o.Backoff(ctx, 1); err != nil {
			return nil, err
		}
	}
}

func (l *Log) readOn(ctx context.Context) (*State, error) {
	for {
		s := l.State()
		r, err := l.readRecord(ctx, s.V+1)
		if errors.Is(err, fs.ErrNotExist) {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		err = l.take(r)
		l.mu.Unlock()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", LogName(l.o.Topic, r.V), err)
		}
	}
}

func (l *Log) startReading(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case l.reading <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Log) stopReading() { <-l.reading }

// wait sleeps between a quarter and the whole of 100 ms for each step behind, at most of 10 s.
func wait(ctx context.Context, behind int) error {
	longest := time.Duration(max(1, min(behind, 100))) * 100 * time.Millisecond
	t := time.NewTimer(longest/4 + rand.N(longest*3/4))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
