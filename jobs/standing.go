package jobs

import (
	"cmp"
	"slices"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
)

// A standing is how far a partition has come in time, at the moment when its end was looked at.
type standing struct {
	partition int32
	passed    int64      // ms: it has passed all times up to here; 0: not known
	next      int64      // -1: never read
	end       int64      // of its log; -1: not known
	open      int64      // offsets that an open transaction holds back
	since     time.Time  // when its position was moved last; it is at the end since then, if atEnd
	atEnd     bool       // nothing is left, and no transaction is open
	idle      bool       // at the end for as long as it takes
	is        placeInLog // why it cannot be judged
}

type placeInLog string

const (
	placed    placeInLog = ""
	neverRead placeInLog = "it was never read"
	notThere  placeInLog = "the cluster does not have it"
	silentNow placeInLog = "its leader does not answer"
)

// standings judges all partitions of a topic, by a state of its log and by what the cluster says at a time. topic is nil where the
// cluster was not asked: then no partition is at its end.
//
// A partition has passed a time when its records have reached it, or when it stood at the end of its log for idle: then it has passed
// all times up to at. The log shows when its position was moved there, the cluster that its end has not moved since; what lies between
// needs no look, since an end only grows.
func standings(s *offsets.State, topic *extract.Topic, at time.Time, idle time.Duration, readCommitted bool) []standing {
	var out []standing
	known := map[int32]bool{}
	if topic != nil {
		for _, p := range topic.Partitions {
			known[p.Partition] = true
			out = append(out, standingOf(s, p, at, idle, readCommitted))
		}
	}
	for n, have := range s.Partitions {
		if known[n] {
			continue
		}
		st := standing{partition: n, passed: min(have.Passed, at.UnixMilli()), next: have.Next, end: -1, since: time.UnixMilli(have.Since)}
		if topic != nil {
			st.is, st.passed = notThere, 0
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b standing) int { return cmp.Compare(a.partition, b.partition) })
	return out
}

func standingOf(s *offsets.State, p extract.Partition, at time.Time, idle time.Duration, readCommitted bool) standing {
	st := standing{partition: p.Partition, next: -1, end: p.HighWatermark}
	have, ok := s.Partitions[p.Partition]
	if !ok {
		st.is = neverRead
		return st
	}
	// A record's time is what its producer says. One that is ahead of the clock says nothing about the records to come.
	st.next, st.passed, st.since = have.Next, min(have.Passed, at.UnixMilli()), time.UnixMilli(have.Since)
	if p.Err != nil {
		st.end, st.is = -1, silentNow
		return st
	}
	if readCommitted {
		st.open = p.HighWatermark - p.LastStable
	}
	st.atEnd = have.Next == p.HighWatermark && st.open == 0
	if st.atEnd && have.Since > 0 && at.Sub(st.since) >= idle {
		st.idle, st.passed = true, at.UnixMilli()
	}
	return st
}

// passedByAll is the time that every partition has passed; 0: there is none.
func passedByAll(all []standing) int64 {
	if len(all) == 0 {
		return 0
	}
	least := all[0].passed
	for _, st := range all {
		least = min(least, st.passed)
	}
	return least
}
