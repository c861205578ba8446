package offsets

import "errors"

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
	Repairs     map[string]int           `json:"repairs,omitempty"` // by RepairKey, of files that are not known to be published
	Fenced      map[string]bool          `json:"fenced,omitempty"`  // attempts
}

// A PartitionState is where a partition stands.
type PartitionState struct {
	Start    int64   `json:"start"` // first offset ever, in this incarnation
	Next     int64   `json:"next"`  // the next offset to read
	Epoch    int32   `json:"epoch"`
	Mark     *Mark   `json:"mark,omitempty"`
	Coverage []Range `json:"coverage,omitempty"` // committed, merged, ascending
}

// Removed says what is no longer live.
type Removed struct {
	Versions []Range       `json:"versions,omitempty"` // whole versions, merged, ascending
	Bundles  []BundleRef   `json:"bundles,omitempty"`  // of versions removed in part
	Files    []FileRef     `json:"files,omitempty"`
}

var (
	// ErrEmpty: the topic has no log yet.
	ErrEmpty = errors.New("no commit log")

	// ErrDamaged is wrapped by errors that say the log cannot be trusted: a hole, a wrong hash, a record that is not valid where it
	// stands, a newer level. A person must decide.
	ErrDamaged = errors.New("commit log damaged")

	// ErrUnresolved: the process was told to stop while the fate of a record was unknown. Nothing may be discarded; the next run finds out.
	ErrUnresolved = errors.New("stopped while the fate of a commit was unknown")

	// ErrRefused: the store definitely did not and will not create the record.
	ErrRefused = errors.New("the store refused the record")
)
