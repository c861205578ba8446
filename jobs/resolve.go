package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"shadoof/offsets"
)

// A Resolution is a person's decision after an exit 4. Exactly one of the first six is set.
type Resolution struct {
	AcceptLoss       bool  // records were deleted before they were read
	AcceptRecreated  bool  // the topic is another one, or in another cluster
	AcceptTruncation bool  // the log was cut back
	AcceptExisting   bool  // the folder holds files of another tool: they stay as they are
	AcceptSchema     int32 // this id of the registry stands for another schema than before; 0 for none
	Drop             string
	Into             bool // of a root that a backfill lifts into, and that is not the configuration's
	offsets.Decision
}

// Resolve appends the decision to the topic's log. It returns the version of the log after it, and whether anything was appended.
func (e *Env) Resolve(ctx context.Context, topic string, r Resolution) (version int64, changed bool, err error) {
	e.other = e.other || r.Into
	c, err := e.claimOf(topic)
	if err != nil {
		return 0, false, err
	}
	w, err := e.newWorker(c.job, topic)
	if err != nil {
		return 0, false, err
	}
	w.decision = decisions{}
	for what, on := range map[string]bool{"lost": r.AcceptLoss, "recreated": r.AcceptRecreated, "moved": r.AcceptRecreated, "truncated": r.AcceptTruncation, "existing": r.AcceptExisting} {
		if on {
			w.decision[what] = r.Decision
		}
	}
	if err := w.open(ctx); err != nil {
		return 0, false, err
	}
	before := w.log.State().V
	if r.AcceptSchema != 0 {
		changed, err := w.acceptSchema(ctx, r.AcceptSchema, r.Decision)
		return before, changed, err
	}
	if r.Drop != "" {
		err = w.drop(ctx, []string{r.Drop}, r.Decision)
		if err == nil {
			err = atLeastPartial(w.closeReopened(ctx))
		}
	} else {
		err = w.decide(ctx, r)
	}
	after := w.log.State().V
	return after, after > before, err
}

// decide carries out a decision about the topic itself.
func (w *worker) decide(ctx context.Context, r Resolution) error {
	if err := w.fixEnds(ctx, noTime); err != nil {
		return err
	}
	s := w.log.State()
	switch {
	case r.AcceptExisting:
		if s.V > 0 {
			return usage(fmt.Errorf("%s: the topic has a commit log: there is nothing to accept", w.topic))
		}
		return w.initPartitions(ctx, &r.Decision)
	case s.V == 0:
		return usage(fmt.Errorf("%s: nothing of the topic was ever read: there is nothing to resolve", w.topic))
	case r.AcceptRecreated && s.TopicID != "" && changedTopic(s, w.desc) == "":
		return usage(fmt.Errorf("%s: the topic is the one that the log knows (id %s): there is nothing to accept", w.topic, s.TopicID))
	}
	if err := w.checkIdentity(ctx); err != nil {
		return err
	}
	return w.failures()
}

// drop appends the removal of live files and carries it out; their rows become a gap.
func (w *worker) drop(ctx context.Context, keys []string, by offsets.Decision) error {
	live, err := w.liveFiles(ctx)
	if err != nil {
		return err
	}
	var files []liveFile
	for _, key := range keys {
		f, ok := live[key]
		if !ok {
			return usage(fmt.Errorf("%s: no live file is called %s: `shadoof files --topic %s` lists them", w.topic, key, w.topic))
		}
		files = append(files, f)
	}
	r, err := w.appendDrop(ctx, live, files, by)
	if errors.Is(err, errNothingLeft) {
		return fmt.Errorf("%s: somebody else has removed the file meanwhile", w.topic)
	}
	if err != nil {
		return err
	}
	return w.carryOut(ctx, r)
}

// appendDrop appends the record that removes some of the live files. It is errNothingLeft when one of them is not live any more.
func (w *worker) appendDrop(ctx context.Context, live map[string]liveFile, files []liveFile, by offsets.Decision) (*offsets.Record, error) {
	refs, left := []offsets.FileRef(nil), map[int64]int{} // how many live files a version keeps
	for _, f := range live {
		left[f.v]++
	}
	for _, f := range files {
		refs = append(refs, offsets.FileRef{V: f.v, Key: f.Key})
		left[f.v]--
	}
	var emptied []offsets.Range
	for _, ref := range refs {
		if left[ref.V] == 0 {
			emptied = append(emptied, offsets.Range{From: ref.V, To: ref.V + 1})
		}
	}
	slices.SortFunc(emptied, func(a, b offsets.Range) int { return cmp.Compare(a.From, b.From) })
	emptied = slices.Compact(emptied)
	r, err := w.append(ctx, func(s *offsets.State) (offsets.Body, error) {
		for _, f := range files {
			if !s.Live(f.v, f.bundle, f.Key) {
				return nil, errNothingLeft
			}
		}
		return &offsets.Drop{Incarnation: s.Incarnation, Files: refs, Emptied: emptied, Decision: by}, nil
	})
	if err == nil {
		w.env.hook("drop-appended")
	}
	return r, err
}

var errNotNow = errors.New("try again when its leader answers")

// Skip moves a partition's committed offset forward over records that nobody will lift, as a logged gap.
func (e *Env) Skip(ctx context.Context, topic string, partition int32, to int64, by offsets.Decision) (from int64, err error) {
	c, err := e.claimOf(topic)
	if err != nil {
		return 0, err
	}
	w, err := e.newWorker(c.job, topic)
	if err != nil {
		return 0, err
	}
	if err := w.open(ctx); err != nil {
		return 0, err
	}
	p, ok := w.log.State().Partitions[partition]
	switch {
	case !ok:
		return 0, usage(fmt.Errorf("%s/%d: nothing of this partition was ever read", topic, partition))
	case to <= p.Next:
		return p.Next, usage(fmt.Errorf("%s/%d: the committed offset is %d, which is not below %d: an offset is never moved back", topic, partition, p.Next, to))
	}
	if err := w.fixEnds(ctx, noTime); err != nil {
		return p.Next, err
	}
	cause, err := w.changed(ctx)
	if err != nil {
		return p.Next, err
	}
	if cause != "" { // an offset of another log would be skipped
		return p.Next, halt(fmt.Errorf("%s/%d: the topic was %s since it was last read: `shadoof run --topic %s` says what to decide", topic, partition, cause, topic))
	}
	end, known := w.ends[partition]
	if !known {
		return p.Next, fmt.Errorf("%s/%d: where the partition ends cannot be told now: %w", topic, partition, errors.Join(w.failures(), errNotNow))
	}
	if to > end {
		return p.Next, usage(fmt.Errorf("%s/%d: the partition ends at %d: %d has not been written yet", topic, partition, end, to))
	}
	if err := w.skip(ctx, partition, to, "operator", by); !errors.Is(err, errLogMoved) {
		return p.Next, err
	}
	return p.Next, fmt.Errorf("%s/%d: the topic became another one meanwhile: look at its offsets again", topic, partition)
}
