package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
)

// A FileInfo is one live file.
type FileInfo struct {
	Key       string              `json:"key"`
	Kind      string              `json:"kind"`
	Bucket    string              `json:"bucket"`
	Bytes     int64               `json:"bytes"`
	Rows      int64               `json:"rows"`
	Ranges    []offsets.FileRange `json:"ranges"`
	MinTime   int64               `json:"min_time"`
	MaxTime   int64               `json:"max_time"`
	Schema    string              `json:"schema"`
	V         int64               `json:"v"`
	Published bool                `json:"published"`
}

// Files lists the live files of a topic in order of their keys; bucket narrows it to one time folder, at > 0 to what was live after
// that version. Files that are committed and not published yet are left out, unless all is set.
func (e *Env) Files(ctx context.Context, topic, bucket string, at int64) ([]FileInfo, error) {
	w, err := e.reader(ctx, topic)
	if err != nil {
		return nil, err
	}
	v := w.log.State().V
	if at > v {
		return nil, usage(fmt.Errorf("%s: version %d does not exist: the log holds 1 to %d", topic, at, v))
	}
	if at > 0 {
		v = at
	}
	live, err := w.liveFilesAt(ctx, v)
	if err != nil {
		return nil, err
	}
	pending := map[int64]bool{}
	for _, u := range w.log.Unmarked() {
		pending[u] = true
	}
	out := []FileInfo{}
	for _, f := range live {
		if bucket != "" && f.Bucket != bucket || pending[f.v] {
			continue
		}
		out = append(out, FileInfo{f.Key, f.Kind, f.Bucket, f.Bytes, f.Rows, f.Ranges, f.MinTime, f.MaxTime, f.Schema, f.v, true})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return out, nil
}

// An OffsetInfo is where one partition stands.
type OffsetInfo struct {
	Topic         string  `json:"topic"`
	Partition     int32   `json:"partition"`
	Committed     int64   `json:"committed"` // -1: never read
	LogStart      int64   `json:"log_start"`
	End           int64   `json:"end"` // the last stable offset under read_committed
	HighWatermark int64   `json:"high_watermark"`
	Lag           int64   `json:"lag"`            // End - Committed, in offsets
	LagSeconds    float64 `json:"lag_seconds"`    // since the newest committed record, 0 when there is no lag
	Lost          int64   `json:"lost,omitempty"` // offsets that were deleted before they were read
	Error         string  `json:"error,omitempty"`
}

// Offsets tells where the partitions of the selected topics stand.
func (e *Env) Offsets(ctx context.Context, sel Selection) ([]OffsetInfo, error) {
	out := []OffsetInfo{}
	err := e.eachTopic(ctx, sel, func(w *worker, s *offsets.State) error {
		for _, p := range w.desc.Partitions {
			o := OffsetInfo{Topic: w.topic, Partition: p.Partition, Committed: -1, LogStart: p.LogStart, End: p.End(e.readCommitted), HighWatermark: p.HighWatermark}
			if p.Err != nil {
				o.Error = p.Err.Error()
			}
			o.Lag = o.End - o.LogStart
			if have, ok := s.Partitions[p.Partition]; ok {
				o.Committed = have.Next
				o.Lag = max(0, o.End-have.Next)
				o.Lost = max(0, p.LogStart-have.Next)
				if t, ok := newestLifted(s, have); ok && o.Lag > 0 {
					o.LagSeconds = e.now().Sub(t).Seconds()
				}
			}
			out = append(out, o)
		}
		return nil
	})
	return out, err
}

// OffsetAt is the first offset of a partition at or after a time.
type OffsetAt struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// OffsetsAt asks the cluster for the first offsets at or after a time, by its time index.
func (e *Env) OffsetsAt(ctx context.Context, sel Selection, t time.Time) ([]OffsetAt, error) {
	claims, err := e.claims(ctx, sel)
	if err != nil {
		return nil, err
	}
	out := []OffsetAt{}
	for _, c := range claims {
		at, err := e.source.OffsetsAt(ctx, c.topic, t)
		if err != nil {
			return out, fmt.Errorf("%s: offsets at %s: %w", c.topic, t.Format(time.RFC3339), err)
		}
		for p, o := range at {
			out = append(out, OffsetAt{c.topic, p, o})
		}
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Topic < out[j].Topic || out[i].Topic == out[j].Topic && out[i].Partition < out[j].Partition
	})
	return out, nil
}

// eachTopic calls fn for the selected topics with fresh watermarks and the folded log (version 0 where there is none yet).
func (e *Env) eachTopic(ctx context.Context, sel Selection, fn func(*worker, *offsets.State) error) error {
	claims, err := e.claims(ctx, sel)
	if err != nil {
		return err
	}
	for _, c := range claims {
		w, err := e.newWorker(c.job, c.topic)
		if err != nil {
			return err
		}
		if _, err := w.log.Load(ctx); err != nil && !errors.Is(err, offsets.ErrEmpty) {
			return err
		}
		if err := w.fixEnds(ctx, noTime); err != nil {
			return err
		}
		if err := fn(w, w.log.State()); err != nil {
			return err
		}
	}
	return nil
}

