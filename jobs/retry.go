package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/record"
)

// A RetryRequest says which records of a topic's quarantine are to be tried again.
type RetryRequest struct {
	Topic    string
	Versions []int64       // of the bundles they are in; empty: all
	Reason   record.Reason // ""; whatever the reason
	Swap     string        // "": offsets.ShowFirst
	DryRun   bool          // nothing is written
}

// A RetryReport says what became of records that were tried again.
type RetryReport struct {
	Topic    string           `json:"topic"`
	DryRun   bool             `json:"dry_run"`
	Swap     string           `json:"swap"`
	Tried    int64            `json:"tried"`    // records
	Fit      int64            `json:"fit"`      // of them, which are rows now, or would be
	Skipped  int64            `json:"skipped"`  // of them, which are a gap now: tombstones under policy.tombstone: skip
	Left     map[string]int64 `json:"left"`     // of them, by the reason for which they stay in quarantine
	Untried  int64            `json:"untried"`  // records beside them that stay as they are
	Versions []int64          `json:"versions"` // appended
	Bundles  []RetriedBundle  `json:"bundles"`  // in which there is something to try
}

// A RetriedBundle is a bundle with records in quarantine.
type RetriedBundle struct {
	V        int64            `json:"v"`
	Bundle   int              `json:"bundle"`
	Tried    int64            `json:"tried"`
	Fit      int64            `json:"fit"`
	Skipped  int64            `json:"skipped"`
	Left     map[string]int64 `json:"left"`
	Untried  int64            `json:"untried"`
	Copied   int              `json:"copied"`              // data files that the new bundle has besides
	Replaced int64            `json:"replaced,omitempty"`  // by this version
	NotTried string           `json:"not_tried,omitempty"` // why the whole bundle is left alone
}

// A retry is one topic's retry under way.
type retry struct {
	w      *worker
	r      RetryRequest
	live   *liveSet
	tries  retrial
	report *RetryReport
}

// RetryQuarantine decodes records of quarantine again by the settings of today, and swaps each bundle in which some fit for one that has
// them as rows. It reads the store alone, not Kafka. Time bounds are judged by the time of the bundle's commit: its other rows were, and
// what a retry makes does not depend on the day of the retry.
func (e *Env) RetryQuarantine(ctx context.Context, r RetryRequest) (*RetryReport, error) {
	if err := errors.Join(checkReason(r.Reason), checkSwap(r.Swap)); err != nil {
		return nil, err
	}
	if r.Swap == "" {
		r.Swap = offsets.ShowFirst
	}
	w, err := e.reader(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	t := &retry{w: w, r: r, live: newLiveSet(), report: &RetryReport{Topic: r.Topic, DryRun: r.DryRun, Swap: r.Swap, Left: map[string]int64{}, Versions: []int64{}, Bundles: []RetriedBundle{}}}
	if r.Reason != "" {
		t.tries.reasons = []string{string(r.Reason)}
	}
	for _, v := range r.Versions {
		if newest := w.log.State().V; v < 1 || v > newest {
			return nil, usage(fmt.Errorf("%s: version %d does not exist: the log holds 1 to %d", r.Topic, v, newest))
		}
	}
	bundles, err := t.bundles(ctx, r.Versions)
	if err != nil || len(bundles) == 0 {
		return t.report, err
	}
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	var versions []int64
	for _, b := range bundles {
		if !slices.Contains(versions, b.ref.V) {
			versions = append(versions, b.ref.V)
		}
	}
	for _, v := range versions {
		if err := t.version(ctx, v); err != nil {
			return t.report, partialIf(len(t.report.Versions) > 0, err)
		}
	}
	return t.report, atLeastPartial(t.w.closeReopened(ctx))
}

// bundles lists those with records in quarantine, as the newest record leaves them.
func (t *retry) bundles(ctx context.Context, versions []int64) ([]*quarantinedBundle, error) {
	if err := t.w.log.ConfirmNewest(ctx); err != nil {
		return nil, err
	}
	if err := t.live.extend(ctx, t.w.log, t.w.log.State().V); err != nil {
		return nil, err
	}
	return t.w.quarantinedBundles(ctx, t.live.files, versions)
}

// prepare decides which rows records become, as a run does. What does not fit stays where it is, whatever the policy: it was accepted.
func (t *retry) prepare(ctx context.Context) error {
	w := t.w
	set := w.set.clone()
	set.BadRecord = "quarantine"
	w.set, w.schemas = set, w.newSchemas(set)
	for _, source := range w.schemas.sources() {
		source.halts = false
	}
	if t.r.DryRun {
		w.schemas.keepNothing()
	}
	if err := w.rowsBefore(ctx); err != nil {
		return err
	}
	return w.decideTarget(ctx)
}

// version tries the bundles of one version, and swaps those in which something fits in one record: they have one clock.
func (t *retry) version(ctx context.Context, v int64) error {
	for tries := 1; ; {
		err := t.versionOnce(ctx, v)
		var growth *growthError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &growth):
			t.w.grow(growth)
			continue
		case errors.Is(err, errOvertaken):
			t.w.env.log.Info("another worker was first", "topic", t.w.topic, "version", v)
		case tries >= stageTries || ctx.Err() != nil || ExitCode(err) != ExitFailed || errors.As(err, new(*partitionError)):
			return fmt.Errorf("%s: retry the quarantine of version %d: %w", t.w.topic, v, err)
		default:
			t.w.env.log.Warn("the retry failed, trying again under a new attempt", "topic", t.w.topic, "version", v, "try", tries, "error", err)
		}
		tries++
		if err := t.w.env.pause(ctx, tries); err != nil {
			return err
		}
		if _, err := t.w.log.Extend(ctx); err != nil {
			return err
		}
	}
}

