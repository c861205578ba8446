package contract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"shadoof/storage"
)

// permissions carries out each kind of request once, and names all that are not allowed.
func permissions(ctx context.Context, t *trial) error {
	name, key := t.name(".json"), t.name(".parquet")
	var token storage.Staged
	steps := []struct {
		what string
		do   func() error
	}{
		{"create objects", func() error { return t.put(ctx, name, "x", storage.Created) }},
		{"read objects", func() error { _, err := storage.ReadAll(ctx, t.store, name, 10); return err }},
		{"list objects", func() error { return t.list(ctx, storage.Query{Prefix: t.dir + "/"}) }},
		{"stage files", func() (err error) { token, err = t.stage(ctx, key); return err }},
		{"list staged files", func() error {
			return t.list(ctx, storage.Query{Staged: true, Prefix: t.dir + "/", Staging: t.dir + "/"})
		}},
		{"discard staged files", func() error {
			if token.Token == nil {
				return nil
			}
			return t.discard(ctx, key, token, storage.Discarded)
		}},
	}
	var missing []string
	var reasons []error
	for _, s := range steps {
		switch err := s.do(); {
		case errors.Is(err, fs.ErrPermission):
			missing = append(missing, s.what)
			reasons = append(reasons, err)
		case err != nil && len(missing) == 0: // later steps may fail for want of what an earlier one was not allowed to do
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	if err := t.store.Delete(ctx, name); errors.Is(err, fs.ErrPermission) {
		t.note("not allowed to delete objects: enough for run, but not for gc, drop and replace")
	}
	if len(missing) > 0 {
		return fmt.Errorf("not allowed to %s: %w", strings.Join(missing, ", "), errors.Join(reasons...))
	}
	return nil
}

func (t *trial) list(ctx context.Context, q storage.Query) error {
	_, err := storage.Entries(ctx, t.store, q)
	return err
}
