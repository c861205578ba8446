package storage

import "context"

// An Examiner is a [Store] that can look at how it was set up: what the contract does not cover, and what makes a store that keeps it
// lose staged files or refuse to publish them later. It changes nothing that lasts.
type Examiner interface {
	// Examine looks at the root, and at each pair of folders between which files move when they are published. What could not be
	// looked at is a finding, too.
	Examine(ctx context.Context, moves []Move) []Finding
}

// A Move is where files are staged and where they are published: two folders, as names of the store, which need not exist yet.
type Move struct {
	Staging string
	Folder  string
}

// A Mover is a [Store] that publishes by moving files between folders, and which can be set up so that it refuses that for ever:
// other encryption zones, quotas, permissions.
type Mover interface {
	// TryMove tries what publishing will do, with nothing that a reader of the folder takes for data. An error that wraps ErrUnfit
	// says that a file staged there can never be published here; the store is left as it was but for empty folders.
	TryMove(ctx context.Context, m Move) error
}

// A Finding is one thing that was looked at.
type Finding struct {
	Name   string // what was looked at, as a short phrase
	Grade  Grade
	Detail string // what was found, and for all but Good what to do
}

// Grade says how bad a finding is.
type Grade int

const (
	Good   Grade = iota
	Unseen       // it could not be looked at; Detail says why, and how to look oneself
	Doubt        // it works, and may cost something later
	Bad          // records can be lost, repeated or stuck
	Absent       // the service did not answer
)

func (g Grade) String() string {
	return [...]string{"ok", "not seen", "doubtful", "bad", "unreachable"}[g]
}
