package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"shadoof/offsets"
	"shadoof/partitioning"
	"shadoof/storage"
)

// foldersAtOnce is how many folders one record says to be complete. There are more than that only where completeness is asked for of
// a topic with a history.
const foldersAtOnce = 1000

// completeFolders says in the log which time folders are complete by now, and gives them their markers. Where there are none it asks
// nothing of the store. It rests on what the cluster said at the start of the run, so it comes to less than a look now would: never to more.
func (w *worker) completeFolders(ctx context.Context) error {
	if w.anyFailed() {
		return nil
	}
	if !w.task.reachesEnd() {
		return w.closeReopened(ctx)
	}
	for {
		s := w.log.State()
		switch {
		case w.job.Complete.Marker == "" && !s.Complete.IsTracked():
			return nil
		case w.job.Complete.Marker == "":
			// Nobody is going to look at what is open from here on: the state must not grow for ever.
			return w.sayComplete(ctx, func(s *offsets.State) (*offsets.Complete, error) {
				if !s.Complete.IsTracked() {
					return nil, errNothingLeft
				}
				return &offsets.Complete{Incarnation: s.Incarnation, Off: true}, nil
			})
		}
		nothing := func() bool { return s.Complete.IsTracked() && len(w.due(s.Complete.Open, w.through(s))) == 0 }
		if nothing() {
			return nil
		}
		// By a clock that is ahead, folders would be complete that are still being written, and what is said is never taken back.
		ahead, known := w.clockAhead(ctx)
		if w.ahead = w.tooFar(ahead); !known || nothing() {
			return nil
		}
		live := newLiveSet()
		if err := w.sayComplete(ctx, func(s *offsets.State) (*offsets.Complete, error) { return w.decideComplete(ctx, s, live) }); err != nil {
			return err
		}
		if now := w.log.State(); now.V == s.V {
			return nil // what is due cannot be told yet
		}
	}
}

// closeReopened gives folders that are complete their markers back, after files of theirs were replaced or dropped. It needs no Kafka, and
// judges by what the log said already.
func (w *worker) closeReopened(ctx context.Context) error {
	s := w.log.State()
	if w.job.Complete.Marker == "" || !s.Complete.IsTracked() || len(w.due(s.Complete.Open, s.Complete.Through)) == 0 {
		return nil
	}
	return w.sayComplete(ctx, func(s *offsets.State) (*offsets.Complete, error) { return w.decideComplete(ctx, s, nil) })
}

// sayComplete appends what decide says, and carries it out. errNothingLeft is no error.
func (w *worker) sayComplete(ctx context.Context, decide func(*offsets.State) (*offsets.Complete, error)) error {
	r, err := w.append(ctx, func(s *offsets.State) (offsets.Body, error) {
		b, err := decide(s)
		if err != nil {
			return nil, err
		}
		return b, nil
	})
	if errors.Is(err, errNothingLeft) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: say which folders are complete: %w", w.topic, err)
	}
	w.report.Complete += len(r.Body.(*offsets.Complete).Folders)
	w.env.hook("complete-appended")
	return w.carryOut(ctx, r)
}

// decideComplete says what is complete after s, and not said yet. live is extended to s where folders were not tracked so far.
func (w *worker) decideComplete(ctx context.Context, s *offsets.State, live *liveSet) (*offsets.Complete, error) {
	b := &offsets.Complete{Incarnation: s.Incarnation, Through: w.through(s)}
	open := map[string]int64{}
	if s.Complete != nil {
		maps.Copy(open, s.Complete.Open)
	}
	if !s.Complete.IsTracked() {
		// What is removed now was not noted as long as nobody asked: once it is carried out, no marker can come before it.
		if live == nil || len(w.log.Unmarked()) > 0 {
			return nil, errNothingLeft
		}
		if err := live.extend(ctx, w.log, s.V); err != nil {
			return nil, err
		}
		for _, f := range live.files {
			if folder := offsets.FolderOf(f.Key); f.Kind == offsets.KindData && open[folder] == 0 {
				open[folder] = 0
			}
		}
		b.Open, b.Anew = slices.Sorted(maps.Keys(open)), w.set.Partition.By == "field"
	}
	due := w.due(open, b.Through)
	due = due[:min(len(due), foldersAtOnce)]
	for _, folder := range due {
		if open[folder] == 0 {
			b.Folders = append(b.Folders, folder)
			continue
		}
		// Files of it were removed. Whether some are left can be seen once everything is carried out.
		if len(w.log.Unmarked()) > 0 {
			continue
		}
		there, err := w.hasFiles(ctx, folder)
		switch {
		case err != nil:
			return nil, err
		case there:
			b.Folders = append(b.Folders, folder)
		default:
			b.Vacant = append(b.Vacant, folder)
		}
	}
	if s.Complete.IsTracked() && len(b.Folders)+len(b.Vacant) == 0 {
		return nil, errNothingLeft
	}
	return b, nil
}

