package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
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
