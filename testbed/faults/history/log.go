package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// A Record of the commit log, as docs/format.md describes it. What the checker has no use for is left out.
type Record struct {
	V           int64           `json:"v"`
	ID          string          `json:"id"`
	Prev        string          `json:"prev"`
	Run         string          `json:"run"`
	Type        string          `json:"type"`
	Incarnation int             `json:"incarnation"`
	TopicID     string          `json:"topic_id"`
	Cause       string          `json:"cause"`
	Partitions  []Start         `json:"partitions"`
	Bundles     []Bundle        `json:"bundles"`
	Attempt     string          `json:"attempt"`
	Attached    *Attached       `json:"attached"`
	Remove      []BundleRef     `json:"remove"`
	Files       []FileRef       `json:"files"` // of a drop
	File        *FileRef        `json:"file"`  // of a repair
	Partition   int32           `json:"partition"`
	From        int64           `json:"from"`
	To          int64           `json:"to"`
	Gap         string          `json:"gap"`
	Folders     []string        `json:"folders"`
	Damage      string          `json:"damage,omitempty"` // what is wrong with its bytes
	Raw         json.RawMessage `json:"-"`
}

// Lifts tells whether the record commits ranges.
func (r *Record) Lifts() bool { return r.Type == "commit" || r.Type == "fill" || r.Type == "replace" }

// A Start is where a partition begins in an incarnation.
type Start struct {
	Partition int32 `json:"partition"`
	Start     int64 `json:"start"`
}

// A Bundle is segments that share files.
type Bundle struct {
	Segments []Segment `json:"segments"`
	Files    []LogFile `json:"files"`
}

// A Segment is a committed range of a partition.
type Segment struct {
	Partition int32 `json:"partition"`
	From      int64 `json:"from"`
	To        int64 `json:"to"`
	Gaps      Gaps  `json:"gaps"`
}

// Gaps are offsets without a row.
type Gaps struct {
	Control     int64  `json:"control,omitempty"`
	Aborted     int64  `json:"aborted,omitempty"`
	Compacted   int64  `json:"compacted,omitempty"`
	Tombstone   int64  `json:"tombstone,omitempty"`
	Dropped     int64  `json:"dropped,omitempty"`
	Retention   []Span `json:"retention,omitempty"`
	Truncated   []Span `json:"truncated,omitempty"`
	Operator    []Span `json:"operator,omitempty"`
	Unexplained []Span `json:"unexplained,omitempty"`
}

// Counted is how many offsets of no named range are without a row.
func (g *Gaps) Counted() int64 { return g.Control + g.Aborted + g.Compacted + g.Tombstone + g.Dropped }

// Sum is how many offsets are without a row.
func (g *Gaps) Sum() int64 {
	n := g.Counted()
	for _, spans := range [][]Span{g.Retention, g.Truncated, g.Operator, g.Unexplained} {
		for _, s := range spans {
			n += s.To - s.From
		}
	}
	return n
}

// A Span of offsets, half open.
type Span struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// In tells whether an offset lies in one of the spans.
func In(spans []Span, offset int64) bool {
	for _, s := range spans {
		if s.From <= offset && offset < s.To {
			return true
		}
	}
	return false
}

// A LogFile is a file that a record names.
type LogFile struct {
	Key    string     `json:"key"`
	Kind   string     `json:"kind"`
	Rows   int64      `json:"rows"`
	Ranges []RowRange `json:"ranges"`
}

// A RowRange says between which offsets of a partition the rows of a file lie, and how many they are.
type RowRange struct {
	Partition int32 `json:"partition"`
	First     int64 `json:"first"`
	Last      int64 `json:"last"`
	Rows      int64 `json:"rows"`
}

// Attached says which bundles of an attachment a record takes.
type Attached struct {
	SHA256 string `json:"sha256"`
	Takes  []int  `json:"takes"`
}

// BundleRef and FileRef name what a record takes away.
type (
	BundleRef struct {
		V      int64 `json:"v"`
		Bundle int   `json:"bundle"`
	}
	FileRef struct {
		V   int64  `json:"v"`
		Key string `json:"key"`
	}
)

var closing = []byte(`,"sha256":"`)

// ParseRecord reads a record of the log. What does not fit is said in Damage, and the error is nil for all that is JSON.
func ParseRecord(line []byte) (*Record, error) {
	r := &Record{Raw: bytes.Clone(line)}
	if err := json.Unmarshal(line, r); err != nil {
		return nil, fmt.Errorf("record of the log: %w", err)
	}
	at := bytes.LastIndex(line, closing)
	if at < 0 || !bytes.HasSuffix(line, []byte("\"}\n")) {
		r.Damage = "its end is missing"
		return r, nil
	}
	sum := sha256.Sum256(line[:at])
	if said := string(line[at+len(closing) : len(line)-len("\"}\n")]); said != hex.EncodeToString(sum[:]) {
		r.Damage = "its hash is wrong"
	}
	return r, nil
}

// Attach takes the bundles of a record from the bytes of its attachment.
func (r *Record) Attach(att []byte) error {
	sum := sha256.Sum256(att)
	if r.Attached.SHA256 != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("attachment of version %d: its hash is wrong", r.V)
	}
	var all []Bundle
	if err := json.Unmarshal(att, &all); err != nil {
		return fmt.Errorf("attachment of version %d: %w", r.V, err)
	}
	for _, i := range r.Attached.Takes {
		if i < 0 || i >= len(all) {
			return fmt.Errorf("attachment of version %d: no bundle %d", r.V, i)
		}
		r.Bundles = append(r.Bundles, all[i])
	}
	return nil
}
