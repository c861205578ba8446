// Package history is what happened in a run under faults: what was produced, what processes did and how they ended, what listers and
// readers of the feed saw, what broke, and what lies in the store at the end. It is written as JSON lines while it happens, and
// judged afterwards by package checker.
package history

import (
	"encoding/json"
	"time"

	"shadoof/testbed/faults/nemesis"
)

// A Kind says which members of an event count.
type Kind string

const (
	Created     Kind = "topic created"   // Topic, Generation, TopicID
	Deleted     Kind = "topic deleted"   // Topic, Generation; from At on nothing of it can be relied on
	Produced    Kind = "produced"        // Topic, Generation, Transaction, Records: acknowledged by Until
	Unclear     Kind = "unclear"         // the same, but nobody knows whether Kafka has them; offsets are -1
	Transaction Kind = "transaction"     // Topic, Transaction, Outcome
	Trimmed     Kind = "records deleted" // Topic, Generation, Positions: what lies below them may be gone from At on
	Begun       Kind = "begun"           // Process
	Signalled   Kind = "signal"          // Process.N, Text
	Ended       Kind = "ended"           // Process
	Listed      Kind = "files listed"    // Appeared, Gone, Changed: since the listing before
	LogListed   Kind = "log listed"      // Newest
	Fed         Kind = "feed"            // Topic, Feed
	Struck      Kind = "fault"           // Moment
	Calm        Kind = "calm"            // from here on nothing is broken, and nothing is produced
	Harness     Kind = "harness"         // Text: what the harness could not do
)

// An Event is a line of the history.
type Event struct {
	At    time.Time `json:"at"`              // began
	Until time.Time `json:"until,omitzero"`  // ended, where it took time
	Who   string    `json:"who"`             // the lane: a producer, a worker, the lister
	What  Kind      `json:"what"`            //
	Topic string    `json:"topic,omitempty"` //
	Text  string    `json:"text,omitempty"`  // for people

	Generation  int             `json:"generation,omitempty"`  // of the topic: counts how often it was created
	TopicID     string          `json:"topic_id,omitempty"`    // 32 hex digits
	Transaction string          `json:"transaction,omitempty"` // "" outside of transactions
	Outcome     string          `json:"outcome,omitempty"`     // committed, aborted or unclear
	Records     []Sent          `json:"records,omitempty"`
	Positions   map[int32]int64 `json:"positions,omitempty"` // by partition

	Process *Process         `json:"process,omitempty"`
	Moment  *nemesis.Moment  `json:"moment,omitempty"`
	Newest  map[string]int64 `json:"newest,omitempty"` // version of the log, by topic

	Appeared []Object        `json:"appeared,omitempty"`
	Gone     []string        `json:"gone,omitempty"`
	Changed  []string        `json:"changed,omitempty"` // bytes other than before, under the same key
	Feed     json.RawMessage `json:"feed,omitempty"`
}

// Sent is a record that a producer sent. Seq is unique in the topic over all its generations.
type Sent struct {
	Seq       int64  `json:"s"`
	Partition int32  `json:"p"`
	Offset    int64  `json:"o"`
	Key       string `json:"k,omitempty"` // where topics are compacted
	Tombstone bool   `json:"t,omitempty"`
}

// An Object as a lister sees it.
type Object struct {
	Key   string `json:"key"`
	Bytes int64  `json:"bytes"`
	Tag   string `json:"tag,omitempty"` // changes when the bytes do
}

// A Process is one of the product.
type Process struct {
	N       int      `json:"n"` // counts all of the run
	Command []string `json:"command,omitempty"`
	Output  string   `json:"output,omitempty"` // where its stdout and stderr are, in the folder of the run

	// Ends are the last stable offsets of topics right before it began, where they are known.
	Ends map[string]map[int32]int64 `json:"ends,omitempty"`

	Code    int      `json:"code"`              // as it ended; -1: by a signal that cannot be caught
	Signals []string `json:"signals,omitempty"` // that it was sent
	Hung    bool     `json:"hung,omitempty"`    // it had to be ended by the harness
	Panic   bool     `json:"panic,omitempty"`

	Run         string             `json:"run,omitempty"`      // its id in the log, where it said it
	Versions    map[string][]int64 `json:"versions,omitempty"` // that it says it committed, by topic
	Unpublished int                `json:"unpublished,omitempty"`
	Advice      []string           `json:"advice,omitempty"` // commands that its messages advise: resolve ...
	Reason      string             `json:"reason,omitempty"` // its last words, where it failed

	// Newest are the versions of the log right after its end.
	Newest map[string]int64 `json:"newest,omitempty"`
}

// A Row of a file, or a record of quarantine, as readers that are not the product's read it.
type Row struct {
	Partition  int32  `json:"p"`
	Offset     int64  `json:"o"`
	Seq        int64  `json:"s"`
	Generation int    `json:"g"`
	Fate       string `json:"f,omitempty"` // what its producer wanted to do: abort, or nothing
}

// A File that is visible at the end.
type File struct {
	Bytes int64  `json:"bytes"`
	Rows  []Row  `json:"rows,omitempty"`
	Error string `json:"error,omitempty"` // why it cannot be read
}

// History is a whole run.
type History struct {
	Events []Event

	// At the end, with nothing broken and no process left.
	Logs   map[string][]*Record // by topic
	Files  map[string]*File     // data and quarantine, by key
	Staged []string             // staged files that are left
	Topics map[string]Topic
}

// A Topic is what kind of topic it is.
type Topic struct {
	Folder    string `json:"folder"`
	Compacted bool   `json:"compacted,omitempty"`
}
