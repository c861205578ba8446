package jobs

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"shadoof/config"
	"shadoof/extract"
	"shadoof/storage"
)

// topicsExamined is how many topics are looked at side by side.
const topicsExamined = 8

const checkPublishing = "publishing"

func (v *visit) examineTopics(ctx context.Context, claims []claim, listed bool) {
	limit := make(chan struct{}, topicsExamined)
	var looking sync.WaitGroup
	for _, c := range claims {
		looking.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			v.examineTopic(ctx, c, listed)
		})
	}
	looking.Wait()
}

// examineTopic looks at a topic's settings, at the topic in Kafka, and at what the store holds of it.
func (v *visit) examineTopic(ctx context.Context, c claim, listed bool) {
	v.look(ctx, AreaTopic, c.topic, "settings", v.Patience, func(ctx context.Context) []storage.Finding { return v.examineSettings(ctx, c) })
	if listed {
		v.look(ctx, AreaTopic, c.topic, "topic", v.Patience, func(ctx context.Context) []storage.Finding { return v.Kafka.ExamineTopic(ctx, v.use(c)) })
	}
	w, err := v.newWorker(c.job, c.topic)
	if err != nil || v.store == nil {
		return // said above
	}
	v.look(ctx, AreaTopic, c.topic, checkPublishing, v.Patience, w.examineMoves)
	v.look(ctx, AreaTopic, c.topic, "commit log", v.Patience, func(ctx context.Context) []storage.Finding {
		found, ok := w.examineLog(ctx)
		if ok && listed && w.log.State().V > 0 {
			found = append(found, w.examinePositions(ctx)...)
		}
		return found
	})
}

// use is how the cluster is to judge a topic.
func (v *visit) use(c claim) extract.Use {
	u := extract.Use{Topic: c.topic, Every: longestGapOf(c.job), Memory: v.cfg.Memory / int64(cap(v.lifting))}
	if c.job.Partition.By == "timestamp" {
		u.MaxFuture = c.job.Partition.MaxFuture
	}
	return u
}

func (v *visit) examineSettings(ctx context.Context, c claim) []storage.Finding {
	const name = "settings"
	w, err := v.newWorker(c.job, c.topic)
	if err != nil {
		return one(storage.Bad, name, "%v", err)
	}
	w.registry = v.registry
	if err := w.decideTarget(ctx); err != nil {
		return one(gradeOf(err), name, "%v", err)
	}
	compiled, err := v.compile(w.set, w.schemas.find)
	if err != nil {
		return one(storage.Bad, name, "%v", err)
	}
	fields := fmt.Sprintf("%d fields", len(compiled.decoder.Schema().Fields))
	if !w.set.Decided() {
		fields = fmt.Sprintf("the subject %s does not exist: fields follow from what records name", w.set.Subject)
	}
	return one(storage.Good, name, "job %s: %s values, %s, to %s files by %s in %s/", c.job.Name, w.set.Format, fields, w.set.Output.Format, w.set.Partition.By, w.set.Folder)
}

// examineRegistry asks the registry for something that every registry knows.
func (v *visit) examineRegistry(ctx context.Context) []storage.Finding {
	r, err := v.registry()
	if err == nil {
		err = r.Check(ctx)
	}
	if err != nil {
		return one(gradeOf(err), lookRegistry, "%v", err)
	}
	return one(storage.Good, lookRegistry, "%s", strings.Join(v.cfg.Registry.URLs, ", "))
}

// examineMoves tries what publishing does, where files are moved between folders.
func (w *worker) examineMoves(ctx context.Context) []storage.Finding {
	mover, ok := w.env.store.(storage.Mover)
	if !ok {
		return nil
	}
	for _, m := range w.env.moves(w.set) {
		if err := mover.TryMove(ctx, m); err != nil {
			return one(gradeOf(err), checkPublishing, "from %s to %s: %v", m.Staging, m.Folder, err)
		}
	}
	return one(storage.Good, checkPublishing, "files can be moved from %s to %s", w.env.dataStaging(w.set), w.set.Folder)
}

