package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sync/errgroup"

	"shadoof/offsets"
	"shadoof/storage"
)

// recover carries out every version that has no marker, also those that carrying out appends (repairs). It is what a run does
// first, and with the same function that publishes its own commits: a crash between the commit and the marker is an ordinary state.
func (w *worker) recover(ctx context.Context) error {
	for {
		if len(w.log.Unmarked()) == 0 {
			return nil
		}
		// What was read counts only once it is durable: a record that vanishes must not have been published (rule 10).
		if err := w.log.ConfirmNewest(ctx); err != nil {
			return err
		}
		unmarked := w.log.Unmarked()
		for _, v := range unmarked {
			r, err := w.log.Record(ctx, v)
			if err != nil {
				return err
			}
			if err := w.carryOut(ctx, r); err != nil {
				return err
			}
		}
	}
}

// carryOut does what a record asks for, and then writes its marker: publish its files, or finish its removals.
// It is idempotent and may run in any number of processes at once.
func (w *worker) carryOut(ctx context.Context, r *offsets.Record) (err error) {
	v := r.V
	switch b := r.Body.(type) {
	case *offsets.Commit:
		err = w.publishAll(ctx, v, b.Bundles)
	case *offsets.Fill:
		err = w.publishAll(ctx, v, b.Bundles)
	case *offsets.Replace:
		if err = w.unmark(ctx, v, b.Reopens); err == nil {
			err = w.swap(ctx, v, b)
		}
	case *offsets.Drop:
		if err = w.unmark(ctx, v, b.Reopens); err == nil {
			err = w.removeAll(ctx, v, b.Files)
		}
	case *offsets.Complete:
		err = w.finishComplete(ctx, v, b)
	case *offsets.Repair:
		err = w.finishRepair(ctx, b)
	default:
		err = halt(fmt.Errorf("version %d is a %s, which this build of shadoof cannot carry out: use the build that wrote it (%s)", v, r.Type, r.Writer.Build))
	}
	if err != nil {
		return err
	}
	w.env.hook("before-marker")
	// Every file that this version names and that is still live was seen under its name, or every removal was finished: true for ever.
	if err := w.log.Mark(ctx, v); err != nil {
		return fmt.Errorf("%s: mark version %d as published: %w", w.topic, v, err)
	}
	w.env.hook("after-marker")
	return nil
}

// publishAll makes the live files of a version visible.
func (w *worker) publishAll(ctx context.Context, v int64, bundles []offsets.Bundle) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.env.publishers)
	for n, b := range bundles {
		for i := range b.Files {
			f := &b.Files[i]
			g.Go(func() error { return w.publishFile(ctx, v, n, f) })
		}
	}
	return g.Wait()
}

// publishFile makes one committed file visible, by repair if its staged bytes are gone.
//
// The file is committed: from here on each error leaves it to the next recovery, and none of them loses it.
func (w *worker) publishFile(ctx context.Context, v int64, bundle int, f *offsets.File) error {
	if !w.log.State().Live(v, bundle, f.Key) {
		return nil // a later record removes it; whoever carries that record out discards the tokens
	}
	var absentSince time.Time
	for try := 0; ; try++ {
		pairs, err := w.log.FileTokens(ctx, v, f)
		if err != nil {
			return err
		}
		answer, err := w.env.store.Publish(ctx, f.Key, pairs)
		switch answer {
		case storage.Published:
			w.env.hook("mid-publish")
			return nil
		case storage.AlreadyPublished:
			return nil
		case storage.PublishConflict:
			// A repair that somebody else appended since may have made it visible, by a token that was not known here.
			live, more, err2 := w.tokensSince(ctx, v, bundle, f, len(pairs))
			if err2 != nil || !live {
				return err2
			}
			if more {
				continue
			}
			advice := "nothing was changed: look at the object and at who else writes below this root"
			if errors.Is(err, fs.ErrPermission) {
				advice = "it is committed: the next run that is allowed to publishes it"
			}
			return halt(fmt.Errorf("%s: publish %s of version %d: %w; %s", w.topic, f.Key, v, err, advice))
		case storage.NothingToPublish:
			done, err := w.settledElsewhere(ctx, v, bundle, f.Key)
			if done || err != nil {
				return err
			}
			now := w.env.now()
			if absentSince.IsZero() {
				absentSince = now
			}
			if now.Sub(absentSince) >= w.env.lostAfter {
				return w.repair(ctx, v, bundle, f)
			}
		default:
			if try >= w.env.publishTries {
				return partial(fmt.Errorf("%s: publish %s of version %d: %w; it is committed, the next run publishes it", w.topic, f.Key, v, err))
			}
		}
		if err := w.env.pause(ctx, try); err != nil {
			return partial(fmt.Errorf("%s: publish %s of version %d: stopped (%w); it is committed, the next run publishes it", w.topic, f.Key, v, err))
		}
	}
}