// A PlanReport is what a run would do now. Nothing is written.
type PlanReport struct {
	Topics []*PlanTopic `json:"topics"`
}

// A PlanTopic is what a run would do to one topic.
type PlanTopic struct {
	Job        string          `json:"job"`
	Topic      string          `json:"topic"`
	New        bool            `json:"new"`     // never read: the run would begin at the job's start
	Pending    []int64         `json:"pending"` // committed versions that the run would publish first
	Partitions []PlanPartition `json:"partitions"`
	Bundles    []PlanBundle    `json:"bundles"`   // of the first commit
	Uncovered  []PlanPartition `json:"uncovered"` // below the committed offsets, in Kafka, and of no commit: no run lifts it, a backfill would
	Offsets    int64           `json:"offsets"`
	Bytes      int64           `json:"bytes"`    // of values, guessed from the topic's last commits; 0 when unknown
	Files      int64           `json:"files"`    // likewise
	Requests   PlanRequests    `json:"requests"` // to the store, at least
	Problem    string          `json:"problem,omitempty"`
	Notes      []string        `json:"notes,omitempty"` // what is no mistake and may not be meant
}

// A PlanPartition is what a run would read of one partition.
type PlanPartition struct {
	Partition int32 `json:"partition"`
	From      int64 `json:"from"`
	To        int64 `json:"to"`
	Offsets   int64 `json:"offsets"`
}

// A PlanBundle is partitions whose rows share files: one for each time folder, or several of target_size.
type PlanBundle struct {
	Partitions []int32 `json:"partitions"`
	Offsets    int64   `json:"offsets"`
	Bytes      int64   `json:"bytes"` // of its files; 0 when unknown
}

// PlanRequests counts requests to the store.
type PlanRequests struct {
	Lists int64 `json:"lists"`
	Reads int64 `json:"reads"`
	Puts  int64 `json:"puts"`
}

// Plan says what Run would read and write.
func (e *Env) Plan(ctx context.Context, sel Selection) (*PlanReport, error) {
	report := &PlanReport{Topics: []*PlanTopic{}}
	err := e.eachTopic(ctx, sel, func(w *worker, s *offsets.State) error {
		t := &PlanTopic{Job: w.job.Name, Topic: w.topic, New: s.V == 0, Pending: append([]int64{}, w.log.Unmarked()...), Partitions: []PlanPartition{}, Bundles: []PlanBundle{}, Uncovered: []PlanPartition{}}
		report.Topics = append(report.Topics, t)
		if s.V > 0 {
			if cause := changedTopic(s, w.desc); cause != "" {
				t.Problem = "the topic was " + cause + ": policy.topic_recreated is " + w.job.Policy.TopicRecreated
				return nil
			}
			t.Uncovered = w.leftOpen(s)
		}
		starts := map[int32]int64{}
		if t.New {
			var err error
			if starts, err = w.firstOffsets(ctx); err != nil {
				return err
			}
		}
		for _, p := range w.desc.Partitions {
			from := starts[p.Partition]
			if have, ok := s.Partitions[p.Partition]; ok {
				from = have.Next
			}
			if p.LogStart > from {
				t.Problem = fmt.Sprintf("partition %d: %d offsets were deleted before they were read: policy.lost_records is %s", p.Partition, p.LogStart-from, w.job.Policy.LostRecords)
			}
			if end := w.ends[p.Partition]; end > from {
				t.Partitions = append(t.Partitions, PlanPartition{p.Partition, from, end, end - from})
				t.Offsets += end - from
			}
		}
		return errors.Join(w.planRows(ctx, t), w.estimate(ctx, s, t))
	})
	return report, err
}

// estimate guesses bytes and files from the newest commit of the log, and says which partitions would share files.
func (w *worker) estimate(ctx context.Context, s *offsets.State, t *PlanTopic) error {
	t.Requests = PlanRequests{Lists: 3, Reads: 1 + s.V%100}
	if t.Offsets == 0 {
		return nil
	}
	last, err := w.lastLift(ctx, lastRecords)
	if err != nil {
		return err
	}
	y := yieldOf(last)
	for _, ranges := range w.divide(t.ranges(), y) {
		b := PlanBundle{Partitions: []int32{}}
		for _, r := range ranges {
			b.Partitions = append(b.Partitions, r.Partition)
			b.Offsets += r.Len()
		}
		slices.Sort(b.Partitions)
		b.Bytes = y.bytesOf(b.Offsets)
		t.Bundles = append(t.Bundles, b)
	}
	t.Bytes = y.bytesOf(t.Offsets)
	if y.offsets > 0 {
		t.Files = max(1, min(y.files*t.Offsets/y.offsets, t.Bytes/w.set.Output.TargetSize+y.files))
	}
	part := int64(8 << 20)
	t.Requests.Puts = 2 + max(1, t.Files)*4 + t.Bytes/part // record and marker; create, part, complete and a look for each file
	return nil
}

func (t *PlanTopic) ranges() []extract.Range {
	var out []extract.Range
	for _, p := range t.Partitions {
		out = append(out, extract.Range{Partition: p.Partition, First: p.From, Next: p.To})
	}
	longestFirst(out)
	return out
}
