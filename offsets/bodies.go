package offsets

import (
	"time"

	"shadoof/storage"
)

// A Header is what every record begins with.
type Header struct {
	Format int       `json:"format"` // 1; 2 where it has members that format 1 does not know
	Level  int       `json:"level"`  // lowest protocol level that may write after this record: 1, 2 for a complete
	V      int64     `json:"v"`      // the slot
	ID     string    `json:"id"`     // 32 hex digits, fresh for every slot proposed
	Prev   string    `json:"prev"`   // id of record v-1, "" for the first
	Time   time.Time `json:"time"`   // by the writer's clock, UTC, milliseconds
	Run    string    `json:"run"`    // of the writer: 16 hex digits
	Writer Writer    `json:"writer"`
	Type   Type      `json:"type"`
}

// A Writer says who wrote a record.
type Writer struct {
	Host  string `json:"host"`
	Build string `json:"build"`
}

// A Type is the type of a record.
type Type string

const (
	TypeInit      Type = "init"
	TypeCommit    Type = "commit"
	TypeFill      Type = "fill"
	TypeReplace   Type = "replace"
	TypeDrop      Type = "drop"
	TypeSkip      Type = "skip"
	TypeRepair    Type = "repair"
	TypeFence     Type = "fence"
	TypeIncarnate Type = "incarnate"
	TypeComplete  Type = "complete"
)

// A Body is the part of a record that its type decides: *Init, *Commit, *Fill, *Replace, *Drop, *Skip, *Repair, *Fence, *Incarnate, *Complete.
// In the stored JSON its members stand beside those of the header.
type Body interface{ RecordType() Type }

// Init gives partitions their first offset.
type Init struct {
	Cluster     string           `json:"cluster"`
	Incarnation int              `json:"incarnation"` // 1 for a topic's first
	TopicID     string           `json:"topic_id"`    // 32 hex digits; "" when the cluster has none
	Partitions  []PartitionStart `json:"partitions"`
	Existing    *Decision        `json:"existing,omitempty"` // a person accepted that the folder holds another tool's files
}

// A PartitionStart is the first offset that will be read of a partition.
type PartitionStart struct {
	Partition int32 `json:"partition"`
	Start     int64 `json:"start"`
	Epoch     int32 `json:"epoch"` // leader epoch at that time, -1 when unknown
	// Mark is of the last batch that was lifted before, where the start of an incarnation is where the one before had come to.
	Mark *Mark `json:"mark,omitempty"`
}

// A Decision is a person's.
type Decision struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// A Lift is what commit, fill and replace have in common: ranges that were read and the files that hold their rows.
type Lift struct {
	Incarnation int       `json:"incarnation"`
	Attempt     string    `json:"attempt"`  // 16 hex digits
	Settings    string    `json:"settings"` // hash of settings/<hash>.json
	Clock       time.Time `json:"clock"`    // by which time bounds were judged

	// Writers are the registry's ids that were met by then, with the fingerprints of what they stood for: see KeepWriter.
	Writers map[int32]string `json:"writers,omitempty"`
	// Refused are ids that were met by then, ascending, and stood for what cannot be read as the topic's; RefusedKeys the same of keys.
	Refused     []int32 `json:"refused,omitempty"`
	RefusedKeys []int32 `json:"refused_keys,omitempty"`
	// Changes are the differences between the rows of this record and those of the lift before it, in words; in the first record after
	// a change only.
	Changes []string `json:"changes,omitempty"`
	// Late are the folders among those of its data files, ascending, that were complete before this record: its rows there are late, but
	// for those of copies.
	Late []string `json:"late,omitempty"`

	Bundles  []Bundle    `json:"bundles,omitempty"`
	Attached *Attachment `json:"attached,omitempty"` // instead of Bundles, when they are large
}

// An Attachment names att/<attempt>.json, which holds a JSON array of bundles.
type Attachment struct {
	SHA256 string `json:"sha256"` // of the attachment's bytes
	Takes  []int  `json:"takes"`  // which of its bundles the record commits, by index
}

// Commit moves partitions forward.
type Commit struct{ Lift }

// Fill lifts what nothing covers below the committed offset; it moves no position.
type Fill struct{ Lift }

