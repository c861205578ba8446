package nemesis

import (
	"context"
	"math/rand/v2"
	"time"
)

// Topics are what can be done to topics beside their producers.
type Topics interface {
	// Recreate deletes a topic that r picks and creates it anew, and tells which.
	Recreate(ctx context.Context, r *rand.Rand) (string, error)
	// Trim deletes records of a topic that r picks, up to a point that may be beyond what was lifted, and tells what it did.
	Trim(ctx context.Context, r *rand.Rand) (string, error)
	// Hold lets no run begin any more, until release.
	Hold() (release func())
}

// TopicFaults recreates topics, and has retention be faster than a job that was stopped, or one that reads just then.
func TopicFaults(t Topics) []Fault {
	once := func(name string, do func(ctx context.Context, r *rand.Rand) (string, error)) Fault {
		return Fault{Name: name, On: "topics",
			Begin: func(ctx context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
				text, err := do(ctx, r)
				note("%s", text)
				return nil, err
			}}
	}
	stopped := Fault{Name: "retention, jobs stopped", On: "topics", Shortest: time.Second, Longest: 4 * time.Second,
		Begin: func(_ context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
			release := t.Hold()
			return func(ctx context.Context) error {
				defer release()
				text, err := t.Trim(ctx, r)
				note("%s", text)
				return err
			}, nil
		}}
	return []Fault{once("topic recreated", t.Recreate), once("retention", t.Trim), stopped}
}
