package writers

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"

	"shadoof/record"
	"shadoof/storage"
)

// A File is an open file of a [Set]. It is valid until the set settles, finishes or aborts: ask the set for it again.
type File struct {
	set     *Set
	bucket  string
	columns *record.Columns // nil: no rows are buffered
	full    int             // rows for which the columns have memory
	since   int64           // rows of the set before the first one of the columns
	wide    bool            // it has filled a row group
	used    uint64          // the batch in which it was last asked for
	seen    int64           // rows of the set when that batch was settled

	inColumns int64        // memory as counted in the budget
	besides   atomic.Int64 // also by encodings
	bytes     int64        // as counted in the progress of the set: an estimate
	counted   int64        // rows counted in it

	// Of the staged file; nothing is staged before the first row group is written.
	begun    bool
	key      string
	number   int
	encoding *encoding // that has not landed; until it is done the next three are its own
	stage    storage.StageWriter
	out      *lender
	encoder  Encoder
	written  int64 // by encodings that have landed
	pending  int64 // known to the encoder and not written yet, by then
	closed   bool  // it takes no more rows
	ended    *ending

	rows    int64
	spans   spans
	digest  record.Digest
	minTime int64
	maxTime int64
	reasons map[record.Reason]int64
}

// Columns is where a decoder appends the open row. Call it again for each row: it is another one after the set settled.
func (f *File) Columns() *record.Columns {
	if f.columns == nil {
		f.columns = f.set.newColumns(f)
	}
	return f.columns
}

// EndRow ends the open row, after it appended the Kafka columns if the schema has them. The timestamp is in milliseconds.
func (f *File) EndRow(partition int32, offset, timestamp int64) {
	f.columns.AppendKafka(partition, offset, timestamp)
	f.columns.EndRow()
	f.count(partition, offset, timestamp)
}

// Quarantine appends and ends a row of [record.QuarantineSchema], for a record that did not fit.
func (f *File) Quarantine(r *record.Raw, bad *record.BadRecord) {
	record.AppendQuarantine(f.Columns(), r, bad)
	f.count(r.Partition, r.Offset, r.Timestamp)
	if f.reasons == nil {
		f.reasons = make(map[record.Reason]int64)
	}
	f.reasons[bad.Reason]++
}

func (f *File) count(partition int32, offset, timestamp int64) {
	if p := f.set.o.Partition; p != Several && p != partition {
		panic(fmt.Sprintf("writers: a row of partition %d in a set of partition %d", partition, p))
	}
	f.digest.Add(partition, offset)
	f.spans.add(partition, offset)
	if f.rows == 0 {
		f.minTime, f.maxTime = timestamp, timestamp
	}
	f.minTime = min(f.minTime, timestamp)
	f.maxTime = max(f.maxTime, timestamp)
	f.rows++
	f.set.seen++
	if f.columns.Rows() >= f.full {
		f.set.grow(f)
	}
}

// name gives the file its key. The first offset is known by now, and stays the first: a partition is read in order. Of several
// partitions one may come later whose offsets are smaller; the name says where the file began.
func (f *File) name() storage.StageRequest {
	o := &f.set.o
	f.number = o.Sequence.next()
	n := Name{o.Topic, o.Partition, f.spans.first(), o.Attempt, f.number, o.Format.Extension()}
	f.key = n.String()
	if f.bucket != "" {
		f.key = f.bucket + "/" + f.key
	}
	f.key = o.Folder + "/" + f.key
	if o.Key != "" {
		f.key = o.Key
	}
	return storage.StageRequest{Key: f.key, Staging: n.Staging(o.Staging)}
}

// begin stages the file. After an error there is nothing to abort.
func (f *File) begin(ctx context.Context, r storage.StageRequest) error {
	o := &f.set.o
	stage, err := o.Store.Stage(ctx, r)
	if err != nil {
		return fmt.Errorf("stage %s: %w", f.key, err)
	}
	f.stage, f.out = stage, &lender{w: stage, p: o.Budget.processors}
	if f.encoder, err = o.Format.NewEncoder(f.out, o.Schema, o.Meta); err != nil {
		return fmt.Errorf("write %s: %w", f.key, err)
	}
	return nil
}

// complete ends a staged file, whose rows are all written, and makes it durable. On success the file is no longer open.
func (f *File) complete(ctx context.Context) (Finished, error) {
	if err := f.encoder.Close(); err != nil {
		return Finished{}, fmt.Errorf("write %s: %w", f.key, err)
	}
	written := f.encoder.Written()
	staged, err := f.stage.Finish(ctx)
	f.stage, f.encoder = nil, nil // ended, however it went
	if err != nil {
		return Finished{}, fmt.Errorf("finish %s: %w", f.key, err)
	}
	o := &f.set.o
	done := Finished{
		Key: f.key, Kind: o.Kind, Bucket: f.bucket, Rows: f.rows, Ranges: f.spans.sorted(), Digest: f.digest,
		MinTime: f.minTime, MaxTime: f.maxTime, Schema: f.set.fingerprint, Reasons: maps.Clone(f.reasons), Staged: staged,
		number: f.number,
	}
	if staged.Bytes != written {
		return done, fmt.Errorf("finish %s: the store has %d bytes of %d", f.key, staged.Bytes, written)
	}
	return done, nil
}

// abort drops what was staged.
func (f *File) abort(ctx context.Context) error {
	if f.stage == nil {
		return nil
	}
	err := f.stage.Abort(ctx)
	f.stage, f.encoder = nil, nil
	if err != nil {
		return fmt.Errorf("abort %s: %w", f.key, err)
	}
	return nil
}

// buffered is the number of rows that were not written yet.
func (f *File) buffered() int {
	if f.columns == nil {
		return 0
	}
	return f.columns.Rows()
}

// tail is the memory that no flush frees. It is not to be asked for while an encoding is under way.
func (f *File) tail() int64 {
	if f.stage == nil {
		return 0
	}
	n := f.stage.Buffered()
	if f.encoder != nil {
		n += f.encoder.Buffered()
	}
	return n
}

// size estimates the bytes of the file as it would end now, with so many encoded bytes for one of columns.
func (f *File) size(ratio float64) int64 {
	raw := f.pending
	if f.encoding != nil {
		raw += f.encoding.raw
	}
	if f.columns != nil {
		raw += f.columns.Bytes()
	}
	return f.written + int64(ratio*float64(raw))
}
