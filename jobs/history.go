package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shadoof/offsets"
)

var noTime time.Time

// A liveFile is a file that a record names and no record removes, with where it stands in the log.
type liveFile struct {
	offsets.File
	v           int64
	bundle      int
	incarnation int
	time        time.Time // of the commit
	late        int64     // rows that came when the folder was complete
}

// liveFiles folds the whole log for the files that are live, by key.
func (w *worker) liveFiles(ctx context.Context) (map[string]liveFile, error) {
	return w.liveFilesAt(ctx, w.log.State().V)
}

// liveFilesAt lists the files that were live after version v.
func (w *worker) liveFilesAt(ctx context.Context, v int64) (map[string]liveFile, error) {
	s := newLiveSet()
	err := s.extend(ctx, w.log, v)
	return s.files, err
}

// A liveSet is the files that are live after a version.
type liveSet struct {
	v        int64
	files    map[string]liveFile // by key
	byBundle map[offsets.BundleRef][]string
}

func newLiveSet() *liveSet {
	return &liveSet{files: map[string]liveFile{}, byBundle: map[offsets.BundleRef][]string{}}
}

// extend takes in the records up to version v that came since.
func (s *liveSet) extend(ctx context.Context, log *offsets.Log, v int64) error {
	for r, err := range log.Records(ctx, s.v+1, v) {
		if err != nil {
			return err
		}
		s.take(r)
	}
	return nil
}

func (s *liveSet) take(r *offsets.Record) {
	s.v = r.V
	late := map[string]int64{} // of files that go, which others may be copies of
	switch b := r.Body.(type) {
	case *offsets.Drop:
		for _, f := range b.Files {
			delete(s.files, f.Key)
		}
	case *offsets.Replace:
		for _, ref := range b.Remove {
			for _, key := range s.byBundle[ref] {
				late[key] = s.files[key].late
				delete(s.files, key)
			}
			delete(s.byBundle, ref)
		}
	case *offsets.Repair:
		if f, ok := s.files[b.File.Key]; ok {
			f.Bytes, f.Token = b.Bytes, b.Token
			s.files[b.File.Key] = f
		}
	}
	if l := r.Lift(); l != nil {
		for n, b := range l.Bundles {
			for _, f := range b.Files {
				s.files[f.Key] = liveFile{f, r.V, n, l.Incarnation, r.Time, l.LateRows(&f, late)}
				ref := offsets.BundleRef{V: r.V, Bundle: n}
				s.byBundle[ref] = append(s.byBundle[ref], f.Key)
			}
		}
	}
}

// reader opens a topic's log for looking only. It needs no Kafka.
func (e *Env) reader(ctx context.Context, topic string) (*worker, error) {
	w, err := e.watcher(ctx, topic)
	if err != nil {
		return nil, err
	}
	if _, err := w.log.Load(ctx); errors.Is(err, offsets.ErrEmpty) {
		return nil, e.nothingCommitted(topic)
	} else if err != nil {
		return nil, err
	}
	return w, nil
}

// watcher is a reader of a log that was not loaded yet.
func (e *Env) watcher(ctx context.Context, topic string) (*worker, error) {
	c, err := e.claimOf(topic)
	if err != nil {
		return nil, err
	}
	w, err := e.newWorker(c.job, topic)
	if err != nil {
		return nil, err
	}
	return w, e.checkRoot(ctx)
}

func (e *Env) nothingCommitted(topic string) error {
	return fmt.Errorf("%s: nothing of the topic was committed below %s yet", topic, e.endpoint)
}

// A CommitSummary is one line of `commits list`.
type CommitSummary struct {
	V           int64        `json:"v"`
	Type        offsets.Type `json:"type"`
	Time        time.Time    `json:"time"`
	Run         string       `json:"run"`
	Writer      string       `json:"writer"`
	Published   bool         `json:"published"` // what it asks for is done; true for types that ask for nothing
	Partitions  int          `json:"partitions"`
	Offsets     int64        `json:"offsets"`
	Rows        int64        `json:"rows"`
	Quarantined int64        `json:"quarantined"`
	Files       int          `json:"files"`
	Bytes       int64        `json:"bytes"`
}

// Commits summarises the versions of a topic's log, in order.
func (e *Env) Commits(ctx context.Context, topic string) ([]CommitSummary, error) {
	w, err := e.reader(ctx, topic)
	if err != nil {
		return nil, err
	}
	unmarked := map[int64]bool{}
	for _, v := range w.log.Unmarked() {
		unmarked[v] = true
	}
	out := []CommitSummary{}
	for r, err := range w.log.Records(ctx, 1, w.log.State().V) {
		if err != nil {
			return out, err
		}
		s := CommitSummary{V: r.V, Type: r.Type, Time: r.Time, Run: r.Run, Writer: r.Writer.Host, Published: !unmarked[r.V]}
		if l := r.Lift(); l != nil {
			for _, b := range l.Bundles {
				for _, seg := range b.Segments {
					s.Partitions++
					s.Offsets += seg.To - seg.From
				}
				for _, f := range b.Files {
					s.Files++
					s.Bytes += f.Bytes
					if f.Kind == "data" {
						s.Rows += f.Rows
					} else {
						s.Quarantined += f.Rows
					}
				}
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// Commit reads one version, and says whether what it asks for is done.
func (e *Env) Commit(ctx context.Context, topic string, v int64) (*offsets.Record, bool, error) {
	w, err := e.reader(ctx, topic)
	if err != nil {
		return nil, false, err
	}
	if newest := w.log.State().V; v < 1 || v > newest {
		return nil, false, usage(fmt.Errorf("%s: version %d does not exist: the log holds 1 to %d", topic, v, newest))
	}
	r, err := w.log.Record(ctx, v)
	if err != nil {
		return nil, false, err
	}
	for _, u := range w.log.Unmarked() {
		if u == v {
			return r, false, nil
		}
	}
	return r, true, nil
}
