package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 2 * time.Second
	warnAfter  = 5 * time.Second
)

// A question is one page of the registry's API.
type question struct {
	what string // as errors name it
	path string
	read func(body []byte) error // takes the answer; an error says that no registry gave it
}

// ask asks until there is an answer, or a failure that waiting does not mend, or until Options.Patience is over.
func (c *Client) ask(ctx context.Context, q question) error {
	patient, cancel := context.WithTimeout(ctx, c.opts.Patience)
	defer cancel()
	began, warned := time.Now(), false
	var last *failure
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := c.askEach(patient, q)
		if err == nil {
			return nil
		}
		if err.verdict != passing {
			return fmt.Errorf("%s: %w", q.what, err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", q.what, ctx.Err())
		}
		// That the time was up says less than what came before it.
		if last == nil || !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
		if waited := time.Since(began); waited >= warnAfter && !warned {
			warned = true
			c.opts.Log.Warn("the schema registry does not answer as it should, still trying", "for", q.what, "since", waited.Round(time.Second).String(), "error", last)
		}
		if !wait(patient, pause/2+rand.N(pause/2)) {
			if ctx.Err() != nil {
				return fmt.Errorf("%s: %w; the last failure was: %w", q.what, ctx.Err(), last)
			}
			return fmt.Errorf("%s: the schema registry (%s) does not answer, tried for %s, see that it is up and can be reached from here: %w",
				q.what, strings.Join(c.opts.URLs, ", "), c.opts.Patience, last)
		}
	}
}

// wait is false when ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// askEach asks one URL after the other until one answers for the registry. If none does, and it may be otherwise in a moment for one of
// them, that one's failure is returned.
func (c *Client) askEach(ctx context.Context, q question) *failure {
	first := int(c.favourite.Load())
	var worst *failure
	for i := range c.urls {
		n := (first + i) % len(c.urls)
		f := c.askOne(ctx, n, q)
		if f == nil || f.verdict == answered {
			c.favourite.Store(int64(n))
		}
		switch {
		case f == nil:
			return nil
		case f.verdict == answered:
			return f
		case worst == nil || worst.verdict == lasting && f.verdict == passing:
			worst = f
		}
	}
	return worst
}

func (c *Client) askOne(ctx context.Context, n int, q question) *failure {
	ctx, cancel := context.WithTimeout(ctx, min(requestTimeout, c.opts.Patience/time.Duration(len(c.urls))))
	defer cancel()
	var body []byte
	if err := c.urls[n].Do(ctx, http.MethodGet, q.path, nil, &body); err != nil {
		return c.judge(q.path, c.opts.URLs[n], err)
	}
	if err := q.read(body); err != nil {
		return noRegistry(c.opts.URLs[n], "what it answers to "+q.path+" is no registry's answer, "+err.Error())
	}
	return nil
}
