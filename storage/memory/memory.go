// Package memory is a storage.Store in memory: the store of unit tests, simulations and fault sweeps.
//
// It answers like S3: a staged file is an upload with an id of its own, which publishing or discarding uses up, and its Query.Staged
// goes by keys. Every operation can be watched, counted, and made to fail in each of the ways in which requests fail.
package memory

import (
	"sync"
	"time"

	"shadoof/storage"
)

// Options say how one client of the memory behaves. The zero value is a store without faults.
type Options struct {
	// Hook is asked before every operation. It may block. Operations of several goroutines ask it at the same time.
	Hook func(Call) Verdict

	// Note is told of every operation that was carried out or failed, and of its answer, instead of Trace. It must not call the store.
	Note func(op Op, name, answer string)

	// Changed is told of every object that came to be, with its bytes, or is gone (nil), at the moment when that happens, for all
	// clients of a memory that New makes. It must not call the store.
	Changed func(name string, data []byte)

	// Clock gives the times of objects and uploads; the default is time.Now. Clients made by Attach share the clock of the first.
	Clock func() time.Time

	// PartSize is how many staged bytes make an operation of their own ([OpPart]); the default is 8 MiB.
	PartSize int

	// PageSize is how many entries one [OpList] or [OpListStaged] brings; the default is 1000.
	PageSize int
}

// A Store is one client of a memory that other clients may share.
type Store struct {
	disk *disk
	o    Options

	mu    sync.Mutex
	seq   int
	count Counts
	trace []string
}

var _ storage.Store = (*Store)(nil)

// New returns a client of an empty memory of its own.
func New(o Options) *Store {
	clock := o.Clock
	if clock == nil {
		clock = time.Now
	}
	return client(&disk{clock: clock, changed: o.Changed, objects: map[string]object{}, uploads: map[string]*upload{}}, o)
}

// Attach returns another client of the same memory, with hook, trace and counts of its own: another process.
func (s *Store) Attach(o Options) *Store { return client(s.disk, o) }

// Clone returns a client of a copy of the memory as it is now, for sweeps that start from the same state again and again.
// Delayed operations stay with the original.
func (s *Store) Clone(o Options) *Store {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	d := s.disk.cloneLocked()
	if o.Clock != nil {
		d.clock = o.Clock
	}
	return client(d, o)
}

func client(d *disk, o Options) *Store {
	if o.PartSize <= 0 {
		o.PartSize = 8 << 20
	}
	if o.PageSize <= 0 {
		o.PageSize = 1000
	}
	return &Store{disk: d, o: o, count: Counts{}}
}
