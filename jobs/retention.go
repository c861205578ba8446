package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"shadoof/offsets"
	"shadoof/partitioning"
)

// filesAtOnce is how many files one record drops at most: its bytes stay far below what a store takes.
const filesAtOnce = 500

// A DropRequest says which live files of a topic are to be removed: what is older than a time, or what is gone already.
type DropRequest struct {
	Topic      string
	Before     time.Time // files in folders that end at or before this time
	Quarantine bool      // quarantine files of days that ended by then, too
	Missing    bool      // instead: files that are not there, because somebody deleted them outside
	Bucket     string    // only files of this folder; "": of any
	DryRun     bool      // nothing is written
	offsets.Decision
}

// A DropReport is what was removed, or would be.
type DropReport struct {
	Topic    string       `json:"topic"`
	DryRun   bool         `json:"dry_run"`
	Buckets  []DropBucket `json:"buckets"`
	Files    int          `json:"files"`
	Rows     int64        `json:"rows"`
	Bytes    int64        `json:"bytes"`
	Undated  int          `json:"undated"`  // files in folders that name no time: left alone
	Versions []int64      `json:"versions"` // appended
}

// A DropBucket is files of one folder.
type DropBucket struct {
	Bucket string    `json:"bucket"`
	Kind   string    `json:"kind"`
	From   time.Time `json:"from,omitzero"` // the times that the folder is for
	To     time.Time `json:"to,omitzero"`
	Files  int       `json:"files"`
	Rows   int64     `json:"rows"`
	Bytes  int64     `json:"bytes"`
}

// A dropping is one under way.
type dropping struct {
	w      *worker
	r      DropRequest
	live   *liveSet
	parts  map[string]*partitioning.Partitioner // by settings
	of     map[int64]string                     // settings of versions
	report *DropReport
}

