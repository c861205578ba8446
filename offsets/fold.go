package offsets

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// Fold returns the state after record r, or says why r is not valid after s: such an error wraps ErrDamaged. It is a pure
// function: s stays as it is, and shares what did not change with the new state.
func Fold(s *State, r *Record) (*State, error) {
	n, err := fold(s, r)
	if err != nil {
		return nil, fmt.Errorf("record %d (%s, id %.32s) is not valid where it stands: %w: %w", r.V, r.Type, r.ID, err, ErrDamaged)
	}
	return n, nil
}

// FoldAll folds a whole log from slot 1, and checks all that an Audit does. Its errors wrap ErrDamaged, but for those of the sequence.
func FoldAll(records iter.Seq2[*Record, error]) (*State, error) {
	a := NewAudit()
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		if err := a.Apply(r); err != nil {
			return nil, err
		}
	}
	return a.State(), nil
}

// A foldable body checks the column "valid iff" of its type against n, and applies itself to it. n is a copy of the state before,
// with V set to the record's; what its maps and slices hold belongs to older states. at is the record's time.
type foldable interface {
	Body
	fold(n *State, at time.Time) error
}

func fold(s *State, r *Record) (*State, error) {
	switch {
	case r.Format > Format || r.Level > Level:
		return nil, &newerError{r.Format, r.Level}
	case r.V != s.V+1:
		return nil, fmt.Errorf("it follows record %d", s.V)
	case r.Prev != s.ID:
		return nil, fmt.Errorf("its prev is %.32q, but record %d has id %.32q", r.Prev, s.V, s.ID)
	}
	b, ok := r.Body.(foldable)
	if !ok || b.RecordType() != r.Type {
		return nil, fmt.Errorf("its body is a %T", r.Body)
	}
	n := *s
	n.V, n.ID = r.V, r.ID
	if err := b.fold(&n, r.Time); err != nil {
		return nil, err
	}
	return &n, nil
}

func (b *Init) fold(n *State, at time.Time) error {
	switch {
	case n.Incarnation == 0 && b.Incarnation != 1, n.Incarnation != 0 && b.Incarnation != n.Incarnation:
		return fmt.Errorf("it is for incarnation %d, but %d is the current one", b.Incarnation, n.Incarnation)
	case len(b.Partitions) == 0:
		return errors.New("it names no partition")
	}
	if n.Incarnation == 0 {
		n.Incarnation, n.Cluster, n.TopicID = 1, b.Cluster, b.TopicID
	}
	n.Partitions = maps.Clone(n.Partitions)
	for _, p := range b.Partitions {
		if p.Mark != nil {
			return fmt.Errorf("partition %d has the mark of a batch that was lifted", p.Partition)
		}
		if err := n.start(p, at); err != nil {
			return err
		}
	}
	return nil
}

// start gives a partition its first offset. The map of partitions is the record's own by then.
func (s *State) start(p PartitionStart, at time.Time) error {
	if _, there := s.Partitions[p.Partition]; there {
		return fmt.Errorf("partition %d has a state already", p.Partition)
	}
	if p.Partition < 0 || p.Start < 0 || p.Epoch < -1 {
		return fmt.Errorf("partition %d starts at %d with epoch %d", p.Partition, p.Start, p.Epoch)
	}
	s.Partitions[p.Partition] = PartitionState{Start: p.Start, Next: p.Start, Epoch: p.Epoch, Mark: p.Mark, Since: at.UnixMilli()}
	return nil
}

func (b *Incarnate) fold(n *State, at time.Time) error {
	if b.Incarnation != n.Incarnation+1 {
		return fmt.Errorf("it begins incarnation %d, but %d is the current one", b.Incarnation, n.Incarnation)
	}
	n.Incarnation, n.Cluster, n.TopicID = b.Incarnation, b.Cluster, b.TopicID
	// The coverage of the incarnation before is history now; files, repairs and fences do not depend on it.
	n.Partitions = map[int32]PartitionState{}
	for _, p := range b.Partitions {
		if err := n.start(p, at); err != nil {
			return err
		}
	}
	return nil
}

func (b *Commit) fold(n *State, at time.Time) error {
	seen := map[int32]bool{}
	return b.Lift.fold(n, func(p *PartitionState, s Segment) error {
		switch {
		case seen[s.Partition]:
			return errors.New("it stands in two segments")
		case s.From != p.Next:
			return fmt.Errorf("the segment starts at %d, but %d is next", s.From, p.Next)
		}
		seen[s.Partition] = true
		p.Coverage = union(p.Coverage, Range{s.From, s.To})
		if s.To > s.From {
			p.Since = at.UnixMilli()
		}
		p.Next = s.To
		p.Passed = max(p.Passed, s.passed(b.Clock))
		if s.Epoch >= 0 {
			p.Epoch = s.Epoch
		}
		if s.Mark != nil {
			p.Mark = s.Mark
		}
		return nil
	})
}

