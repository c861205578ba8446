package jobs

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"shadoof/config"
	"shadoof/extract"
	"shadoof/offsets"
)

// checkIdentity compares what the log says about the topic with what the cluster says now. Where they disagree the job's policy
// decides; nothing is ever skipped or started over in silence. A person's decision (`resolve`) replaces the policy.
//
// It judges a log that is at least as old as what the cluster said. A log that others wrote to since is ahead of the topic as it was described,
// and looks as if the topic had been cut back, or were another one: then the cluster is asked again.
func (w *worker) checkIdentity(ctx context.Context) error {
	for {
		err := w.judgeIdentity(ctx)
		if !errors.Is(err, errLogMoved) {
			return err
		}
		if err := w.fixEnds(ctx, w.until); err != nil {
			return err
		}
	}
}

// errLogMoved says that others wrote to the log since the topic was described, so that the two cannot be compared.
var errLogMoved = errors.New("others wrote to the commit log meanwhile: try again")

// current is nil as long as the log is not ahead of what the cluster said about the topic. It goes by the record, not by its number: one
// that vanished may have another in its slot by now.
func (w *worker) current() error {
	if w.log.State().ID != w.described {
		return errLogMoved
	}
	return nil
}

// renew asks about the topic anew where the log has begun another incarnation since: what was said is of the one before. One that vanished may
// have another in its place, with its number and of another topic.
func (w *worker) renew(ctx context.Context) error {
	if s := w.log.State(); max(s.Incarnation, 1) == w.incarnation && changedTopic(s, w.desc) == "" {
		return nil
	}
	if err := w.fixEnds(ctx, w.until); err != nil {
		return err
	}
	return w.checkIdentity(ctx)
}

func (w *worker) judgeIdentity(ctx context.Context) error {
	s := w.log.State()
	if cause := changedTopic(s, w.desc); cause != "" {
		return w.incarnate(ctx, cause, w.freshStarts())
	}
	if s.TopicID == "" {
		if err := w.checkMarks(ctx); err != nil {
			return err
		}
	}
	if err := w.initPartitions(ctx, nil); err != nil {
		return err
	}
	if err := w.checkTruncation(ctx); err != nil {
		return err
	}
	return w.checkLost(ctx)
}

// changedTopic says how the topic is another one than the log's, or "".
func changedTopic(s *offsets.State, t *extract.Topic) string {
	switch {
	case s.TopicID != "" && t.ID != "" && s.TopicID != t.ID:
		return "recreated"
	case s.Cluster != "" && t.Cluster != "" && s.Cluster != t.Cluster:
		return "moved"
	}
	return ""
}

// changed says how the topic is another one than the log's, by all that tells, or "".
func (w *worker) changed(ctx context.Context) (cause string, err error) {
	s := w.log.State()
	if s.V == 0 {
		return "", nil
	}
	if cause := changedTopic(s, w.desc); cause != "" {
		return cause, nil
	}
	if s.TopicID == "" {
		if other, err := w.otherMark(ctx); other || err != nil {
			return "recreated", err
		}
	}
	cut, err := w.cutBack(ctx)
	if len(cut) > 0 {
		cause = "truncated"
	}
	return cause, err
}

// checkMarks looks for the last committed batch where the cluster has no topic ids: as long as it is retained, its fingerprint must fit.
func (w *worker) checkMarks(ctx context.Context) error {
	other, err := w.otherMark(ctx)
	if err != nil || !other {
		return err
	}
	return w.incarnate(ctx, "recreated", w.freshStarts())
}

