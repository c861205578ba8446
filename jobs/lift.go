package jobs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/record"
	"shadoof/writers"
)

// A lifter turns ranges of one or more partitions into staged files of one attempt, which together become a bundle: it decodes each
// record into the columns of the file that its time names, or into a quarantine file when it cannot be a row. It is used by one
// goroutine.
type lifter struct {
	w       *worker
	set     *Settings
	schemas *schemas
	clock   time.Time // bounds of record times are judged by it
	*compiled
	data   *writers.Set
	bad    *writers.Set
	badDay string // bucket of quarantine files

	together int             // ranges that are read at the same time
	share    extract.Share   // what each of them gives first
	open     *writers.File   // of the previous record
	bucket   string          // its bucket
	scratch  *record.Columns // where a record is decoded as long as no file is open
	only     *offsets.File   // set for a repair: take the rows of this file and no others
	past     past            // set for the repair of a file of records that were tried again
	rows     int64           // so far
	bytes    int64           // of keys and values, so far
	told     int64           // of them, what progress was told of
	failed   int32           // partition whose record policy.bad_record refused; -1: none
	example  string          // the first record that was quarantined, and why
}

// A segment is what was read of one range, before it becomes part of a commit.
type segment struct {
	offsets.Segment
	epochs []offsets.EpochFrom // of its record batches
	failed error               // why reading ended there, before the end of the range
}

func (w *worker) newLifter(schemas *schemas, a *attempt, ranges []extract.Range, only *offsets.File) (*lifter, error) {
	set := schemas.set
	c, err := w.env.compile(set, schemas.find)
	if err != nil {
		return nil, err
	}
	l := &lifter{w: w, set: set, schemas: schemas, clock: a.clock, only: only, compiled: c, badDay: a.clock.UTC().Format("dt=2006-01-02"), together: a.together, share: a.share, failed: -1}
	partition := int32(writers.Several)
	if len(ranges) == 1 {
		partition = ranges[0].Partition
	}
	schema := c.decoder.Schema()
	if set.Output.KafkaColumns {
		schema = schema.WithKafkaColumns()
	}
	l.scratch = record.NewColumns(schema)
	o := writers.Options{
		Store: w.env.store, Format: c.format, Schema: schema, Budget: w.env.budget, MaxOpen: a.maxOpen, TargetSize: set.Output.TargetSize, RowGroupBytes: c.rowGroup,
		Kind: writers.Data, Topic: w.topic, Partition: partition, Attempt: a.id, Sequence: &a.sequence, Folder: set.Folder, Staging: path.Join(w.env.dataStaging(set), a.id),
		Meta: map[string]string{"shadoof.topic": w.topic, "shadoof.attempt": a.id, "shadoof.schema": schema.Fingerprint()},
	}
	if only != nil {
		o.Key = only.Key
	}
	l.data = writers.NewSet(o)
	o.RowGroupBytes = 0
	o.Schema, o.Kind, o.Folder, o.Staging = record.QuarantineSchema(), writers.Quarantine, offsets.QuarantineDir(w.topic), offsets.StagingDir(w.topic, a.id)
	o.Format = c.quarantine
	o.Meta = map[string]string{"shadoof.topic": w.topic, "shadoof.attempt": a.id}
	l.bad = writers.NewSet(o)
	return l, nil
}

// read lifts ranges, each as far as it gets. It stops early, at the end of a batch, when full says so or when ctx is cancelled, and
// for a range that cannot be read further; each segment says how far it came, and why. An error means that everything this lifter
// staged must be aborted.
func (l *lifter) read(ctx, hard context.Context, id string, ranges []extract.Range, full func() bool) ([]*segment, error) {
	segments := make([]*segment, len(ranges))
	of := map[int32]*segment{}
	for i, r := range ranges {
		segments[i] = &segment{Segment: offsets.Segment{Partition: r.Partition, From: r.First, To: r.First, Epoch: -1}}
		if l.times != nil && l.w.job.Complete.Marker != "" {
			segments[i].Passed = new(int64)
		}
		of[r.Partition] = segments[i]
	}
	paid := l.bytes
	request := extract.ReadRequest{Topic: l.w.topic, ID: id, Ranges: ranges, Epochs: l.w.epochsBefore(ranges), Together: l.together, Share: l.share, Memory: l.w.env.budget}
	for b, err := range l.w.env.source.Read(ctx, request) {
		if err != nil && b == nil {
			return nil, err
		}
		s := of[b.Partition]
		if err == nil {
			err = l.explained(b)
		}
		if err != nil {
			s.failed = &partitionError{err}
			if ctx.Err() != nil && hard.Err() == nil {
				s.failed = err // told to stop: nothing is wrong with the partition
			}
			if b.Next > b.First {
				break // the range would go on behind what has to be looked at first
			}
			continue
		}
		first := s.To == s.From
		if err := l.batch(hard, s, b); err != nil {
			return nil, err
		}
		if full() && !(first && l.shared() && owed(segments, ranges)) {
			break
		}
		l.w.throttle.wait(ctx, l.bytes-paid)
		paid = l.bytes
	}
	return segments, nil
}

