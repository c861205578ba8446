package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
)

// bundlesAtOnce is how many bundles one record replaces at most. commit_every bounds their bytes.
const bundlesAtOnce = 100

// A replacing is the task of a replace: live bundles are lifted again, whole, and swapped.
type replacing struct {
	b           *backfill
	set         *bundleSet
	incarnation int
	at          int64 // bundles of later versions are left alone
	parts       []*liveBundle
	refused     map[offsets.BundleRef]error // lifted, and not to be swapped
	shown       map[offsets.BundleRef]int   // where they stand in the plan
}

// prepareReplace finds out which bundles touch what was asked for.
func (b *backfill) prepareReplace(ctx context.Context) error {
	w, s := b.w, b.w.log.State()
	t := &replacing{b: b, set: newBundleSet(), incarnation: s.Incarnation, at: b.r.At, refused: map[offsets.BundleRef]error{}, shown: map[offsets.BundleRef]int{}}
	switch {
	case t.at < 0 || t.at > s.V:
		return usage(fmt.Errorf("%s: version %d does not exist: the log holds 1 to %d", w.topic, t.at, s.V))
	case t.at == 0:
		t.at = s.V
	}
	b.plan.Mode, b.plan.Swap, b.plan.At = ModeReplace, b.r.Swap, t.at
	if err := t.set.follow(ctx, w.log, s); err != nil {
		return err
	}
	var gone []error
	for _, lb := range t.set.all() {
		if !b.touches(lb) || !w.falls(b.r, lb) {
			continue
		}
		why, lost := t.leftAlone(lb)
		if lost != nil && b.from.kind != earliest {
			gone = append(gone, lost)
			continue
		}
		at := lb.shown()
		if why != "" {
			at.Why = why
			b.plan.LeftAlone = append(b.plan.LeftAlone, at)
			continue
		}
		t.shown[lb.ref] = len(b.plan.Bundles)
		b.plan.Bundles = append(b.plan.Bundles, at)
		for _, r := range at.Ranges {
			b.plan.Ranges = append(b.plan.Ranges, r)
			b.plan.Offsets += r.Offsets
		}
		b.plan.Rows += at.Rows
		b.plan.Quarantined += at.Quarantined
		b.plan.Dropped += at.Dropped
	}
	if len(gone) > 0 {
		return usage(errors.Join(gone...))
	}
	b.replaceNotes()
	w.task = t
	return nil
}

func (b *backfill) replaceNotes() {
	if len(b.plan.Bundles) == 0 && len(b.plan.LeftAlone) == 0 {
		b.note("nothing is lifted there: without --replace what nothing covers is lifted")
	}
	if b.plan.Dropped > 0 {
		b.note("of what is lifted again %d rows were dropped: they come back, as far as Kafka has them", b.plan.Dropped)
	}
}

// falls says whether a bundle falls to the shard.
func (w *worker) falls(r BackfillRequest, lb *liveBundle) bool {
	return r.Shards == 0 || shardOf(w.topic, lb.Segments[0].Partition, r.Shards) == r.Shard
}

// touches says whether a bundle has anything of what was asked for: an offset, or a record whose time lies between the bounds where they are
// times. A bundle that has no file of a partition is judged by its offsets alone.
func (b *backfill) touches(lb *liveBundle) bool {
	for _, s := range lb.Segments {
		i := slices.IndexFunc(b.spans, func(p partitionSpan) bool { return p.Partition.Partition == s.Partition })
		if i < 0 {
			continue
		}
		want := b.spans[i].want
		byOffset := s.From < want.To && want.From < s.To
		if b.from.kind != atTime && b.to.kind != atTime {
			if byOffset {
				return true
			}
			continue
		}
		if b.from.kind != atTime && s.To <= want.From || b.to.kind != atTime && s.From >= want.To {
			continue
		}
		timed := false
		for k := range lb.Files {
			f := &lb.Files[k]
			if f.RowsOf(s.Partition) == 0 {
				continue
			}
			timed = true
			if (b.from.kind != atTime || f.MaxTime >= b.from.time.UnixMilli()) && (b.to.kind != atTime || time.UnixMilli(f.MinTime).Before(b.to.time)) {
				return true
			}
		}
		if !timed && byOffset {
			return true
		}
	}
	return false
}

