package jobs

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"shadoof/offsets"
)

// swap carries out both halves of a replace in the order that its record says. It may be begun again at any time, and by any number of
// processes at once: a half that is done stays done.
func (w *worker) swap(ctx context.Context, v int64, b *offsets.Replace) error {
	hide := func() error { return w.removeBundles(ctx, v, b.Remove) }
	show := func() error { return w.publishAll(ctx, v, b.Bundles) }
	first, second := hide, show
	if b.Swap == offsets.ShowFirst {
		first, second = show, hide
	}
	if err := first(); err != nil {
		return err
	}
	// Hide first: none of the old files is there, nor can come back. Show first: all new files that are still live were seen.
	w.env.hook("half-swapped")
	return second()
}

// removeBundles finishes the removal of all files that bundles have. Those that were dropped before are gone already, which a look tells.
func (w *worker) removeBundles(ctx context.Context, v int64, refs []offsets.BundleRef) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.env.publishers)
	for _, ref := range refs {
		b, _, err := w.findBundle(ctx, ref)
		if err != nil {
			return fmt.Errorf("%w: %w", err, g.Wait())
		}
		for i := range b.Files {
			f := &b.Files[i]
			g.Go(func() error {
				if err := w.remove(ctx, ref.V, f); err != nil {
					return fmt.Errorf("%s: version %d: %w", w.topic, v, err)
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// findBundle reads the record that committed a bundle.
func (w *worker) findBundle(ctx context.Context, ref offsets.BundleRef) (*offsets.Bundle, *offsets.Lift, error) {
	r, err := w.log.Record(ctx, ref.V)
	if err != nil {
		return nil, nil, err
	}
	l := r.Lift()
	if l == nil || ref.Bundle >= len(l.Bundles) {
		return nil, nil, fmt.Errorf("%s: version %d is a %s without bundle %d: %w", w.topic, ref.V, r.Type, ref.Bundle, offsets.ErrDamaged)
	}
	return &l.Bundles[ref.Bundle], l, nil
}
