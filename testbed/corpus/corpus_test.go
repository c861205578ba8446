package corpus_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/corpus"
)

func TestEventsAreTheSameInEachFormat(t *testing.T) {
	t.Parallel()
	one, other := corpus.New(1), corpus.New(1)
	const events = 5000
	avroBytes, jsonBytes, nulls := 0, 0, 0
	for i := range int64(events) {
		want := one.Next(i)
		if diff := cmp.Diff(want, other.Next(i)); diff != "" {
			t.Fatalf("event %d of the same seed is another:\n%s", i, diff)
		}
		a, err := corpus.Encoder.AppendEncode(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		j, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var fromAvro, fromJSON corpus.Event
		if _, err := corpus.Encoder.Decode(a, &fromAvro); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(j, &fromJSON); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, &fromJSON); diff != "" {
			t.Fatalf("event %d in JSON (-want +got):\n%s", i, diff)
		}
		if diff := cmp.Diff(want, &fromAvro); diff != "" {
			t.Fatalf("event %d in Avro (-want +got):\n%s", i, diff)
		}
		avroBytes += len(a)
		jsonBytes += len(j)
		if want.Score == nil {
			nulls++
		}
	}
	t.Logf("%d bytes in Avro, %d in JSON, %d %% without a score", avroBytes/events, jsonBytes/events, 100*nulls/events)
	if nulls == 0 || nulls == events {
		t.Errorf("%d of %d events have no score", nulls, events)
	}
}
