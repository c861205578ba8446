package jobs

import (
	"context"
	"fmt"

	"shadoof/offsets"
	"shadoof/storage"
)

// A FileReport explains a name below the root.
type FileReport struct {
	Name  string      `json:"name"` // relative to the root
	Kind  InspectKind `json:"kind"`
	Topic string      `json:"topic,omitempty"`
	State FileState   `json:"state"`
	Bytes int64       `json:"bytes"` // of what lies there; -1: nothing does

	Commit   *CommitRef        `json:"commit,omitempty"`   // the record that names it, or that it is, or is about
	Bundle   int               `json:"bundle"`             // of a data or quarantine file: its number in the commit
	Segments []offsets.Segment `json:"segments,omitempty"` // of the bundle
	File     *offsets.File     `json:"file,omitempty"`     // as the commit has it
	Settings string            `json:"settings,omitempty"` // hash
	Made     *Settings         `json:"made_by,omitempty"`  // the settings
	Repairs  []*CommitRef      `json:"repairs,omitempty"`
	Removed  *CommitRef        `json:"removed,omitempty"`
	Store    *StoreInfo        `json:"store,omitempty"`
	Notes    []string          `json:"notes"` // for people
}

// A FileState says in a word what is to be thought of a file.
type FileState string

// The states.
const (
	FileLive     FileState = "live"     // named by a record, published, and wanted
	FilePending  FileState = "pending"  // named by a record, and not published yet: the next run does it
	FileRemoved  FileState = "removed"  // a later record removes it
	FileUnnamed  FileState = "unnamed"  // no record names it
	FileStaged   FileState = "staged"   // of an attempt that no record names: a run is at it, or died
	FileLeftover FileState = "leftover" // of an attempt that a record names without it, or that is fenced: gc discards it
	FileMissing  FileState = "missing"  // it should be there and is not
	FileOurs     FileState = "ours"     // of the log and what surrounds it
	FileCache    FileState = "cache"    // it may be deleted
)