// leftAlone says why a bundle cannot be replaced, or "". lost is set where that is because the cluster no longer has all of it.
func (t *replacing) leftAlone(lb *liveBundle) (why string, lost error) {
	w, s := t.b.w, t.b.w.log.State()
	switch {
	case lb.ref.V > t.at:
		return fmt.Sprintf("it came after version %d", t.at), nil
	case !s.BundleLive(lb.ref):
		return "all files of its version were dropped: a log that has forgotten them cannot swap them; --into lifts them into another root", nil
	}
	for _, seg := range lb.Segments {
		i := slices.IndexFunc(w.desc.Partitions, func(p extract.Partition) bool { return p.Partition == seg.Partition })
		if i < 0 || w.desc.Partitions[i].Err != nil {
			return fmt.Sprintf("what Kafka has of partition %d cannot be told now", seg.Partition), nil
		}
		if p := w.desc.Partitions[i]; seg.From < p.LogStart {
			have := offsets.Range{From: p.LogStart, To: p.End(w.env.readCommitted)}
			return fmt.Sprintf("Kafka no longer has all of it: of partition %d it has %s", seg.Partition, have),
				fmt.Errorf("%s/%d: bundle %d of version %d has offsets %s, and Kafka only has %s of the partition: a bundle is lifted whole or not at all; %s takes the bundles that are still there",
					w.topic, seg.Partition, lb.ref.Bundle, lb.ref.V, offsets.Range{From: seg.From, To: seg.To}, have, t.b.again(fromEarliest))
		}
	}
	return "", nil
}

func (t *replacing) reachesEnd() bool { return false }

// plan lists the bundles of the plan that are still to be replaced.
func (t *replacing) plan(ctx context.Context) (n int64, err error) {
	w := t.b.w
	if err := w.log.ConfirmNewest(ctx); err != nil { // what is not in the set any more is held for done
		return 0, err
	}
	s := w.log.State()
	if err := sameIncarnation(w.topic, t.incarnation, s.Incarnation); err != nil {
		return 0, err
	}
	if err := t.set.follow(ctx, w.log, s); err != nil {
		return 0, err
	}
	t.parts = nil
	for _, lb := range t.set.all() {
		if !t.wants(s, lb) {
			continue
		}
		for _, seg := range lb.Segments {
			n += seg.To - seg.From
		}
		t.parts = append(t.parts, lb)
	}
	if n == 0 {
		return 0, t.refusals()
	}
	return n, nil
}

// wants says whether a bundle is of the plan, and neither replaced yet nor given up.
func (t *replacing) wants(s *offsets.State, lb *liveBundle) bool {
	w := t.b.w
	w.mu.Lock()
	defer w.mu.Unlock()
	_, planned := t.shown[lb.ref]
	return planned && t.refused[lb.ref] == nil && s.BundleLive(lb.ref) &&
		!slices.ContainsFunc(lb.Segments, func(seg offsets.Segment) bool { return w.failed[seg.Partition] != nil })
}

// refusals is the error of what was lifted and not swapped, at the end.
func (t *replacing) refusals() error {
	if len(t.refused) == 0 {
		return nil
	}
	var errs []error
	for _, lb := range t.set.all() {
		if err := t.refused[lb.ref]; err != nil {
			errs = append(errs, err)
		}
	}
	return halt(errors.Join(append(errs, t.b.w.failures())...))
}

// lift reads bundles again. Each is read whole, so that its segments stay what they are.
func (t *replacing) lift(ctx, hard context.Context) (*attempt, error) {
	var parts [][]extract.Range
	for _, lb := range t.parts[:min(len(t.parts), bundlesAtOnce)] {
		var part []extract.Range
		for _, s := range lb.Segments {
			part = append(part, extract.Range{Partition: s.Partition, First: s.From, Next: s.To})
		}
		parts = append(parts, part)
	}
	return t.b.w.liftParts(ctx, hard, parts, true)
}

