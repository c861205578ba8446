package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shadoof/offsets"
)

// A FeedVersion is one line of `commits feed`: a published version, and what it did to the set of live files.
type FeedVersion struct {
	V       int64        `json:"v"`
	Type    offsets.Type `json:"type"`
	Time    time.Time    `json:"time"` // of the commit
	Added   []FeedFile   `json:"added"`
	Removed []FeedFile   `json:"removed"`

	Complete []string `json:"complete,omitempty"` // folders that have a marker from this version on
	Reopened []string `json:"reopened,omitempty"` // folders that have none any more, until a later version says that they are complete
}

// A FeedFile is a file that a version added or removed. What is said of it never changes.
type FeedFile struct {
	Key     string `json:"key"`
	Kind    string `json:"kind"` // data, or quarantine
	Bucket  string `json:"bucket"`
	Bytes   int64  `json:"bytes"`
	Rows    int64  `json:"rows"`
	Schema  string `json:"schema"`
	MinTime int64  `json:"min_time"`
	MaxTime int64  `json:"max_time"`
	V       int64  `json:"v"`              // the version that added it
	Gone    bool   `json:"gone,omitempty"` // added, and by now a later version asks for its removal: it may not be there any more
}

// FeedOptions say which versions are wanted.
type FeedOptions struct {
	Topic  string
	Since  int64 // versions after this one
	Follow bool  // go on until ctx ends
}

// A FeedEnd says where a feed ended.
type FeedEnd struct {
	V       int64 `json:"v"`       // the last version that was told, or Since
	Newest  int64 `json:"newest"`  // of the log
	Pending int64 `json:"pending"` // the version after V, which is committed and not published; 0: there is none
}

// Feed tells the published versions of a topic's log after o.Since, in order and without a hole: whoever applies all of them to an
// empty set has the live files as of the last. It ends before the first version that is not published; with o.Follow it waits there
// until ctx ends, which is no error. It holds one version at a time, and reads the store only.
func (e *Env) Feed(ctx context.Context, o FeedOptions, tell func(*FeedVersion) error) (end FeedEnd, err error) {
	end.V = o.Since
	w, err := e.feedReader(ctx, o)
	if err != nil {
		return end, err
	}
	f := &feed{w: w, told: o.Since, tell: tell}
	for idle := 0; ; idle++ {
		before := f.told
		limit, err := f.limit(ctx)
		if err == nil {
			err = f.advance(ctx, limit)
		}
		end.V, end.Newest, end.Pending = f.told, w.log.State().V, 0
		if end.V < end.Newest {
			end.Pending = end.V + 1
		}
		switch {
		case o.Follow && ctx.Err() != nil:
			return end, nil // told to stop
		case err != nil && (!o.Follow || f.broken != nil || ExitCode(err) != ExitFailed || idle >= patientPolls):
			return end, err
		case err != nil:
			e.log.Warn("the log cannot be read now, trying again", "topic", o.Topic, "told", f.told, "error", err)
		case !o.Follow:
			return end, nil
		}
		if f.told > before {
			idle = 0
		}
		if e.pause(ctx, idle) != nil {
			return end, nil
		}
	}
}

// patientPolls is how often a feed that follows tries again while the store cannot be read.
const patientPolls = 30

// feedReader opens the log. One that follows waits also for a topic's first record.
func (e *Env) feedReader(ctx context.Context, o FeedOptions) (*worker, error) {
	w, err := e.watcher(ctx, o.Topic)
	if err != nil {
		return nil, err
	}
	if _, err := w.log.Load(ctx); errors.Is(err, offsets.ErrEmpty) && !o.Follow {
		return nil, e.nothingCommitted(o.Topic)
	} else if err != nil && !errors.Is(err, offsets.ErrEmpty) {
		return nil, err
	}
	if newest := w.log.State().V; o.Since > newest {
		return nil, usage(fmt.Errorf("%s: version %d does not exist: the log holds 1 to %d; is --since of another topic, or was the log restored from a backup?", o.Topic, o.Since, newest))
	}
	return w, nil
}

// A feed is where one reader stands.
type feed struct {
	w      *worker
	told   int64
	tell   func(*FeedVersion) error
	broken error          // of tell: the reader is gone
	past   *offsets.State // after the version that was told last; nil as long as nobody asked
}

