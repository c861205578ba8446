package offsets

import (
	"maps"
	"slices"
	"time"

	"shadoof/storage"
)

// packSize is how many records go into a pack, and how many versions lie between two checkpoints.
const packSize = 100

// known is what a Log knows. Its methods need the lock of the Log.
type known struct {
	state   *State    // newest folded
	written time.Time // when, by the clock of its writer, the newest record was written that was read
	durable *State    // newest of which the last record is known to be durable; state.V >= durable.V

	ckpt      int64  // version of the newest checkpoint that is known to exist
	milestone *State // newest state whose version is a multiple of packSize, if it is newer than ckpt

	unmarked  []int64          // versions that want a marker and are not known to have one, ascending
	lastLift  *Lift            // of the newest record that was folded and has one
	fromFirst bool             // all records were folded, not only those after a checkpoint
	attempts  map[string]int64 // named by records that were folded, with their versions
	settings  map[string]int64 // hashes of settings, with a version that names them, 0 for those that this Log stored: as durable as that is

	repairs     map[string][]repaired // by RepairKey, in the order of their records
	repairsFrom int64                 // all repairs in records after this version are known
}

// repaired is what a repair gave a file.
type repaired struct {
	v      int64
	after  int
	staged storage.Staged
}

// newKnown starts from a checkpoint, or from an empty log.
func newKnown(c *checkpoint) known {
	k := known{state: NewState(), attempts: map[string]int64{}, settings: map[string]int64{}, repairs: map[string][]repaired{}}
	if c != nil {
		// Checkpoints are made of durable records only.
		k.state, k.ckpt, k.repairsFrom, k.unmarked = c.State, c.State.V, c.State.V, slices.Clone(c.Unpublished)
	}
	k.durable, k.fromFirst = k.state, c == nil
	return k
}

// take folds a record, and does nothing if it was folded already.
func (k *known) take(r *Record) error {
	if r.V <= k.state.V {
		return nil
	}
	s, err := Fold(k.state, r)
	if err != nil {
		return err
	}
	k.state, k.written = s, r.Time
	if s.V%packSize == 0 && s.V > k.ckpt {
		k.milestone = s
	}
	if r.Type.WantsMarker() {
		k.unmarked = append(k.unmarked, r.V)
	}
	if a := attemptOf(r.Body); a != "" {
		k.attempts[a] = r.V
	}
	if l := r.Lift(); l != nil {
		if _, known := k.settings[l.Settings]; !known {
			k.settings[l.Settings] = r.V
		}
		k.lastLift = l
	}
	if b, ok := r.Body.(*Repair); ok {
		key := RepairKey(b.File)
		k.repairs[key] = append(k.repairs[key], repairedBy(r.V, b))
	}
	return nil
}

func repairedBy(v int64, b *Repair) repaired {
	return repaired{v, b.After, storage.Staged{Bytes: b.Bytes, Token: b.Token}}
}

// WantsMarker says whether a version of this type asks for something that is done after it was appended.
func (t Type) WantsMarker() bool {
	switch t {
	case TypeCommit, TypeFill, TypeReplace, TypeDrop, TypeRepair, TypeComplete:
		return true
	}
	return false
}

// settle notes that the last record of s is durable.
func (k *known) settle(s *State) {
	if s.V > k.durable.V {
		k.durable = s
	}
}

// goBack forgets the records that are not known to be durable.
func (k *known) goBack() {
	v := k.durable.V
	if k.state.V == v {
		return
	}
	k.state = k.durable
	if k.milestone != nil && k.milestone.V > v {
		k.milestone = nil
	}
	k.unmarked = slices.DeleteFunc(slices.Clone(k.unmarked), func(u int64) bool { return u > v })
	maps.DeleteFunc(k.settings, func(_ string, named int64) bool { return named > v }) // they may be gone, too
	maps.DeleteFunc(k.attempts, func(_ string, named int64) bool { return named > v })
	for key, all := range k.repairs {
		k.repairs[key] = slices.DeleteFunc(all, func(r repaired) bool { return r.v > v })
	}
}
