package contract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"
	"time"

	"shadoof/storage"
)

// Findings is the whole suite for people: each permission by itself, and then each promise, unless what is needed to look at them is not
// allowed.
func Findings(ctx context.Context, open func() (storage.Store, error), o Options) []storage.Finding {
	s, err := open()
	if err != nil {
		return []storage.Finding{{Name: "the store can be opened", Grade: grade(err), Detail: err.Error()}}
	}
	found := Permissions(ctx, s, o)
	if slices.ContainsFunc(found, func(f storage.Finding) bool { return f.Grade == storage.Bad || f.Grade == storage.Absent }) {
		return append(found, storage.Finding{Name: "keeps the contract", Grade: storage.Unseen, Detail: "it can be looked at once the permissions above suffice"})
	}
	for _, r := range Check(ctx, open, o) {
		if r.Name == checks[0].name { // looked at one by one above
			continue
		}
		f := storage.Finding{Name: r.Name, Detail: r.Detail}
		if r.Err != nil {
			f.Grade, f.Detail = grade(r.Err), r.Err.Error()
		} else if f.Detail == "" {
			f.Detail = took(r.Took)
		}
		found = append(found, f)
	}
	return found
}

// grade tells what is wrong with a store from a store that does not answer.
func grade(err error) storage.Grade {
	switch {
	case errors.Is(err, errSkewed):
		return storage.Doubt
	case errors.Is(err, storage.ErrUnfit), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return storage.Bad
	}
	return storage.Absent
}

// skipped are the results of checks that came to nothing because the time was up.
func skipped(ctx context.Context, rest []check) (results []Result) {
	for _, c := range rest {
		results = append(results, Result{Name: c.name, Err: fmt.Errorf("%s: not looked at: %w", c.name, context.Cause(ctx))})
	}
	return results
}

// cleaning is how long removing what a check made may take, also when the time for the check is up.
const cleaning = 10 * time.Second
