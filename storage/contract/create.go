package contract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"shadoof/storage"
)

func secondCreate(ctx context.Context, t *trial) error {
	name := t.name(".json")
	if err := t.put(ctx, name, "first", storage.Created); err != nil {
		return err
	}
	// The same length, and the same bytes: a store must not take either for its own retry.
	for _, again := range []string{"other", "first", "a longer one", ""} {
		if err := t.put(ctx, name, again, storage.Exists); err != nil {
			return err
		}
		if err := t.expect(ctx, name, "first"); err != nil {
			return err
		}
	}
	return nil
}

// attempt is what one racer was told, and what it read afterwards.
type attempt struct {
	mine string
	put  storage.Put
	err  error
	read string
}

func race(ctx context.Context, t *trial) error {
	unknown := 0
	for range t.Rounds {
		name := t.name(".json")
		attempts := t.raceOnce(ctx, name)
		data, err := storage.ReadAll(ctx, t.store, name, 1<<20)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		n, err := judgeRace(name, attempts, string(data), err == nil)
		if err != nil {
			return err
		}
		unknown += n
	}
	t.note("%d racers, %d rounds", len(t.stores), t.Rounds)
	if unknown > 0 {
		t.note("%d answers were unclear", unknown)
	}
	return nil
}

func (t *trial) raceOnce(ctx context.Context, name string) []attempt {
	attempts := make([]attempt, len(t.stores))
	start := make(chan struct{})
	var racing sync.WaitGroup
	for i, s := range t.stores {
		racing.Go(func() {
			a := attempt{mine: fmt.Sprintf("racer %d of %s", i, random(8))}
			<-start
			a.put, a.err = s.PutNew(ctx, name, []byte(a.mine))
			if a.put == storage.Created || a.put == storage.Exists {
				var data []byte
				data, a.err = storage.ReadAll(ctx, s, name, 1<<20)
				a.read = string(data)
			}
			attempts[i] = a
		})
	}
	close(start)
	racing.Wait()
	return attempts
}

// judgeRace says whether the answers fit the object that all raced for. A racer that was told "exists" may be the winner: something
// between it and the store may have repeated its request. A racer that was told "created" must be.
func judgeRace(name string, attempts []attempt, final string, there bool) (unknown int, err error) {
	winners, known := 0, false
	for _, a := range attempts {
		switch {
		case a.put == storage.PutUnknown:
			unknown++
		case a.put == storage.Refused:
			return unknown, fmt.Errorf("race for %s: %w", name, a.err)
		case errors.Is(a.err, fs.ErrNotExist):
			return unknown, broken("a racer for %s was told %q, and did not find it then", name, a.put)
		case a.err != nil:
			return unknown, a.err
		case !there:
			return unknown, broken("a racer for %s was told %q, and it is not there", name, a.put)
		case a.read != final:
			return unknown, broken("a racer for %s read %.60q, and %.60q is in it now", name, a.read, final)
		case a.put == storage.Created && a.mine != final:
			return unknown, broken("a racer for %s was told %q, but another's bytes are in it", name, a.put)
		}
		if a.put == storage.Created {
			winners++
		}
		known = known || a.mine == final
	}
	switch {
	case winners > 1:
		return unknown, broken("%d of %d racers were told that they created %s", winners, len(attempts), name)
	case there && !known:
		return unknown, broken("%s holds %.60q, which none of its racers wrote", name, final)
	}
	return unknown, nil
}

func recreate(ctx context.Context, t *trial) error {
	name := t.name(".json")
	if err := t.put(ctx, name, "first", storage.Created); err != nil {
		return err
	}
	if err := t.delete(ctx, name); err != nil {
		return err
	}
	if err := t.absent(ctx, name, "after it was deleted"); err != nil {
		return err
	}
	if err := t.delete(ctx, name); err != nil {
		return fmt.Errorf("a second delete: %w", err)
	}
	if err := t.put(ctx, name, "second", storage.Created); err != nil {
		return err
	}
	return t.expect(ctx, name, "second")
}

func readAfterMiss(ctx context.Context, t *trial) error {
	name := t.name(".json")
	if err := t.absent(ctx, name, "before it was created"); err != nil {
		return err
	}
	if err := t.put(ctx, name, "here now", storage.Created); err != nil {
		return err
	}
	return t.expect(ctx, name, "here now")
}
