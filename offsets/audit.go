package offsets

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An Audit folds a log from its first record, and checks also what Fold cannot, since only the earlier records tell it: that no
// attempt is named twice, that what is removed or repaired exists and is live, that a replace adds the segments that it removes,
// and makes files of none but those, that emptied versions are empty, and that each lift adds up. It remembers the keys of all live files.
type Audit struct {
	state    *State
	attempts map[string]int64           // by which version
	bundles  map[BundleRef]*auditBundle // live ones
	files    map[FileRef]int            // live ones: their bundle
}

type auditBundle struct {
	incarnation int
	segments    []segmentRange
	files       []string // live ones
}

type segmentRange struct {
	partition int32
	Range
}

// NewAudit returns an audit that expects the record of slot 1.
func NewAudit() *Audit {
	return &Audit{NewState(), map[string]int64{}, map[BundleRef]*auditBundle{}, map[FileRef]int{}}
}

// State is the fold of the records applied so far.
func (a *Audit) State() *State { return a.state }

// Apply takes the next record. An error wraps ErrDamaged, and leaves the audit as it was.
func (a *Audit) Apply(r *Record) error {
	s, err := Fold(a.state, r)
	if err != nil {
		return err
	}
	if err := a.check(r); err != nil {
		return fmt.Errorf("record %d (%s, id %s) does not go with those before it: %w: %w", r.V, r.Type, r.ID, err, ErrDamaged)
	}
	a.take(r)
	a.state = s
	return nil
}

func (a *Audit) check(r *Record) error {
	if at := attemptOf(r.Body); at != "" && a.attempts[at] != 0 {
		return fmt.Errorf("record %d names attempt %s already", a.attempts[at], at)
	}
	if l := r.Lift(); l != nil {
		if err := l.check(); err != nil {
			return err
		}
		if err := a.checkOrigins(r.Body, l); err != nil {
			return err
		}
	}
	switch b := r.Body.(type) {
	case *Complete:
		return a.checkOpen(b)
	case *Replace:
		if err := a.checkReplace(b); err != nil {
			return err
		}
		for _, ref := range b.Remove {
			for _, key := range a.bundles[ref].files {
				if err := a.checkReopened(b.Reopens, key); err != nil {
					return err
				}
			}
		}
		return a.checkEmptied(b.Emptied, b.Remove, nil)
	case *Drop:
		for _, f := range b.Files {
			if _, ok := a.files[f]; !ok {
				return fmt.Errorf("version %d has no live file %s", f.V, f.Key)
			}
			if err := a.checkReopened(b.Reopens, f.Key); err != nil {
				return err
			}
		}
		return a.checkEmptied(b.Emptied, nil, b.Files)
	case *Repair:
		if _, ok := a.files[b.File]; !ok {
			return fmt.Errorf("version %d has no live file %s", b.File.V, b.File.Key)
		}
	}
	return nil
}

// checkOpen says whether the first record that tracks folders knows all that have data files.
func (a *Audit) checkOpen(b *Complete) error {
	if b.Off || a.state.Complete.IsTracked() {
		return nil
	}
	for f := range a.files {
		if _, ok := slices.BinarySearch(b.Open, FolderOf(f.Key)); !ok && !strings.HasPrefix(f.Key, "_shadoof/") {
			return fmt.Errorf("it begins to track folders, and leaves out that of %s", f.Key)
		}
	}
	return nil
}

// checkReopened says whether a record that removes a file reopens its folder, where folders may be complete.
func (a *Audit) checkReopened(folders []string, key string) error {
	if a.state.Complete == nil || strings.HasPrefix(key, "_shadoof/") {
		return nil
	}
	if _, ok := slices.BinarySearch(folders, FolderOf(key)); !ok {
		return fmt.Errorf("it removes %s, and does not reopen its folder", key)
	}
	return nil
}

func (a *Audit) checkReplace(b *Replace) error {
	var old, fresh []segmentRange
	for _, ref := range b.Remove {
		bundle := a.bundles[ref]
		if bundle == nil {
			return fmt.Errorf("version %d has no live bundle %d", ref.V, ref.Bundle)
		}
		if bundle.incarnation != b.Incarnation {
			return fmt.Errorf("bundle %d of version %d is of incarnation %d", ref.Bundle, ref.V, bundle.incarnation)
		}
		old = append(old, bundle.segments...)
	}
	for _, bundle := range b.Bundles {
		fresh = append(fresh, segmentsOf(bundle)...)
	}
	sortSegments(old)
	sortSegments(fresh)
	if !slices.Equal(old, fresh) {
		return fmt.Errorf("it removes the segments %v, but adds %v", old, fresh)
	}
	return nil
}

// checkOrigins says whether files that were made of others name live ones that the same record removes.
func (a *Audit) checkOrigins(body Body, l *Lift) error {
	var going []BundleRef
	if b, ok := body.(*Replace); ok {
		going = b.Remove
	}
	for _, b := range l.Bundles {
		for i := range b.Files {
			for _, ref := range b.Files[i].origins() {
				bundle, live := a.files[ref]
				if !live || !slices.Contains(going, BundleRef{ref.V, bundle}) {
					return fmt.Errorf("file %.200s was made of %.200s of version %d, which is not a file that the record removes", b.Files[i].Key, ref.Key, ref.V)
				}
			}
		}
	}
	return nil
}