// otherMark says whether the cluster holds another batch where the log remembers one.
func (w *worker) otherMark(ctx context.Context) (bool, error) {
	s := w.log.State()
	for _, p := range w.desc.Partitions {
		have, ok := s.Partitions[p.Partition]
		if !ok || have.Mark == nil || p.Err != nil || p.LogStart >= have.Next || p.HighWatermark < have.Next {
			continue
		}
		m, err := w.env.source.Mark(ctx, w.topic, p.Partition, have.Mark.Offset+1)
		if err != nil {
			return false, fmt.Errorf("%s/%d: look at the last committed batch: %w", w.topic, p.Partition, err)
		}
		if m != nil && ofAnother(m, have.Mark) {
			return true, nil
		}
	}
	return false, nil
}

// ofAnother says whether what lies in the place of a batch that was lifted is another log's. The batch may have lost records by compaction
// since, or be gone, so that an earlier one is found: neither of these is later than it was. A log without holes has one that reaches as far.
func ofAnother(m *extract.Mark, lifted *offsets.Mark) bool {
	same := m.Offset == lifted.Offset && m.Timestamp == lifted.Timestamp && m.CRC == lifted.CRC
	compacted := (m.Offset < lifted.Offset || m.Offset == lifted.Offset && m.Cleaned) && m.Timestamp <= lifted.Timestamp
	return !same && !compacted
}

// freshStarts begins every partition at the start of the new topic's log.
func (w *worker) freshStarts() []offsets.PartitionStart {
	var out []offsets.PartitionStart
	for _, p := range w.desc.Partitions {
		if p.Err == nil { // one that cannot be asked now is added when it can be
			out = append(out, offsets.PartitionStart{Partition: p.Partition, Start: p.LogStart, Epoch: p.Epoch})
		}
	}
	return out
}

// incarnate appends the record that offsets start anew, if the policy or a person says so. Where others have written to the log since the
// topic was described, or before the record stands, it is errLogMoved: the cause and the starts may not hold any more.
func (w *worker) incarnate(ctx context.Context, cause string, starts []offsets.PartitionStart) error {
	if err := w.current(); err != nil {
		return err
	}
	s := w.log.State()
	back, err := w.comesBack(ctx, cause)
	if err != nil {
		return err
	}
	policy, key, accept := w.job.Policy.TopicRecreated, "topic_recreated", "--accept-recreated"
	if cause == "truncated" {
		policy, key, accept = w.job.Policy.Truncated, "truncated", "--accept-truncation"
	}
	by := offsets.Decision{By: "policy", Reason: "policy." + key + " is record"}
	if d := w.decision.of(cause); d != nil {
		by = *d
	} else if back > 0 {
		return halt(fmt.Errorf("%s: the topic was %s since it was last read (%s), and is one that was lifted until version %d of the log; nothing was read, whatever the policy is: "+
			"to go on with it from its start, so that what was lifted of it then is lifted again, %s", w.topic, cause, w.difference(cause, starts), back, w.resolution(accept)))
	} else if policy != "record" {
		return halt(fmt.Errorf("%s: the topic was %s since it was last read (%s); nothing was read: %s goes on with the topic as it is now",
			w.topic, cause, w.difference(cause, starts), w.resolution(accept)))
	}
	judged := s.ID
	_, err = w.append(ctx, func(s *offsets.State) (offsets.Body, error) {
		if s.ID != judged {
			return nil, errLogMoved
		}
		return &offsets.Incarnate{Incarnation: s.Incarnation + 1, TopicID: w.desc.ID, Cluster: w.desc.Cluster, Partitions: starts, Cause: cause, Decision: by}, nil
	})
	if errors.Is(err, errLogMoved) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: record that the topic was %s: %w", w.topic, cause, err)
	}
	w.incarnation = s.Incarnation + 1
	w.env.log.Warn("the topic is a new one from here on", "topic", w.topic, "cause", cause, "by", by.By)
	return nil
}

