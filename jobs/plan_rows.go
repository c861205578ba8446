package jobs

import (
	"context"
	"errors"
)

// planRows finds out what a run would make of records. A mistake in the configuration is an error here as it is there.
func (w *worker) planRows(ctx context.Context, t *PlanTopic) error {
	if t.Offsets > 0 {
		if err := errors.Join(w.rowsBefore(ctx), w.decideTarget(ctx)); err != nil {
			t.Problem = err.Error()
			return nil
		}
	}
	c, err := w.env.compile(w.set, w.schemas.find)
	if err != nil {
		return err
	}
	if c.times != nil {
		t.Notes = c.times.Notes()
	}
	return nil
}