// DropFiles removes live files by logged records, and carries these out: their rows become a gap. It reads the store alone. It goes by the
// layout by which each file was made.
func (e *Env) DropFiles(ctx context.Context, r DropRequest) (*DropReport, error) {
	if !r.Missing && r.Before.After(e.now()) {
		return nil, usage(fmt.Errorf("%s has not come yet: what is being written now would be dropped", r.Before.Format(time.RFC3339)))
	}
	w, err := e.reader(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	d := &dropping{w: w, r: r, live: newLiveSet(), parts: map[string]*partitioning.Partitioner{}, of: map[int64]string{},
		report: &DropReport{Topic: r.Topic, DryRun: r.DryRun, Buckets: []DropBucket{}, Versions: []int64{}}}
	for {
		chosen, err := d.choose(ctx)
		if err != nil {
			return nil, partialIf(len(d.report.Versions) > 0, err)
		}
		if len(d.report.Versions) == 0 {
			d.count(chosen)
		}
		if r.DryRun {
			return d.report, nil
		}
		if len(chosen) == 0 {
			if len(d.report.Versions) > 0 {
				err = atLeastPartial(w.closeReopened(ctx)) // folders of which some files stay
			}
			return d.report, err
		}
		if err := d.drop(ctx, chosen[:min(len(chosen), filesAtOnce)]); err != nil {
			return d.report, partialIf(len(d.report.Versions) > 0, err)
		}
	}
}

// choose lists the files that are to go, by folder. It goes by the newest record, which is confirmed.
func (d *dropping) choose(ctx context.Context) (out []liveFile, err error) {
	w := d.w
	if err := w.log.ConfirmNewest(ctx); err != nil {
		return nil, err
	}
	if err := d.live.extend(ctx, w.log, w.log.State().V); err != nil {
		return nil, err
	}
	d.report.Undated = 0
	for _, key := range slices.Sorted(maps.Keys(d.live.files)) {
		f := d.live.files[key]
		if d.r.Bucket != "" && f.Bucket != d.r.Bucket {
			continue
		}
		take := false
		if d.r.Missing {
			take, err = d.missing(ctx, f)
		} else {
			take, err = d.old(ctx, f)
		}
		if err != nil {
			return nil, err
		}
		if take {
			out = append(out, f)
		}
	}
	return out, nil
}

// missing says that a file of a version that was published is not there.
func (d *dropping) missing(ctx context.Context, f liveFile) (bool, error) {
	if !d.w.log.Marked(f.v) {
		return false, nil
	}
	there, err := d.w.exists(ctx, f.Key)
	return err == nil && !there, err
}

// old says that a file lies in a folder all times of which are before the bound.
func (d *dropping) old(ctx context.Context, f liveFile) (bool, error) {
	if f.Kind == offsets.KindQuarantine && !d.r.Quarantine {
		return false, nil
	}
	_, to, err := d.span(ctx, f)
	if err != nil {
		return false, err
	}
	if to.IsZero() {
		d.report.Undated++
		return false, nil
	}
	return !to.After(d.r.Before), nil
}

// span is the times that a file's folder is for; zero for a folder that names none.
func (d *dropping) span(ctx context.Context, f liveFile) (from, to time.Time, err error) {
	if f.Kind == offsets.KindQuarantine {
		day, err := time.Parse("dt="+time.DateOnly, f.Bucket)
		if err != nil {
			return from, to, nil
		}
		return day, day.AddDate(0, 0, 1), nil
	}
	p, err := d.partitioner(ctx, f)
	if err != nil {
		return from, to, err
	}
	from, to, ok := p.Span(f.Bucket)
	if !ok {
		return time.Time{}, time.Time{}, nil
	}
	return from, to, nil
}

// partitioner is the one that chose the file's folder.
func (d *dropping) partitioner(ctx context.Context, f liveFile) (*partitioning.Partitioner, error) {
	hash, ok := d.of[f.v]
	if f.CopyOf != nil {
		l, _, err := d.w.original(ctx, *f.CopyOf)
		if err != nil {
			return nil, err
		}
		hash = l.Settings
	} else if !ok {
		r, err := d.w.log.Record(ctx, f.v)
		if err != nil {
			return nil, err
		}
		hash = r.Lift().Settings
		d.of[f.v] = hash
	}
	if d.parts[hash] == nil {
		set, err := d.w.settingsOf(ctx, hash)
		if err != nil {
			return nil, err
		}
		options, err := set.Partition.Options()
		if err != nil {
			return nil, err
		}
		if d.parts[hash], err = partitioning.New(options); err != nil {
			return nil, err
		}
	}
	return d.parts[hash], nil
}

// count fills in what the report says of the folders.
func (d *dropping) count(chosen []liveFile) {
	at := map[string]int{}
	for _, f := range chosen {
		id := f.Kind + " " + f.Bucket
		i, ok := at[id]
		if !ok {
			i = len(d.report.Buckets)
			at[id] = i
			b := DropBucket{Bucket: f.Bucket, Kind: f.Kind}
			b.From, b.To, _ = d.span(context.Background(), f)
			d.report.Buckets = append(d.report.Buckets, b)
		}
		b := &d.report.Buckets[i]
		b.Files++
		b.Rows += f.Rows
		b.Bytes += f.Bytes
		d.report.Files++
		d.report.Rows += f.Rows
		d.report.Bytes += f.Bytes
	}
	slices.SortFunc(d.report.Buckets, func(a, b DropBucket) int {
		return strings.Compare(a.Kind+a.Bucket, b.Kind+b.Bucket)
	})
}

// drop removes some files by one record. A file that somebody else removed first is not an error: the next turn goes without it.
func (d *dropping) drop(ctx context.Context, files []liveFile) error {
	w := d.w
	r, err := w.appendDrop(ctx, d.live.files, files, d.r.Decision)
	switch {
	case errors.Is(err, errNothingLeft):
		_, err := w.log.Extend(ctx)
		return err
	case err != nil:
		return err
	}
	d.report.Versions = append(d.report.Versions, r.V)
	return w.carryOut(ctx, r)
}
