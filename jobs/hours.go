package jobs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
)

// An Hour is a time folder of a topic, an hour's as a rule.
type Hour struct {
	Topic    string     `json:"topic"`
	Bucket   string     `json:"bucket"`
	Folder   string     `json:"folder"`         // the bucket below the root
	From     *time.Time `json:"from,omitempty"` // of its time; none where the folder is not of the layout
	To       *time.Time `json:"to,omitempty"`
	Files    int        `json:"files"` // live, published data files
	Rows     int64      `json:"rows"`
	Bytes    int64      `json:"bytes"`
	Late     int64      `json:"late"` // rows of them that came when the folder was complete
	Complete bool       `json:"complete"`
	Since    *time.Time `json:"since,omitempty"`   // when the log said so; none where it is complete and no marker is asked for
	Why      string     `json:"why,omitempty"`     // it is not complete
	Waiting  []Waiting  `json:"waiting,omitempty"` // for these partitions; the first ten
	More     int        `json:"more,omitempty"`    // partitions that it waits for, too
}

// A Waiting is a partition that has not passed a folder's time.
type Waiting struct {
	Partition int32      `json:"partition"`
	Passed    *time.Time `json:"passed,omitempty"` // the time that its records have reached; none: not known
	Next      int64      `json:"next"`             // the offset to be read next; -1: it was never read
	End       int64      `json:"end"`              // of its log; -1: not known
	Open      int64      `json:"open,omitempty"`   // offsets that an open transaction holds back
	AtEnd     bool       `json:"at_end"`
	Since     *time.Time `json:"since,omitempty"` // when its position was moved last
	Why       string     `json:"why"`
}

// endsPatience is how long Kafka may take to say where the partitions end: the list is of use without it.
const endsPatience = 4 * time.Second

// waitingShown is how many partitions are named for a folder.
const waitingShown = 10

// Hours lists the time folders of a topic that hold live, published data files, in the order of their times, and says which are complete,
// and why others are not. bucket narrows it to one. It reads the store, and asks Kafka where the partitions end; where Kafka does not
// answer it goes by the log alone.
func (e *Env) Hours(ctx context.Context, topic, bucket string) ([]Hour, error) {
	w, err := e.reader(ctx, topic)
	if err != nil {
		return nil, err
	}
	now := e.now().UTC()
	bounded, cancel := context.WithTimeout(ctx, endsPatience)
	desc, err := e.source.Describe(bounded, topic)
	cancel()
	if err != nil {
		e.log.Warn("Kafka does not say where the partitions end: folders are judged by the commit log alone", "topic", topic, "error", err)
		desc = nil
	}
	h := &hours{w: w, now: now, desc: desc, state: w.log.State(), live: newLiveSet(), said: map[string]*offsets.Record{}, byFolder: map[string]*Hour{}}
	for r, err := range w.log.Records(ctx, 1, h.state.V) {
		if err != nil {
			return nil, err
		}
		h.live.take(r)
		wordOf(r, func(folder string, complete bool) {
			delete(h.said, folder)
			if complete {
				h.said[folder] = r
			}
		})
	}
	h.collect(bucket)
	h.judge()
	return h.list(), nil
}

// hours is one listing under way.
type hours struct {
	w     *worker
	now   time.Time
	desc  *extract.Topic // nil: unknown
	state *offsets.State
	live  *liveSet
	said  map[string]*offsets.Record // that said so last, by folder

	byFolder map[string]*Hour
}

// collect sums up the files of each folder.
func (h *hours) collect(bucket string) {
	pending := map[int64]bool{}
	for _, v := range h.w.log.Unmarked() {
		pending[v] = true
	}
	for _, f := range h.live.files {
		if f.Kind != offsets.KindData || pending[f.v] || bucket != "" && f.Bucket != bucket {
			continue
		}
		folder := offsets.FolderOf(f.Key)
		b := h.byFolder[folder]
		if b == nil {
			b = &Hour{Topic: h.w.topic, Bucket: f.Bucket, Folder: folder}
			if from, to, ok := h.w.spanOf(folder); ok {
				from, to = from.UTC(), to.UTC()
				b.From, b.To = &from, &to
			}
			h.byFolder[folder] = b
		}
		b.Files++
		b.Rows += f.Rows
		b.Bytes += f.Bytes
		b.Late += f.late
	}
}