func (f *File) origins() []FileRef {
	if f.CopyOf != nil {
		return append(slices.Clone(f.RetryOf), *f.CopyOf)
	}
	return f.RetryOf
}

// checkEmptied says whether versions have no live file but those that go.
func (a *Audit) checkEmptied(emptied []Range, bundles []BundleRef, files []FileRef) error {
	if len(emptied) == 0 {
		return nil
	}
	going := map[FileRef]bool{}
	for _, f := range files {
		going[f] = true
	}
	for f, bundle := range a.files {
		if overlaps(emptied, Range{f.V, f.V + 1}) && !going[f] && !slices.Contains(bundles, BundleRef{f.V, bundle}) {
			return fmt.Errorf("it empties version %d, whose file %s is live", f.V, f.Key)
		}
	}
	return nil
}

func (a *Audit) take(r *Record) {
	if at := attemptOf(r.Body); at != "" {
		a.attempts[at] = r.V
	}
	switch b := r.Body.(type) {
	case *Replace:
		for _, ref := range b.Remove {
			for _, key := range a.bundles[ref].files {
				delete(a.files, FileRef{ref.V, key})
			}
			delete(a.bundles, ref)
		}
	case *Drop:
		for _, f := range b.Files {
			delete(a.files, f)
		}
	}
	l := r.Lift()
	if l == nil {
		return
	}
	for i, b := range l.Bundles {
		kept := &auditBundle{incarnation: l.Incarnation, segments: segmentsOf(b)}
		for _, f := range b.Files {
			kept.files = append(kept.files, f.Key)
			a.files[FileRef{r.V, f.Key}] = i
		}
		a.bundles[BundleRef{r.V, i}] = kept
	}
}

func attemptOf(body Body) string {
	if b, ok := body.(*Repair); ok {
		return b.Attempt
	}
	if l := liftOf(body); l != nil {
		return l.Attempt
	}
	return ""
}

func segmentsOf(b Bundle) (out []segmentRange) {
	for _, s := range b.Segments {
		out = append(out, segmentRange{s.Partition, Range{s.From, s.To}})
	}
	return out
}

func sortSegments(s []segmentRange) {
	slices.SortFunc(s, func(a, b segmentRange) int {
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}

// check says whether a lift is sound in itself: what it must be before it is proposed, but a log that holds one which is not can
// still be folded.
func (l *Lift) check() error {
	keys := map[string]bool{}
	for i, b := range l.Bundles {
		if err := b.check(); err != nil {
			return fmt.Errorf("bundle %d: %w", i, err)
		}
		for _, f := range b.Files {
			if keys[f.Key] {
				return fmt.Errorf("bundle %d: file %s stands in the record twice", i, f.Key)
			}
			keys[f.Key] = true
		}
	}
	return nil
}

// check says whether, for each segment, rows, quarantined records and gaps are as many as its offsets, and whether each file has what
// it takes to publish and to rebuild it.
func (b *Bundle) check() error {
	for i := range b.Files {
		if err := b.Files[i].check(b.Segments); err != nil {
			return fmt.Errorf("file %.200s: %w", b.Files[i].Key, err)
		}
	}
	for _, s := range b.Segments {
		var rows int64
		for i := range b.Files {
			rows += b.Files[i].RowsOf(s.Partition)
		}
		if gaps := s.Gaps.Total(); rows+gaps != s.To-s.From {
			return fmt.Errorf("%d rows and %d offsets without one are not the %d offsets of partition %d", rows, gaps, s.To-s.From, s.Partition)
		}
	}
	return nil
}

func (f *File) check(segments []Segment) error {
	switch {
	case f.Key == "":
		return errors.New("it has no key")
	case f.Kind != KindData && f.Kind != KindQuarantine:
		return fmt.Errorf("unknown kind %.20q", f.Kind)
	case f.Bytes <= 0 || f.Rows <= 0:
		return fmt.Errorf("%d bytes, %d rows", f.Bytes, f.Rows)
	case len(f.Token) == 0 || !json.Valid(f.Token):
		return errors.New("its token is not JSON")
	case len(f.Ranges) == 0:
		return errors.New("it has no range")
	}
	var rows int64
	for i, r := range f.Ranges {
		if slices.ContainsFunc(f.Ranges[:i], func(other FileRange) bool { return other.Partition == r.Partition }) {
			return fmt.Errorf("it has two ranges of partition %d", r.Partition)
		}
		rows += f.RowsOf(r.Partition)
		if r.Last < r.First || !slices.ContainsFunc(segments, func(s Segment) bool {
			return s.Partition == r.Partition && s.From <= r.First && r.Last < s.To
		}) {
			return fmt.Errorf("its range %d/[%d,%d] lies in no segment", r.Partition, r.First, r.Last)
		}
	}
	if rows != f.Rows {
		return fmt.Errorf("its ranges have %d rows of %d", rows, f.Rows)
	}
	return nil
}

// Total is the number of offsets without a row.
func (g *Gaps) Total() int64 {
	n := g.Control + g.Aborted + g.Compacted + g.Tombstone + g.Dropped
	for _, ranges := range [][]Range{g.Retention, g.Truncated, g.Operator, g.Unexplained} {
		for _, r := range ranges {
			n += r.Len()
		}
	}
	return n
}
