package nemesis

import (
	"context"
	"math/rand/v2"
	"time"

	"shadoof/testbed/kafkabed"
)

// Brokers kills, freezes and restarts brokers of a cluster of three, one at a time, and parts them from all others and from clients where
// they have networks of their own: no acknowledged record is lost by that.
func Brokers(c *kafkabed.Cluster) []Fault {
	one := func(name string, shortest, longest time.Duration, begin, end func(ctx context.Context, n *kafkabed.Node) error) Fault {
		return Fault{Name: "broker " + name, On: "kafka", Shortest: shortest, Longest: longest,
			Begin: func(ctx context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
				n := c.Nodes()[r.IntN(len(c.Nodes()))]
				note("broker %d", n.ID())
				return func(ctx context.Context) error {
					if err := end(ctx, n); err != nil {
						return err
					}
					return InSync(ctx, c.Brokers())
				}, begin(ctx, n)
			}}
	}
	start := func(ctx context.Context, n *kafkabed.Node) error { return n.Start(ctx) }
	all := []Fault{
		one("kill", time.Second, 10*time.Second, func(_ context.Context, n *kafkabed.Node) error { return n.Kill() }, start),
		one("restart", time.Second, 5*time.Second, func(_ context.Context, n *kafkabed.Node) error { return n.Stop() }, start),
		// Longer than its session with the controller, 3 s, or not.
		one("pause", time.Second, 12*time.Second, func(_ context.Context, n *kafkabed.Node) error { return n.Pause() },
			func(_ context.Context, n *kafkabed.Node) error { return n.Resume() }),
		{Name: "brokers rolling restart", On: "kafka",
			Begin: func(ctx context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
				away := time.Second + time.Duration(r.Int64N(int64(2*time.Second)))
				note("each is away for %s", away)
				return nil, RollBrokers(ctx, c, away)
			}},
	}
	if c.Apart() {
		all = append(all, one("partition", time.Second, 15*time.Second, func(ctx context.Context, n *kafkabed.Node) error { return n.Unplug(ctx) },
			func(ctx context.Context, n *kafkabed.Node) error { return n.Plug(ctx) }))
	}
	return all
}