// through is the time by which folders must have ended to be complete after s. It never goes back.
func (w *worker) through(s *offsets.State) int64 {
	said := int64(0)
	if s.Complete != nil {
		said = s.Complete.Through
	}
	switch {
	case w.desc == nil || w.desc.ID != s.TopicID:
		return said // nobody was asked, or about another topic of this name
	case w.set.Partition.By == "field" && !s.Complete.IsTracked():
		return said // what was lifted so far tells Kafka's times alone
	}
	passed := passedByAll(standings(s, w.desc, w.endTime.Add(-w.ahead), w.job.Complete.Idle, w.env.readCommitted))
	return max(said, passed-w.job.Complete.Lateness.Milliseconds())
}

// due are the folders whose time has ended by through, the oldest names first.
func (w *worker) due(open map[string]int64, through int64) (out []string) {
	for folder := range open {
		if _, to, ok := w.spanOf(folder); ok && to.UnixMilli() <= through {
			out = append(out, folder)
		}
	}
	slices.Sort(out)
	return out
}

// spanOf is the stretch of time of a folder of data files. One of another layout, or of a folder that the topic had before, has none.
func (w *worker) spanOf(folder string) (from, to time.Time, ok bool) {
	bucket, ok := strings.CutPrefix(folder, w.set.Folder+"/")
	if !ok {
		return from, to, false
	}
	p, err := w.partitioner()
	if err != nil {
		return from, to, false
	}
	return p.Span(bucket)
}

// partitioner is the topic's, made once.
func (w *worker) partitioner() (*partitioning.Partitioner, error) {
	if w.layout == nil {
		options, err := w.set.Partition.Options()
		if err != nil {
			return nil, err
		}
		if w.layout, err = partitioning.New(options); err != nil {
			return nil, err
		}
	}
	return w.layout, nil
}

// hasFiles looks whether a folder has data files of the topic. What others leave there says nothing.
func (w *worker) hasFiles(ctx context.Context, folder string) (bool, error) {
	for e, err := range w.env.store.List(ctx, storage.Query{Prefix: folder + "/"}) {
		if err != nil {
			return false, fmt.Errorf("look into %s: %w", folder, err)
		}
		if _, ours := attemptOfName(w.topic, e.Name, "\x00"); ours && offsets.FolderOf(e.Name) == folder {
			return true, nil
		}
	}
	return false, nil
}

func (w *worker) anyFailed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.failed) > 0
}

// stamp adds to a record what it has to do with complete folders: which of its rows are late, and which folders it reopens. s ends right
// before it.
func (w *worker) stamp(ctx context.Context, s *offsets.State, body offsets.Body) (offsets.Body, error) {
	if s.Complete == nil {
		return body, nil
	}
	switch b := body.(type) {
	case *offsets.Commit:
		return &offsets.Commit{Lift: w.withLate(s, b.Lift, nil)}, nil
	case *offsets.Fill:
		return &offsets.Fill{Lift: w.withLate(s, b.Lift, nil)}, nil
	case *offsets.Drop:
		c := *b
		keys := make([]string, len(b.Files))
		for i, f := range b.Files {
			keys[i] = f.Key
		}
		c.Reopens = w.dataFolders(keys)
		return &c, nil
	case *offsets.Replace:
		c := *b
		var keys []string
		for _, ref := range b.Remove {
			old, _, err := w.findBundle(ctx, ref)
			if err != nil {
				return nil, err
			}
			for i := range old.Files {
				keys = append(keys, old.Files[i].Key)
			}
		}
		c.Reopens = w.dataFolders(keys)
		c.Lift = w.withLate(s, b.Lift, c.Reopens)
		return &c, nil
	}
	return body, nil
}

// withLate names the folders of a lift that were complete before it, but for those that the same record reopens: readers are told of
// these anew.
func (w *worker) withLate(s *offsets.State, l offsets.Lift, reopens []string) offsets.Lift {
	l.Late = nil
	for _, folder := range l.Folders() {
		if _, to, ok := w.spanOf(folder); ok && to.UnixMilli() <= s.Complete.Through && !slices.Contains(reopens, folder) {
			l.Late = append(l.Late, folder)
		}
	}
	return l
}

// dataFolders are the folders of those files that are data, ascending.
func (w *worker) dataFolders(keys []string) []string {
	seen := map[string]bool{}
	for _, key := range keys {
		if !strings.HasPrefix(key, "_shadoof/") {
			seen[offsets.FolderOf(key)] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
