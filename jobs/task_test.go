package jobs

import (
	"testing"

	"shadoof/offsets"
)

// TestACommitFollowsTheBatchItWasPlannedBehind: the record before it vanished with the store's leader, and one of the same offsets, which was
// read after an unclean election, is in its place. What was read behind the first is of a log that is no more. The model (offsets/model,
// any-batch) shows the way there.
func TestACommitFollowsTheBatchItWasPlannedBehind(t *testing.T) {
	t.Parallel()
	lifted := &offsets.Mark{Offset: 9, Timestamp: 1, CRC: 0xa}
	state := func(next int64, m *offsets.Mark) *offsets.State {
		return &offsets.State{Partitions: map[int32]offsets.PartitionState{0: {Next: next, Mark: m}}}
	}
	for _, c := range []struct {
		name         string
		planned, now *offsets.State
		fits         bool
	}{
		{"nothing happened", state(10, lifted), state(10, &offsets.Mark{Offset: 9, Timestamp: 1, CRC: 0xa}), true},
		{"nothing was lifted yet", state(10, nil), state(10, nil), true},
		{"others went on", state(10, lifted), state(12, &offsets.Mark{Offset: 11, Timestamp: 1, CRC: 0xb}), false},
		{"another log", state(10, lifted), state(10, &offsets.Mark{Offset: 9, Timestamp: 1, CRC: 0xc}), false},
		{"another first commit", state(10, nil), state(10, lifted), false},
		{"the first commit vanished", state(10, lifted), state(10, nil), false},
	} {
		task := forward(&worker{})
		task.behind = map[int32]*offsets.Mark{0: c.planned.Partitions[0].Mark}
		if got := task.fits(c.now, offsets.Segment{Partition: 0, From: 10, To: 20}); got != c.fits {
			t.Errorf("%s: fits is %t, want %t", c.name, got, c.fits)
		}
	}
}
