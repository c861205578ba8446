package offsets

import (
	"testing"

	"shadoof/storage"
	"shadoof/storage/memory"
)

// A state of the past is the fold up to it, from the newest checkpoint that is not after it; one that is no good is passed over.
func TestAStateOfThePastIsTheFoldUpToIt(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	bodies := []Body{startsOf(2)}
	for n := range int64(349) {
		a := attemptName(int(n))
		bodies = append(bodies, &Commit{lift(a, bundle(a, 0, 100+n, 101+n))})
	}
	records := chain(bodies...)
	write(t, store, records)
	states := []*State{NewState()}
	for _, r := range records {
		s, err := Fold(states[r.V-1], r)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, s)
	}
	put := func(v int64, c *checkpoint) {
		data, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := store.PutNew(t.Context(), CkptName(topic, v), data); answer != storage.Created {
			t.Fatal(answer, err)
		}
	}
	put(100, &checkpoint{Format: Format, State: states[100], PublishedThrough: 1})
	other := *states[200]
	other.ID = records[0].ID
	put(200, &checkpoint{Format: Format, State: &other, PublishedThrough: 1}) // of another log
	put(300, &checkpoint{Format: Format, State: states[300], PublishedThrough: 1})
	for v, reads := range map[int64]int64{0: 0, 1: 1, 99: 99, 100: 2, 101: 3, 199: 101, 200: 103, 250: 153, 299: 202, 300: 2, 349: 51, 350: 0} {
		client := store.Attach(memory.Options{})
		l := open(client, 1)
		if _, err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		client.Reset()
		s, err := l.StateAt(t.Context(), v)
		if err != nil {
			t.Fatalf("version %d: %v", v, err)
		}
		same(t, "state", states[v], s)
		if got := int64(client.Counts().Reads()); got > reads+width { // a range that turns out to be of no use was read ahead
			t.Errorf("version %d: %d reads, want about %d", v, got, reads)
		}
	}
}