// examineLog folds the topic's log, and looks for what waits for a run or for gc.
func (w *worker) examineLog(ctx context.Context) (found []storage.Finding, ok bool) {
	const name = "commit log"
	if err := w.open(ctx); err != nil {
		return one(gradeOf(err), name, "%v", err), false
	}
	s := w.log.State()
	switch pending := w.log.Unmarked(); {
	case s.V == 0:
		found = one(storage.Good, name, "none: the topic was never lifted")
	case len(pending) > 0:
		found = one(storage.Doubt, name, "version %d; %d of the versions from %d on are committed and not carried out yet: `shadoof run --topic %s` does that first", s.V, len(pending), pending[0], w.topic)
	default:
		found = one(storage.Good, name, "version %d, all is published", s.V)
	}
	return append(found, w.examineStaged(ctx)...), true
}

// examineStaged counts what gc would discard. Only where something is old enough the whole log is read, to see whether it is wanted.
func (w *worker) examineStaged(ctx context.Context) []storage.Finding {
	const name = "staged leftovers"
	now := w.env.now()
	all, err := w.listStaged(ctx, now)
	if err != nil {
		return one(gradeOf(err), name, "%v", err)
	}
	old := 0
	for _, l := range all {
		if l.Age >= w.env.cfg.OrphanAge {
			old++
		}
	}
	if old == 0 {
		return one(storage.Good, name, "%d staged, none older than orphan_age (%s)", len(all), config.FormatDuration(w.env.cfg.OrphanAge))
	}
	dry, err := w.env.newWorker(w.job, w.topic)
	if err != nil {
		return one(gradeOf(err), name, "%v", err)
	}
	report, err := dry.gc(ctx, now, true)
	if err != nil {
		return one(gradeOf(err), name, "%v", err)
	}
	if len(report.Discarded) == 0 {
		return one(storage.Good, name, "%d staged, none that gc would discard", len(all))
	}
	var bytes int64
	for _, l := range report.Discarded {
		bytes += l.Bytes
	}
	return one(storage.Doubt, name, "%d staged files of dead runs, %d bytes as far as the store tells: `shadoof gc --topic %s` discards them; run it once a day", len(report.Discarded), bytes, w.topic)
}

// examinePositions compares the committed offsets with what the cluster has.
func (w *worker) examinePositions(ctx context.Context) []storage.Finding {
	const name = "committed offsets"
	if err := w.fixEnds(ctx, noTime); err != nil {
		return one(gradeOf(err), name, "%v", err)
	}
	s, policy := w.log.State(), w.job.Policy
	wrong := func(policy, format string, args ...any) []storage.Finding {
		text := fmt.Sprintf(format, args...)
		if policy == "record" {
			return one(storage.Doubt, name, "%s: the next run records that and goes on, by the job's policy", text)
		}
		return one(storage.Bad, name, "%s: the next run halts: docs/operations.md says what to decide", text)
	}
	if cause := changedTopic(s, w.desc); cause != "" {
		return wrong(policy.TopicRecreated, "the topic was %s since it was lifted (id %s, cluster %s; now id %s, cluster %s)", cause, s.TopicID, s.Cluster, w.desc.ID, w.desc.Cluster)
	}
	var lag, lost, cut int64
	newest := time.Time{}
	for _, p := range w.desc.Partitions {
		have, ok := s.Partitions[p.Partition]
		if !ok || p.Err != nil {
			continue
		}
		lag += max(0, p.End(w.env.readCommitted)-have.Next)
		lost += max(0, p.LogStart-have.Next)
		cut += max(0, have.Next-p.HighWatermark)
		if have.Mark != nil {
			if at := time.UnixMilli(have.Mark.Timestamp); at.After(newest) {
				newest = at
			}
		}
	}
	switch {
	case lost > 0:
		return wrong(policy.LostRecords, "%d offsets were deleted in Kafka before they were read", lost)
	case cut > 0:
		return wrong(policy.Truncated, "the log in Kafka ends %d offsets below what was lifted: it was truncated", cut)
	case lag == 0:
		return one(storage.Good, name, "at the end")
	}
	text := fmt.Sprintf("%d offsets behind the end", lag)
	if !newest.IsZero() {
		text += fmt.Sprintf("; the newest record that was lifted is of %s", newest.UTC().Format(time.RFC3339))
	}
	return one(storage.Good, name, "%s", text)
}
