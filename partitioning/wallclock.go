package partitioning

import (
	"math"
	"time"
)

// A wallClock finds the instants at which a zone's clocks show a time. Of a time that they show twice it is the first. One that they
// skip is as if they had not been set forward yet: half an hour after the skip's beginning is half an hour after its end. These are
// the rules of java.time, and of Python's for fold=0.
type wallClock struct {
	zone     *time.Location
	from, to int64 // what was shown: milliseconds as if of UTC, half open
	shift    int64 // what clocks are ahead of UTC there
}

// instant is in milliseconds, as ms is.
func (w *wallClock) instant(ms int64) int64 {
	if ms < w.from || ms >= w.to {
		if ms < firstTime || ms > lastTime {
			return ms // out of bounds in any zone
		}
		w.seek(ms)
	}
	return ms - w.shift
}

// seek finds the stretch of times shown that have one shift. The clocks' shift changes where they would have shown, or show then, the
// later of two times: both a skip and the first of two equal stretches belong to the shift before.
func (w *wallClock) seek(ms int64) {
	const surely = 48 * time.Hour // more than any two shifts differ
	t := time.UnixMilli(ms).Add(-surely).In(w.zone)
	_, before := t.Zone()
	start, end := bounds(t)
	w.from, w.to = math.MinInt64, math.MaxInt64
	if !start.IsZero() {
		w.from = start.Add(surely).UnixMilli() // not the first that have it; those are found from the stretch before
	}
	for !end.IsZero() {
		_, after := end.Zone()
		w.to = end.UnixMilli() + int64(max(before, after))*1000
		if ms < w.to {
			break
		}
		w.from, w.to, before = w.to, math.MaxInt64, after
		_, end = bounds(end)
	}
	w.shift = int64(before) * 1000
}
