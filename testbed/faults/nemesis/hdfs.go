package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"shadoof/testbed/hdfsbed"
)

// HDFS breaks name nodes and data nodes, one thing at a time. The cluster has one NameNode, or two that are switched by hand.
func HDFS(c *hdfsbed.Cluster, highlyAvailable bool) []Fault {
	h := hdfs{c}
	all := []Fault{
		h.fault("safe mode", time.Second, 8*time.Second, func(ctx context.Context, _ *rand.Rand) (string, func(context.Context) error, error) {
			return "", func(ctx context.Context) error { return c.SafeMode(ctx, false) }, c.SafeMode(ctx, true)
		}),
		h.fault("data node kill", time.Second, 20*time.Second, h.dataNode(func(n *hdfsbed.Node) error { return n.Kill() })),
		h.fault("data node restart", time.Second, 10*time.Second, h.dataNode(func(n *hdfsbed.Node) error { return n.Stop() })),
	}
	if !highlyAvailable {
		return append(all,
			h.fault("name node kill", 0, 5*time.Second, func(context.Context, *rand.Rand) (string, func(context.Context) error, error) {
				return "", c.NameNode(1).Start, c.NameNode(1).Kill()
			}),
			h.fault("name node pause", time.Second, 15*time.Second, func(context.Context, *rand.Rand) (string, func(context.Context) error, error) {
				return "", func(context.Context) error { return c.NameNode(1).Resume() }, c.NameNode(1).Pause()
			}))
	}
	return append(all,
		h.fault("fail-over", 0, 0, func(ctx context.Context, _ *rand.Rand) (string, func(context.Context) error, error) {
			is, err := c.Active(ctx)
			if err != nil {
				return "", nil, err
			}
			return fmt.Sprintf("from %d to %d", is, 3-is), nil, c.Failover(ctx, is, 3-is)
		}),
		h.fault("active name node kill", 0, 5*time.Second, h.active(func(n *hdfsbed.Node) error { return n.Kill() })),
		// It goes on when the other is active, finds out, and ends itself: it is started again.
		h.fault("active name node pause", 0, 5*time.Second, h.active(func(n *hdfsbed.Node) error { return n.Pause() })),
	)
}

type hdfs struct{ c *hdfsbed.Cluster }

// fault is one after whose end the cluster is waited for.
func (h hdfs) fault(name string, shortest, longest time.Duration, begin func(context.Context, *rand.Rand) (string, func(context.Context) error, error)) Fault {
	return Fault{Name: "hdfs " + name, On: "hdfs", Shortest: shortest, Longest: longest,
		Begin: func(ctx context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
			text, end, err := begin(ctx, r)
			if text != "" {
				note("%s", text)
			}
			return func(ctx context.Context) error {
				if end != nil {
					if err := end(ctx); err != nil {
						return err
					}
				}
				return h.c.Replicated(ctx)
			}, err
		}}
}

func (h hdfs) dataNode(stop func(*hdfsbed.Node) error) func(context.Context, *rand.Rand) (string, func(context.Context) error, error) {
	return func(_ context.Context, r *rand.Rand) (string, func(context.Context) error, error) {
		n := h.c.DataNode(1 + r.IntN(h.c.DataNodes()))
		return n.Name(), n.Start, stop(n)
	}
}

// active stops the active NameNode somehow, makes the other active, and in the end brings the first back as a standby.
func (h hdfs) active(stop func(*hdfsbed.Node) error) func(context.Context, *rand.Rand) (string, func(context.Context) error, error) {
	return func(ctx context.Context, r *rand.Rand) (string, func(context.Context) error, error) {
		is, err := h.c.Active(ctx)
		if err != nil {
			return "", nil, err
		}
		n := h.c.NameNode(is)
		if err := stop(n); err != nil {
			return "", nil, err
		}
		if !rest(ctx, time.Duration(r.Int64N(int64(8*time.Second)))) {
			return n.Name(), nil, context.Cause(ctx)
		}
		end := func(ctx context.Context) error {
			if n.Running() { // both believe to be active for a while
				if err := n.Resume(); err != nil {
					return err
				}
				rest(ctx, 2*time.Second)
			}
			if err := n.Kill(); err != nil {
				return err
			}
			if err := n.Start(ctx); err != nil {
				return err
			}
			return n.Settled(ctx)
		}
		return n.Name(), end, h.c.Activate(ctx, 3-is)
	}
}