// InspectFile explains a name below the root: which commit it is of, what is in it, and whether it is to be there. A name that shadoof
// would not write is usage.
func (e *Env) InspectFile(ctx context.Context, name string) (*FileReport, error) {
	n, err := parseInspectName(name)
	if err != nil {
		return nil, usage(err)
	}
	r := &FileReport{Name: name, Kind: n.kind, State: FileOurs, Notes: []string{}}
	if n.kind == InspectRoot {
		return r, e.inspectRoot(ctx, r)
	}
	if r.Topic = n.topic; n.short {
		if r.Topic, err = e.longTopic(ctx, n.topic); err != nil {
			return nil, err
		}
	}
	i, err := e.inspect(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	if n.kind != InspectStaged {
		if r.Bytes, err = e.size(ctx, name); err != nil {
			return nil, err
		}
	}
	switch n.kind {
	case InspectData, InspectQuarantine:
		err = i.file(ctx, r)
	case InspectStaged:
		err = i.staged(ctx, r, n)
	default:
		err = i.ofLog(ctx, r, n)
	}
	return r, err
}

func (e *Env) inspectRoot(ctx context.Context, r *FileReport) error {
	info, err := e.storeInfo(ctx)
	if err != nil {
		return err
	}
	if info == nil {
		return fmt.Errorf("there is no %s below %s: nothing was committed there yet", storeName, e.endpoint)
	}
	r.Store = info
	r.Bytes, err = e.size(ctx, storeName)
	r.note("it says which root this is; it is written once and never changed")
	return err
}

func (r *FileReport) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// file explains a data or quarantine file by what records say of its key.
func (i *inspector) file(ctx context.Context, r *FileReport) error {
	if err := i.history(ctx, r); err != nil {
		return err
	}
	switch {
	case r.Commit == nil:
		r.State = FileUnnamed
		if r.Bytes < 0 {
			r.note("no record of the log names it, and nothing lies there: it was never committed")
		} else {
			r.note("no record of the log names it, and it is visible: `shadoof verify --topic %s` reports it; it is another tool's, or of a log that was lost", r.Topic)
		}
		return nil
	case r.Removed != nil:
		r.State = FileRemoved
		if r.Bytes >= 0 {
			r.note("it still lies there: the next run finishes the removal")
		}
	case i.pending[r.Commit.V]:
		r.State = FilePending
		r.note("its version is committed and not known to be published: the next run publishes it first")
	case r.Bytes < 0:
		r.State = FileMissing
		r.note("it was published, and is gone: somebody deleted it; `shadoof verify` says what to do")
	default:
		r.State = FileLive
	}
	if from := r.File.CopyOf; from != nil {
		r.note("its bytes are those of %s of version %d, by whose settings it was made", from.Key, from.V)
	}
	if len(r.File.RetryOf) > 0 {
		r.note("its records were in quarantine in version %d, and were tried again", r.File.RetryOf[0].V)
	}
	if r.Bytes >= 0 && r.Bytes != r.File.Bytes {
		r.note("%d bytes were committed, and %d lie there: it is not what was committed", r.File.Bytes, r.Bytes)
	}
	return i.settings(ctx, r)
}

// history finds what the log says of a key.
func (i *inspector) history(ctx context.Context, r *FileReport) error {
	at := offsets.BundleRef{}
	for rec, err := range i.log.Records(ctx, 1, i.state.V) {
		if err != nil {
			return err
		}
		if l := rec.Lift(); l != nil {
			for n, b := range l.Bundles {
				for k := range b.Files {
					if b.Files[k].Key == r.Name {
						r.Commit, r.Bundle, r.Segments, r.File, r.Settings = i.ref(rec), n, b.Segments, &b.Files[k], l.Settings
						at = offsets.BundleRef{V: rec.V, Bundle: n}
					}
				}
			}
		}
		switch b := rec.Body.(type) {
		case *offsets.Repair:
			if b.File.Key == r.Name {
				r.Repairs = append(r.Repairs, i.ref(rec))
				if r.File != nil {
					f := *r.File
					f.Bytes, f.Token = b.Bytes, b.Token
					r.File = &f
				}
			}
		case *offsets.Drop:
			for _, f := range b.Files {
				if f.Key == r.Name {
					r.Removed = i.ref(rec)
				}
			}
		case *offsets.Replace:
			for _, ref := range b.Remove {
				if ref == at {
					r.Removed = i.ref(rec)
				}
			}
		}
	}
	return nil
}

func (i *inspector) settings(ctx context.Context, r *FileReport) error {
	w := &worker{env: i.e, topic: i.topic, log: i.log}
	var err error
	r.Made, err = w.settingsOf(ctx, r.Settings)
	return err
}

// staged explains a staged file by its attempt.
func (i *inspector) staged(ctx context.Context, r *FileReport, n inspectName) error {
	r.Bytes = -1
	for entry, err := range i.e.store.List(ctx, storage.Query{Prefix: r.Name, Staged: true, Staging: r.Name}) {
		if err != nil {
			return fmt.Errorf("list staged files: %w", err)
		}
		if entry.Name == r.Name {
			r.Bytes = entry.Size
		}
	}
	r.State = FileStaged
	for rec, err := range i.log.Records(ctx, 1, i.state.V) {
		if err != nil {
			return err
		}
		if attemptOf(rec) != n.id {
			continue
		}
		r.Commit, r.State = i.ref(rec), FileLeftover
		if rec.Lift() == nil { // a repair
			r.State = FilePending
			continue
		}
		for _, b := range rec.Lift().Bundles {
			for k := range b.Files {
				if storage.TokenID(b.Files[k].Token) == r.Name {
					r.File, r.State = &b.Files[k], FilePending
				}
			}
		}
	}
	switch {
	case r.State == FilePending && r.Bytes < 0:
		r.note("its attempt is committed, and it was published or removed since")
	case r.State == FilePending:
		r.note("it is committed and not published yet: the next run does it")
	case r.State == FileLeftover:
		r.note("its attempt is committed without it, since another worker was first: `shadoof gc` discards it")
	case i.state.Fenced[n.id]:
		r.State = FileLeftover
		r.note("its attempt is fenced and can never commit: `shadoof gc` discards it")
	case r.Bytes < 0:
		r.note("nothing lies there, and no record names its attempt: it was discarded, or never was")
	default:
		r.note("no record names its attempt: a run is at it, or died; once it is older than orphan_age `shadoof gc` discards it")
	}
	return nil
}

// ofLog explains what belongs to the log.
func (i *inspector) ofLog(ctx context.Context, r *FileReport, n inspectName) error {
	if n.v > i.state.V {
		r.State = FileMissing
		r.note("the log ends at version %d", i.state.V)
		return nil
	}
	switch n.kind {
	case InspectRecord, InspectMarker:
		rec, err := i.log.Record(ctx, n.v)
		if err != nil {
			return err
		}
		r.Commit = i.ref(rec)
		if n.kind == InspectRecord {
			r.note("`shadoof commits show %d --topic %s` prints it", n.v, r.Topic)
		} else if r.Bytes < 0 {
			r.State = FileMissing
			r.note("version %d has no marker: what it asks for is not known to be done, if it asks for anything", n.v)
		} else {
			r.note("it says that what version %d asks for is done: its files were seen under their names, or its removals are finished", n.v)
		}
	case InspectCheckpoint, InspectPack:
		r.State = FileCache
		r.note("a cache of the log up to version %d: it may be deleted", n.v)
	default:
		return i.named(ctx, r, n)
	}
	return nil
}

// named explains an attachment or settings by the records that name them.
func (i *inspector) named(ctx context.Context, r *FileReport, n inspectName) error {
	commits := 0
	for rec, err := range i.log.Records(ctx, 1, i.state.V) {
		if err != nil {
			return err
		}
		l := rec.Lift()
		if l == nil || n.kind == InspectSettings && l.Settings != n.id || n.kind == InspectAttachment && (l.Attempt != n.id || l.Attached == nil) {
			continue
		}
		r.Commit = i.ref(rec)
		commits++
	}
	switch {
	case commits == 0:
		r.State = FileUnnamed
		r.note("no record names it: it was written for a commit that did not come about")
	case n.kind == InspectAttachment:
		r.note("it holds bundles of version %d, and is a part of the log", r.Commit.V)
	default:
		r.Settings = n.id
		r.note("%d commits were made by these settings, the last of them is version %d", commits, r.Commit.V)
		return i.settings(ctx, r)
	}
	return nil
}
