package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
)

// A BackfillRequest says what of a topic is to be lifted beside its runs.
type BackfillRequest struct {
	Topic      string
	From, To   string  // offsets, RFC 3339 times, dates in the job's zone, earliest, latest; To "": latest
	Partitions []int32 // empty: all

	// Lateness is how far behind the first record of To, where that is a time, the last one from before it may lie; nil: complete.lateness
	// of the job.
	Lateness *time.Duration

	Replace    bool   // lift bundles again that are there, instead of what nothing covers
	Swap       string // of a replace; "": offsets.HideFirst
	AllowFewer bool   // of a replace: also where fewer rows come back than are there
	At         int64  // of a replace: only bundles that were there after this version; 0: all

	Into *Env // lift into another root, with its own log; nil: into the topic's own

	Shard, Shards int             // as in RunOptions
	DryRun        bool            // nothing is written
	Hard          context.Context // as in RunOptions
}

// The modes of a backfill.
const (
	ModeFill    = "fill"
	ModeReplace = "replace"
	ModeInto    = "into"
)

// A BackfillReport says what a backfill was to do, and what it did.
type BackfillReport struct {
	Plan   *BackfillPlan `json:"plan"`
	Result *TopicReport  `json:"result,omitempty"` // nil in a dry run
}

// ExitCode is the exit status of the backfill.
func (r *BackfillReport) ExitCode() int {
	if r.Result == nil {
		return ExitDone
	}
	return ExitCode(r.Result.Err)
}

// A BackfillPlan is what a backfill reads and writes.
type BackfillPlan struct {
	Topic       string              `json:"topic"`
	Job         string              `json:"job"`
	Mode        string              `json:"mode"`
	From        string              `json:"from"` // as it was asked for
	To          string              `json:"to"`
	Swap        string              `json:"swap,omitempty"`
	At          int64               `json:"at,omitempty"`    // of a replace: asked for again with it, it goes on where it stood
	Root        string              `json:"root,omitempty"`  // into which
	Partitions  []BackfillPartition `json:"partitions"`      // what From and To come to
	Ranges      []PlanPartition     `json:"ranges"`          // that are read; of a replace, those of its bundles
	Bundles     []BackfillBundle    `json:"bundles"`         // that are replaced
	LeftAlone   []BackfillBundle    `json:"left_alone"`      // that are not, and why
	Offsets     int64               `json:"offsets"`         // in Ranges
	Rows        int64               `json:"rows"`            // there now, of Bundles
	Quarantined int64               `json:"quarantined"`     // likewise
	Dropped     int64               `json:"dropped"`         // likewise, which are a gap now: what the cluster still has of them comes back
	Notes       []string            `json:"notes,omitempty"` // for people
}

// A BackfillPartition is what the bounds of a backfill come to in one partition.
type BackfillPartition struct {
	Partition int32 `json:"partition"`
	From      int64 `json:"from"`
	To        int64 `json:"to"`
	LogStart  int64 `json:"log_start"` // what the cluster has
	End       int64 `json:"end"`
	Committed int64 `json:"committed"` // -1: never read
}

// A BackfillBundle is a bundle of files that a replace is about.
type BackfillBundle struct {
	V           int64           `json:"v"`
	Bundle      int             `json:"bundle"`
	Ranges      []PlanPartition `json:"ranges"`
	Files       int             `json:"files"` // live ones
	Rows        int64           `json:"rows"`  // live ones, as the next two
	Quarantined int64           `json:"quarantined"`
	Dropped     int64           `json:"dropped,omitempty"`
	Replaced    int64           `json:"replaced,omitempty"` // by this version
	NewRows     int64           `json:"new_rows,omitempty"`
	NewBad      int64           `json:"new_quarantined,omitempty"`
	Why         string          `json:"why,omitempty"` // it is left alone
}

// A backfill is one under way.
type backfill struct {
	w     *worker
	r     BackfillRequest
	from  bound
	to    bound
	spans []partitionSpan // of the selected partitions
	plan  *BackfillPlan
}

