package nemesis

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"
)

// Processes are those of the product that run at the moment.
type Processes interface {
	// Running are the lanes that have a process now.
	Running() []string
	// Signal sends a signal to the process of a lane. It is false where there is none any more.
	Signal(lane string, sig syscall.Signal) bool
}

// Workers kills, freezes and stops processes of the product.
func Workers(p Processes) []Fault {
	pick := func(r *rand.Rand) string {
		if lanes := p.Running(); len(lanes) > 0 {
			return lanes[r.IntN(len(lanes))]
		}
		return ""
	}
	send := func(name string, sig syscall.Signal, end func(lane string, r *rand.Rand) func(context.Context) error) Fault {
		return Fault{Name: name, On: name, Shortest: 200 * time.Millisecond, Longest: 8 * time.Second,
			Begin: func(_ context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
				lane := pick(r)
				if lane == "" || !p.Signal(lane, sig) {
					note("nobody is there")
					return nil, nil
				}
				note("%s", lane)
				return end(lane, r), nil
			}}
	}
	none := func(string, *rand.Rand) func(context.Context) error { return nil }
	return []Fault{
		send("worker kill", syscall.SIGKILL, none),
		send("worker stop", syscall.SIGTERM, func(lane string, r *rand.Rand) func(context.Context) error {
			if r.IntN(4) > 0 {
				return nil
			}
			return func(context.Context) error { p.Signal(lane, syscall.SIGTERM); return nil } // a second one, if it is still there
		}),
		send("worker pause", syscall.SIGSTOP, func(lane string, _ *rand.Rand) func(context.Context) error {
			return func(context.Context) error { p.Signal(lane, syscall.SIGCONT); return nil }
		}),
	}
}
