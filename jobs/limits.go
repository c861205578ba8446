package jobs

import (
	"sync/atomic"
	"time"

	"shadoof/config"
	"shadoof/extract"
)

// limits bound one run of one topic. Reaching one is success: the next run goes on. So that none of the topic's partitions starves, half of
// what is left of a limit is divided among them before the oldest records get the rest.
type limits struct {
	max            config.Limits
	records, bytes atomic.Int64
	now            func() time.Time
	began          time.Time
}

// newLimits are not in force before begin.
func newLimits(now func() time.Time, max config.Limits) *limits {
	return &limits{max: max, now: now, began: now()}
}

// begin begins limits.duration: the topic's turn has come.
func (l *limits) begin() { l.began = l.now() }

// leastShare is what each partition gives first where only the time is limited.
const leastShare = 1 << 20

// share is what each of so many partitions gives before any gives more. It is nothing where there are no limits.
func (l *limits) share(partitions int) (s extract.Share) {
	half := func(max, used int64) int64 {
		if max == 0 {
			return 0
		}
		return 1 + (max-min(used, max))/int64(2*partitions)
	}
	s.Offsets, s.Bytes = half(l.max.Records, l.records.Load()), half(l.max.Bytes, l.bytes.Load())
	if l.max.Duration > 0 && s == (extract.Share{}) {
		s.Bytes = leastShare
	}
	return s
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
