package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shadoof/record/evolve"
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
	if !w.set.Decided() {
		return nil
	}
	names := w.set.names()
	now := w.env.now()
	if bucket, err := c.parts.Bucket(now.UnixMilli(), now.Add(time.Minute)); err == nil {
		names.Folders = evolve.FolderKeys(bucket)
	}
	for _, p := range evolve.Names(w.set.Rows(), names) {
		t.Notes = append(t.Notes, p.String())
	}
	for _, path := range w.set.AsJSON {
		if w.set.Target != nil && !evolve.Has(w.set.Target, path) {
			t.Notes = append(t.Notes, fmt.Sprintf("value.as_json: the rows have no field %s", path))
		}
	}
	if w.before.hasColumns() && t.Offsets > 0 {
		for _, change := range evolve.Diff(w.before.columns(), w.set.columns()) {
			t.Notes = append(t.Notes, "since the newest commit, "+change.String())
		}
	}
	return nil
}
