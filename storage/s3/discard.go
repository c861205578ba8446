package s3

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shadoof/storage"
)

// Discard implements storage.Store: it aborts the upload, and then looks whether it was completed before, since servers answer either
// way to that.
func (s *Store) Discard(ctx context.Context, key string, p storage.Staged) (storage.Discarding, error) {
	t, err := parseToken(p.Token)
	if err != nil {
		return storage.DiscardUnclear, fmt.Errorf("discard %s: %w", s.url(key), err)
	}
	if err := storage.CheckName(key); err != nil {
		return storage.DiscardUnclear, fmt.Errorf("discard: %w", err)
	}
	d, err := s.discard(ctx, key, t)
	return d, s.failure("discard", key, err)
}

func (s *Store) discard(ctx context.Context, key string, t token) (storage.Discarding, error) {
	there, err := s.abort(ctx, key, t.UploadID)
	if err != nil {
		return storage.DiscardUnclear, err
	}
	if there {
		err = s.notListed(ctx, key, []token{t})
	}
	found := nobodys
	if err == nil {
		found, err = s.whose(ctx, key, []token{t})
	}
	if err == nil && found == nobodys && !there {
		found, err = s.lookAgain(ctx, key, []token{t})
	}
	switch {
	case err != nil:
		return storage.DiscardUnclear, err
	case found == newest, found == others && t.Meta == "" && !there:
		// Of an upload known from a listing only, nobody can say whose object it is.
		return storage.TokenUsed, nil
	case there:
		return storage.Discarded, nil
	}
	return storage.AbsentToken, nil
}

// errAlive says that an upload that was said to be gone is not.
var errAlive = errors.New("the upload is listed, although the server says that there is none: ask again")

// lookAgain looks for the object of an upload that is gone, for as long as another request may take to complete it. versitygw moves an
// upload aside for that time: it answers then that there is no such upload, or to a second completion with success, and the object
// appears later; if the completion fails, the upload comes back.
func (s *Store) lookAgain(ctx context.Context, key string, tokens []token) (owner, error) {
	end := time.NewTimer(patience(tokens[len(tokens)-1].bytes()))
	defer end.Stop()
	pause := 25 * time.Millisecond
	for over := false; !over; pause *= 2 {
		next := time.NewTimer(pause)
		select {
		case <-end.C:
			over = true
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
			return nobodys, ctx.Err()
		}
		next.Stop()
		if over {
			// In this order: a completion that ends between the two has made an object.
			if err := s.notListed(ctx, key, tokens); err != nil {
				return nobodys, err
			}
		}
		if found, err := s.whose(ctx, key, tokens); err != nil || found != nobodys {
			return found, err
		}
	}
	return nobodys, nil
}

// patience is how long a server may take to put a file of this length together, which some do by copying it.
func patience(bytes int64) time.Duration {
	return min(200*time.Millisecond+time.Duration(bytes>>16)*time.Millisecond, time.Minute)
}

// notListed fails with errAlive if one of the uploads is there.
func (s *Store) notListed(ctx context.Context, key string, tokens []token) error {
	for e, err := range s.List(ctx, storage.Query{Staged: true, Prefix: key}) {
		if err != nil {
			return err
		}
		listed, err := parseToken(e.Token)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			if e.Name == key && listed.UploadID == t.UploadID {
				return errAlive
			}
		}
	}
	return nil
}