// limit looks for news, and returns the last version that may be told: those before the first unpublished one.
func (f *feed) limit(ctx context.Context) (int64, error) {
	log := f.w.log
	if _, err := log.Extend(ctx); err != nil {
		return 0, err
	}
	if err := log.RefreshMarks(ctx); err != nil {
		return 0, err
	}
	notDurable := log.ConfirmNewest(ctx)
	limit := log.State().V
	if unmarked := log.Unmarked(); len(unmarked) > 0 {
		return unmarked[0] - 1, nil
	}
	if notDurable == nil || limit <= f.told {
		return limit, nil
	}
	// Whoever may only read cannot ask every store. A marker vouches for its record, and a record for those before it: they were
	// confirmed first.
	r, err := log.Record(ctx, limit)
	if err != nil {
		return 0, err
	}
	if !r.Type.WantsMarker() {
		limit--
	}
	return limit, nil
}

// advance tells the versions up to limit.
func (f *feed) advance(ctx context.Context, limit int64) error {
	if limit <= f.told {
		return nil
	}
	for r, err := range f.w.log.Records(ctx, f.told+1, limit) {
		if err != nil {
			return err
		}
		v, err := f.version(ctx, r)
		if err != nil {
			return err
		}
		if f.broken = f.tell(v); f.broken != nil {
			return f.broken
		}
		if f.past != nil {
			if f.past, err = offsets.Fold(f.past, r); err != nil {
				return err
			}
		}
		f.told = r.V
	}
	return nil
}

func (f *feed) version(ctx context.Context, r *offsets.Record) (*FeedVersion, error) {
	v := &FeedVersion{V: r.V, Type: r.Type, Time: r.Time, Added: []FeedFile{}, Removed: []FeedFile{}}
	var err error
	switch b := r.Body.(type) {
	case *offsets.Drop:
		v.Removed, err = f.dropped(ctx, b.Files)
		v.Reopened = b.Reopens
	case *offsets.Replace:
		v.Removed, err = f.replaced(ctx, b.Remove)
		v.Reopened = b.Reopens
	case *offsets.Complete:
		v.Complete = b.Folders
	}
	if err != nil {
		return nil, err
	}
	if l := r.Lift(); l != nil {
		now := f.w.log.State()
		for n, b := range l.Bundles {
			for i := range b.Files {
				file, err := f.file(ctx, r.V, &b.Files[i])
				if err != nil {
					return nil, err
				}
				file.Gone = !now.Live(r.V, n, file.Key)
				v.Added = append(v.Added, file)
			}
		}
	}
	return v, nil
}

// file is what is said of a file. A file is repaired only as long as nobody has seen it, so the length that counts is the newest.
func (f *feed) file(ctx context.Context, v int64, file *offsets.File) (FeedFile, error) {
	pairs, err := f.w.log.FileTokens(ctx, v, file)
	if err != nil {
		return FeedFile{}, err
	}
	return FeedFile{Key: file.Key, Kind: file.Kind, Bucket: file.Bucket, Bytes: pairs[len(pairs)-1].Bytes, Rows: file.Rows, Schema: file.Schema,
		MinTime: file.MinTime, MaxTime: file.MaxTime, V: v}, nil
}

// dropped reads the records of the files that a drop names.
func (f *feed) dropped(ctx context.Context, refs []offsets.FileRef) ([]FeedFile, error) {
	wanted := map[int64]map[string]bool{}
	var versions []int64
	for _, ref := range refs {
		if wanted[ref.V] == nil {
			wanted[ref.V] = map[string]bool{}
			versions = append(versions, ref.V)
		}
		wanted[ref.V][ref.Key] = true
	}
	out := make([]FeedFile, 0, len(refs))
	for _, v := range versions {
		r, err := f.w.log.Record(ctx, v)
		if err != nil {
			return nil, err
		}
		l := r.Lift()
		if l == nil {
			return nil, fmt.Errorf("%s: version %d is a %s and has no files: %w", f.w.topic, v, r.Type, offsets.ErrDamaged)
		}
		for _, b := range l.Bundles {
			for i := range b.Files {
				if !wanted[v][b.Files[i].Key] {
					continue
				}
				file, err := f.file(ctx, v, &b.Files[i])
				if err != nil {
					return nil, err
				}
				out = append(out, file)
			}
		}
	}
	return out, nil
}

// replaced reads the bundles that a replace removes: their files but for those that had been dropped before, which were told then.
func (f *feed) replaced(ctx context.Context, refs []offsets.BundleRef) ([]FeedFile, error) {
	if f.past == nil {
		var err error
		if f.past, err = f.w.log.StateAt(ctx, f.told); err != nil {
			return nil, err
		}
	}
	out := []FeedFile{}
	for _, ref := range refs {
		b, _, err := f.w.findBundle(ctx, ref)
		if err != nil {
			return nil, err
		}
		for i := range b.Files {
			if !f.past.Live(ref.V, ref.Bundle, b.Files[i].Key) {
				continue
			}
			file, err := f.file(ctx, ref.V, &b.Files[i])
			if err != nil {
				return nil, err
			}
			out = append(out, file)
		}
	}
	return out, nil
}
