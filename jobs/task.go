package jobs

import (
	"shadoof/offsets"
)

// A task is what a worker lifts ranges for: to move its partitions forward, or to fill what nothing covers. It decides what is left, and
// what becomes of what was lifted.
type task interface {
	// left is what of a partition is to be read next, in state s.
	left(s *offsets.State, partition int32) offsets.Range

	// fits says whether a segment that was lifted may be committed after state s.
	fits(s *offsets.State, seg offsets.Segment) bool

	body(l offsets.Lift) offsets.Body
	incarnation() int

	// reachesEnd says that a segment that ends where its partition ended shows the position to have come there.
	reachesEnd() bool
}

// forward moves partitions from their committed offsets to the ends of a run.
type forward struct{ w *worker }

func (t forward) left(s *offsets.State, partition int32) offsets.Range {
	return offsets.Range{From: s.Partitions[partition].Next, To: t.w.ends[partition]}
}

func (forward) fits(s *offsets.State, seg offsets.Segment) bool {
	p, ok := s.Partitions[seg.Partition]
	return ok && p.Next == seg.From
}

func (forward) body(l offsets.Lift) offsets.Body { return &offsets.Commit{Lift: l} }
func (t forward) incarnation() int               { return t.w.log.State().Incarnation }
func (forward) reachesEnd() bool                 { return true }
