package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"shadoof/offsets"
	"shadoof/storage"
)

// A VerifyReport accounts for every committed offset of the selected topics.
type VerifyReport struct {
	Deep   bool           `json:"deep"`
	Topics []*VerifyTopic `json:"topics"`
}

// A VerifyTopic accounts for one topic. For each partition rows + quarantined + gaps = offsets.
type VerifyTopic struct {
	Topic       string            `json:"topic"`
	Version     int64             `json:"version"`
	Partitions  []VerifyPartition `json:"partitions"` // of all incarnations
	Files       int               `json:"files"`      // live and published
	Rows        int64             `json:"rows"`
	Bytes       int64             `json:"bytes"`
	Pending     []int64           `json:"pending"`     // versions that are committed and not carried out yet: the next run does it
	Differences []string          `json:"differences"` // empty: all is accounted for
}

// A VerifyPartition accounts for one partition of one incarnation of a topic.
type VerifyPartition struct {
	Incarnation int              `json:"incarnation"`
	Partition   int32            `json:"partition"`
	Start       int64            `json:"start"`
	Next        int64            `json:"next"`
	Before      int64            `json:"before,omitempty"` // offsets below Start that a backfill lifted
	Offsets     int64            `json:"offsets"`          // Next - Start, and Before
	Rows        int64            `json:"rows"`
	Quarantined int64            `json:"quarantined"`
	Gaps        map[string]int64 `json:"gaps"` // by reason

	skipped []*offsets.Skip
}

// ExitCode is 0 when everything is accounted for, else 4.
func (r *VerifyReport) ExitCode() int {
	for _, t := range r.Topics {
		if len(t.Differences) > 0 {
			return ExitHalted
		}
	}
	return ExitDone
}

// Verify reads the logs from their first record, checks that every record is valid where it stands and that its figures add up, and
// compares the folders with the files that the logs name. deep also reads every file back and compares rows and digests.
func (e *Env) Verify(ctx context.Context, sel Selection, deep bool) (*VerifyReport, error) {
	topics, err := e.committedTopics(ctx, sel)
	if err != nil {
		return nil, err
	}
	report := &VerifyReport{Deep: deep}
	for _, topic := range topics {
		t, err := e.verifyTopic(ctx, topic, deep)
		if err != nil {
			return report, err
		}
		report.Topics = append(report.Topics, t)
	}
	return report, nil
}

