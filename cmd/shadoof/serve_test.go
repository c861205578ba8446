package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Claims that are wrong are found when Kafka comes, and end the process as they would have at its start.
func TestClaimsAreCheckedWhenKafkaComes(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]error{"right": nil, "wrong": usage(errors.New("two jobs claim the topic a"))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				bounded, cancel := context.WithTimeout(t.Context(), 10*patienceAtStart)
				defer cancel()
				err := checkClaimsLater(bounded, func(context.Context) error {
					if asked++; asked < 3 {
						return errors.New("kafka is away")
					}
					return last
				})
				if asked != 3 || exitCode(err) != exitCode(last) {
					t.Errorf("asked %d times: %v", asked, err)
				}
				ctx, stop := context.WithCancel(t.Context())
				stop()
				if err := checkClaimsLater(ctx, func(ctx context.Context) error { return ctx.Err() }); err != nil {
					t.Errorf("when it is told to stop: %v", err)
				}
			})
		})
	}
}

// Whatever the end of serve is for, what waits for its store does not wait for ever, and what ends in time is not disturbed.
func TestWhateverEndsServeEndsItsRuns(t *testing.T) {
	t.Parallel()
	const grace = 25 * time.Second
	broken := errors.New("the server failed")
	for name, c := range map[string]struct {
		serves time.Duration // before the server fails; 0: it does not
		asks   time.Duration // before the end is asked for; 0: it is not
		takes  time.Duration // that a run takes to stop; 0: it waits until its hard end
		took   time.Duration
		want   error
	}{
		"the server fails, and a run hangs": {serves: time.Minute, took: time.Minute + grace, want: broken},
		"the server fails, and a run stops": {serves: time.Minute, takes: time.Second, took: time.Minute + time.Second, want: broken},
		"the claims are wrong":              {asks: time.Minute, took: time.Minute + grace},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				after := func(ctx context.Context, d time.Duration) bool {
					if d == 0 {
						<-ctx.Done()
						return false
					}
					select {
					case <-ctx.Done():
						return false
					case <-time.After(d):
						return true
					}
				}
				answer := func(ctx context.Context) error {
					if after(ctx, c.serves) {
						return broken
					}
					return nil
				}
				lift := func(ctx, hard context.Context, end func()) error {
					if after(ctx, c.asks) {
						end()
					}
					after(hard, c.takes)
					return nil
				}
				began := time.Now()
				bounded, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if err := answerAndLift(t.Context(), bounded, grace, answer, lift); !errors.Is(err, c.want) || time.Since(began) != c.took {
					t.Errorf("%v after %s, want %v after %s", err, time.Since(began), c.want, c.took)
				}
			})
		})
	}
}
