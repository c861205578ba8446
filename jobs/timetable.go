package jobs

import (
	"hash/fnv"
	"strconv"
	"time"
)

// Why a run is started.
const (
	byScheduleRun = "schedule"
	byCatchUp     = "catch_up"
	byRequest     = "asked"
	byRetry       = "retry"
)

const (
	// onTime: a run that begins less than this after its time was not missed.
	onTime = time.Minute

	// believed: clocks are put back by less than this to correct them, and no run is repeated. A clock that is put back further, from the
	// latest that it showed, was wrong before, and what ran by it does not count.
	believed = 3 * time.Hour

	// counted is the most that is counted of runs that were missed together.
	counted = 1_000_000
)

// A timetable decides when a job is due. It only looks at times that it is told: those of a clock that may jump.
type timetable struct {
	job      string
	schedule *Schedule // nil: never
	catchUp  time.Duration
	jitter   time.Duration

	latest  time.Time // that the clock showed
	decided time.Time // the newest run by the schedule that was started, skipped or missed, without jitter
	planned time.Time // the one after it,
	at      time.Time // and when it is due, with jitter
}

// A due says what a moment asks for.
type due struct {
	why    string    // "": nothing is to be started
	topics []string  // the only topics of the job that are to be lifted; nil: all
	slot   time.Time // the run's time by the schedule
	missed int64     // runs that were due, and are not made up by this one
	retry  *nextTry  // what is tried again; nil: the run is none that is
}

// begin sets the timetable up when a process begins that was started a while ago; last is when the job's topics were last seen at work. A
// run that was cut short left topics without a commit since it was due, and so did one that had nothing to lift there: those topics are made
// up for, which costs little where it was not needed. Runs that were due since the process was started count as missed.
func (t *timetable) begin(started, now time.Time, last []lastRun) due {
	if t.schedule == nil {
		return due{}
	}
	t.believe(now)
	slot := t.newest(now.AddDate(-horizon, 0, 0), now)
	if slot.IsZero() {
		return due{}
	}
	d := due{slot: slot, why: t.timely(slot, now), missed: t.schedule.Count(t.upTo(started), slot, counted)}
	switch {
	case now.Sub(slot) < t.catchUp:
		d.why = byCatchUp // also what is on time: the process before may have begun it
	case d.why == "":
		if at := lastOf(last).time; !slot.After(at) || at.IsZero() && d.missed == 0 {
			return due{}
		}
		return d // too old to be made up
	}
	d.missed = max(0, d.missed-1)
	var behind []string
	for _, l := range last {
		if l.time.Before(slot) {
			behind = append(behind, l.topic)
		}
	}
	switch len(behind) {
	case len(last): // also a job of which nothing is known
		return d
	case 0:
		return due{}
	}
	d.topics = behind
	return d
}

// lastOf is the one that was seen last; the zero value where none was.
func lastOf(list []lastRun) lastRun {
	var out lastRun
	for _, l := range list {
		if l.time.After(out.time) {
			out = l
		}
	}
	return out
}

// tick says what is due now. Each run by the schedule is due once.
func (t *timetable) tick(now time.Time) due {
	if t.schedule == nil {
		return due{}
	}
	if t.latest.Sub(now) >= believed {
		t.believe(now)
		return due{}
	}
	if now.After(t.latest) {
		t.latest = now
	}
	if now.Before(t.at) {
		return due{}
	}
	slot := t.newest(t.decided, now)
	d := due{slot: slot, why: t.timely(slot, now), missed: t.schedule.Count(t.decided, slot, counted)}
	if d.why != "" {
		d.missed--
	}
	t.decide(slot)
	return d
}

// timely says why the run of a slot begins now; "" where it is too late for it.
func (t *timetable) timely(slot, now time.Time) (why string) {
	switch {
	case now.Sub(t.delayed(slot)) < onTime:
		return byScheduleRun
	case now.Sub(slot) < t.catchUp:
		return byCatchUp
	}
	return ""
}

// believe lets the schedule count from what the clock shows now.
func (t *timetable) believe(now time.Time) {
	t.latest = now
	t.decide(t.upTo(now))
}

// decide plans the first run after a moment.
func (t *timetable) decide(upTo time.Time) {
	t.decided = upTo
	t.planned = t.schedule.Next(upTo)
	t.at = t.delayed(t.planned)
}

// upTo is the moment up to which runs are due now: that of a run whose delay is not over is not.
func (t *timetable) upTo(now time.Time) time.Time {
	if slot := t.schedule.Last(now.Add(-t.jitter), now); !slot.IsZero() && t.delayed(slot).After(now) {
		return slot.Add(-time.Nanosecond)
	}
	return now
}

// newest is the newest run after from that is due, jitter included; zero where there is none.
func (t *timetable) newest(from, now time.Time) time.Time {
	slot := t.schedule.Last(from, now)
	if !slot.IsZero() && t.delayed(slot).After(now) {
		slot = t.schedule.Last(from, slot.Add(-time.Nanosecond)) // due before the other's time: see delayed
	}
	return slot
}

// delayed is when a run is due: its time, and a delay below jitter. The delay follows from the job and the time, so that every process
// that is asked has the same. It never reaches the next run.
func (t *timetable) delayed(slot time.Time) time.Time {
	room := t.jitter
	if room > 0 {
		room = min(room, t.schedule.Next(slot).Sub(slot))
	}
	if room <= 0 {
		return slot
	}
	h := fnv.New64a()
	_, _ = h.Write(strconv.AppendInt([]byte(t.job+" "), slot.Unix(), 10))
	return slot.Add(time.Duration(h.Sum64() % uint64(room)).Truncate(time.Millisecond))
}
