// Package produce fills topics for tests and says what their readers are entitled to. It knows that twice over: from what it
// produced, and from what an ordinary client consumed afterwards; a difference is an error. Nothing of the product takes part.
package produce

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// A Spec says what to produce. Topic and Records must be set.
type Spec struct {
	Topic       string // see Name
	Records     int
	Partitions  int32             // 0 means 1
	Empty       int32             // so many of the last partitions get no record
	Replication int16             // 0 means 1
	Configs     map[string]string // of the topic

	// Timestamps rise evenly from Start over Span. Start's zero value is 2026-11-20 00:30 UTC, Span's is 5 hours.
	Start time.Time
	Span  time.Duration
	// Shuffled gives each record any time of the span instead.
	Shuffled bool

	Keys       int // so many different keys; 0 gives each record its own
	Tombstones int // every n-th record has no value; 0 for none
	Padding    int // bytes added to each Body
	Headers    bool
	Seed       uint64

	// Encode makes a record's value; nil is JSON.
	Encode func(Body) ([]byte, error)

	// DigestOnly leaves Result.Records empty: for topics too large for memory.
	DigestOnly bool
}

// A Body is what a record says about itself.
type Body struct {
	Seq       int64  `json:"seq"` // unique within the topic
	Key       string `json:"key"`
	Partition int32  `json:"partition"`
	Time      int64  `json:"time"` // milliseconds
	Fate      Fate   `json:"fate"`
	Padding   string `json:"padding,omitempty"`
}

// A Fate is what becomes of a record.
type Fate string

// Aborted and open records must never be seen by a reader of committed records; the ones behind an open transaction not until it
// has ended.
const (
	Plain     Fate = "plain"
	Committed Fate = "committed"
	Aborted   Fate = "aborted"
	Open      Fate = "open"
	Behind    Fate = "behind" // not transactional, after the first record of an open transaction
)

// Name makes a topic name that nobody else has.
func Name(prefix string) string {
	var id [5]byte
	rand.Read(id[:])
	return prefix + "-" + hex.EncodeToString(id[:])
}

func (s Spec) withDefaults() (Spec, error) {
	if s.Topic == "" || s.Records <= 0 {
		return s, fmt.Errorf("testbed: produce: Topic and Records must be set, have %q and %d", s.Topic, s.Records)
	}
	s.Partitions = max(s.Partitions, 1)
	if s.Empty >= s.Partitions {
		return s, fmt.Errorf("testbed: produce %s: %d of %d partitions cannot be empty", s.Topic, s.Empty, s.Partitions)
	}
	s.Replication = max(s.Replication, 1)
	if s.Start.IsZero() {
		s.Start = time.Date(2026, 11, 20, 0, 30, 0, 0, time.UTC)
	}
	if s.Span == 0 {
		s.Span = 5 * time.Hour
	}
	if s.Encode == nil {
		s.Encode = func(b Body) ([]byte, error) { return json.Marshal(b) }
	}
	return s, nil
}

// body is the seq-th record of the topic.
func (s Spec) body(seq int64, fate Fate) Body {
	key := uint64(seq)
	if s.Keys > 0 {
		key = mix(uint64(seq)+s.Seed) % uint64(s.Keys)
	}
	return Body{
		Seq:       seq,
		Key:       fmt.Sprintf("key-%d", key),
		Partition: int32(key % uint64(s.Partitions-s.Empty)),
		Time:      s.time(seq),
		Fate:      fate,
		Padding:   strings.Repeat("p", s.Padding),
	}
}

// time is a record's timestamp in milliseconds.
func (s Spec) time(seq int64) int64 {
	at := int64(float64(s.Span.Milliseconds()) * float64(seq) / float64(s.Records))
	if s.Shuffled {
		at = int64(mix(uint64(seq)^s.Seed) % uint64(s.Span.Milliseconds()))
	}
	return s.Start.UnixMilli() + at
}

func (s Spec) tombstone(seq int64) bool {
	return s.Tombstones > 0 && seq%int64(s.Tombstones) == int64(s.Tombstones)-1
}

// mix is splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