func (b *Fill) fold(n *State, _ time.Time) error {
	return b.Lift.fold(n, func(p *PartitionState, s Segment) error {
		r := Range{s.From, s.To}
		switch {
		case r.IsEmpty():
			return fmt.Errorf("the segment %s is empty", r)
		case s.To > p.Next:
			return fmt.Errorf("the segment %s goes beyond %d, which is next", r, p.Next)
		case overlaps(p.Coverage, r):
			return fmt.Errorf("a part of %s is covered already", r)
		}
		p.Coverage = union(p.Coverage, r)
		// What was skipped behind the last batch has a later one, by which the log is known from here on.
		if s.Mark != nil && s.Epoch >= 0 && (p.Mark == nil || s.Mark.Offset > p.Mark.Offset) {
			p.Epoch, p.Mark = s.Epoch, s.Mark
		}
		return nil
	})
}

func (b *Replace) fold(n *State, _ time.Time) error {
	if b.Swap != HideFirst && b.Swap != ShowFirst {
		return fmt.Errorf("unknown swap %.20q", b.Swap)
	}
	if len(b.Remove) == 0 {
		return errors.New("it removes no bundle")
	}
	if err := n.removeBundles(b.Remove); err != nil {
		return err
	}
	if err := n.forget(b.Emptied); err != nil {
		return err
	}
	if err := n.reopen(b.Reopens); err != nil {
		return err
	}
	// The segments are those of the bundles that go, so they are covered and change nothing.
	return b.Lift.fold(n, func(p *PartitionState, s Segment) error {
		if r := (Range{s.From, s.To}); !covers(p.Coverage, r) {
			return fmt.Errorf("the segment %s is not covered", r)
		}
		return nil
	})
}

// fold checks what all lifts have in common, and lets each segment check and change its partition.
func (l *Lift) fold(n *State, each func(*PartitionState, Segment) error) error {
	if l.Incarnation != n.Incarnation {
		return fmt.Errorf("it is for incarnation %d, but %d is the current one", l.Incarnation, n.Incarnation)
	}
	if err := n.admits(l.Attempt); err != nil {
		return err
	}
	if l.Attached != nil && l.Bundles == nil {
		return errors.New("its attachment was not read")
	}
	if len(l.Bundles) == 0 {
		return errors.New("it has no bundle")
	}
	n.Partitions = maps.Clone(n.Partitions)
	for i, b := range l.Bundles {
		if len(b.Segments) == 0 {
			return fmt.Errorf("bundle %d has no segment", i)
		}
		for _, s := range b.Segments {
			p, ok := n.Partitions[s.Partition]
			switch {
			case !ok:
				return fmt.Errorf("partition %d has no state", s.Partition)
			case s.From < 0 || s.To < s.From || s.Epoch < -1:
				return fmt.Errorf("partition %d: segment %s, epoch %d", s.Partition, Range{s.From, s.To}, s.Epoch)
			case !s.epochsFit():
				return fmt.Errorf("partition %d: the epochs of segment %s are %v, and the last one is %d", s.Partition, Range{s.From, s.To}, s.Epochs, s.Epoch)
			}
			if err := each(&p, s); err != nil {
				return fmt.Errorf("partition %d: %w", s.Partition, err)
			}
			n.Partitions[s.Partition] = p
		}
	}
	return n.open(l)
}

// epochsFit says whether the epochs are several, in their order, and end with the segment's.
func (s *Segment) epochsFit() bool {
	if len(s.Epochs) == 0 {
		return true
	}
	for i, e := range s.Epochs {
		if e.Epoch < 0 || e.From < s.From || e.From >= s.To || i > 0 && (e.Epoch <= s.Epochs[i-1].Epoch || e.From <= s.Epochs[i-1].From) {
			return false
		}
	}
	return len(s.Epochs) > 1 && s.Epochs[len(s.Epochs)-1].Epoch == s.Epoch
}

// admits says whether an attempt may still append a record. That no earlier record names it is for the proposer and for an Audit.
func (s *State) admits(attempt string) error {
	if !isHex(attempt, 16) {
		return fmt.Errorf("attempt %.40q is not 16 hex digits", attempt)
	}
	if s.Fenced[attempt] {
		return fmt.Errorf("attempt %s is fenced", attempt)
	}
	return nil
}

