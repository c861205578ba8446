package hdfs

import (
	"context"
	"errors"
	"io/fs"

	"shadoof/storage"
)

// Discard implements storage.Store: it removes the staged file. The name node carries out either that or the rename of a publisher.
func (s *Store) Discard(ctx context.Context, key string, p storage.Staged) (storage.Discarding, error) {
	t, err := parseToken(p.Token)
	if err != nil {
		return storage.DiscardUnclear, s.failure("discard", key, err)
	}
	if t.Key != "" && t.Key != key {
		return storage.AbsentToken, nil // the staged file of another key: it stays
	}
	answer := storage.DiscardUnclear
	err = s.retry(ctx, func(c client) (err error) {
		answer, err = s.discard(c, t, p.Bytes)
		return err
	})
	if err != nil {
		answer = storage.DiscardUnclear
	}
	return answer, s.failure("discard", key, err)
}

func (s *Store) discard(c client, t token, bytes int64) (storage.Discarding, error) {
	staged := s.path(t.Path)
	before, err := s.visible(c, t, bytes)
	if err != nil {
		return storage.DiscardUnclear, err
	}
	answer := storage.AbsentToken
	st, err := c.Stat(staged)
	switch {
	case err == nil && st.dir:
		// No staged file has this name.
	case err == nil:
		// The library does not say whether this removed anything.
		if err = c.Remove(staged); err == nil {
			answer = storage.Discarded
			s.tidy(c, staged)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage.DiscardUnclear, err
	}
	// The staged file is gone, by this call or by another. If it was a publisher's, the object is there now. An object that was there
	// while the staged file still was is that of an earlier token.
	after, err := s.visible(c, t, bytes)
	if err != nil {
		return storage.DiscardUnclear, err
	}
	if after && (answer == storage.AbsentToken || !before) {
		answer = storage.TokenUsed
	}
	// All that was seen must stay: with a name node that dies, a removal or a rename may be undone that its journal did not have.
	return answer, s.prove(c)
}

// visible says whether the object of a token is there, as far as its length tells.
func (s *Store) visible(c client, t token, bytes int64) (bool, error) {
	if t.Key == "" {
		return false, nil
	}
	st, err := c.Stat(s.path(t.Key))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && !st.dir && st.size == bytes, err
}
