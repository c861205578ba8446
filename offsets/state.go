package offsets

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
)

// A Record is one slot of the log.
type Record struct {
	Header
	Body Body
}

// A State is the fold of a log up to slot V. It is immutable: folding a record gives a new one.
type State struct {
	V           int64                    `json:"v"`  // 0: the log is empty
	ID          string                   `json:"id"` // of record V
	Incarnation int                      `json:"incarnation"`
	Cluster     string                   `json:"cluster"`
	TopicID     string                   `json:"topic_id"`
	Partitions  map[int32]PartitionState `json:"partitions"` // of the current incarnation
	Removed     Removed                  `json:"removed"`
	Fenced      map[string]bool          `json:"fenced,omitempty"` // attempts

	// Repairs counts the repairs of each file, by RepairKey. It is kept even when the file is removed: whoever removes it must
	// give up every token it ever had, and learns here that there are some. Repairs are exceptional, so it stays small.
	Repairs map[string]int `json:"repairs,omitempty"`

	Complete *Completeness `json:"complete,omitempty"` // nil: no folder was ever said to be complete
}

// A PartitionState is where a partition stands.
type PartitionState struct {
	Start    int64   `json:"start"`              // first offset ever, in this incarnation
	Next     int64   `json:"next"`               // the next offset to read
	Epoch    int32   `json:"epoch"`              // leader epoch of the last batch that was lifted; at first of the leader, or of what lies below Start
	Mark     *Mark   `json:"mark,omitempty"`     // of that batch; nil: none was since Start
	Coverage []Range `json:"coverage,omitempty"` // committed, merged, ascending
	Passed   int64   `json:"passed,omitempty"`   // ms: the time that its records have reached; see Segment.passed. 0: unknown
	Since    int64   `json:"since,omitempty"`    // ms: the time of the record that moved Next last
}

// Removed says what is no longer live.
type Removed struct {
	Versions []Range     `json:"versions,omitempty"` // versions of which nothing is live, merged, ascending
	Bundles  []BundleRef `json:"bundles,omitempty"`  // of other versions, ascending
	Files    []FileRef   `json:"files,omitempty"`    // of other versions, ascending
}

var (
	// ErrEmpty: the topic has no log yet.
	ErrEmpty = errors.New("no commit log")

	// ErrDamaged is wrapped by errors that say the log cannot be trusted: a hole, a wrong hash, a record that is not valid where it
	// stands, a newer level. A person must decide.
	ErrDamaged = errors.New("commit log damaged")

	// ErrNewer is wrapped, and ErrDamaged with it, by errors about a record that a newer build wrote: this one must not go on.
	ErrNewer = errors.New("written by a newer shadoof")

	// ErrUnresolved: the process was told to stop while the fate of a record was unknown. Nothing may be discarded; the next run finds out.
	ErrUnresolved = errors.New("stopped while the fate of a commit was unknown")

	// ErrRefused: the store definitely did not and will not create the record.
	ErrRefused = errors.New("the store refused the record")
)

// NewState is the state of a log without a record.
func NewState() *State { return &State{Partitions: map[int32]PartitionState{}} }

// Equal says whether two states say the same, but for how far partitions have come in time: checkpoints of format 1 do not know it.
func (s *State) Equal(o *State) bool {
	a, err := marshal(s.timeless())
	b, err2 := marshal(o.timeless())
	return err == nil && err2 == nil && bytes.Equal(a, b)
}

func (s *State) timeless() *State {
	n := *s
	n.Partitions = make(map[int32]PartitionState, len(s.Partitions))
	for p, ps := range s.Partitions {
		ps.Passed, ps.Since = 0, 0
		n.Partitions[p] = ps
	}
	return &n
}

// Covers says whether every offset of r in a partition was committed, in the current incarnation. An offset that was skipped is not
// covered.
func (s *State) Covers(partition int32, r Range) bool {
	return covers(s.Partitions[partition].Coverage, r)
}

// Uncovered returns the parts of r below the next offset of a partition that no commit or fill covers: what a fill may lift.
func (s *State) Uncovered(partition int32, r Range) []Range {
	p := s.Partitions[partition]
	r.To = min(r.To, p.Next)
	if r.IsEmpty() {
		return nil
	}
	return minus(r, p.Coverage)
}

// Live says whether a file is still wanted: record v names it in its bundle with this number, and no later record removed it. What
// record v names is for the caller to know.
func (s *State) Live(v int64, bundle int, key string) bool {
	return s.Removed.hasNot(FileRef{v, key}) && s.BundleLive(BundleRef{v, bundle})
}

// BundleLive says whether a bundle was neither replaced nor its version emptied. Files of it may have been dropped all the same.
func (s *State) BundleLive(b BundleRef) bool {
	_, gone := slices.BinarySearchFunc(s.Removed.Bundles, b, BundleRef.compare)
	return !gone && !overlaps(s.Removed.Versions, Range{b.V, b.V + 1})
}

// hasNot says whether a file was not removed by itself or with its whole version. It may have been removed with its bundle.
func (r *Removed) hasNot(f FileRef) bool {
	_, gone := slices.BinarySearchFunc(r.Files, f, FileRef.compare)
	return !gone && !overlaps(r.Versions, Range{f.V, f.V + 1})
}

func (b BundleRef) compare(c BundleRef) int {
	return cmp.Or(cmp.Compare(b.V, c.V), cmp.Compare(b.Bundle, c.Bundle))
}

func (f FileRef) compare(g FileRef) int {
	return cmp.Or(cmp.Compare(f.V, g.V), cmp.Compare(f.Key, g.Key))
}