// shared says whether each range gives something before the lifter is full.
func (l *lifter) shared() bool { return l.share != extract.Share{} }

// owed says whether some range has given nothing yet, and may.
func owed(segments []*segment, ranges []extract.Range) bool {
	for i, s := range segments {
		if s.To == s.From && s.failed == nil && ranges[i].Len() > 0 {
			return true
		}
	}
	return false
}

// explained refuses holes that nothing explains, unless the job records them.
func (l *lifter) explained(b *extract.Batch) error {
	if len(b.Unexplained) == 0 || l.only != nil || l.w.job.Policy.UnexplainedGap == "record" {
		return nil
	}
	h := b.Unexplained[0]
	return halt(fmt.Errorf("%s/%d: offsets [%d,%d) hold no record, and neither compaction nor a transaction explains it: "+
		"set policy.unexplained_gap: record to go on and keep the range in the log, or look at the broker first", l.w.topic, b.Partition, h.First, h.Next))
}

// readFile lifts a file's own ranges again, for a repair.
func (l *lifter) readFile(ctx context.Context, id string, ranges []extract.Range) error {
	segments, err := l.read(ctx, ctx, id, ranges, func() bool { return false })
	for _, s := range segments {
		err = errors.Join(err, s.failed)
	}
	return errors.Join(err, ctx.Err())
}

// batch lifts the records of a batch and accounts for the offsets that hold none.
func (l *lifter) batch(ctx context.Context, s *segment, b *extract.Batch) error {
	settled := l.bytes
	for i := range b.Records {
		if err := l.record(ctx, s, &b.Records[i]); err != nil {
			return err
		}
		if l.bytes-settled > manyBytes {
			if err := l.settle(ctx); err != nil {
				return err
			}
			settled = l.bytes
		}
	}
	s.To = b.Next
	s.Gaps.Control += b.Control
	s.Gaps.Aborted += b.Aborted
	s.Gaps.Compacted += b.Compacted
	for _, h := range b.Unexplained {
		s.Gaps.Unexplained = appendRange(s.Gaps.Unexplained, offsets.Range{From: h.First, To: h.Next})
	}
	for _, e := range b.Epochs {
		if n := len(s.epochs); n == 0 || s.epochs[n-1].Epoch != e.Epoch {
			s.epochs = append(s.epochs, offsets.EpochFrom{Epoch: e.Epoch, From: e.First})
		}
	}
	if b.Epoch >= 0 {
		s.Epoch = b.Epoch
	}
	if b.Mark != nil {
		s.Mark = &offsets.Mark{Offset: b.Mark.Offset, Timestamp: b.Mark.Timestamp, CRC: b.Mark.CRC}
	}
	s.MaxTime = max(s.MaxTime, b.MaxTime)
	l.rows += int64(len(b.Records))
	l.w.progress(int64(len(b.Records)), l.bytes-l.told)
	l.told = l.bytes
	l.w.env.hook("batch")
	return l.settle(ctx)
}

// manyBytes of keys and values in one batch are settled before its end: a single record batch of a producer may be so large.
const manyBytes = 16 << 20

func (l *lifter) settle(ctx context.Context) error {
	l.open = nil // Settle may finish it
	return errors.Join(l.data.Settle(ctx), l.bad.Settle(ctx))
}

func appendRange(have []offsets.Range, r offsets.Range) []offsets.Range {
	if n := len(have); n > 0 && have[n-1].To == r.From {
		have[n-1].To = r.To
		return have
	}
	return append(have, r)
}

// record makes a row of one record, or quarantines it.
func (l *lifter) record(ctx context.Context, s *segment, r *record.Raw) error {
	l.bytes += int64(len(r.Key) + len(r.Value))
	if l.past != nil {
		bad, again, err := l.past(ctx, r)
		switch {
		case err != nil:
			return err
		case bad == nil:
			return nil // it was a row then, of another file
		case !again:
			return l.quarantine(s, r, bad)
		}
	}
	if r.Value == nil && l.set.Tombstone != "row" {
		if l.set.Tombstone == "skip" {
			s.Gaps.Tombstone++
			return nil
		}
		return l.quarantine(s, r, noValue())
	}
	var err error
	if l.times == nil {
		err = l.byTimestamp(ctx, s, r)
	} else {
		err = l.byField(ctx, s, r)
	}
	if err == nil {
		return nil
	}
	if bad := (*record.BadRecord)(nil); errors.As(err, &bad) {
		return l.quarantine(s, r, bad)
	}
	return err
}

// decode appends a row of a record, after its schemas, the key's and the value's, were learned where nobody knew them.
func (l *lifter) decode(ctx context.Context, c *record.Columns, r *record.Raw) error {
	for {
		err := l.decoder.Decode(c, r)
		if err == nil {
			return nil
		}
		unknown := (*record.UnknownSchemaError)(nil)
		if !errors.As(err, &unknown) {
			return err
		}
		if err := l.schemas.learn(ctx, unknown); err != nil {
			if growth := (*growthError)(nil); errors.As(err, &growth) {
				return err
			}
			l.failed = r.Partition
			return &partitionError{fmt.Errorf("%s/%d: offset %d: %w", l.w.topic, r.Partition, r.Offset, err)}
		}
	}
}

