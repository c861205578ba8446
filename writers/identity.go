package writers

import (
	"context"
	"io"

	"shadoof/record"
)

// A Reader reads back what identifies the rows of a file. It is safe for concurrent use.
type Reader interface {
	// Identity reads the Kafka columns and the metadata of a whole file of size bytes, and nothing else of it. A file that is
	// cut off or damaged where it is read is an error.
	Identity(ctx context.Context, r io.ReaderAt, size int64) (Identity, error)
}

// A Finder is a [Reader] that can also tell whether a file has the row of an offset. known is false for a file without Kafka columns,
// where nothing can be said.
type Finder interface {
	Find(ctx context.Context, r io.ReaderAt, size int64, partition int32, offset int64) (found, known bool, err error)
}

// A RecordReader is a [Reader] that can also read back the records of a quarantine file, as Kafka held them.
type RecordReader interface {
	// Records calls each for the rows of a whole file of size bytes, in their order. What each is given is good until it returns. The
	// file must have the columns of [record.QuarantineSchema]; one that is cut off or damaged is an error. An error of each ends it,
	// and is returned as it is.
	Records(ctx context.Context, r io.ReaderAt, size int64, each func(*record.Raw, *record.BadRecord) error) error
}

// An Identity says which rows a file has.
type Identity struct {
	Rows            int64 // by the file's own count
	HasKafkaColumns bool  // without them nothing is known of the rows but their number
	Digest          record.Digest
	Meta            map[string]string // key-value metadata

	spans spans
}

// Add counts the row of an offset in digest and ranges.
func (id *Identity) Add(partition int32, offset int64) {
	id.Digest.Add(partition, offset)
	id.spans.add(partition, offset)
}

// Ranges are the first and last offset by partition, in the order of partitions.
func (id *Identity) Ranges() []Span { return id.spans.sorted() }
