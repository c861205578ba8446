package jobs

import (
	"cmp"
	"context"
	"slices"

	"shadoof/offsets"
)

// A bundleSet is the bundles of a topic that were neither replaced nor are of another incarnation than the newest, after a version.
type bundleSet struct {
	v           int64
	id          string // of record v: one that vanishes may have another in its slot
	incarnation int
	bundles     map[offsets.BundleRef]*liveBundle
	files       map[offsets.FileRef]*liveBundle
}

// A liveBundle is a bundle, with those of its files that were dropped.
type liveBundle struct {
	offsets.Bundle
	ref     offsets.BundleRef
	dropped map[string]bool
}

func newBundleSet() *bundleSet {
	return &bundleSet{bundles: map[offsets.BundleRef]*liveBundle{}, files: map[offsets.FileRef]*liveBundle{}}
}

// follow takes in the records up to the newest of a state that came since. Where what was taken in is not of that log, because it vanished
// since, it begins anew.
func (s *bundleSet) follow(ctx context.Context, log *offsets.Log, state *offsets.State) error {
	if s.v > state.V || s.v == state.V && s.id != state.ID {
		*s = *newBundleSet()
	}
	first := s.v + 1
	for r, err := range log.Records(ctx, first, state.V) {
		if err != nil {
			return err
		}
		if r.Prev != s.id && r.V == first && first > 1 {
			*s = *newBundleSet()
			return s.follow(ctx, log, state)
		}
		s.take(r)
	}
	return nil
}

func (s *bundleSet) take(r *offsets.Record) {
	s.v, s.id = r.V, r.ID
	switch b := r.Body.(type) {
	case *offsets.Incarnate:
		s.incarnation = b.Incarnation
		clear(s.bundles)
		clear(s.files)
	case *offsets.Init:
		s.incarnation = b.Incarnation
	case *offsets.Drop:
		for _, f := range b.Files {
			if at := s.files[f]; at != nil {
				at.dropped[f.Key] = true
			}
		}
	case *offsets.Replace:
		for _, ref := range b.Remove {
			if at := s.bundles[ref]; at != nil {
				for i := range at.Files {
					delete(s.files, offsets.FileRef{V: ref.V, Key: at.Files[i].Key})
				}
				delete(s.bundles, ref)
			}
		}
	}
	l := r.Lift()
	if l == nil {
		return
	}
	for n, b := range l.Bundles {
		at := &liveBundle{b, offsets.BundleRef{V: r.V, Bundle: n}, map[string]bool{}}
		s.bundles[at.ref] = at
		for i := range b.Files {
			s.files[offsets.FileRef{V: r.V, Key: b.Files[i].Key}] = at
		}
	}
}

// all lists the bundles in the order of the log.
func (s *bundleSet) all() []*liveBundle {
	out := make([]*liveBundle, 0, len(s.bundles))
	for _, b := range s.bundles {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b *liveBundle) int {
		return cmp.Or(cmp.Compare(a.ref.V, b.ref.V), cmp.Compare(a.ref.Bundle, b.ref.Bundle))
	})
	return out
}

// live lists the files that were not dropped.
func (b *liveBundle) live() (refs []offsets.FileRef) {
	for i := range b.Files {
		if !b.dropped[b.Files[i].Key] {
			refs = append(refs, offsets.FileRef{V: b.ref.V, Key: b.Files[i].Key})
		}
	}
	return refs
}

// shown is what a report says of the bundle.
func (b *liveBundle) shown() BackfillBundle {
	out := BackfillBundle{V: b.ref.V, Bundle: b.ref.Bundle, Ranges: []PlanPartition{}}
	for _, s := range b.Segments {
		out.Ranges = append(out.Ranges, PlanPartition{s.Partition, s.From, s.To, s.To - s.From})
		out.Dropped += s.Gaps.Dropped // from the bundle that this one replaced
	}
	for i := range b.Files {
		f := &b.Files[i]
		switch {
		case b.dropped[f.Key]:
			out.Dropped += f.Rows
			continue
		case f.Kind == offsets.KindData:
			out.Rows += f.Rows
		default:
			out.Quarantined += f.Rows
		}
		out.Files++
	}
	return out
}
