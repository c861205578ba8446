package nemesis

import (
	"context"
	"time"

	"shadoof/testbed/hdfsbed"
)

// RollDataNodes restarts all DataNodes of a cluster, one after the other, as an operator does: each is asked to stop, is away for a
// while, starts, and is waited for until no block lacks a replica.
func RollDataNodes(ctx context.Context, c *hdfsbed.Cluster, away func() time.Duration) error {
	for i := 1; i <= c.DataNodes(); i++ {
		if err := c.DataNode(i).Stop(); err != nil {
			return err
		}
		rest(ctx, away())
		if err := c.DataNode(i).Start(ctx); err != nil {
			return err
		}
		if err := c.Replicated(ctx); err != nil {
			return err
		}
	}
	return nil
}