func noValue() *record.BadRecord {
	return &record.BadRecord{Reason: record.Tombstone, Detail: "the record has no value"}
}

func (l *lifter) byTimestamp(ctx context.Context, s *segment, r *record.Raw) error {
	bucket, err := l.parts.Bucket(r.Timestamp, l.clock)
	if err != nil {
		return err
	}
	return l.place(ctx, s, r, bucket)
}

// byField decodes into the file of the previous record, in the hope that this one belongs there too, and moves it if not.
func (l *lifter) byField(ctx context.Context, s *segment, r *record.Raw) error {
	c := l.scratch
	if l.open != nil {
		c = l.open.Columns()
	}
	if err := l.decode(ctx, c, r); err != nil {
		return err
	}
	bucket, err := l.times.Bucket(c, r.Timestamp, l.clock)
	if err == nil && s.Passed != nil {
		*s.Passed = max(*s.Passed, min(l.times.Time(), r.Timestamp))
	}
	if err == nil && l.open != nil && bucket == l.bucket {
		l.endRow(s, r)
		return nil
	}
	c.Rollback()
	if err != nil {
		return err
	}
	return l.place(ctx, s, r, bucket)
}

// place makes a row of a record in its bucket's file, which becomes the open one.
func (l *lifter) place(ctx context.Context, s *segment, r *record.Raw, bucket string) error {
	if l.elsewhere(bucket) {
		return nil
	}
	f, err := l.data.File(bucket)
	if err != nil {
		return err
	}
	l.open, l.bucket = f, bucket
	if err := l.decode(ctx, f.Columns(), r); err != nil {
		return err
	}
	l.endRow(s, r)
	return nil
}

// elsewhere says whether a repair must leave out the rows of a bucket.
func (l *lifter) elsewhere(bucket string) bool {
	return l.only != nil && l.only.Kind == string(writers.Data) && bucket != l.only.Bucket
}

func (l *lifter) endRow(s *segment, r *record.Raw) {
	if l.only != nil && l.only.Kind != string(writers.Data) {
		l.open.Columns().Rollback()
		return
	}
	l.open.EndRow(r.Partition, r.Offset, r.Timestamp)
}

func (l *lifter) quarantine(s *segment, r *record.Raw, bad *record.BadRecord) error {
	if l.only != nil && l.only.Kind != string(writers.Quarantine) {
		return nil
	}
	if l.set.BadRecord == "fail" {
		l.failed = r.Partition
		return &partitionError{fmt.Errorf("%s/%d offset %d: %s; policy.bad_record is fail: fix the topic's format or schema, or let such records go to quarantine",
			l.w.topic, r.Partition, r.Offset, bad)}
	}
	f, err := l.bad.File(l.badDay)
	if err != nil {
		return err
	}
	f.Quarantine(r, bad)
	if l.example == "" {
		l.example = fmt.Sprintf("%s/%d offset %d: %s", l.w.topic, r.Partition, r.Offset, bad)
	}
	return nil
}

// finish stages what is open and returns all files as the log names them.
func (l *lifter) finish(ctx context.Context) ([]offsets.File, error) {
	var out []offsets.File
	for _, set := range []*writers.Set{l.data, l.bad} {
		files, err := set.Finish(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			out = append(out, logFile(f))
		}
	}
	return out, nil
}

// abort gives up everything the lifter staged. Safe as long as no record that names its attempt was proposed.
func (l *lifter) abort(ctx context.Context) error {
	ctx, cancel := forCleanup(ctx)
	defer cancel()
	l.open = nil
	err := errors.Join(l.data.Abort(ctx), l.bad.Abort(ctx))
	for _, set := range []*writers.Set{l.data, l.bad} {
		for _, f := range set.Staged() {
			_, derr := l.w.discard(ctx, f.Key, f.Staged)
			err = errors.Join(err, derr)
		}
	}
	return err
}

func logFile(f writers.Finished) offsets.File {
	out := offsets.File{
		Key: f.Key, Kind: string(f.Kind), Bytes: f.Staged.Bytes, Rows: f.Rows, Digest: f.Digest.String(),
		MinTime: f.MinTime, MaxTime: f.MaxTime, Bucket: f.Bucket, Schema: f.Schema, Token: f.Staged.Token,
	}
	for _, s := range f.Ranges {
		r := offsets.FileRange{Partition: s.Partition, First: s.First, Last: s.Last}
		if len(f.Ranges) > 1 {
			r.Rows = s.Rows
		}
		out.Ranges = append(out.Ranges, r)
	}
	if len(f.Reasons) > 0 {
		out.Reasons = map[string]int64{}
		for r, n := range f.Reasons {
			out.Reasons[string(r)] = n
		}
	}
	return out
}