// Replace swaps bundles for others of the same segments. Lift.Bundles are the ones to add.
type Replace struct {
	Lift
	Remove []BundleRef `json:"remove"`
	Swap   string      `json:"swap"` // HideFirst, ShowFirst

	// Emptied names the versions of which nothing is live after this record, so that the state can forget their bundles and files
	// one by one. Only whoever reads those versions can know: the proposer does, and an Audit checks it.
	Emptied []Range `json:"emptied,omitempty"`

	// Reopens are the folders of data files that it removes, ascending: they have no marker until a later record says that they are
	// complete. Only where State.Complete is there.
	Reopens []string `json:"reopens,omitempty"`

	// Tried are the reasons for which records were tried again that were in quarantine; empty: whatever the reason. It says how files
	// with RetryOf were made.
	Tried []string `json:"tried,omitempty"`
}

// The orders of a swap.
const (
	HideFirst = "hide-first" // readers see a gap rather than a row twice
	ShowFirst = "show-first" // readers see a row twice rather than a gap
)

// A BundleRef names bundle number Bundle (from 0) of the record in slot V.
type BundleRef struct {
	V      int64 `json:"v"`
	Bundle int   `json:"bundle"`
}

// A FileRef names a file by the record that committed it and its key.
type FileRef struct {
	V   int64  `json:"v"`
	Key string `json:"key"`
}

// A Bundle is segments that share files.
type Bundle struct {
	Segments []Segment `json:"segments"`
	Files    []File    `json:"files,omitempty"`
}

// A Segment is a committed range [From, To) of one partition.
// Over the rows of its partition in the bundle's files: rows + quarantined + gaps = To - From.
type Segment struct {
	Partition int32      `json:"partition"`
	From      int64      `json:"from"`
	To        int64      `json:"to"`
	Epoch     int32      `json:"epoch"`              // leader epoch of the last record batch, -1 when unknown
	Mark      *Mark      `json:"mark,omitempty"`     // fingerprint of the last record batch
	Gaps      Gaps       `json:"gaps,omitzero"`      // offsets without a row
	MaxTime   int64      `json:"max_time,omitempty"` // greatest Kafka timestamp, ms
	AtEnd     bool       `json:"at_end,omitempty"`   // To was the end of the partition when the run began, with no transaction open,
	EndTime   *time.Time `json:"end_time,omitempty"` // at this time

	// Passed stands for MaxTime where folders are not by Kafka's timestamp: the greatest time of a row, where a row's is the earlier of
	// its folder's and Kafka's; 0 for none.
	Passed *int64 `json:"passed,omitempty"`

	// Epochs are the leader epochs of its record batches, ascending, where they are of several: the last is Epoch.
	Epochs []EpochFrom `json:"epochs,omitempty"`
}

// An EpochFrom says from which offset on record batches are of a leader epoch.
type EpochFrom struct {
	Epoch int32 `json:"epoch"`
	From  int64 `json:"from"`
}

// A Mark is a fingerprint of a record batch.
type Mark struct {
	Offset    int64  `json:"offset"`
	Timestamp int64  `json:"timestamp"`
	CRC       uint32 `json:"crc"`
}

// Gaps counts the offsets of a segment that have neither a row nor a quarantined record, by reason; for the last four the ranges.
type Gaps struct {
	Control     int64   `json:"control,omitempty"`
	Aborted     int64   `json:"aborted,omitempty"`
	Compacted   int64   `json:"compacted,omitempty"`
	Tombstone   int64   `json:"tombstone,omitempty"`
	Dropped     int64   `json:"dropped,omitempty"` // of files that had been dropped from a bundle that this one replaces
	Retention   []Range `json:"retention,omitempty"`
	Truncated   []Range `json:"truncated,omitempty"`
	Operator    []Range `json:"operator,omitempty"`
	Unexplained []Range `json:"unexplained,omitempty"`
}

// A Range is [From, To).
type Range struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Len is the number of offsets in the range.
func (r Range) Len() int64 { return r.To - r.From }

// A File is a data or quarantine file, with what is needed to publish it, to check it, and to rebuild it from Kafka.
type File struct {
	Key     string           `json:"key"`
	Kind    string           `json:"kind"` // KindData, KindQuarantine
	Bytes   int64            `json:"bytes"`
	Rows    int64            `json:"rows"`
	Ranges  []FileRange      `json:"ranges"`
	Digest  string           `json:"digest"` // record.Digest
	MinTime int64            `json:"min_time"`
	MaxTime int64            `json:"max_time"`
	Bucket  string           `json:"bucket"`
	Schema  string           `json:"schema"`
	Late    int64            `json:"late,omitempty"` // reserved; see Lift.Late
	Reasons map[string]int64 `json:"reasons,omitempty"`
	Token   storage.Token    `json:"token"`

	// Where the rows came from, if not from Kafka: files of the bundles that the same record, a replace, removes.
	CopyOf  *FileRef  `json:"copy_of,omitempty"`  // the data file whose bytes these are, made by the settings of its own record
	RetryOf []FileRef `json:"retry_of,omitempty"` // the quarantine files, of one version and in their order, whose records were tried again
}

