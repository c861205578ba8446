// Package extract reads Kafka topics to fixed ends: watermarks, identity of topics, and bounded ranges of partitions.
package extract

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"shadoof/record"
)

// A Source is a Kafka cluster. It is safe for concurrent use. Errors that pass (a leader that moves, a broker that restarts) are
// retried until ctx ends; what is returned is final for the topic or partition that it is about.
type Source interface {
	// Topics lists the names of all topics, sorted.
	Topics(ctx context.Context) ([]string, error)

	// Describe fetches fresh metadata and watermarks of a topic; nothing in it is from a cache.
	// A topic that does not exist is ErrNoTopic; a refusal to read it ErrNotAuthorized.
	Describe(ctx context.Context, topic string) (*Topic, error)

	// Serves says whether the leaders know a topic by the id that Describe gave it: a broker whose metadata is old describes one that was
	// deleted since.
	Serves(ctx context.Context, topic *Topic) (bool, error)

	// Ends returns where the partitions of topics end under the isolation of the source, by a few requests for all of them. What does
	// not answer within a few tries, or until ctx ends, is left out: partitions without a leader, topics that do not exist or may not
	// be read. It fails when the cluster does not answer.
	Ends(ctx context.Context, topics []string) (map[string]map[int32]int64, error)

	// EpochEnds asks the leaders of partitions where leader epochs ended (OffsetForLeaderEpoch), by a request to each broker. Every
	// partition that was asked about has an answer.
	EpochEnds(ctx context.Context, topic string, epochs map[int32]int32) (map[int32]EpochEnd, error)

	// OffsetsAt returns per partition the first offset whose timestamp is at or after t, by the broker's time index, or the end
	// that Describe would give when there is none.
	OffsetsAt(ctx context.Context, topic string, t time.Time) (map[int32]int64, error)

	// Mark returns the fingerprint of the record batch before offset next, markers' batches included, or nil if the log holds none
	// there any more; where it does not reach next that is an error. It is the Mark of the last Batch of a Read that ended at next; asked with
	// that mark's Offset + 1, it is the same one also where next lies in a hole. Compaction changes the CRC of a batch, and may lower its time.
	Mark(ctx context.Context, topic string, partition int32, next int64) (*Mark, error)

	// Read yields the batches of ranges. Those of one range come in offset order, without gaps: the first starts at the range's
	// First, each next one where the one before ended, the last one ends at the range's Next. Of several ranges that one goes on
	// whose next records are the oldest, as far as this is known without waiting long, once each has given its share. The loop body owns
	// the batch until it returns.
	// An error ends its range, and comes with an empty batch at the offset that the range was read to; the other ranges go on. An
	// error without a batch ends everything.
	Read(ctx context.Context, r ReadRequest) iter.Seq2[*Batch, error]
}

// A Topic is what a cluster says about a topic at one moment.
type Topic struct {
	Cluster    string // cluster id
	Name       string
	ID         string // 32 hex digits; "" when the cluster has no topic ids
	Partitions []Partition
}

// A Partition's ends are the bounds of a run. Err is set when this partition could not be asked; the others stand.
type Partition struct {
	Partition     int32
	Leader        int32
	Epoch         int32 // of its leader; -1 when unknown
	LogStart      int64
	LastStable    int64 // the end under read_committed
	HighWatermark int64
	Err           error
}

// End is where a run under the isolation of the source ends.
func (p Partition) End(readCommitted bool) int64 {
	if readCommitted {
		return p.LastStable
	}
	return p.HighWatermark
}

// An EpochEnd is what a leader knows of an epoch that it was asked about.
//
// Of the log that holds records of the epoch, leader and reader have the same up to where the epoch ends in one of them. A leader that has
// none answers for the newest epoch before it of which it has some, or, where retention took what was older, for the one that was asked
// about, with its log start as the end. So an Epoch below the one that was asked about says that what was read in that one is not of this
// log, or was compacted away in it. https://cwiki.apache.org/confluence/x/0gOUB (KIP-101), https://cwiki.apache.org/confluence/x/YgFACg (KIP-320)
type EpochEnd struct {
	Epoch int32 // newest epoch up to the one that was asked about of which the leader has records; -1 when it knows of none, which is no verdict
	End   int64 // where that ends and a later one begins, or the log ends
	Err   error // the partition could not be asked; the others stand
}

// Known says whether there is a verdict.
func (e EpochEnd) Known() bool { return e.Err == nil && e.Epoch >= 0 }

// A Range is [First, Next) of one partition, half open.
type Range struct {
	Partition   int32
	First, Next int64
}

func (r Range) String() string { return fmt.Sprintf("%d[%d,%d)", r.Partition, r.First, r.Next) }