func (t *retry) versionOnce(ctx context.Context, v int64) error {
	w := t.w
	t.tries.set = w.set
	bundles, err := t.bundles(ctx, []int64{v})
	if err != nil || len(bundles) == 0 {
		return err // replaced or dropped meanwhile
	}
	if !t.r.DryRun { // their files must be there to be read, whatever is pending
		if bundles, err = t.settled(ctx, bundles); err != nil {
			return err
		}
	}
	var results []RetriedBundle
	var changed []*quarantinedBundle
	for _, b := range bundles {
		result, err := t.try(ctx, b)
		if err != nil {
			return err
		}
		results = append(results, result)
		if result.Fit+result.Skipped > 0 {
			changed = append(changed, b)
		}
	}
	if len(changed) > 0 && !t.r.DryRun {
		rec, err := t.swap(ctx, changed)
		if rec != nil {
			t.report.Versions = append(t.report.Versions, rec.V)
			for i := range results {
				if results[i].Fit+results[i].Skipped > 0 {
					results[i].Replaced = rec.V
				}
			}
			t.note(results)
		}
		return err
	}
	t.note(results)
	return nil
}

// settled carries out all that is pending about bundles, and finds out anew what there is of them.
func (t *retry) settled(ctx context.Context, bundles []*quarantinedBundle) ([]*quarantinedBundle, error) {
	var refs []offsets.BundleRef
	for _, b := range bundles {
		refs = append(refs, b.ref)
	}
	target, err := t.w.targetOfReplace(ctx, refs)
	if err != nil {
		return nil, err
	}
	if err := t.w.settle(ctx, target); err != nil {
		return nil, err
	}
	return t.bundles(ctx, []int64{refs[0].V})
}

func (t *retry) note(results []RetriedBundle) {
	for _, b := range results {
		t.report.Tried += b.Tried
		t.report.Fit += b.Fit
		t.report.Skipped += b.Skipped
		t.report.Untried += b.Untried
		for reason, n := range b.Left {
			t.report.Left[reason] += n
		}
	}
	t.report.Bundles = append(t.report.Bundles, results...)
}

// try finds out which records of a bundle fit now. Nothing is written.
func (t *retry) try(ctx context.Context, b *quarantinedBundle) (RetriedBundle, error) {
	result := RetriedBundle{V: b.ref.V, Bundle: b.ref.Bundle, Left: map[string]int64{}, Copied: len(b.data)}
	if s := t.w.log.State(); b.lift.Incarnation != s.Incarnation {
		result.NotTried = fmt.Sprintf("its offsets are of incarnation %d of the topic, and %d is the current one", b.lift.Incarnation, s.Incarnation)
		for _, f := range b.bad {
			result.Untried += f.Rows
		}
		return result, nil
	}
	trial, err := t.w.newTrial(t.w.schemas, b.lift.Clock)
	if err != nil {
		return result, err
	}
	return result, t.w.env.eachQuarantined(ctx, b.bad, func(r *record.Raw, bad *record.BadRecord) error {
		if !t.tries.takes(r, bad) {
			result.Untried++
			return nil
		}
		result.Tried++
		still, err := trial.judge(ctx, r)
		switch {
		case err != nil:
			return err
		case still != nil:
			result.Left[string(still.Reason)]++
		case r.Value == nil && t.w.set.Tombstone == "skip":
			result.Skipped++
		default:
			result.Fit++
		}
		return nil
	})
}

