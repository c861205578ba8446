package main

import (
	"context"
	"fmt"

	"shadoof/extract"
)

// lazyGroups are the consumer groups of the cluster that a lazySource connects to, by the same connection.
type lazyGroups struct{ source *lazySource }

func (g lazyGroups) groups(ctx context.Context) (extract.Groups, error) {
	real, err := g.source.source(ctx)
	if err != nil {
		return nil, err
	}
	groups, ok := real.(extract.Groups)
	if !ok {
		return nil, fmt.Errorf("a %T has no consumer groups", real)
	}
	return groups, nil
}

func (g lazyGroups) Group(ctx context.Context, name string) (*extract.Group, error) {
	real, err := g.groups(ctx)
	if err != nil {
		return nil, err
	}
	return real.Group(ctx, name)
}

func (g lazyGroups) Positions(ctx context.Context, group string, t *extract.Topic) (map[int32]extract.Position, error) {
	real, err := g.groups(ctx)
	if err != nil {
		return nil, err
	}
	return real.Positions(ctx, group, t)
}

func (g lazyGroups) SetPositions(ctx context.Context, group string, t *extract.Topic, positions map[int32]extract.Position) error {
	real, err := g.groups(ctx)
	if err != nil {
		return err
	}
	return real.SetPositions(ctx, group, t, positions)
}
