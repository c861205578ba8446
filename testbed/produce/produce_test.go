package produce_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"shadoof/testbed/produce"
	"shadoof/testbed/servers"
)

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func fates(t *testing.T, r *produce.Result) map[produce.Fate]int {
	t.Helper()
	n := make(map[produce.Fate]int)
	for _, record := range r.Records {
		var b produce.Body
		if record.Value == nil {
			n["tombstone"]++
			continue
		}
		if err := json.Unmarshal(record.Value, &b); err != nil {
			t.Fatal(err)
		}
		n[b.Fate]++
	}
	return n
}

func TestPlainTopic(t *testing.T) {
	t.Parallel()
	r, err := produce.PlainTopic(bounded(t), servers.Kafka(t).Brokers(), produce.Spec{Topic: produce.Name("plain"), Records: 5000, Partitions: 5, Empty: 2, Tombstones: 100, Headers: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := fates(t, r); n[produce.Plain] != 4950 || n["tombstone"] != 50 || r.Digest.Rows() != 5000 || r.Holes() != 0 {
		t.Errorf("have %v, %d rows", n, r.Digest.Rows())
	}
	if len(r.Ends) != 5 || r.Ends[3] != 0 || r.Ends[4] != 0 || r.Ends[0] == 0 {
		t.Errorf("ends %v", r.Ends)
	}
}

func TestOpenTransactionHoldsBackTheEnd(t *testing.T) {
	t.Parallel()
	for name, commit := range map[string]bool{"commit": true, "abort": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := bounded(t)
			r, open, err := produce.TransactionalTopic(ctx, servers.Kafka(t).Brokers(), produce.Spec{Topic: produce.Name("transactions"), Records: 1000, Partitions: 3, Empty: 1}, produce.Transactions{LeaveOpen: 20})
			if err != nil {
				t.Fatal(err)
			}
			if n := fates(t, r); n[produce.Committed] != 500 || len(n) != 1 {
				t.Errorf("have %v", n)
			}
			if r.Ends[0] >= r.HighWatermarks[0] || r.Ends[2] != r.HighWatermarks[2] {
				t.Errorf("ends %v, high watermarks %v", r.Ends, r.HighWatermarks)
			}
			if r, err = open.End(ctx, commit); err != nil {
				t.Fatal(err)
			}
			want := 0
			if commit {
				want = 20
			}
			if n := fates(t, r); n[produce.Committed] != 500 || n[produce.Behind] != 20 || n[produce.Open] != want {
				t.Errorf("have %v", n)
			}
		})
	}
}

func TestCompactedTopicHasHolesAndTombstones(t *testing.T) {
	t.Parallel()
	r, err := produce.CompactedTopic(bounded(t), servers.Kafka(t).Brokers(), produce.Spec{Topic: produce.Name("compacted"), Records: 3000, Keys: 1000, Partitions: 3, Empty: 1, Tombstones: 10})
	if err != nil {
		t.Fatal(err)
	}
	if r.Holes() < 0.3 {
		t.Errorf("%.0f %% holes", 100*r.Holes())
	}
	if n := fates(t, r); n["tombstone"] == 0 || n[produce.Plain] == 0 {
		t.Errorf("have %v", n)
	}
}

func TestDigestOnlyKeepsNoRecords(t *testing.T) {
	t.Parallel()
	r, err := produce.PlainTopic(bounded(t), servers.Kafka(t).Brokers(), produce.Spec{Topic: produce.Name("digest"), Records: 200_000, DigestOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Records) != 0 || r.Digest.Rows() != 200_000 {
		t.Errorf("%d records, %d rows", len(r.Records), r.Digest.Rows())
	}
}
