package offsets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// A checkpoint is a fold up to a version that is a multiple of packSize. Its state is the same whoever writes it; what stands beside
// is what its writer knew, and true for ever.
type checkpoint struct {
	Format int    `json:"format"`
	State  *State `json:"state"`

	PublishedThrough int64   `json:"published_through"`     // every version up to here has the marker that it wants
	Unpublished      []int64 `json:"unpublished,omitempty"` // the versions after that, up to that of the state, that want one, and may have it by now
}

// Checkpoint writes packs and a checkpoint if the newest checkpoint is packSize versions old or more. They are caches: to fail is
// harmless, and so is any number of processes that do the same.
func (l *Log) Checkpoint(ctx context.Context) error {
	l.mu.Lock()
	due := l.milestone != nil && l.milestone.V > l.ckpt
	l.mu.Unlock()
	if !due {
		return nil
	}
	// A checkpoint that holds a record which then vanishes would be wrong for ever.
	if err := l.ConfirmNewest(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	s, ckpt, unmarked := l.milestone, l.ckpt, slices.Clone(l.unmarked)
	l.mu.Unlock()
	if s == nil || s.V <= ckpt {
		return nil
	}
	for v := ckpt - ckpt%packSize + packSize; v <= s.V; v += packSize {
		if err := l.writePack(ctx, v); err != nil {
			return fmt.Errorf("pack of %s up to version %d: %w", l.o.Topic, v, err)
		}
	}
	if i, _ := slices.BinarySearch(unmarked, s.V+1); i < len(unmarked) {
		unmarked = unmarked[:i]
	}
	c := &checkpoint{Format: Format, State: s, PublishedThrough: s.V, Unpublished: unmarked}
	if len(unmarked) > 0 {
		c.PublishedThrough = unmarked[0] - 1
	}
	data, err := c.encode()
	if err != nil {
		return err
	}
	if err := l.cache(ctx, CkptName(l.o.Topic, s.V), data); err != nil {
		return fmt.Errorf("checkpoint of %s up to version %d: %w", l.o.Topic, s.V, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ckpt = max(l.ckpt, s.V)
	if l.milestone == s {
		l.milestone = nil
	}
	return nil
}

func (c *checkpoint) encode() ([]byte, error) {
	object, err := marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode the checkpoint of version %d: %w", c.State.V, err)
	}
	return seal(object), nil
}

// readCheckpoint reads the checkpoint of version v. Errors that say that it is no good wrap ErrDamaged.
func (l *Log) readCheckpoint(ctx context.Context, v int64) (*checkpoint, error) {
	name := CkptName(l.o.Topic, v)
	data, err := l.get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	c, err := decodeCheckpoint(data)
	if err == nil && c.State.V != v {
		err = fmt.Errorf("it folds up to %d", c.State.V)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, err, ErrDamaged)
	}
	return c, nil
}

func decodeCheckpoint(data []byte) (*checkpoint, error) {
	object, err := unseal(data)
	if err != nil {
		return nil, err
	}
	c := new(checkpoint)
	if err := strict(object, c); err != nil {
		return nil, err
	}
	switch {
	case c.Format < 1 || c.Format > Format:
		return nil, fmt.Errorf("format %d", c.Format)
	case c.State == nil:
		return nil, errors.New("no state")
	}
	if c.State.Partitions == nil {
		c.State.Partitions = map[int32]PartitionState{}
	}
	if err := c.State.check(); err != nil {
		return nil, err
	}
	for i, v := range c.Unpublished {
		if v <= c.PublishedThrough || v > c.State.V || i > 0 && v <= c.Unpublished[i-1] {
			return nil, fmt.Errorf("version %d stands out of order among the unpublished", v)
		}
	}
	return c, nil
}

// check says whether s may have come out of a fold, so that nothing that relies on its order goes astray.
func (s *State) check() error {
	switch {
	case s.V < 1 || !isHex(s.ID, 32) || s.Incarnation < 0:
		return fmt.Errorf("version %d, id %.40q, incarnation %d", s.V, s.ID, s.Incarnation)
	case !isSet(s.Removed.Versions) || !ascending(s.Removed.Bundles, BundleRef.compare) || !ascending(s.Removed.Files, FileRef.compare):
		return errors.New("what is removed is out of order")
	}
	for n, p := range s.Partitions {
		covered := isSet(p.Coverage) && (len(p.Coverage) == 0 || p.Coverage[len(p.Coverage)-1].To <= p.Next)
		if n < 0 || p.Start < 0 || p.Next < p.Start || !covered {
			return fmt.Errorf("partition %d: start %d, next %d, coverage %v", n, p.Start, p.Next, p.Coverage)
		}
	}
	return s.Complete.check(s.V)
}

// belongs says whether the checkpoint is one of the log that holds r in the slot at which it ends. It then also fills in what
// checkpoints of format 1 lack: no partition was moved after that record.
func (c *checkpoint) belongs(r *Record) error {
	if r.ID != c.State.ID {
		return fmt.Errorf("record %d has id %s, the checkpoint folds up to %.32q: %w", r.V, r.ID, c.State.ID, errNotThis)
	}
	if c.Format == 1 {
		for n, p := range c.State.Partitions {
			p.Since = r.Time.UnixMilli()
			c.State.Partitions[n] = p
		}
	}
	return nil
}

func ascending[T any](all []T, compare func(a, b T) int) bool {
	for i := 1; i < len(all); i++ {
		if compare(all[i-1], all[i]) >= 0 {
			return false
		}
	}
	return true
}
