package kafkatest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/internal/kafkatest"
)

func TestWhatIsProducedIsWhereItShouldBe(t *testing.T) {
	t.Parallel()
	c, err := kafkatest.Start(kafkatest.Options{Topics: map[string]int{"a": 2}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	at := time.UnixMilli(1_700_000_000_123)
	sent := kafkatest.Record{Partition: 1, Time: at, Key: []byte("k"), Value: []byte("v"), Headers: []kafkatest.Header{{Key: "h", Value: []byte("1")}}}
	if err := c.ProduceAs(t.Context(), kafkatest.Zstd, "a", sent, kafkatest.Record{Partition: 1}); err != nil {
		t.Fatal(err)
	}

	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.ConsumeTopics("a"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var got []kafkatest.Record
	for len(got) < 2 {
		f := client.PollFetches(t.Context())
		if err := f.Err(); err != nil {
			t.Fatal(err)
		}
		f.EachRecord(func(r *kgo.Record) {
			k := kafkatest.Record{Partition: r.Partition, Time: r.Timestamp, Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				k.Headers = append(k.Headers, kafkatest.Header{Key: h.Key, Value: h.Value})
			}
			got = append(got, k)
		})
	}
	if diff := cmp.Diff(sent, got[0]); diff != "" {
		t.Errorf("first record (-sent +read):\n%s", diff)
	}
	if got[1].Value != nil || got[1].Key != nil || time.Since(got[1].Time).Abs() > time.Minute {
		t.Errorf("second record: %+v, want a tombstone of now", got[1])
	}
}

func TestTransactionsMoveTheEndByTheirMarkers(t *testing.T) {
	t.Parallel()
	c, err := kafkatest.Start(kafkatest.Options{Topics: map[string]int{"a": 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for _, end := range []string{"commit", "abort", ""} {
		tx, err := c.Begin(kafkatest.None)
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Produce(t.Context(), "a", kafkatest.Record{Value: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		switch end {
		case "commit":
			err = tx.Commit(t.Context())
		case "abort":
			err = tx.Abort(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.End("a", 0)
	if err != nil || got != 5 {
		t.Errorf("end %d, %v; want 5: two records with a marker each, and an open one", got, err)
	}
}
