package partitioning

import "time"

// A window is a stretch of time that has one folder. A folder may have several: an hour that clocks show twice has two.
type window struct {
	from, to int64 // milliseconds, half open
	bucket   string
}

// windows remembers the last few, so that a record in the folder of the one before it costs two comparisons.
type windows struct {
	last   window
	recent [8]window
	next   int
}

func (w *windows) bucket(l *layout, zone *time.Location, ms int64) string {
	if w.last.from <= ms && ms < w.last.to {
		return w.last.bucket
	}
	for i := range w.recent {
		if r := &w.recent[i]; r.from <= ms && ms < r.to {
			w.last = *r
			return r.bucket
		}
	}
	w.last = l.window(zone, ms)
	w.recent[w.next] = w.last
	w.next = (w.next + 1) % len(w.recent)
	return w.last.bucket
}

// window is the stretch around a time in which the zone's clocks show the same unit, and its offset does not change.
func (l *layout) window(zone *time.Location, ms int64) window {
	t := time.UnixMilli(ms).In(zone)
	hour, minute, second := t.Clock()
	into := (int64(hour)*3600+int64(minute)*60+int64(second))*1000 + int64(t.Nanosecond())/1e6
	unit := l.unit.Milliseconds()
	from := ms - into%unit
	w := window{from, from + unit, l.format(t)}
	start, end := bounds(t)
	if !start.IsZero() {
		w.from = max(w.from, start.UnixMilli())
	}
	if !end.IsZero() {
		w.to = min(w.to, end.UnixMilli())
	}
	return w
}