// judge says of each folder whether it is complete.
func (h *hours) judge() {
	c := h.w.job.Complete
	all := standings(h.state, h.desc, h.now, c.Idle, h.w.env.readCommitted)
	for _, b := range h.byFolder {
		said := h.said[b.Folder]
		switch {
		case said != nil && h.w.log.Marked(said.V):
			since := said.Time
			b.Complete, b.Since = true, &since
			continue
		case said != nil:
			b.Why = fmt.Sprintf("version %d, which says so, is not carried out yet: the next run does it", said.V)
			continue
		case b.To == nil:
			b.Why = fmt.Sprintf("no time ends it: it is no folder of the layout %s below %s", h.w.job.Partition.Layout, h.w.set.Folder)
			continue
		}
		for _, st := range all {
			if st.passed-c.Lateness.Milliseconds() < b.To.UnixMilli() {
				if len(b.Waiting) == waitingShown {
					b.More++
					continue
				}
				b.Waiting = append(b.Waiting, h.waiting(st))
			}
		}
		over := b.To.Add(c.Lateness)
		switch {
		case len(b.Waiting) == 0 && len(all) > 0 && c.Marker == "":
			b.Complete = true
		case len(b.Waiting) == 0:
			b.Why = "all partitions have passed it: the next run marks it"
		case h.now.Before(over):
			b.Why = fmt.Sprintf("its time, and complete.lateness, are not over before %s", over.Format(time.RFC3339))
		default:
			b.Why = b.Waiting[0].Why
			if n := len(b.Waiting) + b.More - 1; n > 0 {
				b.Why += fmt.Sprintf(" (and %d more)", n)
			}
		}
	}
}

// waiting says of a partition where it stands.
func (h *hours) waiting(st standing) Waiting {
	w := Waiting{Partition: st.partition, Next: st.next, End: st.end, Open: st.open, AtEnd: st.atEnd}
	stands := "its records tell no time"
	if st.passed > 0 {
		t := time.UnixMilli(st.passed).UTC()
		w.Passed, stands = &t, "it stands at "+t.Format(time.RFC3339)
	}
	since := st.since.UTC()
	if st.is != neverRead && st.since.UnixMilli() > 0 {
		w.Since = &since
	}
	switch {
	case st.is != placed:
		w.Why = string(st.is)
	case st.end < 0:
		w.Why = stands + "; where it ends is not known"
	case st.open > 0 && st.next+st.open >= st.end:
		w.Why = fmt.Sprintf("%s, before an open transaction of %d offsets", stands, st.open)
	case !st.atEnd:
		w.Why = fmt.Sprintf("%s, %d offsets before its end", stands, st.end-st.next)
	case st.idle:
		w.Why = "it has nothing left, and the folder's time is not over"
	default:
		w.Why = fmt.Sprintf("%s, at its end since %s: idle at %s", stands, since.Format(time.RFC3339), since.Add(h.w.job.Complete.Idle).Format(time.RFC3339))
	}
	w.Why = fmt.Sprintf("partition %d: %s", st.partition, w.Why)
	return w
}

// list is in the order of times; folders without one come first.
func (h *hours) list() []Hour {
	out := make([]Hour, 0, len(h.byFolder))
	for _, b := range h.byFolder {
		out = append(out, *b)
	}
	at := func(t *time.Time) int64 {
		if t == nil {
			return -1 << 62
		}
		return t.UnixMilli()
	}
	slices.SortFunc(out, func(a, b Hour) int {
		return cmp.Or(cmp.Compare(at(a.From), at(b.From)), cmp.Compare(a.Folder, b.Folder))
	})
	return out
}