// The kinds of files.
const (
	KindData       = "data"
	KindQuarantine = "quarantine"
)

// A FileRange is the first and last offset of a partition's rows in a file, both inclusive.
type FileRange struct {
	Partition int32 `json:"partition"`
	First     int64 `json:"first"`
	Last      int64 `json:"last"`
	Rows      int64 `json:"rows,omitempty"` // of the partition; left out where the file has rows of no other
}

// RowsOf is how many of the file's rows are a partition's.
func (f *File) RowsOf(partition int32) int64 {
	for _, r := range f.Ranges {
		switch {
		case r.Partition != partition:
		case len(f.Ranges) == 1:
			return f.Rows
		default:
			return r.Rows
		}
	}
	return 0
}

// Drop removes files; their rows become a gap.
type Drop struct {
	Incarnation int       `json:"incarnation"`
	Files       []FileRef `json:"files"`
	Emptied     []Range   `json:"emptied,omitempty"` // as in Replace
	Reopens     []string  `json:"reopens,omitempty"` // as in Replace
	Decision
}

// Skip moves a partition forward over records.
type Skip struct {
	Incarnation int    `json:"incarnation"`
	Partition   int32  `json:"partition"`
	From        int64  `json:"from"`
	To          int64  `json:"to"`
	Gap         string `json:"gap"` // GapOperator, GapRetention
	Decision
}

// The reasons of a skip.
const (
	GapOperator  = "operator"  // a person moved forward over records
	GapRetention = "retention" // Kafka deleted them before they were read, and a person or a policy accepted it
)

// Repair gives an unpublished file, whose token no longer works, a new one for the same key and the same rows.
type Repair struct {
	Attempt string        `json:"attempt"`
	File    FileRef       `json:"file"`
	Bytes   int64         `json:"bytes"`
	Token   storage.Token `json:"token"`
	After   int           `json:"after"` // repairs of this file before it
}

// Fence names attempts that can never commit any more.
type Fence struct {
	Attempts []string `json:"attempts"`
}

// Incarnate says that from here on the topic of this name is another one, whose offsets start anew.
type Incarnate struct {
	Incarnation int              `json:"incarnation"` // the one before, plus 1
	TopicID     string           `json:"topic_id"`
	Cluster     string           `json:"cluster"`
	Partitions  []PartitionStart `json:"partitions"`
	Cause       string           `json:"cause"` // recreated, truncated, moved
	Decision
}

// Complete says that time folders are complete: records that come to one of them later are late. What it asks for is that they get
// their markers, after everything that was committed before it is published.
type Complete struct {
	Incarnation int      `json:"incarnation"`
	Through     int64    `json:"through"`           // ms: each folder whose time ends by then is complete; 0 in one that ends the tracking
	Folders     []string `json:"folders,omitempty"` // that get a marker now, ascending
	Vacant      []string `json:"vacant,omitempty"`  // that were reopened and have no data file any more: they get none; ascending
	Open        []string `json:"open,omitempty"`    // only where nothing was tracked before: all folders with live data files, ascending
	Off         bool     `json:"off,omitempty"`     // folders are not tracked any more, and get no markers

	// Anew, only where nothing was tracked before, says that what partitions have passed is not known: folders are by a field, and segments
	// tell Kafka's times as long as nobody asks for markers.
	Anew bool `json:"anew,omitempty"`
}

func (*Init) RecordType() Type      { return TypeInit }
func (*Commit) RecordType() Type    { return TypeCommit }
func (*Fill) RecordType() Type      { return TypeFill }
func (*Replace) RecordType() Type   { return TypeReplace }
func (*Drop) RecordType() Type      { return TypeDrop }
func (*Skip) RecordType() Type      { return TypeSkip }
func (*Repair) RecordType() Type    { return TypeRepair }
func (*Fence) RecordType() Type     { return TypeFence }
func (*Incarnate) RecordType() Type { return TypeIncarnate }
func (*Complete) RecordType() Type  { return TypeComplete }