// tokensSince reads the log on, and says whether a file is still live, and whether it has more tokens than so many.
func (w *worker) tokensSince(ctx context.Context, v int64, bundle int, f *offsets.File, known int) (live, more bool, err error) {
	if _, err := w.log.Extend(ctx); err != nil {
		return false, false, err
	}
	if err := w.log.ConfirmNewest(ctx); err != nil {
		return false, false, err
	}
	pairs, err := w.log.FileTokens(ctx, v, f)
	return w.log.State().Live(v, bundle, f.Key), len(pairs) > known, err
}

// settledElsewhere looks again at the markers and the log: another process may have finished this version, or removed the file.
func (w *worker) settledElsewhere(ctx context.Context, v int64, bundle int, key string) (bool, error) {
	if err := w.log.RefreshMarks(ctx); err != nil {
		return false, err
	}
	if w.log.Marked(v) {
		return true, nil
	}
	if _, err := w.log.Extend(ctx); err != nil {
		return false, err
	}
	if err := w.log.ConfirmNewest(ctx); err != nil {
		return false, err
	}
	return !w.log.State().Live(v, bundle, key), nil
}

// removeAll finishes the removal of files.
func (w *worker) removeAll(ctx context.Context, v int64, refs []offsets.FileRef) error {
	of := map[int64]map[string]*offsets.File{} // by version and key
	for _, ref := range refs {
		if of[ref.V] == nil {
			r, err := w.log.Record(ctx, ref.V)
			if err != nil {
				return err
			}
			of[ref.V] = filesOf(r)
		}
		if of[ref.V][ref.Key] == nil {
			return fmt.Errorf("%s: version %d does not name %s: %w", w.topic, ref.V, ref.Key, offsets.ErrDamaged)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.env.publishers)
	for _, ref := range refs {
		f := of[ref.V][ref.Key]
		g.Go(func() error {
			if err := w.remove(ctx, ref.V, f); err != nil {
				return fmt.Errorf("%s: version %d: %w", w.topic, v, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func filesOf(r *offsets.Record) map[string]*offsets.File {
	files := map[string]*offsets.File{}
	if l := r.Lift(); l != nil {
		for _, b := range l.Bundles {
			for i := range b.Files {
				files[b.Files[i].Key] = &b.Files[i]
			}
		}
	}
	return files
}

// remove takes a file away for good: first every token it ever had, so that no stalled publisher can bring it back, then the
// object, then a look. The record that asks for it stands in the log, so the order may be begun again at any time.
func (w *worker) remove(ctx context.Context, v int64, f *offsets.File) error {
	for try := 0; ; try++ {
		pairs, err := w.log.FileTokens(ctx, v, f)
		if err != nil {
			return err
		}
		if err = w.discardAll(ctx, f.Key, pairs); err == nil {
			w.env.hook("mid-removal")
			if err = w.env.store.Delete(ctx, f.Key); err == nil {
				var there bool
				if there, err = w.exists(ctx, f.Key); err == nil && !there {
					return nil
				}
			}
		}
		if err == nil {
			err = errors.New("it is still there after it was deleted")
		}
		if try >= w.env.publishTries {
			return partial(fmt.Errorf("remove %s: %w; the next run goes on with it", f.Key, err))
		}
		if err := w.env.pause(ctx, try); err != nil {
			return partial(fmt.Errorf("remove %s: stopped (%w); the next run goes on with it", f.Key, err))
		}
	}
}

// discardAll gives up tokens until every answer is definite.
func (w *worker) discardAll(ctx context.Context, key string, pairs []storage.Staged) error {
	for _, p := range pairs {
		if _, err := w.discard(ctx, key, p); err != nil {
			return err
		}
	}
	return nil
}

// discard gives up one token; the answer is Discarded, AbsentToken or TokenUsed.
func (w *worker) discard(ctx context.Context, key string, s storage.Staged) (storage.Discarding, error) {
	for try := 0; ; try++ {
		answer, err := w.env.store.Discard(ctx, key, s)
		if answer != storage.DiscardUnclear {
			return answer, nil
		}
		if try >= w.env.publishTries {
			return answer, fmt.Errorf("discard the staged bytes of %s: %w", key, err)
		}
		if perr := w.env.pause(ctx, try); perr != nil {
			return answer, fmt.Errorf("discard the staged bytes of %s: stopped: %w", key, perr)
		}
	}
}

func (w *worker) exists(ctx context.Context, key string) (bool, error) {
	o, err := w.env.store.Open(ctx, key, 0, 0)
	if isNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, o.Close()
}

// findFile reads the record that committed a file.
func (w *worker) findFile(ctx context.Context, ref offsets.FileRef) (f *offsets.File, lift *offsets.Lift, err error) {
	r, err := w.log.Record(ctx, ref.V)
	if err != nil {
		return nil, nil, err
	}
	l := r.Lift()
	if l == nil {
		return nil, nil, fmt.Errorf("%s: version %d is a %s and has no files: %w", w.topic, ref.V, r.Type, offsets.ErrDamaged)
	}
	for _, b := range l.Bundles {
		for i := range b.Files {
			if b.Files[i].Key == ref.Key {
				return &b.Files[i], l, nil
			}
		}
	}
	return nil, nil, fmt.Errorf("%s: version %d does not name %s: %w", w.topic, ref.V, ref.Key, offsets.ErrDamaged)
}
