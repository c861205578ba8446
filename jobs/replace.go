package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"shadoof/offsets"
)

// A replacement is what is to take the place of live bundles, in one record.
type replacement struct {
	remove []offsets.BundleRef
	add    []offsets.Bundle // staged, of the same segments
	swap   string           // offsets.HideFirst, offsets.ShowFirst
	tried  []string         // see offsets.Replace

	set     *Settings         // by which what is added was made,
	clock   time.Time         // and by which time
	schemas *schemas          // that were met; nil for none
	changes []string          // of the rows
	attempt string            // that staged it
	began   time.Time         // when that was
	made    []offsets.FileRef // live files of these bundles that it was made of: none may have been dropped meanwhile
}

// errOvertaken ends a replace whose bundles are no longer what they were when it was planned.
var errOvertaken = errors.New("somebody else has replaced or dropped files of these bundles meanwhile")

// An unsettledError says which versions have to be carried out before bundles can be replaced.
type unsettledError struct{ versions []int64 }

func (e *unsettledError) Error() string {
	return fmt.Sprintf("versions %v are not carried out yet", e.versions)
}

// A replaceTarget is the bundles of a replace, and what must be known of them: which files their records name, and how many bundles.
type replaceTarget struct {
	refs    map[offsets.BundleRef]bool
	files   map[offsets.FileRef]offsets.BundleRef // all that were ever theirs
	bundles map[int64]int                         // how many their versions have
}

// targetOfReplace reads the records of bundles.
func (w *worker) targetOfReplace(ctx context.Context, refs []offsets.BundleRef) (*replaceTarget, error) {
	t := &replaceTarget{map[offsets.BundleRef]bool{}, map[offsets.FileRef]offsets.BundleRef{}, map[int64]int{}}
	for _, ref := range refs {
		b, l, err := w.findBundle(ctx, ref)
		if err != nil {
			return nil, err
		}
		t.refs[ref], t.bundles[ref.V] = true, len(l.Bundles)
		for i := range b.Files {
			t.files[offsets.FileRef{V: ref.V, Key: b.Files[i].Key}] = ref
		}
	}
	return t, nil
}

// concerns says whether a record is about one of the bundles: it is theirs, drops files of them, or repairs one.
func (t *replaceTarget) concerns(r *offsets.Record) bool {
	switch b := r.Body.(type) {
	case *offsets.Drop:
		for _, f := range b.Files {
			if _, ok := t.files[f]; ok {
				return true
			}
		}
	case *offsets.Repair:
		_, ok := t.files[b.File]
		return ok
	}
	_, ok := t.bundles[r.V]
	return ok
}

// unsettled lists the versions about these bundles that have no marker, as far as the log is known.
func (w *worker) unsettled(ctx context.Context, t *replaceTarget) (open []int64, err error) {
	for fresh := false; ; fresh = true {
		open = nil
		for _, v := range w.log.Unmarked() {
			r, err := w.log.Record(ctx, v)
			if err != nil {
				return nil, err
			}
			if t.concerns(r) {
				open = append(open, v)
			}
		}
		if len(open) == 0 || fresh {
			return open, nil
		}
		if err := w.log.RefreshMarks(ctx); err != nil { // whoever appended them may have carried them out by now
			return nil, err
		}
	}
}

// settle carries out every version about these bundles that has no marker.
func (w *worker) settle(ctx context.Context, t *replaceTarget) error {
	for {
		if err := w.log.ConfirmNewest(ctx); err != nil {
			return err
		}
		open, err := w.unsettled(ctx, t)
		if err != nil || len(open) == 0 {
			return err
		}
		for _, v := range open {
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

// replace appends the record that swaps bundles, and carries it out. Whatever comes of it, what was staged is seen to. After
// errOvertaken nothing was appended: the caller plans anew.
func (w *worker) replace(ctx context.Context, p *replacement) (*offsets.Record, error) {
	fail := func(err error) (*offsets.Record, error) {
		if !errors.Is(err, offsets.ErrUnresolved) { // otherwise the record may still land: every staged file stays as it is
			w.discardBundles(ctx, p.add)
		}
		return nil, err
	}
	t, err := w.targetOfReplace(ctx, p.remove)
	if err != nil {
		return fail(err)
	}
	settings, err := w.log.PutSettings(ctx, p.set.bytes())
	if err != nil {
		return fail(fmt.Errorf("%s: store the settings of the commit: %w", w.topic, err))
	}
	body := &offsets.Replace{Remove: p.remove, Swap: p.swap, Tried: p.tried, Lift: offsets.Lift{
		Incarnation: w.log.State().Incarnation, Attempt: p.attempt, Settings: settings, Clock: p.clock, Changes: p.changes, Bundles: p.add,
	}}
	if p.schemas != nil {
		p.schemas.note(&body.Lift)
	}
	w.env.hook("before-put")
	for {
		rec, err := w.append(ctx, func(s *offsets.State) (offsets.Body, error) { return w.decideReplace(ctx, s, p, t, body) })
		var open *unsettledError
		if errors.As(err, &open) {
			if err := w.settle(ctx, t); err != nil {
				return fail(err)
			}
			continue
		}
		if err != nil {
			return fail(err)
		}
		// Decided: the record stands in slot rec.V. From here on there is only forward.
		w.env.hook("committed")
		if err := w.carryOut(ctx, rec); err != nil {
			return rec, atLeastPartial(err)
		}
		return rec, nil
	}
}

// decideReplace checks what holds in state s, which ends right before the slot to be filled.
func (w *worker) decideReplace(ctx context.Context, s *offsets.State, p *replacement, t *replaceTarget, body *offsets.Replace) (offsets.Body, error) {
	if s.Incarnation != body.Incarnation || w.desc != nil && changedTopic(s, w.desc) != "" || s.Fenced[p.attempt] {
		return nil, errOvertaken
	}
	for _, ref := range p.remove {
		if !s.BundleLive(ref) {
			return nil, errOvertaken
		}
	}
	for _, f := range p.made {
		if !s.Live(f.V, t.files[f].Bundle, f.Key) {
			return nil, errOvertaken
		}
	}
	if w.env.now().Sub(p.began) > stageLifetime {
		return nil, errTooOld
	}
	open, err := w.unsettled(ctx, t)
	if err != nil {
		return nil, err
	}
	if len(open) > 0 {
		return nil, &unsettledError{open}
	}
	fresh := *body
	fresh.Emptied = t.emptied(s)
	return &fresh, nil
}

// emptied are the versions all bundles of which are replaced, with these.
func (t *replaceTarget) emptied(s *offsets.State) (out []offsets.Range) {
	for _, v := range slices.Sorted(maps.Keys(t.bundles)) {
		live := false
		for n := range t.bundles[v] {
			ref := offsets.BundleRef{V: v, Bundle: n}
			live = live || s.BundleLive(ref) && !t.refs[ref]
		}
		if !live {
			out = append(out, offsets.Range{From: v, To: v + 1})
		}
	}
	return out
}