// swap stages what is to take the place of bundles of one version, and replaces them.
func (t *retry) swap(ctx context.Context, bundles []*quarantinedBundle) (*offsets.Record, error) {
	w, lift := t.w, bundles[0].lift
	began := w.env.now()
	a := &attempt{id: w.env.newAttempt(), clock: lift.Clock, maxOpen: max(1, w.env.cfg.MaxOpenFiles), together: 1}
	p := &replacement{swap: t.r.Swap, tried: t.tries.reasons, set: w.set, clock: lift.Clock, attempt: a.id, began: began}
	for _, b := range bundles {
		fresh, err := t.stage(ctx, a, b)
		if err != nil {
			w.discardBundles(ctx, p.add) // nothing was proposed, so nothing names what was staged
			return nil, err
		}
		p.remove, p.add = append(p.remove, b.ref), append(p.add, *fresh)
		for _, f := range slices.Concat(b.data, b.bad) {
			p.made = append(p.made, offsets.FileRef{V: f.v, Key: f.Key})
		}
	}
	w.env.hook("staged")
	var err error
	if p.changes, err = w.keepTarget(ctx); err != nil {
		w.discardBundles(ctx, p.add)
		return nil, err
	}
	p.schemas = w.schemas
	rec, err := w.replace(ctx, p)
	if rec != nil {
		w.before = w.set
	}
	return rec, err
}

// stage makes the bundle that takes the place of b: its data files as they are, what fits now, and what does not.
func (t *retry) stage(ctx context.Context, a *attempt, b *quarantinedBundle) (fresh *offsets.Bundle, err error) {
	w := t.w
	fresh = &offsets.Bundle{}
	defer func() {
		if err != nil {
			w.discardBundles(ctx, []offsets.Bundle{*fresh})
		}
	}()
	segments, ranges := segmentsOf(b)
	for _, f := range b.data {
		c, err := w.copyOf(ctx, a, f)
		if err != nil {
			return fresh, err
		}
		fresh.Files = append(fresh.Files, c)
	}
	l, err := w.newLifter(w.schemas, a, ranges, nil)
	if err != nil {
		return fresh, err
	}
	if err := l.again(ctx, segments, b.bad, t.tries); err != nil {
		return fresh, errors.Join(err, l.abort(ctx))
	}
	files, err := l.finish(ctx)
	if err != nil {
		return fresh, errors.Join(err, l.abort(ctx))
	}
	for i := range files {
		for _, f := range b.bad {
			files[i].RetryOf = append(files[i].RetryOf, offsets.FileRef{V: f.v, Key: f.Key})
		}
	}
	fresh.Files = append(fresh.Files, files...)
	for _, s := range segments {
		fresh.Segments = append(fresh.Segments, s.Segment)
	}
	return fresh, nil
}

// segmentsOf are a bundle's segments, as they are without the files that were dropped.
func segmentsOf(b *quarantinedBundle) (segments []*segment, ranges []extract.Range) {
	for _, s := range b.Segments {
		for i := range b.dropped {
			for _, r := range b.dropped[i].Ranges {
				if r.Partition == s.Partition && s.From <= r.First && r.Last < s.To {
					s.Gaps.Dropped += b.dropped[i].RowsOf(r.Partition)
				}
			}
		}
		segments = append(segments, &segment{Segment: s})
		ranges = append(ranges, extract.Range{Partition: s.Partition, First: s.From, Next: s.To})
	}
	return segments, ranges
}

// again lifts records of quarantine files once more; those that are not to be tried stay what they are.
func (l *lifter) again(ctx context.Context, segments []*segment, files []liveFile, tries retrial) error {
	rows, settled := 0, l.bytes
	err := l.w.env.eachQuarantined(ctx, files, func(r *record.Raw, bad *record.BadRecord) error {
		i := slices.IndexFunc(segments, func(s *segment) bool {
			return s.Partition == r.Partition && s.From <= r.Offset && r.Offset < s.To
		})
		switch {
		case !l.inOnly(r):
			return nil
		case i < 0:
			return halt(fmt.Errorf("a quarantine file has offset %d of partition %d, which lies in no segment of its bundle", r.Offset, r.Partition))
		}
		var err error
		if tries.takes(r, bad) {
			err = l.record(ctx, segments[i], r)
		} else {
			err = l.quarantine(segments[i], r, bad)
		}
		if rows++; err != nil || rows%settleEvery != 0 && l.bytes-settled < manyBytes {
			return err
		}
		settled = l.bytes
		return l.settle(ctx)
	})
	if err != nil {
		return err
	}
	return l.settle(ctx)
}

// settleEvery so many rows the sets of files are settled, which a batch of Kafka's does otherwise.
const settleEvery = 1000

// inOnly says whether a record lies in the ranges of the file that is to be rebuilt, if one is.
func (l *lifter) inOnly(r *record.Raw) bool {
	return l.only == nil || slices.ContainsFunc(l.only.Ranges, func(f offsets.FileRange) bool {
		return f.Partition == r.Partition && f.First <= r.Offset && r.Offset <= f.Last
	})
}
