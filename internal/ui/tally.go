package ui

import (
	"slices"
	"sync"
	"time"
)

// A Tally counts how topics get on. It is safe for concurrent use.
type Tally struct {
	now func() time.Time

	mu     sync.Mutex
	active map[string]*tally
}

// tally is how one topic gets on.
type tally struct {
	topic          string
	offsets        int64 // to read
	records, bytes int64 // read so far
	began          time.Time
}

// NewTally begins to count, by the clock now.
func NewTally(now func() time.Time) *Tally {
	return &Tally{now: now, active: map[string]*tally{}}
}

// Begin says that a topic's offsets are about to be read.
func (t *Tally) Begin(topic string, offsets int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active[topic] = &tally{topic: topic, offsets: offsets, began: t.now()}
}

// Add says that records of a topic were read.
func (t *Tally) Add(topic string, records, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.active[topic]; a != nil {
		a.records += records
		a.bytes += bytes
	}
}

// End says that nothing more comes of a topic.
func (t *Tally) End(topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.active, topic)
}

// snapshot is the active topics, the oldest first.
func (t *Tally) snapshot() []tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]tally, 0, len(t.active))
	for _, a := range t.active {
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b tally) int {
		if c := a.began.Compare(b.began); c != 0 {
			return c
		}
		if a.topic < b.topic {
			return -1
		}
		return 1
	})
	return list
}

// left is how many offsets are still to be read: an upper bound, for offsets without a record are not counted.
func (t tally) left() int64 { return max(0, t.offsets-t.records) }

// rate is records per second so far.
func (t tally) rate(now time.Time) int64 {
	s := now.Sub(t.began).Seconds()
	if s <= 0 {
		return 0
	}
	return int64(float64(t.records) / s)
}