// Len is the number of offsets in the range, which is not the number of records.
func (r Range) Len() int64 { return r.Next - r.First }

// A ReadRequest says what to read.
type ReadRequest struct {
	Topic    string
	ID       string          // the topic id of Describe: another topic of that name is an error
	Ranges   []Range         // of different partitions
	Epochs   map[int32]int32 // leader epochs of what was read before ranges, by partition, as far as they are known: a log that was cut back below is an error
	Together int             // so many of them are read at the same time, in their order; 0: all
	Share    Share           // what each range gives before any gives more
	Memory   Memory          // counts what is fetched and not yielded yet; nil: nobody does
}

// A Share is so many offsets, or so many bytes of records, whichever comes first; 0: as many as there are. The zero value is no share:
// only the times of the records count. Of ranges that owe their share the one that gave least goes on, and no batch is larger than a share
// but for the last record batch in it. So a batch of a range that gave something before says that no other could give its first one by now.
type Share struct{ Offsets, Bytes int64 }

func (s Share) given(offsets, bytes int64) bool {
	return s.Offsets > 0 && offsets >= s.Offsets || s.Bytes > 0 && bytes >= s.Bytes
}

// Memory counts bytes that are held, against a limit that others share. It is safe for concurrent use.
type Memory interface {
	Reserve(bytes int64)         // for what is held whether there is room for it or not
	TryReserve(bytes int64) bool // for what is only fetched ahead
	Release(bytes int64)
}

// A Batch is a run of consecutive offsets: the records in it, and why other offsets in it have none.
// len(Records) + Control + Aborted + Compacted + the offsets of Unexplained = Next - First.
type Batch struct {
	Partition   int32
	First, Next int64
	Records     []record.Raw
	Control     int64   // transaction markers
	Aborted     int64   // records of aborted transactions
	Compacted   int64   // offsets that compaction (or a producer's gap inside a compacted topic) left empty
	Unexplained []Range // holes that nothing explains, in a topic that is not compacted; ascending
	Skipped     []Skip  // where the Control and Aborted ones are; ascending
	Epoch       int32   // leader epoch of the last record batch; -1 when unknown
	Epochs      []Epoch // which leader epochs its record batches are of, and from where on; ascending
	Mark        *Mark   // of the last record batch, nil when there was none
	MaxTime     int64   // greatest timestamp of the records; 0 when there are none
}

// An Epoch says from which offset on record batches are of a leader epoch.
type Epoch struct {
	Epoch int32
	First int64
}

// A Skip is a stretch of offsets that held markers, or records of aborted transactions. What it has besides was compacted away.
type Skip struct {
	First, Next      int64
	Control, Aborted int64 // how many of its offsets; one of them is 0
}

// A Mark is a fingerprint of a record batch: does this partition still hold what was read?
type Mark struct {
	Offset    int64  `json:"offset"`    // of the batch's last record
	Timestamp int64  `json:"timestamp"` // the batch's greatest
	CRC       uint32 `json:"crc"`       // of the batch as the broker stores it
	Cleaned   bool   `json:"-"`         // compaction has taken records out of the batch
}

var (
	ErrNoTopic       = errors.New("topic does not exist")
	ErrNotAuthorized = errors.New("not authorized")
	ErrAuth          = errors.New("authentication failed")
)

// A LostError says that a range can no longer be read, because its first records were deleted by retention.
type LostError struct {
	Topic     string
	Partition int32
	Want      int64
	LogStart  int64
}

func (e *LostError) Error() string {
	return fmt.Sprintf("%s/%d: offset %d is gone, the log starts at %d: %d offsets were deleted before they were read", e.Topic, e.Partition, e.Want, e.LogStart, e.LogStart-e.Want)
}

// A TruncatedError says that the partition's log was cut back below what was read from it (unclean leader election).
type TruncatedError struct {
	Topic     string
	Partition int32
	Position  int64
	End       int64
}

func (e *TruncatedError) Error() string {
	if e.End >= e.Position {
		return fmt.Sprintf("%s/%d: its leader knows nothing of what was read below offset %d, and its log goes on: it was truncated, and written anew", e.Topic, e.Partition, e.Position)
	}
	return fmt.Sprintf("%s/%d: the log now ends at %d, below offset %d: it was truncated", e.Topic, e.Partition, e.End, e.Position)
}

// A RecreatedError says that the topic of this name is not the one that was asked for.
type RecreatedError struct{ Topic, Want, Have string }

func (e *RecreatedError) Error() string {
	return fmt.Sprintf("%s: the topic was recreated: its id is %s and was %s", e.Topic, e.Have, e.Want)
}
