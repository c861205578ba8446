package config

import (
	"regexp"
	"strings"
	"time"
)

// A Job says which topics are lifted, and how.
type Job struct {
	Line     int // where it stands in the document, for messages
	Name     string
	Topics   []Pattern
	Exclude  []Pattern
	Schedule string         // cron with five fields, or @hourly and the like; "" for none. Only serve uses it
	Timezone *time.Location // of the schedule and of time folders
	CatchUp  time.Duration  // only serve uses it
	Jitter   time.Duration  // only serve uses it
	Retry    Retry          // only serve uses it
	Timeout  time.Duration  // of a run; 0 for none
	Start    Start
	Folder   string // with {topic} or {topic.underscored}

	Value       Value
	Key         Value // how a record's key becomes a column; its format may be none, too
	Headers     bool  // a column with the record's headers
	Partition   Partition
	Output      Output
	CommitEvery CommitEvery
	Limits      Limits
	Complete    Complete
	Policy      Policy
}

// Matches says whether the job claims a topic. Names that begin with two underscores are claimed only where they are written out.
func (j *Job) Matches(topic string) bool {
	return matches(j.Topics, topic) && !matches(j.Exclude, topic)
}

func matches(ps []Pattern, topic string) bool {
	for _, p := range ps {
		if p.Literal == topic {
			return true
		}
		if !strings.HasPrefix(topic, "__") && p.Regexp.MatchString(topic) {
			return true
		}
	}
	return false
}

// A Pattern is a regular expression that names topics.
type Pattern struct {
	Source  string         // as written
	Literal string         // the only name it matches, when it is written out; otherwise ""
	Regexp  *regexp.Regexp // anchored at both ends
}

// A Start is where a partition begins that was never read.
type Start struct {
	At   StartAt
	Time time.Time // for StartTime
}

// A StartAt is the kind of a [Start].
type StartAt string

const (
	StartEarliest StartAt = "earliest"
	StartLatest   StartAt = "latest"
	StartTime     StartAt = "time"
)

// A Value says how a record's value, or its key, is decoded.
type Value struct {
	Format  string   // avro, json, protobuf, string, bytes
	Framing string   // none, confluent (a zero byte and four bytes of schema id before the value); none for string and bytes
	Schema  string   // a schema file as written, with {topic} for the name (see SchemaFile), or raw. "" for string and bytes, and for a registry's
	Subject string   // in the registry, with {topic} for the name (see SubjectOf)
	Version string   // which version of it rows are made of: VersionGrown, VersionLatest, or a number
	Message string   // protobuf: full name of the message, "" for the only or first one
	AsJSON  []string // dotted paths of fields that become one column of JSON each
	Dir     string   // where a relative Schema starts
}

// Versions of a subject that are not a number.
const (
	VersionGrown  = "grown"  // all that was seen, and the latest
	VersionLatest = "latest" // at the start of each run
)

// A Partition says which time folder a record goes to.
type Partition struct {
	By        string         // timestamp (Kafka's), field
	Fields    []TimeField    // where a record's time may stand, in order; only for by: field
	Unit      string         // of plain numbers, where a field does not say it: s, ms, us, ns
	Pattern   []string       // of strings, likewise; none for RFC 3339
	Timezone  *time.Location // of times that come without one, likewise; nil to take them as they are
	Layout    string         // hive, camus, or a pattern
	Min       time.Time      // records before it do not belong to a time folder,
	MaxFuture time.Duration  // nor do those further ahead of the clock
	Otherwise string         // what becomes of those: quarantine, timestamp, or a fixed folder
}

// A TimeField is where the time of a record may stand.
type TimeField struct {
	Path     string // dotted, of the value
	Unit     string
	Pattern  []string
	Timezone *time.Location
}

// An Output says what files look like.
type Output struct {
	Format       string // parquet
	Compression  string // zstd, snappy, gzip, none
	TargetSize   int64  // bytes
	KafkaColumns bool
}

// CommitEvery bounds what one commit holds.
type CommitEvery struct {
	Bytes    int64
	Duration time.Duration
}

// A Retry says what becomes of a run that failed in a way that the next one may not.
type Retry struct {
	Times int           // runs that are tried after one that failed, at most; 0: none is
	Wait  time.Duration // before the first of them; twice as long before each one after it
}

// Limits bound what a run reads of each topic; 0 is no limit.
type Limits struct {
	Records        int64
	Bytes          int64
	Duration       time.Duration
	BytesPerSecond int64 // of all topics of the job together, in one process; keys and values
}

// Complete says when a time folder is marked as complete.
type Complete struct {
	Marker   string // MarkerName, or "" for none
	Lateness time.Duration
	Idle     time.Duration
}

// MarkerName is the only name that a marker of a complete folder can have.
const MarkerName = "_SUCCESS"

// A Policy says what happens when something is not as it should be. The words are closed sets.
type Policy struct {
	BadRecord      string // quarantine, fail
	Misfit         string // of records whose schema cannot be read as the topic's: quarantine, halt
	MaxBad         MaxBad // "" for any number
	Tombstone      string // quarantine, row, skip
	LostRecords    string // halt, record
	TopicRecreated string // halt, record
	Truncated      string // halt, record
	UnexplainedGap string // halt, record
}
