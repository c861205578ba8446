package nemesis

import (
	"context"
	"math/rand/v2"
	"time"

	"shadoof/testbed/faults/tamper"
)

// A Server can be killed, and started again on what it had.
type Server interface {
	Kill() error
	Restart(ctx context.Context) error
	Pause() error
	Resume() error
}

// S3 kills and freezes an S3 server.
func S3(s Server) []Fault {
	return []Fault{
		{Name: "s3 kill", On: "s3", Shortest: 100 * time.Millisecond, Longest: 5 * time.Second,
			Begin: func(context.Context, *rand.Rand, func(string, ...any)) (func(context.Context) error, error) {
				return s.Restart, s.Kill()
			}},
		{Name: "s3 pause", On: "s3", Shortest: 500 * time.Millisecond, Longest: 8 * time.Second,
			Begin: func(context.Context, *rand.Rand, func(string, ...any)) (func(context.Context) error, error) {
				return func(context.Context) error { return s.Resume() }, s.Pause()
			}},
	}
}

// Requests does what package tamper knows to a share of the requests.
func Requests(p *tamper.Proxy) []Fault {
	var out []Fault
	for _, k := range tamper.Kinds {
		out = append(out, Fault{Name: "s3 " + string(k), On: "s3 " + string(k), Shortest: time.Second, Longest: 6 * time.Second,
			Begin: func(_ context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
				share := []float64{0.02, 0.1, 0.3}[r.IntN(3)]
				before := p.Did()[k]
				note("%.0f%% of requests", share*100)
				p.Tamper(k, share)
				return func(context.Context) error {
					p.Tamper(k, 0)
					note("%d requests", p.Did()[k]-before)
					return nil
				}, nil
			}})
	}
	return out
}