func (b *Drop) fold(n *State, _ time.Time) error {
	if len(b.Files) == 0 {
		return errors.New("it drops no file")
	}
	files := slices.Clone(n.Removed.Files)
	for _, f := range b.Files {
		if f.V < 1 || f.V >= n.V {
			return fmt.Errorf("it drops a file of version %d", f.V)
		}
		if !n.Removed.hasNot(f) {
			return fmt.Errorf("file %s of version %d is removed already", f.Key, f.V)
		}
		files = append(files, f)
	}
	slices.SortFunc(files, FileRef.compare)
	for i := 1; i < len(files); i++ {
		if files[i] == files[i-1] {
			return fmt.Errorf("it drops file %s of version %d twice", files[i].Key, files[i].V)
		}
	}
	n.Removed.Files = files
	if err := n.reopen(b.Reopens); err != nil {
		return err
	}
	return n.forget(b.Emptied)
}

func (s *State) removeBundles(refs []BundleRef) error {
	bundles := slices.Clone(s.Removed.Bundles)
	for _, b := range refs {
		if b.V < 1 || b.V >= s.V || b.Bundle < 0 {
			return fmt.Errorf("it removes bundle %d of version %d", b.Bundle, b.V)
		}
		if !s.BundleLive(b) {
			return fmt.Errorf("bundle %d of version %d is removed already", b.Bundle, b.V)
		}
		bundles = append(bundles, b)
	}
	slices.SortFunc(bundles, BundleRef.compare)
	for i := 1; i < len(bundles); i++ {
		if bundles[i] == bundles[i-1] {
			return fmt.Errorf("it removes bundle %d of version %d twice", bundles[i].Bundle, bundles[i].V)
		}
	}
	s.Removed.Bundles = bundles
	return nil
}

// forget keeps one range for versions of which nothing is live, instead of their bundles and files.
func (s *State) forget(emptied []Range) error {
	if len(emptied) == 0 {
		return nil
	}
	for _, r := range emptied {
		if r.IsEmpty() || r.From < 1 || r.To > s.V {
			return fmt.Errorf("it empties versions %s", r)
		}
		s.Removed.Versions = union(s.Removed.Versions, r)
	}
	whole := func(v int64) bool { return overlaps(s.Removed.Versions, Range{v, v + 1}) }
	s.Removed.Bundles = slices.DeleteFunc(slices.Clone(s.Removed.Bundles), func(b BundleRef) bool { return whole(b.V) })
	s.Removed.Files = slices.DeleteFunc(slices.Clone(s.Removed.Files), func(f FileRef) bool { return whole(f.V) })
	return nil
}

func (b *Skip) fold(n *State, at time.Time) error {
	p, ok := n.Partitions[b.Partition]
	switch {
	case b.Incarnation != n.Incarnation:
		return fmt.Errorf("it is for incarnation %d, but %d is the current one", b.Incarnation, n.Incarnation)
	case b.Gap != GapOperator && b.Gap != GapRetention:
		return fmt.Errorf("unknown gap %.20q", b.Gap)
	case !ok:
		return fmt.Errorf("partition %d has no state", b.Partition)
	case b.From != p.Next:
		return fmt.Errorf("partition %d: it starts at %d, but %d is next", b.Partition, b.From, p.Next)
	case b.To <= b.From:
		return fmt.Errorf("partition %d: %s skips nothing", b.Partition, Range{b.From, b.To})
	}
	// Not coverage: a fill may lift it later, if Kafka still has it.
	p.Next, p.Since = b.To, at.UnixMilli()
	n.Partitions = maps.Clone(n.Partitions)
	n.Partitions[b.Partition] = p
	return nil
}

func (b *Repair) fold(n *State, _ time.Time) error {
	if err := n.admits(b.Attempt); err != nil {
		return err
	}
	key := RepairKey(b.File)
	switch before := n.Repairs[key]; {
	case b.File.V < 1 || b.File.V >= n.V || b.File.Key == "":
		return fmt.Errorf("it repairs file %.100q of version %d", b.File.Key, b.File.V)
	case !n.Removed.hasNot(b.File):
		return fmt.Errorf("file %s of version %d is removed", b.File.Key, b.File.V)
	case b.After != before:
		return fmt.Errorf("it follows %d repairs of %s, but there were %d", b.After, b.File.Key, before)
	}
	repairs := maps.Clone(n.Repairs)
	if repairs == nil {
		repairs = map[string]int{}
	}
	repairs[key]++
	n.Repairs = repairs
	return nil
}

func (b *Fence) fold(n *State, _ time.Time) error {
	fenced := maps.Clone(n.Fenced)
	if fenced == nil {
		fenced = map[string]bool{}
	}
	for _, a := range b.Attempts {
		fenced[a] = true
	}
	n.Fenced = fenced
	return nil
}
