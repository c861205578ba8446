package registry

import (
	"context"
	"errors"
	"sync"
	"time"

	"shadoof/record"
)

const (
	// absent is how long "no such schema" holds. While it does, records that name a schema nobody has cost one request and not one
	// each. It holds no longer because a run may be long, and the schema may be registered after we asked: a registry's replicas lag
	// behind, and restored registries get their schemas back one by one.
	absent = 10 * time.Second

	// maxAbsent bounds the memory for ids that broken records make up.
	maxAbsent = 4096
)

// answers keeps what was answered. The zero value is ready.
type answers[K comparable, V any] struct {
	mu     sync.Mutex
	known  map[K]V
	absent map[K]absence
	asked  map[K]*asking
}

// An absence is an answer that there is no such thing.
type absence struct {
	err   error
	until time.Time
}

// An asking is a question on its way; done is closed when known, absent or failed holds its answer.
type asking struct {
	done      chan struct{}
	failed    error
	abandoned bool // whoever asked was told to stop: the question is open
}

// get answers from memory, or by ask, once for all who want to know at the same time: the first asks, the others wait for its answer. ask
// must end when ctx does.
func (a *answers[K, V]) get(ctx context.Context, key K, ask func() (V, error)) (V, error) {
	for {
		a.mu.Lock()
		if v, ok := a.known[key]; ok {
			a.mu.Unlock()
			return v, nil
		}
		if no, ok := a.absent[key]; ok {
			if time.Now().Before(no.until) {
				a.mu.Unlock()
				var none V
				return none, no.err
			}
			delete(a.absent, key)
		}
		if other, ok := a.asked[key]; ok {
			a.mu.Unlock()
			if err := other.wait(ctx); err != nil {
				var none V
				return none, err
			}
			continue
		}
		mine := &asking{done: make(chan struct{})}
		if a.asked == nil {
			a.known, a.absent, a.asked = map[K]V{}, map[K]absence{}, map[K]*asking{}
		}
		a.asked[key] = mine
		a.mu.Unlock()
		return a.ask(ctx, key, mine, ask)
	}
}

func (a *answers[K, V]) ask(ctx context.Context, key K, mine *asking, ask func() (V, error)) (V, error) {
	mine.abandoned = true // also when ask panics
	defer func() {
		a.mu.Lock()
		delete(a.asked, key)
		a.mu.Unlock()
		close(mine.done)
	}()
	v, err := ask()
	mine.abandoned = err != nil && ctx.Err() != nil
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.known[key] = v
	case errors.Is(err, record.ErrNoSchema):
		if len(a.absent) >= maxAbsent {
			clear(a.absent)
		}
		a.absent[key] = absence{err, time.Now().Add(absent)}
	default:
		mine.failed = err
	}
	return v, err
}

// wait returns nil when the answer is there, or when one has to ask oneself.
func (q *asking) wait(ctx context.Context) error {
	select {
	case <-q.done:
		if q.abandoned {
			return ctx.Err()
		}
		return q.failed
	case <-ctx.Done():
		return ctx.Err()
	}
}
