package contract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"shadoof/storage"
)

// A permission is one kind of request, carried out once.
type permission struct {
	what  string
	extra bool // gc, drop and replace need it, a worker does not
	do    func(ctx context.Context, t *trial, p *probe) error
}

// A probe is what the steps before have made.
type probe struct {
	name, key string
	token     storage.Staged
}

// errNothing ends a step that has nothing to work on, since one before it was refused.
var errNothing = errors.New("nothing to try it on")

var permitted = []permission{
	{"create objects", false, func(ctx context.Context, t *trial, p *probe) error { return t.put(ctx, p.name, "x", storage.Created) }},
	{"read objects", false, func(ctx context.Context, t *trial, p *probe) error {
		_, err := storage.ReadAll(ctx, t.store, p.name, 10)
		return err
	}},
	{"list objects", false, func(ctx context.Context, t *trial, p *probe) error {
		return t.list(ctx, storage.Query{Prefix: t.dir + "/"})
	}},
	{"stage files", false, func(ctx context.Context, t *trial, p *probe) (err error) {
		p.token, err = t.stage(ctx, p.key)
		return err
	}},
	{"list staged files", false, func(ctx context.Context, t *trial, p *probe) error {
		return t.list(ctx, storage.Query{Staged: true, Prefix: t.dir + "/", Staging: t.dir + "/"})
	}},
	{"discard staged files", false, func(ctx context.Context, t *trial, p *probe) error {
		if p.token.Token == nil {
			return errNothing
		}
		return t.discard(ctx, p.key, p.token, storage.Discarded)
	}},
	{"publish files", false, func(ctx context.Context, t *trial, p *probe) error {
		key := t.name(".parquet")
		s, err := t.stage(ctx, key)
		if err != nil {
			return errNothing
		}
		return t.publish(ctx, key, []storage.Staged{s}, storage.Published)
	}},
	{"delete objects", true, func(ctx context.Context, t *trial, p *probe) error { return t.store.Delete(ctx, p.name) }},
}

// permissions carries out each kind of request once, and names all that are not allowed.
func permissions(ctx context.Context, t *trial) error {
	p := &probe{name: t.name(".json"), key: t.name(".parquet")}
	var missing []string
	var reasons []error
	for _, step := range permitted {
		switch err := step.do(ctx, t, p); {
		case errors.Is(err, fs.ErrPermission) && step.extra:
			t.note("not allowed to %s: enough for run, but not for gc, drop and replace", step.what)
		case errors.Is(err, fs.ErrPermission):
			missing = append(missing, step.what)
			reasons = append(reasons, err)
		case err != nil && len(missing) == 0: // later steps may fail for want of what an earlier one was not allowed to do
			return fmt.Errorf("%s: %w", step.what, err)
		}
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

// Permissions carries out each kind of request once, below Options.Prefix, and tells of each whether it is allowed. It removes what it
// made, as far as it may.
func Permissions(ctx context.Context, s storage.Store, o Options) []storage.Finding {
	o.setDefaults()
	t := newTrial([]storage.Store{s}, o.Prefix+random(8), o)
	p := &probe{name: t.name(".json"), key: t.name(".parquet")}
	var found []storage.Finding
	for _, step := range permitted {
		f := storage.Finding{Name: "may " + step.what}
		began := time.Now()
		switch err := step.do(ctx, t, p); {
		case err == nil:
			f.Detail = took(time.Since(began))
		case errors.Is(err, errNothing):
			f.Grade, f.Detail = storage.Unseen, "there was nothing to try it on: repair the lines above first"
		case errors.Is(err, fs.ErrPermission) && step.extra:
			f.Grade, f.Detail = storage.Doubt, fmt.Sprintf("%v: enough for run, but not for gc, drop and replace; probe objects stay below %s", err, o.Prefix)
		default:
			f.Grade, f.Detail = grade(err), err.Error()
		}
		found = append(found, f)
	}
	t.clean(ctx)
	removeFolders(ctx, s, t.dir)
	return found
}

func took(d time.Duration) string {
	return max(d, 10*time.Microsecond).Round(10 * time.Microsecond).String()
}
