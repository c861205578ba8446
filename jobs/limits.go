package jobs

import (
	"sync/atomic"
	"time"

	"shadoof/config"
)

// limits bound one run of one topic. Reaching one is success: the next run goes on.
type limits struct {
	max            config.Limits
	records, bytes atomic.Int64
	now            func() time.Time
	began          time.Time
}

func newLimits(now func() time.Time, max config.Limits) *limits {
	return &limits{max: max, now: now, began: now()}
}

func (l *limits) add(records, bytes int64) {
	l.records.Add(records)
	l.bytes.Add(bytes)
}

// used is what was read so far.
func (l *limits) used() [2]int64 { return [2]int64{l.records.Load(), l.bytes.Load()} }

// restore takes back what was added since used. Nothing is being read meanwhile.
func (l *limits) restore(used [2]int64) {
	l.records.Store(used[0])
	l.bytes.Store(used[1])
}

func (l *limits) reached() bool {
	return l.max.Records > 0 && l.records.Load() >= l.max.Records ||
		l.max.Bytes > 0 && l.bytes.Load() >= l.max.Bytes ||
		l.max.Duration > 0 && l.now().Sub(l.began) >= l.max.Duration
}
