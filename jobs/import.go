package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"shadoof/extract"
	"shadoof/offsets"
)

// An ImportRequest asks to begin topics that were never read where another tool stopped.
type ImportRequest struct {
	Selection
	Group   string         // of these, one is set
	File    []FilePosition //
	Missing string         // where partitions begin that have no position: earliest, latest; "" refuses them
	DryRun  bool

	Existing *offsets.Decision // a person accepts that the topics' folders hold files of another tool: they stay as they are
}

// An ImportReport says what was written, or would be.
type ImportReport struct {
	DryRun bool           `json:"dry_run"`
	Topics []*ImportTopic `json:"topics"`
}

// An ImportTopic is where one topic begins.
type ImportTopic struct {
	Topic      string            `json:"topic"`
	Job        string            `json:"job"`
	Outcome    ImportOutcome     `json:"outcome"`
	Partitions []ImportPartition `json:"partitions"`
}

// An ImportOutcome says what became of a topic.
type ImportOutcome string

// The outcomes.
const (
	Imported   ImportOutcome = "imported"
	Importable ImportOutcome = "importable" // a dry run
	Unchanged  ImportOutcome = "unchanged"  // its log begins there already
)

// An ImportPartition is where one partition begins.
type ImportPartition struct {
	Partition int32  `json:"partition"`
	Start     int64  `json:"start"`
	LogStart  int64  `json:"log_start"`
	End       int64  `json:"end"`
	From      string `json:"from"` // group, file, or the answer to Missing
}

// Import records the first positions of topics that have no commit log yet: one record for each topic, with all of its partitions, as a first
// run writes. Everything is checked before anything is written; what is wrong with any of the topics is usage, and nothing was
// touched. Of an import and a first run at the same time one wins; an import that lost says so.
func (e *Env) Import(ctx context.Context, r ImportRequest) (*ImportReport, error) {
	report := &ImportReport{DryRun: r.DryRun, Topics: []*ImportTopic{}}
	all, err := e.importable(ctx, r)
	if err != nil {
		return report, err
	}
	for _, i := range all {
		report.Topics = append(report.Topics, i.report)
		if i.report.Outcome == Unchanged || r.DryRun {
			continue
		}
		switch err := i.w.appendInit(ctx, true, i.starts, r.Existing); {
		case err == errNothingLeft:
			if err := i.compare(); err != nil {
				return report, err
			}
		case err != nil:
			return report, fmt.Errorf("%s: record the first offsets: %w", i.w.topic, err)
		default:
			i.report.Outcome = Imported
		}
	}
	return report, nil
}

// An importing is one topic that an import can begin.
type importing struct {
	w      *worker
	starts map[int32]int64
	report *ImportTopic
}

