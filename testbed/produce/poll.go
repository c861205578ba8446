package produce

import (
	"context"
	"time"
)

// poll asks until the answer is yes, less and less often.
func poll(ctx context.Context, ask func() (bool, error)) error {
	pause := 20 * time.Millisecond
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		if done, err := ask(); done || err != nil {
			return err
		}
		timer.Reset(pause)
		pause = min(2*pause, time.Second)
	}
}
