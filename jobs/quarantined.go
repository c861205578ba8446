package jobs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"shadoof/offsets"
	"shadoof/record"
	"shadoof/storage"
	"shadoof/writers"
)

// A quarantinedBundle is a live bundle that has quarantine files.
type quarantinedBundle struct {
	ref  offsets.BundleRef
	lift *offsets.Lift // of its record
	*offsets.Bundle
	data    []liveFile // live ones, as they are by now, in the order of the record
	bad     []liveFile
	dropped []offsets.File
}

// quarantinedBundles lists the bundles with live quarantine files, in order; of these versions, or of all.
func (w *worker) quarantinedBundles(ctx context.Context, live map[string]liveFile, versions []int64) (out []*quarantinedBundle, err error) {
	seen := map[offsets.BundleRef]bool{}
	for _, key := range slices.Sorted(maps.Keys(live)) {
		f := live[key]
		ref := offsets.BundleRef{V: f.v, Bundle: f.bundle}
		if f.Kind != offsets.KindQuarantine || seen[ref] || len(versions) > 0 && !slices.Contains(versions, f.v) {
			continue
		}
		seen[ref] = true
		b := &quarantinedBundle{ref: ref}
		if b.Bundle, b.lift, err = w.findBundle(ctx, ref); err != nil {
			return nil, err
		}
		for _, named := range b.Files {
			f, ok := live[named.Key]
			switch {
			case !ok:
				b.dropped = append(b.dropped, named)
			case f.Kind == offsets.KindQuarantine:
				b.bad = append(b.bad, f)
			default:
				b.data = append(b.data, f)
			}
		}
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b *quarantinedBundle) int {
		return cmp.Or(cmp.Compare(a.ref.V, b.ref.V), cmp.Compare(a.ref.Bundle, b.ref.Bundle))
	})
	return out, nil
}

// eachQuarantined reads quarantine files back, in order. What each is given is good until it returns.
func (e *Env) eachQuarantined(ctx context.Context, files []liveFile, each func(*record.Raw, *record.BadRecord) error) error {
	for _, f := range files {
		reader, err := e.drivers.Reader(f.Key)
		if err != nil {
			return err
		}
		records, ok := reader.(writers.RecordReader)
		if !ok {
			return fmt.Errorf("%s: files of this kind cannot be read back", f.Key)
		}
		rows := int64(0)
		err = records.Records(ctx, storage.ReaderAt(ctx, e.store, f.Key, f.Bytes), f.Bytes, func(r *record.Raw, bad *record.BadRecord) error {
			rows++
			return each(r, bad)
		})
		if err != nil {
			return fmt.Errorf("%s (version %d): %w", f.Key, f.v, err)
		}
		if rows != f.Rows {
			return halt(fmt.Errorf("%s (version %d) holds %d records, and %d were committed: `shadoof verify --deep` says more", f.Key, f.v, rows, f.Rows))
		}
	}
	return nil
}
