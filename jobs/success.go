package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"shadoof/offsets"
	"shadoof/storage"
)

// successName is the only name a marker of a time folder has: what readers of such folders know, and none takes for data.
const successName = "_SUCCESS"

func markerOf(folder string) string { return folder + "/" + successName }

// isSuccess says whether a name is that of a marker of a time folder.
func isSuccess(name string) bool { return strings.HasSuffix(name, "/"+successName) }

// finishComplete writes the markers that version v asks for, after everything that was committed before it is published.
func (w *worker) finishComplete(ctx context.Context, v int64, b *offsets.Complete) error {
	if len(b.Folders) == 0 {
		return nil
	}
	for {
		before := 0
		for _, u := range w.log.Unmarked() {
			if u < v {
				before++
			}
		}
		if before == 0 {
			break
		}
		if err := w.log.RefreshMarks(ctx); err != nil { // whoever appended them may have carried them out by now
			return err
		}
		unmarked := w.log.Unmarked()
		if len(unmarked) == 0 || unmarked[0] >= v {
			break
		}
		r, err := w.log.Record(ctx, unmarked[0])
		if err != nil {
			return err
		}
		if err := w.carryOut(ctx, r); err != nil {
			return err
		}
	}
	w.env.hook("before-success")
	return w.settleMarkers(ctx, v, b.Folders, true)
}

// unmark takes away the markers of folders whose files version v removes, before it does.
func (w *worker) unmark(ctx context.Context, v int64, folders []string) error {
	if len(folders) == 0 {
		return nil
	}
	return w.settleMarkers(ctx, v, folders, false)
}

// settleMarkers makes markers of folders be there or not, as version v wants it, or as later versions do that are about the same
// folders. A marker can be created as often as one likes, so whoever slept over it could bring one back, or take one away, against
// the word of a later version: the log is looked at before and after, until it says nothing new.
func (w *worker) settleMarkers(ctx context.Context, v int64, folders []string, wanted bool) error {
	want := map[string]bool{}
	for _, f := range folders {
		want[f] = wanted
	}
	done := map[string]bool{} // what was done so far
	for seen := v; ; {
		newest := w.log.State().V
		if newest > seen {
			if err := w.log.ConfirmNewest(ctx); err != nil {
				return err
			}
			newest = w.log.State().V
			for r, err := range w.log.Records(ctx, seen+1, newest) {
				if err != nil {
					return err
				}
				wordOf(r, func(folder string, wanted bool) {
					if _, ours := want[folder]; ours {
						want[folder] = wanted
					}
				})
			}
			seen = newest
		}
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(w.env.publishers)
		for _, f := range folders {
			if did, ok := done[f]; ok && did == want[f] {
				continue
			}
			done[f] = want[f]
			g.Go(func() error { return w.settleMarker(gctx, markerOf(f), want[f]) })
		}
		if err := g.Wait(); err != nil {
			return fmt.Errorf("%s: version %d: %w", w.topic, v, err)
		}
		s, err := w.log.Extend(ctx)
		if err != nil {
			return err
		}
		if s.V <= seen {
			return nil
		}
	}
}

// wordOf tells which folders have markers after a record, of those that it is about.
func wordOf(r *offsets.Record, tell func(folder string, wanted bool)) {
	all := func(folders []string, wanted bool) {
		for _, f := range folders {
			tell(f, wanted)
		}
	}
	switch b := r.Body.(type) {
	case *offsets.Complete:
		all(b.Folders, true)
		all(b.Vacant, false)
	case *offsets.Replace:
		all(b.Reopens, false)
	case *offsets.Drop:
		all(b.Reopens, false)
	}
}

// settleMarker creates a marker, or removes it. Both may be done again.
func (w *worker) settleMarker(ctx context.Context, name string, wanted bool) error {
	for try := 0; ; try++ {
		var err error
		if wanted {
			var answer storage.Put
			switch answer, err = w.env.store.PutNew(ctx, name, nil); answer {
			case storage.Created:
				return nil
			case storage.Exists:
				// Perhaps it is only seen, and does not survive. The version's own marker would say that it was there.
				var durable storage.Durability
				if durable, err = w.env.store.Confirm(ctx, name); durable == storage.Durable {
					return nil
				}
			case storage.Refused:
				return atLeastPartial(fmt.Errorf("create %s: %w; the next run does it", name, errors.Join(offsets.ErrRefused, err)))
			}
			if err == nil {
				err = errors.New("the store's answer is unclear")
			}
		} else if err = w.env.store.Delete(ctx, name); err == nil {
			return nil
		}
		if try >= w.env.publishTries {
			return partial(fmt.Errorf("settle the marker %s: %w; the next run does it", name, err))
		}
		if perr := w.env.pause(ctx, try); perr != nil {
			return partial(fmt.Errorf("settle the marker %s: stopped (%w); the next run does it", name, perr))
		}
	}
}