// importable checks all topics, and reports all that is wrong.
func (e *Env) importable(ctx context.Context, r ImportRequest) ([]*importing, error) {
	claims, err := e.importClaims(ctx, r)
	if err != nil {
		return nil, err
	}
	var all []*importing
	var wrong []error
	for _, c := range claims {
		i, err := e.importTopic(ctx, r, c)
		if err != nil {
			wrong = append(wrong, err)
		} else if i != nil {
			all = append(all, i)
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	if len(all) == 0 {
		return nil, usage(fmt.Errorf("consumer group %s has no position in any of the selected topics: is that its name?", r.Group))
	}
	return all, nil
}

// importClaims are the claims of the topics to look at.
func (e *Env) importClaims(ctx context.Context, r ImportRequest) ([]claim, error) {
	claims, err := e.claims(ctx, r.Selection)
	if err != nil || r.Group != "" {
		return claims, err
	}
	selected := map[string]bool{}
	for _, c := range claims {
		selected[c.topic] = true
	}
	named := map[string]bool{}
	var wrong []error
	for _, p := range r.File {
		if !selected[p.Topic] && !named[p.Topic] && len(r.Topics) == 0 {
			wrong = append(wrong, fmt.Errorf("line %d: no selected job claims the topic %q, or the cluster does not have it", p.Line, p.Topic))
		}
		named[p.Topic] = true
	}
	for _, t := range r.Topics {
		if !named[t] {
			wrong = append(wrong, fmt.Errorf("the file has no position of the topic %q", t))
		}
	}
	if len(wrong) > 0 {
		return nil, usage(errors.Join(wrong...))
	}
	return slices.DeleteFunc(claims, func(c claim) bool { return !named[c.topic] }), nil
}

// importTopic checks one topic. Without an error it is nil for a topic that the group does not know, and that was not asked for by name.
func (e *Env) importTopic(ctx context.Context, r ImportRequest, c claim) (*importing, error) {
	w, err := e.newWorker(c.job, c.topic)
	if err != nil {
		return nil, err
	}
	if err := w.fixEnds(ctx, noTime); err != nil {
		return nil, err
	}
	given, err := e.givenPositions(ctx, r, w)
	if err != nil {
		return nil, err
	}
	if len(given) == 0 && !slices.Contains(r.Topics, c.topic) {
		return nil, nil
	}
	if err := e.checkRoot(ctx); err != nil {
		return nil, err
	}
	i := &importing{w: w, starts: map[int32]int64{}, report: &ImportTopic{Topic: c.topic, Job: c.job.Name, Outcome: Importable, Partitions: []ImportPartition{}}}
	if r.Existing != nil {
		w.decision = decisions{"existing": *r.Existing}
	}
	if err := w.open(ctx); errors.Is(err, errForeign) {
		return nil, fmt.Errorf("%w; an import does the same with --accept-existing", err)
	} else if err != nil {
		return nil, err
	}
	err = i.take(r, given)
	if w.log.State().V > 0 { // then positions that do not fit are no matter
		return i, i.compare()
	}
	return i, err
}

// givenPositions are those of one topic.
func (e *Env) givenPositions(ctx context.Context, r ImportRequest, w *worker) (map[int32]int64, error) {
	given := map[int32]int64{}
	if r.Group != "" {
		positions, err := e.groups.Positions(ctx, r.Group, w.desc)
		for p, at := range positions {
			given[p] = at.Offset
		}
		return given, err
	}
	for _, p := range r.File {
		if p.Topic != w.topic {
			continue
		}
		if !slices.ContainsFunc(w.desc.Partitions, func(d extract.Partition) bool { return d.Partition == p.Partition }) {
			return nil, usage(fmt.Errorf("line %d: %s has no partition %d: it has %d, from 0 on", p.Line, w.topic, p.Partition, len(w.desc.Partitions)))
		}
		given[p.Partition] = p.Offset
	}
	return given, nil
}

// take checks each position against what the partition holds.
func (i *importing) take(r ImportRequest, given map[int32]int64) error {
	var wrong []error
	for _, p := range i.w.desc.Partitions {
		at := fmt.Sprintf("%s/%d", i.w.topic, p.Partition)
		if p.Err != nil {
			return fmt.Errorf("%s: where the partition starts and ends cannot be told: %w", at, p.Err)
		}
		start, ok := given[p.Partition]
		from := "file"
		if r.Group != "" {
			from = "group"
		}
		switch {
		case ok && start < p.LogStart:
			wrong = append(wrong, fmt.Errorf("%s: the position %d lies below the start of the log, %d: %d offsets were deleted before they were read; "+
				"if nothing is to be done about them, import from a file that says %d", at, start, p.LogStart, p.LogStart-start, p.LogStart))
		case ok && start > p.HighWatermark:
			wrong = append(wrong, fmt.Errorf("%s: the position %d lies behind the end of the log, %d: is it of another cluster, or of a topic that was recreated?", at, start, p.HighWatermark))
		case !ok && r.Missing == "":
			wrong = append(wrong, fmt.Errorf("%s: no position is given: --missing earliest begins there at %d, --missing latest at %d", at, p.LogStart, p.End(i.w.env.readCommitted)))
		case !ok:
			from = r.Missing
			if start = p.LogStart; r.Missing == "latest" {
				start = p.End(i.w.env.readCommitted)
			}
		}
		if ok || r.Missing != "" {
			i.starts[p.Partition] = start
		}
		i.report.Partitions = append(i.report.Partitions, ImportPartition{p.Partition, start, p.LogStart, p.HighWatermark, from})
	}
	slices.SortFunc(i.report.Partitions, func(a, b ImportPartition) int { return cmp.Compare(a.Partition, b.Partition) })
	if len(wrong) > 0 {
		return usage(errors.Join(wrong...))
	}
	return nil
}

// compare says whether a log that is there begins where the import would have begun it: then there is nothing to do.
func (i *importing) compare() error {
	s := i.w.log.State()
	same := s.Incarnation == 1 && changedTopic(s, i.w.desc) == ""
	for _, p := range i.w.desc.Partitions {
		_, given := i.starts[p.Partition]
		same = same && given
	}
	for p, start := range i.starts {
		have, ok := s.Partitions[p]
		same = same && ok && have.Start == start
	}
	if same {
		i.report.Outcome = Unchanged
		return nil
	}
	return usage(fmt.Errorf("%s: the topic has a commit log already (version %d): first positions are for topics that were never read; "+
		"`shadoof offsets show --topic %s` shows where it stands, `shadoof offsets skip` moves it forward", i.w.topic, s.V, i.w.topic))
}
