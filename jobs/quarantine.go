package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"shadoof/offsets"
	"shadoof/record"
)

// A QuarantineInfo sums up records in quarantine: of a topic, or of one version of its log.
type QuarantineInfo struct {
	Topic    string           `json:"topic"`
	Versions []int64          `json:"versions"` // that put them there
	Records  int64            `json:"records"`
	Reasons  map[string]int64 `json:"reasons"`
	Files    int              `json:"files"`
	Bytes    int64            `json:"bytes"`    // of the files
	MinTime  int64            `json:"min_time"` // Kafka timestamps, ms
	MaxTime  int64            `json:"max_time"`
}

// Quarantine lists what of the selected topics is in quarantine, by topic; where topics are named, by version. It reads the store only.
func (e *Env) Quarantine(ctx context.Context, sel Selection) ([]QuarantineInfo, error) {
	topics, err := e.committedTopics(ctx, sel)
	if err != nil {
		return nil, err
	}
	out := []QuarantineInfo{}
	for _, topic := range topics {
		w, err := e.reader(ctx, topic)
		if err != nil {
			return nil, err
		}
		files, err := w.quarantineFiles(ctx)
		if err != nil {
			return nil, err
		}
		for i, f := range files {
			if i == 0 || len(sel.Topics) > 0 && f.v != files[i-1].v {
				out = append(out, QuarantineInfo{Topic: topic, Reasons: map[string]int64{}, MinTime: f.MinTime, MaxTime: f.MaxTime})
			}
			out[len(out)-1].add(f)
		}
	}
	return out, nil
}

func (q *QuarantineInfo) add(f liveFile) {
	if !slices.Contains(q.Versions, f.v) {
		q.Versions = append(q.Versions, f.v)
	}
	q.Records += f.Rows
	q.Files++
	q.Bytes += f.Bytes
	q.MinTime, q.MaxTime = min(q.MinTime, f.MinTime), max(q.MaxTime, f.MaxTime)
	addCounts(q.Reasons, f.Reasons)
}

// quarantineFiles lists the live and published quarantine files, by version and in the order of their records.
func (w *worker) quarantineFiles(ctx context.Context) (out []liveFile, err error) {
	live, err := w.liveFiles(ctx)
	if err != nil {
		return nil, err
	}
	bundles, err := w.quarantinedBundles(ctx, live, nil)
	if err != nil {
		return nil, err
	}
	for _, b := range bundles {
		if w.log.Marked(b.ref.V) {
			out = append(out, b.bad...)
		}
	}
	return out, nil
}

// A QuarantineQuery selects records of a topic's quarantine.
type QuarantineQuery struct {
	Topic   string
	Version int64         // 0: of any
	Reason  record.Reason // "": whatever
	Records int64         // at most
}

// A QuarantinedRecord is a record in quarantine.
type QuarantinedRecord struct {
	V      int64 // of the commit that put it there, or left it
	Record *record.Raw
	Bad    *record.BadRecord
}

var errEnough = errors.New("enough")

// ShowQuarantine reads records of quarantine back from the store and gives them to each, which may use them until it returns. It returns how
// many records there were in all that were not looked at.
func (e *Env) ShowQuarantine(ctx context.Context, q QuarantineQuery, each func(QuarantinedRecord) error) (left int64, err error) {
	if err := checkReason(q.Reason); err != nil {
		return 0, err
	}
	w, err := e.reader(ctx, q.Topic)
	if err != nil {
		return 0, err
	}
	if newest := w.log.State().V; q.Version > newest {
		return 0, usage(fmt.Errorf("%s: version %d does not exist: the log holds 1 to %d", q.Topic, q.Version, newest))
	}
	files, err := w.quarantineFiles(ctx)
	if err != nil {
		return 0, err
	}
	shown := int64(0)
	for _, f := range files {
		n := f.Rows
		if q.Reason != "" {
			n = f.Reasons[string(q.Reason)]
		}
		if q.Version > 0 && f.v != q.Version || n == 0 {
			continue
		}
		before := shown
		if shown < q.Records {
			err := e.eachQuarantined(ctx, []liveFile{f}, func(r *record.Raw, bad *record.BadRecord) error {
				if q.Reason != "" && bad.Reason != q.Reason {
					return nil
				}
				if shown == q.Records {
					return errEnough
				}
				shown++
				return each(QuarantinedRecord{f.v, r, bad})
			})
			if err != nil && !errors.Is(err, errEnough) {
				return 0, err
			}
		}
		left += n - (shown - before)
	}
	return left, nil
}

// QuarantineReasons are all there are.
func QuarantineReasons() []record.Reason {
	return []record.Reason{record.Undecodable, record.Unfit, record.BadTime, record.TimeBounds, record.Tombstone, record.UnknownSchema, record.Misfit}
}

// checkReason refuses words that are no reasons.
func checkReason(r record.Reason) error {
	if r != "" && !slices.Contains(QuarantineReasons(), r) {
		return usage(fmt.Errorf("%q is no reason: want one of %v", r, QuarantineReasons()))
	}
	return nil
}

// checkSwap refuses words that are no orders.
func checkSwap(swap string) error {
	if swap != "" && swap != offsets.HideFirst && swap != offsets.ShowFirst {
		return usage(fmt.Errorf("%q is no order of a swap: want %s or %s", swap, offsets.ShowFirst, offsets.HideFirst))
	}
	return nil
}