// difference says by what a topic is told to be another one than the log's, which a cause says in a word.
func (w *worker) difference(cause string, starts []offsets.PartitionStart) string {
	s := w.log.State()
	if cause == "truncated" {
		var cuts []string
		for _, p := range starts {
			if have := s.Partitions[p.Partition]; p.Start < have.Next {
				cuts = append(cuts, fmt.Sprintf("partition %d was lifted up to offset %d, and from %d on holds nothing that was", p.Partition, have.Next, p.Start))
			}
		}
		return strings.Join(cuts, "; ")
	}
	if s.TopicID == "" && s.Cluster == w.desc.Cluster {
		return "the cluster has no ids of topics; the last batch that was lifted is another one there"
	}
	return fmt.Sprintf("cluster %s, id %s; now cluster %s, id %s", s.Cluster, s.TopicID, w.desc.Cluster, w.desc.ID)
}

// comesBack looks at a topic that is to be gone on with instead of the log's. It returns the version of the log up to which that was the one
// that was lifted; 0: it never was. A broker whose metadata is old describes a topic that was deleted: to follow it would be to begin the
// newer one a second time afterwards, so its leaders, who serve records by the id, have to know it.
func (w *worker) comesBack(ctx context.Context, cause string) (until int64, err error) {
	if cause == "truncated" || w.desc.ID == "" {
		return 0, nil
	}
	served, err := w.env.source.Serves(ctx, w.desc)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", w.topic, err)
	}
	if !served {
		return 0, fmt.Errorf("%s: a broker says that the topic was %s (id %s, and %s in the log), and its leaders know no topic of that id: the metadata of the broker is old: try again", w.topic, cause, w.desc.ID, w.log.State().TopicID)
	}
	id, cluster := "", ""
	for r, err := range w.log.Records(ctx, 1, w.log.State().V) {
		if err != nil {
			return 0, fmt.Errorf("%s: read which topics were lifted: %w", w.topic, err)
		}
		switch b := r.Body.(type) {
		case *offsets.Init:
			if id == "" {
				id, cluster = b.TopicID, b.Cluster
			}
		case *offsets.Incarnate:
			if id == w.desc.ID && cluster == w.desc.Cluster && (b.TopicID != id || b.Cluster != cluster) {
				until = r.V - 1
			}
			id, cluster = b.TopicID, b.Cluster
		}
	}
	return until, nil
}

// initPartitions gives a first offset to partitions that have none: at the job's start for a new topic, at 0 for partitions that
// were added later, so that what retention took from them shows as lost.
func (w *worker) initPartitions(ctx context.Context, existing *offsets.Decision) error {
	fresh := w.log.State().V == 0
	starts := w.starts
	if fresh && starts == nil {
		var err error
		if starts, err = w.firstOffsets(ctx); err != nil {
			return err
		}
	}
	if len(w.without(w.log.State(), starts)) == 0 {
		return nil
	}
	err := w.appendInit(ctx, fresh, starts, existing)
	if err == errNothingLeft || errors.Is(err, errLogMoved) {
		// Another worker's record stands. Its topic may be another one than the one that was described here: all of it is judged anew.
		return errLogMoved
	}
	if err != nil {
		return fmt.Errorf("%s: record the first offsets: %w", w.topic, err)
	}
	w.env.hook("after-init")
	return nil
}

// without lists the partitions that have no state, with where they are to start.
func (w *worker) without(s *offsets.State, starts map[int32]int64) []offsets.PartitionStart {
	var out []offsets.PartitionStart
	for _, p := range w.desc.Partitions {
		if _, ok := starts[p.Partition]; !ok && w.starts != nil {
			continue
		}
		if _, ok := s.Partitions[p.Partition]; !ok {
			out = append(out, offsets.PartitionStart{Partition: p.Partition, Start: starts[p.Partition], Epoch: p.Epoch})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Partition < out[j].Partition })
	return out
}

