package ui

import (
	"context"
	"log/slog"
	"time"
)

// Logged shows progress as log lines, for where there is no terminal.
type Logged struct {
	*Tally
	Log   *slog.Logger
	Every time.Duration
}

// Run logs how each topic gets on, from time to time, until ctx ends.
func (l *Logged) Run(ctx context.Context) {
	tick := time.NewTicker(l.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := l.now()
			for _, a := range l.snapshot() {
				l.Log.LogAttrs(ctx, slog.LevelInfo, "lifting", slog.String("topic", a.topic), slog.Int64("records", a.records), slog.Int64("bytes", a.bytes),
					slog.Int64("records_per_second", a.rate(now)), slog.Int64("left", a.left()))
			}
		}
	}
}
