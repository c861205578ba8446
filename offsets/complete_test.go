package offsets

import (
	"testing"
	"time"

	"shadoof/storage"
	"shadoof/storage/memory"
)

// What a partition's records have reached is told by times that are no later than the clock, unless there was nothing after them.
func TestHowFarASegmentGot(t *testing.T) {
	t.Parallel()
	at := func(minutes int) int64 { return noon.Add(time.Duration(minutes) * time.Minute).UnixMilli() }
	end := noon.Add(-time.Minute)
	field, none := at(-30), int64(0)
	for name, c := range map[string]struct {
		segment Segment
		want    int64
	}{
		"before the clock":                        {Segment{MaxTime: at(-5)}, at(-5)},
		"at the clock":                            {Segment{MaxTime: at(0)}, at(0)},
		"ahead of the clock":                      {Segment{MaxTime: at(5)}, 0},
		"ahead of the clock, and nothing came on": {Segment{MaxTime: at(5), AtEnd: true, EndTime: &end}, at(-1)},
		"at the end":                              {Segment{MaxTime: at(-5), AtEnd: true, EndTime: &end}, at(-5)},
		"by a field":                              {Segment{MaxTime: at(-5), Passed: &field}, at(-30)},
		"by a field that no row has":              {Segment{MaxTime: at(-5), Passed: &none}, 0},
		"without records":                         {Segment{}, 0},
	} {
		if got := c.segment.passed(noon); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// A checkpoint of a build that knew nothing of completeness serves: partitions stand where they stood since its last record, at the
// latest, and what their records reached is not known.
func TestACheckpointOfFormat1Serves(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	bodies := []Body{startsOf(2)}
	for n := range int64(99) {
		a := attemptName(int(n))
		bodies = append(bodies, &Commit{lift(a, bundle(a, 0, 100+n, 101+n))})
	}
	records := chain(bodies...)
	write(t, store, records)
	s := after(t, bodies...)
	old := *s
	old.Partitions = map[int32]PartitionState{}
	for n, p := range s.Partitions {
		p.Passed, p.Since = 0, 0
		old.Partitions[n] = p
	}
	data, err := (&checkpoint{Format: 1, State: &old, PublishedThrough: 1}).encode()
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := store.PutNew(t.Context(), CkptName(topic, 100), data); answer != storage.Created {
		t.Fatal(answer, err)
	}
	last := records[99].Time.UnixMilli()
	for p, next := range []int64{199, 100} {
		got, err := open(store, 1).Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p := got.Partitions[int32(p)]; p.Next != next || p.Since != last || p.Passed != 0 {
			t.Errorf("partition %+v", p)
		}
	}
}

// A version that says which folders are complete has a marker of its own.
func TestACompleteWantsAMarker(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	write(t, store, chain(startsOf(1), &Complete{Incarnation: 1}))
	l := open(store, 1)
	if _, err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "unmarked", []int64{2}, l.Unmarked())
}

// Where folders are by a field, what was lifted before anybody asked for markers does not tell how far partitions have come.
func TestACompleteBeginsAnew(t *testing.T) {
	t.Parallel()
	a := attemptName(1)
	b := bundle(a, 0, 100, 110)
	b.Segments[0].MaxTime = noon.Add(-time.Hour).UnixMilli()
	commit := &Commit{lift(a, b)}
	folders := commit.Folders()
	for anew, want := range map[bool]int64{false: b.Segments[0].MaxTime, true: 0} {
		s := after(t, startsOf(1), commit, &Complete{Incarnation: 1, Open: folders, Anew: anew})
		if got := s.Partitions[0].Passed; got != want || s.Partitions[0].Next != 110 {
			t.Errorf("anew %t: %+v", anew, s.Partitions[0])
		}
	}
}
