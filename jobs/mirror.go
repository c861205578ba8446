package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"shadoof/extract"
	"shadoof/offsets"
)

// A MirrorRequest asks to write committed offsets into a consumer group, for tools that show lag.
type MirrorRequest struct {
	Selection
	Group    string // "": shadoof-<job>, one for each job
	TakeOver bool   // also where somebody else's positions stand
	DryRun   bool
}

// A MirrorReport says what was written, or would be.
type MirrorReport struct {
	DryRun bool           `json:"dry_run"`
	Topics []*MirrorTopic `json:"topics"`
}

// A MirrorTopic is one topic's positions in its group.
type MirrorTopic struct {
	Topic      string            `json:"topic"`
	Job        string            `json:"job"`
	Group      string            `json:"group"`
	V          int64             `json:"v"`       // of the log
	Written    bool              `json:"written"` // all of its positions were
	Partitions []MirrorPartition `json:"partitions"`
	Error      string            `json:"error,omitempty"`

	Err error `json:"-"`
}

// A MirrorPartition is one position.
type MirrorPartition struct {
	Partition int32 `json:"partition"`
	Was       int64 `json:"was"`    // -1: the group had none
	Offset    int64 `json:"offset"` // the committed one
}

// ExitCode is 0 when all topics were done, 3 when some were, else that of the worst error.
func (r *MirrorReport) ExitCode() int {
	code, failed := ExitDone, 0
	for _, t := range r.Topics {
		if t.Err != nil {
			failed++
			code = worst(code, ExitCode(t.Err))
		}
	}
	if code == ExitFailed && failed < len(r.Topics) {
		return ExitPartial
	}
	return code
}

// mirrorMark begins the metadata of our positions.
const mirrorMark = "shadoof "

// Mirror writes the committed offsets of the selected topics into consumer groups. Kafka takes them only while a group has no
// active member, and forgets them a while after the last call. What fails for one topic stands in its part of the report.
func (e *Env) Mirror(ctx context.Context, r MirrorRequest) (*MirrorReport, error) {
	topics, err := e.committedTopics(ctx, r.Selection)
	if err != nil {
		return nil, err
	}
	report := &MirrorReport{DryRun: r.DryRun, Topics: []*MirrorTopic{}}
	active := map[string]error{}
	for _, topic := range topics {
		w, err := e.reader(ctx, topic)
		if err != nil {
			return report, err
		}
		t := &MirrorTopic{Topic: topic, Job: w.job.Name, Group: cmp.Or(r.Group, "shadoof-"+w.job.Name), Partitions: []MirrorPartition{}}
		report.Topics = append(report.Topics, t)
		if _, asked := active[t.Group]; !asked {
			active[t.Group] = e.checkIdle(ctx, t.Group)
		}
		if t.Err = active[t.Group]; t.Err == nil {
			t.Err = w.mirror(ctx, r, t)
		}
		if t.Err != nil {
			t.Error = t.Err.Error()
		}
	}
	return report, nil
}

// checkIdle says who is in a group, if somebody is.
func (e *Env) checkIdle(ctx context.Context, name string) error {
	g, err := e.groups.Group(ctx, name)
	if err != nil {
		return err
	}
	if len(g.Members) == 0 {
		return nil
	}
	var who []string
	for _, m := range g.Members[:min(len(g.Members), 5)] {
		who = append(who, m.String())
	}
	if more := len(g.Members) - len(who); more > 0 {
		who = append(who, fmt.Sprintf("%d more", more))
	}
	return usage(fmt.Errorf("consumer group %s has active members, whose positions they are: %s; nothing was written: name a group of its own with --group", name, strings.Join(who, ", ")))
}

// mirror writes the positions of one topic.
func (w *worker) mirror(ctx context.Context, r MirrorRequest, t *MirrorTopic) error {
	// A record that may still vanish must not be shown to others.
	if err := w.log.ConfirmNewest(ctx); err != nil {
		return err
	}
	s := w.log.State()
	t.V = s.V
	var err error
	if w.desc, err = w.env.source.Describe(ctx, w.topic); err != nil {
		return err
	}
	if err := w.checkSame(ctx, s); err != nil {
		return err
	}
	have, err := w.env.groups.Positions(ctx, t.Group, w.desc)
	if err != nil {
		return err
	}
	want := map[int32]extract.Position{}
	for _, p := range w.desc.Partitions {
		at, ok := s.Partitions[p.Partition]
		if !ok {
			continue
		}
		was := int64(-1)
		if h, ok := have[p.Partition]; ok {
			was = h.Offset
			if !r.TakeOver && !strings.HasPrefix(h.Metadata, mirrorMark) && was != at.Next {
				return usage(fmt.Errorf("%s/%d: somebody else has put consumer group %s at %d, and %d is committed; nothing of the topic was written: "+
					"if no application goes on from there, --take-over writes all the same", w.topic, p.Partition, t.Group, was, at.Next))
			}
		}
		epoch := at.Epoch
		if at.Mark == nil || at.Mark.Offset+1 < at.Next {
			epoch = -1 // it is not that of what lies before the position: who goes on there would see a log that was cut back
		}
		want[p.Partition] = extract.Position{Offset: at.Next, Epoch: epoch, Metadata: fmt.Sprintf("%sv=%d", mirrorMark, s.V)}
		t.Partitions = append(t.Partitions, MirrorPartition{p.Partition, was, at.Next})
	}
	slices.SortFunc(t.Partitions, func(a, b MirrorPartition) int { return cmp.Compare(a.Partition, b.Partition) })
	if r.DryRun || len(want) == 0 {
		return nil
	}
	err = w.env.groups.SetPositions(ctx, t.Group, w.desc, want)
	if errors.Is(err, extract.ErrGroupActive) { // somebody joined since it was asked
		return errors.Join(err, w.env.checkIdle(ctx, t.Group))
	}
	t.Written = err == nil
	return err
}

// checkSame says why the topic in the cluster is not the one that the log is about. Nothing is appended.
func (w *worker) checkSame(ctx context.Context, s *offsets.State) error {
	cause := changedTopic(s, w.desc)
	if cause == "" && s.TopicID == "" {
		other, err := w.otherMark(ctx)
		if err != nil {
			return err
		}
		if other {
			cause = "recreated"
		}
	}
	if cause != "" {
		return halt(fmt.Errorf("%s: the topic was %s since it was last read: its committed offsets say nothing of the new one, and were not written; "+
			"`shadoof run --topic %s` says what to decide", w.topic, cause, w.topic))
	}
	for _, p := range w.desc.Partitions {
		if at, ok := s.Partitions[p.Partition]; ok && p.Err == nil && at.Next > p.HighWatermark {
			return halt(fmt.Errorf("%s/%d: the log in Kafka ends at %d, below the committed offset %d: it was truncated, and nothing of the topic was written; "+
				"`shadoof run --topic %s` says what to decide", w.topic, p.Partition, p.HighWatermark, at.Next, w.topic))
		}
	}
	return nil
}
