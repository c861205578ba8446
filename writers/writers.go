// Package writers turns typed columns into staged files: open files per time bucket under one memory budget, rolled by size.
// The file formats are in the packages below this one.
package writers

import (
	"io"

	"shadoof/record"
	"shadoof/storage"
)

// A Format makes encoders of one file format with one set of options (compression).
type Format interface {
	Extension() string // with the dot: ".parquet"
	// NewEncoder begins a file on w. meta becomes the file's key-value metadata.
	NewEncoder(w io.Writer, s *record.Schema, meta map[string]string) (Encoder, error)
}

// An Encoder writes one file. After an error the file is lost. It is not safe for concurrent use.
type Encoder interface {
	// WriteRows encodes all ended rows of c as one row group (block). It does not keep or change c. While it writes to the underlying
	// writer it holds nothing that other encoders wait for: they may be at work meanwhile.
	WriteRows(c *record.Columns) error
	// Close writes what ends the file. It does not close the underlying writer.
	Close() error
	// Written is how many bytes went to the underlying writer so far.
	Written() int64
	// Buffered is the memory the encoder holds until Close, besides the rows of Columns.
	Buffered() int64
}

// A Kind says what a file holds.
type Kind string

const (
	Data       Kind = "data"
	Quarantine Kind = "quarantine"
)

// Options of a [Set]. Those without a default must be set.
type Options struct {
	Store      storage.Store
	Format     Format
	Schema     *record.Schema // of the rows, with the Kafka columns if they are wanted
	Budget     *Budget
	MaxOpen    int   // files that are staged at the same time; 0: any number
	TargetSize int64 // a file that reaches it is finished and a new one begun; 0: never
	Kind       Kind  // default: Data
	Topic      string
	Partition  int32     // whose rows the set takes, or Several
	Attempt    string    // 16 hex digits
	Sequence   *Sequence // shared by all sets of the attempt; nil if this is the only one
	Folder     string    // where data files go: <folder>/<bucket>/<name>; for quarantine files the quarantine folder
	Staging    string    // folder of the attempt's staged files, for stores that stage in files
	Key        string    // set to rebuild one file under its own key: the rows are those of that file, and it is never rolled or closed early
	Meta       map[string]string

	RowGroupBytes int64 // of [record.Columns] that make a full row group; default: 64 MiB, or a quarter of a smaller budget
	RowGroupRows  int   // default: 1 Mi
}

// A Finished file is staged, whole and invisible.
type Finished struct {
	Key     string
	Kind    Kind
	Bucket  string
	Rows    int64
	Ranges  []Span // by partition
	Digest  record.Digest
	MinTime int64 // Kafka timestamps, ms
	MaxTime int64
	Schema  string // fingerprint
	Reasons map[record.Reason]int64
	Staged  storage.Staged

	number int // of the attempt's files
}

// Early counts the files of a [Set] that were finished before they reached their size, by what there was too little of.
type Early struct {
	Memory int // the budget
	Open   int // Options.MaxOpen
}

// A Span is the first and last offset of a partition's rows in a file, both inclusive, and their number.
type Span struct {
	Partition   int32 `json:"partition"`
	First, Last int64
	Rows        int64
}