// committedTopics lists the selected topics that have a log, whether or not the cluster still has them. It needs no Kafka.
func (e *Env) committedTopics(ctx context.Context, sel Selection) ([]string, error) {
	for _, name := range sel.Jobs {
		if e.cfg.Job(name) == nil {
			return nil, usage(fmt.Errorf("no job is called %q", name))
		}
	}
	if len(sel.Topics) > 0 {
		return sel.Topics, nil
	}
	var out []string
	const topics = "_shadoof/topics/"
	for entry, err := range e.store.List(ctx, storage.Query{Prefix: topics, Shallow: true}) {
		if err != nil {
			return nil, fmt.Errorf("list topics below %s: %w", e.endpoint, err)
		}
		topic := strings.TrimSuffix(strings.TrimPrefix(entry.Name, topics), "/")
		if !entry.IsFolder() {
			continue
		}
		c, err := e.claimOf(topic)
		if err != nil {
			continue // another configuration's
		}
		if len(sel.Jobs) == 0 || slices.Contains(sel.Jobs, c.job.Name) {
			out = append(out, topic)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("nothing of the selected jobs was committed below %s yet", e.endpoint)
	}
	return out, nil
}

// An audit is one verification under way.
type audit struct {
	w        *worker
	deep     bool
	topic    *VerifyTopic
	parts    map[[2]int64]*VerifyPartition // by incarnation and partition
	pending  map[int64]bool
	removing map[string]bool // keys that go by records that are not carried out yet
	mu       sync.Mutex

	existing bool // a person accepted another tool's files in the folder

	looked map[string]bool // settings and schemas
	marked map[string]bool // whether a folder should have a marker, by the last record about it
}

func (a *audit) differ(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.topic.Differences = append(a.topic.Differences, fmt.Sprintf(format, args...))
}

func (w *worker) verify(ctx context.Context, deep bool) (*VerifyTopic, error) {
	a := &audit{w: w, deep: deep, parts: map[[2]int64]*VerifyPartition{}, pending: map[int64]bool{}, removing: map[string]bool{}, marked: map[string]bool{}, looked: map[string]bool{},
		topic: &VerifyTopic{Topic: w.topic, Version: w.log.State().V, Pending: []int64{}, Differences: []string{}, Partitions: []VerifyPartition{}}}
	for _, v := range w.log.Unmarked() {
		a.pending[v] = true
		a.topic.Pending = append(a.topic.Pending, v)
	}
	if err := a.history(ctx); err != nil {
		return nil, err
	}
	live, err := w.liveFiles(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.folders(ctx, live); err != nil {
		return nil, err
	}
	keys := make([][2]int64, 0, len(a.parts))
	for k := range a.parts {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		return keys[i][0] < keys[j][0] || keys[i][0] == keys[j][0] && keys[i][1] < keys[j][1]
	})
	for _, k := range keys {
		p := a.parts[k]
		a.balance(p)
		a.topic.Partitions = append(a.topic.Partitions, *p)
	}
	sort.Strings(a.topic.Differences)
	return a.topic, nil
}

func (a *audit) part(incarnation int, partition int32) *VerifyPartition {
	k := [2]int64{int64(incarnation), int64(partition)}
	if a.parts[k] == nil {
		a.parts[k] = &VerifyPartition{Incarnation: incarnation, Partition: partition, Gaps: map[string]int64{}}
	}
	return a.parts[k]
}

// history folds every record from the first, and sums up what each says.
func (a *audit) history(ctx context.Context) error {
	proof := offsets.NewAudit()
	files := map[string]liveFile{}
	bundles := map[offsets.BundleRef]*auditedBundle{}
	for r, err := range a.w.log.Slots(ctx, 1, a.topic.Version) {
		if err != nil {
			return err
		}
		if err := proof.Apply(r); err != nil {
			return err
		}
		wordOf(r, func(folder string, wanted bool) { a.marked[folder] = wanted })
		switch b := r.Body.(type) {
		case *offsets.Init:
			a.existing = a.existing || b.Existing != nil
			for _, p := range b.Partitions {
				v := a.part(b.Incarnation, p.Partition)
				v.Start, v.Next = p.Start, p.Start
			}
		case *offsets.Incarnate:
			for _, p := range b.Partitions {
				v := a.part(b.Incarnation, p.Partition)
				v.Start, v.Next = p.Start, p.Start
			}
		case *offsets.Skip:
			v := a.part(b.Incarnation, b.Partition)
			v.Gaps[b.Gap] += b.To - b.From
			v.skipped = append(v.skipped, b)
			v.Next = max(v.Next, b.To)
		case *offsets.Fill:
			a.filled(&b.Lift)
		case *offsets.Drop:
			for _, ref := range b.Files {
				f := files[ref.Key]
				a.dropped(f)
				a.removing[ref.Key] = a.pending[r.V]
				bundles[offsets.BundleRef{V: f.v, Bundle: f.bundle}].dropped[ref.Key] = true
			}
		case *offsets.Replace:
			for _, ref := range b.Remove {
				a.replaced(bundles[ref], a.pending[r.V])
				delete(bundles, ref)
			}
		}
		if err := a.kept(ctx, r.Lift()); err != nil {
			return err
		}
		if l := r.Lift(); l != nil {
			for n, b := range l.Bundles {
				a.bundle(r.V, n, l.Incarnation, b)
				bundles[offsets.BundleRef{V: r.V, Bundle: n}] = &auditedBundle{b, l.Incarnation, map[string]bool{}}
				for _, f := range b.Files {
					a.foreign(r.V, f.Key)
					files[f.Key] = liveFile{File: f, v: r.V, bundle: n, incarnation: l.Incarnation}
				}
			}
		}
	}
	a.cached(proof)
	return nil
}

// bundle checks that a bundle's figures add up, for each segment: rows + quarantined + gaps = offsets.
func (a *audit) bundle(v int64, n, incarnation int, b offsets.Bundle) {
	for _, s := range b.Segments {
		p := a.part(incarnation, s.Partition)
		p.Next = max(p.Next, s.To)
		var have int64
		for reason, count := range gapCounts(&s.Gaps) {
			p.Gaps[reason] += count
			have += count
		}
		for i := range b.Files {
			rows := b.Files[i].RowsOf(s.Partition)
			p.count(b.Files[i].Kind, rows)
			have += rows
		}
		if have != s.To-s.From {
			a.differ("version %d bundle %d: rows + quarantined + gaps are %d for the %d offsets of partition %d", v, n, have, s.To-s.From, s.Partition)
		}
	}
}

// filled takes back what skips accounted for, where a fill lifted it after all.
func (a *audit) filled(l *offsets.Lift) {
	for _, b := range l.Bundles {
		for _, s := range b.Segments {
			p := a.part(l.Incarnation, s.Partition)
			p.Before += max(0, min(s.To, p.Start)-s.From)
			for _, skip := range p.skipped {
				p.Gaps[skip.Gap] -= max(0, min(s.To, skip.To)-max(s.From, skip.From))
			}
		}
	}
}

// An auditedBundle is a live bundle, with those of its files that were dropped.
type auditedBundle struct {
	offsets.Bundle
	incarnation int
	dropped     map[string]bool
}

// replaced takes back what a bundle accounted for: the record that replaces it accounts for the same offsets.
func (a *audit) replaced(b *auditedBundle, pending bool) {
	for _, s := range b.Segments {
		for reason, count := range gapCounts(&s.Gaps) {
			a.part(b.incarnation, s.Partition).Gaps[reason] -= count
		}
	}
	for i := range b.Files {
		f := &b.Files[i]
		for _, r := range f.Ranges {
			p, rows := a.part(b.incarnation, r.Partition), f.RowsOf(r.Partition)
			if b.dropped[f.Key] {
				p.Gaps["dropped"] -= rows
			} else {
				p.count(f.Kind, -rows)
				a.removing[f.Key] = pending
			}
		}
	}
}

func (p *VerifyPartition) count(kind string, rows int64) {
	if kind == offsets.KindData {
		p.Rows += rows
	} else {
		p.Quarantined += rows
	}
}

// dropped moves the rows of a dropped file to the gaps.
func (a *audit) dropped(f liveFile) {
	for _, r := range f.Ranges {
		p, rows := a.part(f.incarnation, r.Partition), f.RowsOf(r.Partition)
		p.Gaps["dropped"] += rows
		p.count(f.Kind, -rows)
	}
}

func (a *audit) balance(p *VerifyPartition) {
	p.Offsets = p.Next - p.Start + p.Before
	have := p.Rows + p.Quarantined
	for reason, n := range p.Gaps {
		if have += n; n == 0 {
			delete(p.Gaps, reason) // of a bundle that was replaced since
		}
	}
	if have != p.Offsets {
		a.differ("partition %d (incarnation %d): rows + quarantined + gaps are %d, and [%d,%d), with %d below, are %d offsets", p.Partition, p.Incarnation, have, p.Start, p.Next, p.Before, p.Offsets)
	}
}

// folders compares what lies in the topic's folders with the live files. Files may have been committed, published or removed since
// the log was folded: only what the log as it is after the listing does not explain is a difference.
func (a *audit) folders(ctx context.Context, live map[string]liveFile) error {
	missing, unknown := map[string]liveFile{}, []string{}
	for k, f := range live {
		missing[k] = f
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, prefix := range []string{a.w.set.Folder + "/", offsets.QuarantineDir(a.w.topic) + "/"} {
		for e, err := range a.w.env.store.List(ctx, storage.Query{Prefix: prefix}) {
			if err != nil {
				return errors.Join(err, g.Wait())
			}
			f, ok := live[e.Name]
			if !ok {
				unknown = append(unknown, e.Name)
				continue
			}
			delete(missing, e.Name)
			a.present(gctx, g, f, e.Size)
		}
	}
	moved, err := a.since(ctx)
	if err != nil {
		return errors.Join(err, g.Wait())
	}
	for _, name := range unknown {
		if isSuccess(name) {
			a.marker(name)
			continue
		}
		if !moved[name] && !a.removing[name] && !a.leftByOthers(name) {
			a.differ("%s is visible, and no record names it", name)
		}
	}
	var gone []liveFile
	for k, f := range missing {
		if a.pending[f.v] || moved[k] {
			continue
		}
		// The job's folder may have been another one when the file was committed: only a look tells that it is gone.
		size, err := storage.Size(ctx, a.w.env.store, k)
		switch {
		case isNotExist(err):
			gone = append(gone, f)
		case err != nil:
			return errors.Join(err, g.Wait())
		default:
			a.present(gctx, g, f, size)
		}
	}
	a.gone(live, gone)
	return g.Wait()
}

// marker judges one of a folder that the log is about. One that is missing is no difference: it says nothing about the rows. Nor is one
// of a log that goes on, or has versions that are not carried out.
func (a *audit) marker(name string) {
	wanted, known := a.marked[strings.TrimSuffix(name, "/"+successName)]
	if known && !wanted && len(a.pending) == 0 && a.w.log.State().V == a.topic.Version {
		a.differ("%s says that the folder is complete, and the log says that it is not: delete it", name)
	}
}

// present accounts for a live file that is there.
func (a *audit) present(ctx context.Context, g *errgroup.Group, f liveFile, size int64) {
	a.topic.Files++
	a.topic.Rows += f.Rows
	a.topic.Bytes += f.Bytes
	switch {
	case size != f.Bytes:
		a.differ("%s (version %d) has %d bytes, and %d were committed", f.Key, f.v, size, f.Bytes)
	case a.deep:
		g.Go(func() error { return a.readBack(ctx, f) })
	}
}

// since reads the records that came after those that were verified, and returns the keys they are about.
func (a *audit) since(ctx context.Context) (map[string]bool, error) {
	s, err := a.w.log.Extend(ctx)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for r, err := range a.w.log.Slots(ctx, a.topic.Version+1, s.V) {
		if err != nil {
			return nil, err
		}
		if l := r.Lift(); l != nil {
			for _, b := range l.Bundles {
				for _, f := range b.Files {
					keys[f.Key] = true
				}
			}
		}
		switch b := r.Body.(type) {
		case *offsets.Drop:
			for _, f := range b.Files {
				keys[f.Key] = true
			}
		case *offsets.Replace:
			for _, ref := range b.Remove {
				old, _, err := a.w.findBundle(ctx, ref)
				if err != nil {
					return nil, err
				}
				for _, f := range old.Files {
					keys[f.Key] = true
				}
			}
		}
	}
	return keys, nil
}

// leftByOthers says whether a file may be another tool's that a person accepted.
func (a *audit) leftByOthers(name string) bool {
	if !a.existing {
		return false
	}
	_, ok := attemptOfName(a.w.topic, name, "\x00")
	return !ok
}

// readBack compares the rows of a file with what was committed.
func (a *audit) readBack(ctx context.Context, f liveFile) error {
	r, err := a.w.env.drivers.Reader(f.Key)
	if err != nil {
		return err
	}
	id, err := r.Identity(ctx, storage.ReaderAt(ctx, a.w.env.store, f.Key, f.Bytes), f.Bytes)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		a.differ("%s (version %d) cannot be read: %v", f.Key, f.v, err)
	case id.Rows != f.Rows:
		a.differ("%s (version %d) holds %d rows, and %d were committed", f.Key, f.v, id.Rows, f.Rows)
	case id.HasKafkaColumns && id.Digest.String() != f.Digest:
		a.differ("%s (version %d) holds other offsets than were committed: digest %s, committed %s", f.Key, f.v, id.Digest, f.Digest)
	}
	return nil
}

// gapCounts is the number of offsets without a row, by reason.
func gapCounts(g *offsets.Gaps) map[string]int64 {
	n := map[string]int64{}
	add := func(reason string, count int64, ranges []offsets.Range) {
		for _, r := range ranges {
			count += r.Len()
		}
		if count > 0 {
			n[reason] = count
		}
	}
	add("control", g.Control, nil)
	add("aborted", g.Aborted, nil)
	add("compacted", g.Compacted, nil)
	add("tombstone", g.Tombstone, nil)
	add("dropped", g.Dropped, nil)
	add("retention", 0, g.Retention)
	add("truncated", 0, g.Truncated)
	add("operator", 0, g.Operator)
	add("unexplained", 0, g.Unexplained)
	return n
}