// appendInit gives partitions without a state their first offsets, by one record. With fresh it must be the first of the log. It is
// errNothingLeft if another worker was faster: its record decides where the topic starts.
func (w *worker) appendInit(ctx context.Context, fresh bool, starts map[int32]int64, existing *offsets.Decision) error {
	_, err := w.append(ctx, func(s *offsets.State) (offsets.Body, error) {
		m := w.without(s, starts)
		if len(m) == 0 || fresh && s.V > 0 {
			return nil, errNothingLeft
		}
		if s.V > 0 && changedTopic(s, w.desc) != "" {
			return nil, errLogMoved // these are the partitions of another topic
		}
		return &offsets.Init{Cluster: w.desc.Cluster, Incarnation: max(s.Incarnation, 1), TopicID: w.desc.ID, Partitions: m, Existing: existing}, nil
	})
	return err
}

// firstOffsets says where a topic that was never read begins.
func (w *worker) firstOffsets(ctx context.Context) (map[int32]int64, error) {
	out := map[int32]int64{}
	for _, p := range w.desc.Partitions {
		if p.Err != nil {
			return nil, fmt.Errorf("%s/%d: where the topic starts cannot be told: %w", w.topic, p.Partition, p.Err)
		}
		out[p.Partition] = p.LogStart
		if w.job.Start.At == config.StartLatest {
			out[p.Partition] = p.End(w.env.readCommitted)
		}
	}
	if t := w.job.Start.Time; !t.IsZero() {
		at, err := w.env.source.OffsetsAt(ctx, w.topic, t)
		if err != nil {
			return nil, fmt.Errorf("%s: offsets at %s: %w", w.topic, t, err)
		}
		for p := range out {
			out[p] = max(out[p], at[p])
		}
	}
	return out, nil
}

// checkLost finds partitions whose log now starts above what was committed: records were deleted before they were read.
func (w *worker) checkLost(ctx context.Context) error {
	for _, p := range w.desc.Partitions {
		have, ok := w.log.State().Partitions[p.Partition]
		if !ok || p.Err != nil || p.LogStart <= have.Next || !w.mine(p.Partition) {
			continue
		}
		lost := &extract.LostError{Topic: w.topic, Partition: p.Partition, Want: have.Next, LogStart: p.LogStart}
		if err := w.current(); err != nil {
			return err // another incarnation may begin at that start
		}
		by := offsets.Decision{By: "policy", Reason: "policy.lost_records is record"}
		if d := w.decision.of("lost"); d != nil {
			by = *d
		} else if w.job.Policy.LostRecords != "record" {
			w.fail(p.Partition, halt(fmt.Errorf("%w; nothing of this partition was read: %s goes on at %d and keeps the loss in the log", lost, w.resolution("--accept-loss"), p.LogStart)))
			continue
		}
		if err := w.skip(ctx, p.Partition, p.LogStart, "retention", by); err != nil {
			return err
		}
		count(&w.report.Gaps, "retention", p.LogStart-have.Next)
		w.env.log.Warn("records were deleted before they were read", "topic", w.topic, "partition", p.Partition, "from", have.Next, "to", p.LogStart, "by", by.By)
	}
	return nil
}

// skip moves a partition forward to an offset, as a gap of the given kind.
func (w *worker) skip(ctx context.Context, partition int32, to int64, gap string, by offsets.Decision) error {
	before := w.log.State().Incarnation
	r, err := w.append(ctx, func(s *offsets.State) (offsets.Body, error) {
		if s.Incarnation != before {
			return nil, errLogMoved // the offset is one of the former incarnation
		}
		p, ok := s.Partitions[partition]
		if !ok {
			return nil, usage(fmt.Errorf("%s/%d: nothing of this partition was ever read", w.topic, partition))
		}
		if p.Next >= to {
			return nil, errNothingLeft
		}
		return &offsets.Skip{Incarnation: s.Incarnation, Partition: partition, From: p.Next, To: to, Gap: gap, Decision: by}, nil
	})
	if err == errNothingLeft {
		return nil
	}
	if err == nil && r.Prev == w.described {
		w.described = r.ID // nobody else wrote: the other partitions are judged by the same answer
	}
	return err
}
