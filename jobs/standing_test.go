package jobs

import (
	"errors"
	"testing"
	"time"

	"shadoof/extract"
	"shadoof/offsets"
)

// A partition has passed what its records have reached, or, where it stood at its end for long enough, the moment of the look.
func TestHowFarAPartitionHasPassed(t *testing.T) {
	t.Parallel()
	now := day
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	for name, c := range map[string]struct {
		have offsets.PartitionState
		is   extract.Partition
		want int64
	}{
		"busy, at its end":              {offsets.PartitionState{Next: 9, Passed: ago(time.Minute), Since: ago(time.Minute)}, extract.Partition{LastStable: 9, HighWatermark: 9}, ago(time.Minute)},
		"behind":                        {offsets.PartitionState{Next: 9, Passed: ago(5 * time.Hour), Since: ago(4 * time.Hour)}, extract.Partition{LastStable: 12, HighWatermark: 12}, ago(5 * time.Hour)},
		"idle":                          {offsets.PartitionState{Next: 9, Passed: ago(5 * time.Hour), Since: ago(31 * time.Minute)}, extract.Partition{LastStable: 9, HighWatermark: 9}, ago(0)},
		"idle, but not for long":        {offsets.PartitionState{Next: 9, Passed: ago(5 * time.Hour), Since: ago(29 * time.Minute)}, extract.Partition{LastStable: 9, HighWatermark: 9}, ago(5 * time.Hour)},
		"an open transaction":           {offsets.PartitionState{Next: 9, Passed: ago(5 * time.Hour), Since: ago(4 * time.Hour)}, extract.Partition{LastStable: 9, HighWatermark: 10}, ago(5 * time.Hour)},
		"never written":                 {offsets.PartitionState{Since: ago(time.Hour)}, extract.Partition{}, ago(0)},
		"never written, new":            {offsets.PartitionState{Since: ago(time.Minute)}, extract.Partition{}, 0},
		"the log does not tell":         {offsets.PartitionState{Next: 9}, extract.Partition{LastStable: 9, HighWatermark: 9}, 0},
		"its leader does not answer":    {offsets.PartitionState{Next: 9, Passed: ago(time.Hour), Since: ago(time.Hour)}, extract.Partition{Err: errors.New("no leader"), LastStable: 9, HighWatermark: 9}, ago(time.Hour)},
		"a record of tomorrow":          {offsets.PartitionState{Next: 9, Passed: ago(-24 * time.Hour), Since: ago(time.Minute)}, extract.Partition{LastStable: 9, HighWatermark: 9}, ago(0)},
		"moved by a clock that is fast": {offsets.PartitionState{Next: 9, Passed: ago(time.Hour), Since: ago(-time.Hour)}, extract.Partition{LastStable: 9, HighWatermark: 9}, ago(time.Hour)},
		"cut back":                      {offsets.PartitionState{Next: 9, Passed: ago(time.Hour), Since: ago(time.Hour)}, extract.Partition{LastStable: 7, HighWatermark: 7}, ago(time.Hour)},
	} {
		s := &offsets.State{Partitions: map[int32]offsets.PartitionState{0: c.have}}
		got := standings(s, &extract.Topic{Partitions: []extract.Partition{c.is}}, now, 30*time.Minute, true)
		if len(got) != 1 || got[0].passed != c.want {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
	}
	s := &offsets.State{Partitions: map[int32]offsets.PartitionState{0: {Next: 9, Passed: ago(0)}, 1: {Next: 9, Passed: ago(0)}}}
	all := standings(s, &extract.Topic{Partitions: []extract.Partition{{Partition: 0}, {Partition: 2}}}, now, time.Hour, true)
	if len(all) != 3 || all[1].is != notThere || all[2].is != neverRead || passedByAll(all) != 0 {
		t.Errorf("a partition that is gone, and one that is new: %+v", all)
	}
	uncommitted := standings(s, &extract.Topic{Partitions: []extract.Partition{{Partition: 0, LastStable: 3, HighWatermark: 9}}}, now, 0, false)
	if !uncommitted[0].atEnd {
		t.Errorf("under read_uncommitted: %+v", uncommitted)
	}
}