// Backfill lifts a part of a topic beside its runs: what nothing covers, or bundles that are there once more, or into another root. It never
// moves the committed offsets of the topic's own log. All that is wrong with what is asked for is an error before anything starts; later
// errors are in the report. ctx and r.Hard are as in Run.
func (e *Env) Backfill(ctx context.Context, r BackfillRequest) (*BackfillReport, error) {
	hard := r.Hard
	if hard == nil {
		hard = ctx
	}
	b, err := e.newBackfill(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	report := &BackfillReport{Plan: b.plan}
	if r.DryRun {
		return report, nil
	}
	report.Result = b.w.report
	b.w.reported(ctx, hard, b.lift)
	return report, nil
}

func (e *Env) newBackfill(ctx context.Context, r BackfillRequest) (*backfill, error) {
	if err := checkSwap(r.Swap); err != nil {
		return nil, err
	}
	if r.Swap == "" {
		r.Swap = offsets.HideFirst
	}
	if r.To == "" {
		r.To = "latest"
	}
	if r.Replace && r.Into != nil {
		return nil, usage(errors.New("what is lifted into another root replaces nothing: --replace or --into, not both"))
	}
	claims, err := e.claims(ctx, Selection{Topics: []string{r.Topic}})
	if err != nil {
		return nil, err
	}
	if err := e.checkRoot(ctx); err != nil {
		return nil, err
	}
	in := e
	if r.Into != nil {
		in, r.Into.other = r.Into, true
		if err := e.otherRoot(ctx, in); err != nil {
			return nil, err
		}
	}
	w, err := in.newWorker(claims[0].job, r.Topic)
	if err != nil {
		return nil, err
	}
	if r.Into != nil {
		if err := besideEachOther(e, in, w.set.Folder); err != nil {
			return nil, err
		}
	}
	if _, err := in.compile(w.set, w.schemas.find); err != nil {
		return nil, err
	}
	b := &backfill{w: w, r: r, plan: &BackfillPlan{Topic: r.Topic, Job: w.job.Name, Mode: ModeFill, From: r.From, To: r.To,
		Partitions: []BackfillPartition{}, Ranges: []PlanPartition{}, Bundles: []BackfillBundle{}, LeftAlone: []BackfillBundle{}}}
	if b.from, err = parseBound(r.From, w.job.Timezone); err != nil {
		return nil, err
	}
	if b.to, err = parseBound(r.To, w.job.Timezone); err != nil {
		return nil, err
	}
	if b.from.after(b.to) {
		return nil, usage(fmt.Errorf("nothing lies from %s to %s: the second must come after the first", r.From, r.To))
	}
	return b, nil
}

// prepare finds out what is to be lifted. It writes nothing.
func (b *backfill) prepare(ctx context.Context) error {
	w := b.w
	if _, err := w.log.Load(ctx); err != nil && !(errors.Is(err, offsets.ErrEmpty) && b.r.Into != nil) {
		if errors.Is(err, offsets.ErrEmpty) {
			return usage(fmt.Errorf("%s: nothing of the topic was lifted below %s yet: `shadoof run` begins with it, at the job's start; --into lifts a part of it into another root", w.topic, w.env.endpoint))
		}
		return err
	}
	if err := w.fixEnds(ctx, noTime); err != nil {
		return err
	}
	if err := b.sameTopic(ctx); err != nil {
		return err
	}
	parts, err := b.selected()
	if err != nil {
		return err
	}
	lateness := w.job.Complete.Lateness
	if b.r.Lateness != nil {
		lateness = *b.r.Lateness
	}
	if b.spans, err = w.spans(ctx, b.from, b.to, lateness, parts); err != nil {
		return err
	}
	for _, s := range b.spans {
		at := BackfillPartition{Partition: s.Partition.Partition, From: s.want.From, To: s.want.To, LogStart: s.LogStart, End: s.end, Committed: -1}
		if p, ok := w.log.State().Partitions[at.Partition]; ok {
			at.Committed = p.Next
		}
		b.plan.Partitions = append(b.plan.Partitions, at)
	}
	b.narrow()
	switch {
	case b.r.Into != nil:
		return b.prepareInto()
	case b.r.Replace:
		return b.prepareReplace(ctx)
	}
	return b.prepareFill()
}

// sameTopic refuses a topic that is another one than the log's: what to do is for a run, and a person, to decide.
func (b *backfill) sameTopic(ctx context.Context) error {
	w := b.w
	cause, err := w.changed(ctx)
	if err != nil {
		return err
	}
	if cause != "" && b.r.Into != nil {
		accept := "--accept-recreated"
		if cause == "truncated" {
			accept = "--accept-truncation"
		}
		return halt(fmt.Errorf("%s: the topic was %s since it was last read into %s; nothing was read: %s goes on with the topic as it is now", w.topic, cause, w.env.endpoint, w.resolution(accept)))
	}
	if cause != "" {
		return halt(fmt.Errorf("%s: the topic was %s since it was last read; nothing was read: `shadoof run --topic %s` says what to decide", w.topic, cause, w.topic))
	}
	return nil
}

// selected are the partitions that were asked for.
func (b *backfill) selected() (out []extract.Partition, err error) {
	w := b.w
	for _, p := range b.r.Partitions {
		if !slices.ContainsFunc(w.desc.Partitions, func(d extract.Partition) bool { return d.Partition == p }) {
			return nil, usage(fmt.Errorf("%s has no partition %d: it has %d, from 0 on", w.topic, p, len(w.desc.Partitions)))
		}
	}
	for _, p := range w.desc.Partitions {
		if len(b.r.Partitions) > 0 && !slices.Contains(b.r.Partitions, p.Partition) {
			continue
		}
		if p.Err != nil {
			return nil, fmt.Errorf("%s/%d: what is there cannot be told: %w", w.topic, p.Partition, p.Err)
		}
		out = append(out, p)
	}
	return out, nil
}

// narrow leaves to the worker the partitions that were asked for and fall to its shard.
func (b *backfill) narrow() {
	asked := map[int32]bool{}
	for _, s := range b.spans {
		asked[s.Partition.Partition] = true
	}
	b.w.mine = func(p int32) bool {
		return asked[p] && (b.r.Shards == 0 || shardOf(b.w.topic, p, b.r.Shards) == b.r.Shard)
	}
}

// prepareFill finds out which ranges nothing covers.
func (b *backfill) prepareFill() error {
	w, s := b.w, b.w.log.State()
	wanted := map[int32][]offsets.Range{}
	var gone []error
	for i, span := range b.spans {
		id := span.Partition.Partition
		p, known := s.Partitions[id]
		if !known {
			if len(b.r.Partitions) > 0 {
				return usage(fmt.Errorf("%s/%d: nothing of the partition was lifted yet: `shadoof run` begins with it", w.topic, id))
			}
			continue
		}
		least := int64(0)
		if s.Incarnation > 1 {
			least = p.Start // what lies below belongs to an incarnation before, or was gone
		}
		open := s.Uncovered(id, offsets.Range{From: max(span.want.From, least), To: span.want.To})
		lost := offsets.Range{From: max(span.want.From, least), To: min(span.LogStart, span.want.To)}
		if span.gone {
			lost.From = least
		}
		if b.from.kind != earliest && !span.want.IsEmpty() {
			if lost := s.Uncovered(id, lost); len(lost) > 0 {
				gone = append(gone, b.goneError(i, lost[0].From))
				continue
			}
		}
		wanted[id] = open
		for _, r := range open {
			if w.mine(id) {
				b.plan.Ranges = append(b.plan.Ranges, PlanPartition{id, r.From, r.To, r.Len()})
				b.plan.Offsets += r.Len()
			}
		}
		if span.want.To > p.Next {
			b.note("partition %d: what lies at its committed offset %d and behind it is for runs", id, p.Next)
		}
	}
	if len(gone) > 0 {
		return usage(errors.Join(gone...))
	}
	if b.plan.Offsets == 0 {
		b.note("all of it is lifted already: --replace lifts it again")
	}
	w.task = fill(w, s.Incarnation, wanted)
	return nil
}

// goneError says that the cluster no longer has what was asked for of a partition, from an offset on.
func (b *backfill) goneError(span int, first int64) error {
	s := b.spans[span]
	return fmt.Errorf("%s/%d: offsets %s are wanted from %s on and are no longer in Kafka, which has %s of the partition: %s takes what is still there",
		b.w.topic, s.Partition.Partition, offsets.Range{From: first, To: s.LogStart}, b.from.text, offsets.Range{From: s.LogStart, To: s.end}, b.again(fromEarliest))
}

func (b *backfill) note(format string, args ...any) {
	b.plan.Notes = append(b.plan.Notes, fmt.Sprintf(format, args...))
}

// lift does what was planned. What others left unfinished is finished first, as a run does.
func (b *backfill) lift(ctx, hard context.Context) error {
	w := b.w
	w.report.FromVersion, w.gone = w.log.State().V, b.overtaken
	if b.r.Into != nil {
		if err := b.begin(ctx); err != nil {
			return err
		}
	}
	if err := w.recover(ctx); err != nil {
		return err
	}
	if err := w.liftLeft(ctx, hard); err != nil || b.r.Into != nil || w.report.Commits == 0 {
		return err
	}
	return atLeastPartial(w.closeReopened(hard))
}
