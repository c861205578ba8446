package jobs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/record"
	"shadoof/storage"
	"shadoof/writers"
)

// A file that a replace made of others is rebuilt from these, as long as they are there: a swap that shows first removes them last.
// After that Kafka is the only place left. What was copied is lifted again as its original was; of what was tried again those records
// count that were in quarantine by the settings before.

// restage stages a committed file's rows again. The file is of a version that is not published yet.
func (w *worker) restage(ctx context.Context, v int64, l *offsets.Lift, f *offsets.File, id string) (storage.Staged, error) {
	if f.CopyOf == nil && len(f.RetryOf) == 0 {
		return w.rebuild(ctx, l, f, id, nil)
	}
	staged, err := w.restageFromStore(ctx, v, l, f, id)
	if !isNotExist(err) {
		return staged, err
	}
	if f.CopyOf != nil {
		lift, original, err := w.original(ctx, *f.CopyOf)
		if err != nil {
			return staged, err
		}
		original.Key = f.Key
		return w.rebuild(ctx, lift, original, id, nil)
	}
	past, err := w.pastOf(ctx, v, l, f)
	if err != nil {
		return staged, err
	}
	return w.rebuild(ctx, l, f, id, past)
}

// original finds the file that was lifted, of which this one is a copy of a copy, and the record that made it.
func (w *worker) original(ctx context.Context, ref offsets.FileRef) (*offsets.Lift, *offsets.File, error) {
	for {
		f, l, err := w.findFile(ctx, ref)
		if err != nil {
			return nil, nil, err
		}
		if f.CopyOf == nil {
			copied := *f
			return l, &copied, nil
		}
		ref = *f.CopyOf
	}
}

// restageFromStore makes a file of those that it was made of. Its error wraps fs.ErrNotExist when they are gone.
func (w *worker) restageFromStore(ctx context.Context, v int64, l *offsets.Lift, f *offsets.File, id string) (none storage.Staged, err error) {
	set, err := w.settingsOf(ctx, l.Settings)
	if err != nil {
		return none, err
	}
	if f.CopyOf != nil {
		source, _, err := w.findFile(ctx, *f.CopyOf)
		if err != nil {
			return none, err
		}
		size, err := w.lengthOf(ctx, f.CopyOf.V, source)
		if err != nil {
			return none, err
		}
		n, err := writers.Parse(path.Base(f.Key))
		if err != nil {
			return none, err
		}
		n.Attempt = id
		return w.copyBytes(ctx, source.Key, size, storage.StageRequest{Key: f.Key, Staging: n.Staging(path.Join(w.env.dataStaging(set), id))})
	}
	var sources []liveFile
	for _, ref := range f.RetryOf {
		source, _, err := w.findFile(ctx, ref)
		if err != nil {
			return none, err
		}
		at := liveFile{File: *source, v: ref.V}
		if at.Bytes, err = w.lengthOf(ctx, ref.V, source); err != nil {
			return none, err
		}
		if _, err := storage.Size(ctx, w.env.store, source.Key); err != nil {
			return none, err
		}
		sources = append(sources, at)
	}
	lf, err := w.newLifter(w.committedSchemas(set, l), w.attemptFor(l, id), rangesOf(f), f)
	if err != nil {
		return none, err
	}
	var segments []*segment
	for _, r := range rangesOf(f) {
		segments = append(segments, &segment{Segment: offsets.Segment{Partition: r.Partition, From: r.First, To: r.Next}})
	}
	tried, err := w.retrialOf(ctx, v, set)
	if err != nil {
		return none, err
	}
	if err := lf.again(ctx, segments, sources, *tried); err != nil {
		return none, errors.Join(err, lf.abort(ctx))
	}
	return lf.finishOnly(ctx, "what lies in quarantine")
}

// lengthOf is how many bytes a file has since its last repair.
func (w *worker) lengthOf(ctx context.Context, v int64, f *offsets.File) (int64, error) {
	pairs, err := w.log.FileTokens(ctx, v, f)
	if err != nil {
		return 0, err
	}
	return pairs[len(pairs)-1].Bytes, nil
}

func (w *worker) attemptFor(l *offsets.Lift, id string) *attempt {
	return &attempt{id: id, clock: l.Clock, together: w.env.together(1)}
}

func rangesOf(f *offsets.File) (ranges []extract.Range) {
	for _, r := range f.Ranges {
		ranges = append(ranges, extract.Range{Partition: r.Partition, First: r.First, Next: r.Last + 1})
	}
	return ranges
}

// A past says what became of a record before the record of a file that is rebuilt: whether it was in quarantine then, and why. One that
// was is kept as it was, or tried again.
type past func(ctx context.Context, r *record.Raw) (bad *record.BadRecord, again bool, err error)

// pastOf puts together what was decided before: by the settings of the first record, and by those of each retry since.
func (w *worker) pastOf(ctx context.Context, v int64, l *offsets.Lift, f *offsets.File) (past, error) {
	set, err := w.settingsOf(ctx, l.Settings)
	if err != nil {
		return nil, err
	}
	own, err := w.retrialOf(ctx, v, set)
	if err != nil {
		return nil, err
	}
	type step struct {
		*trial
		retrial *retrial // nil: the first record
	}
	var steps []step // the newest first
	for at := f; ; {
		source, l, err := w.findFile(ctx, at.RetryOf[0])
		if err != nil {
			return nil, err
		}
		set, err := w.settingsOf(ctx, l.Settings)
		if err != nil {
			return nil, err
		}
		t, err := w.newTrial(w.committedSchemas(set, l), l.Clock)
		if err != nil {
			return nil, fmt.Errorf("the settings by which it was quarantined: %w", err)
		}
		s := step{trial: t}
		if len(source.RetryOf) > 0 {
			if s.retrial, err = w.retrialOf(ctx, at.RetryOf[0].V, set); err != nil {
				return nil, err
			}
		}
		steps = append(steps, s)
		if at = source; len(source.RetryOf) == 0 {
			break
		}
	}
	slices.Reverse(steps)
	return func(ctx context.Context, r *record.Raw) (bad *record.BadRecord, again bool, err error) {
		for i, s := range steps {
			if i > 0 && !s.retrial.takes(r, bad) {
				continue
			}
			if bad, err = s.judge(ctx, r); bad == nil || err != nil {
				return nil, false, err
			}
		}
		return bad, own.takes(r, bad), nil
	}, nil
}

// retrialOf says which records the replace of version v tried again.
func (w *worker) retrialOf(ctx context.Context, v int64, set *Settings) (*retrial, error) {
	r, err := w.log.Record(ctx, v)
	if err != nil {
		return nil, err
	}
	b, ok := r.Body.(*offsets.Replace)
	if !ok {
		return nil, fmt.Errorf("%s: version %d is a %s with files of a retry: %w", w.topic, v, r.Type, offsets.ErrDamaged)
	}
	return &retrial{reasons: b.Tried, set: set}, nil
}