// commit swaps the bundles that were read, in one record.
func (t *replacing) commit(ctx context.Context, a *attempt) (bool, error) {
	w := t.b.w
	if err := w.sameLog(ctx, a.bundles); err != nil {
		w.discardBundles(ctx, a.bundles)
		return false, err
	}
	p := &replacement{swap: t.b.r.Swap, set: w.set, clock: a.clock, attempt: a.id, began: a.clock, schemas: w.schemas}
	var old []*liveBundle
	for _, fresh := range a.bundles {
		lb := t.madeFrom(&fresh)
		if err := t.fewer(lb, &fresh); err != nil {
			t.refused[lb.ref] = err
			w.discardBundles(ctx, []offsets.Bundle{fresh}) // nothing was proposed, so nothing names them
			continue
		}
		old = append(old, lb)
		p.remove, p.add, p.made = append(p.remove, lb.ref), append(p.add, fresh), append(p.made, lb.live()...)
	}
	if len(old) == 0 {
		return false, nil
	}
	var err error
	if p.changes, err = w.keepTarget(ctx); err != nil {
		w.discardBundles(ctx, p.add)
		return false, err
	}
	rec, err := w.replace(ctx, p)
	switch {
	case rec != nil:
		w.committed(rec, p.add)
		w.before = w.set
		t.note(rec.V, old, p.add)
		return true, err
	case errors.Is(err, errOvertaken):
		w.env.log.Info("another worker was first", "topic", w.topic, "attempt", a.id)
		return false, nil
	case errors.Is(err, offsets.ErrUnresolved):
		return false, err
	}
	return false, fmt.Errorf("%s: replace: %w", w.topic, err)
}

// madeFrom finds the bundle that was lifted again, and gives the fresh one what only a run can know.
func (t *replacing) madeFrom(fresh *offsets.Bundle) *liveBundle {
	first := fresh.Segments[0]
	i := slices.IndexFunc(t.parts, func(lb *liveBundle) bool {
		return slices.ContainsFunc(lb.Segments, func(s offsets.Segment) bool { return s.Partition == first.Partition && s.From == first.From })
	})
	lb := t.parts[i]
	for k := range fresh.Segments {
		s := &fresh.Segments[k]
		for _, before := range lb.Segments {
			if before.Partition == s.Partition {
				s.AtEnd, s.EndTime = before.AtEnd, before.EndTime
			}
		}
	}
	return lb
}

// fewer refuses a bundle that has fewer records than the one that is there. What was dropped comes back with it, and counts as there: it
// must not stand for records that do not come back.
func (t *replacing) fewer(lb *liveBundle, fresh *offsets.Bundle) error {
	before, rows := lb.shown(), int64(0)
	for i := range fresh.Files {
		rows += fresh.Files[i].Rows
	}
	have, with := before.Rows+before.Quarantined, ""
	if before.Dropped > 0 {
		with = fmt.Sprintf(", and %d that were dropped", before.Dropped)
	}
	if rows < have+before.Dropped && !t.b.r.AllowFewer {
		return fmt.Errorf("%s: bundle %d of version %d has %d rows and quarantined records%s, and only %d come back from Kafka (compacted, or other policies): it stays as it is; %s replaces it all the same",
			t.b.w.topic, lb.ref.Bundle, lb.ref.V, have, with, rows, t.b.again(func(r *BackfillRequest) { r.AllowFewer = true }))
	}
	return nil
}

// note says in the plan what became of bundles.
func (t *replacing) note(v int64, old []*liveBundle, fresh []offsets.Bundle) {
	for i, lb := range old {
		at := &t.b.plan.Bundles[t.shown[lb.ref]]
		at.Replaced = v
		for k := range fresh[i].Files {
			if f := &fresh[i].Files[k]; f.Kind == offsets.KindData {
				at.NewRows += f.Rows
			} else {
				at.NewBad += f.Rows
			}
		}
	}
}
