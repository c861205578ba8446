package extract

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/internal/kafkatest"
	"shadoof/record"
)

func startCluster(t testing.TB, o kafkatest.Options) *kafkatest.Cluster {
	t.Helper()
	c, err := kafkatest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// openKafka opens a source that reads committed records, unless change says otherwise.
func openKafka(t testing.TB, c *kafkatest.Cluster, change func(*Options)) *Kafka {
	t.Helper()
	o := Options{Brokers: c.Brokers(), ReadCommitted: true, MaxWait: 20 * time.Millisecond, Logger: testLog(t)}
	if change != nil {
		change(&o)
	}
	k, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func produce(t testing.TB, c *kafkatest.Cluster, topic string, records ...kafkatest.Record) {
	t.Helper()
	if err := c.Produce(t.Context(), topic, records...); err != nil {
		t.Fatal(err)
	}
}

// numbered makes records of partition 0 with values "<prefix>0" and so on.
func numbered(prefix string, n int) []kafkatest.Record {
	var rs []kafkatest.Record
	for i := range n {
		rs = append(rs, kafkatest.Record{Time: time.UnixMilli(1_700_000_000_000 + int64(i)), Value: fmt.Appendf(nil, "%s%d", prefix, i)})
	}
	return rs
}

// reading is all that a Read yielded, copied.
type reading struct {
	Records                     []record.Raw
	Control, Aborted, Compacted int64
	Unexplained                 []Range
	Batches                     int
}

// checkSkipped fails when what a batch says of skipped offsets does not add up, or lies where records are.
func checkSkipped(t testing.TB, b *Batch) {
	t.Helper()
	at, control, aborted := b.First, int64(0), int64(0)
	for _, s := range b.Skipped {
		if s.First < at || s.Next > b.Next || s.Control+s.Aborted < 1 || s.Control+s.Aborted > s.Next-s.First || s.Control*s.Aborted != 0 {
			t.Fatalf("batch [%d,%d) skips %+v, after offset %d", b.First, b.Next, s, at)
		}
		for _, r := range b.Records {
			if r.Offset >= s.First && r.Offset < s.Next {
				t.Fatalf("record %d is within the skipped %+v", r.Offset, s)
			}
		}
		at, control, aborted = s.Next, control+s.Control, aborted+s.Aborted
	}
	if control != b.Control || aborted != b.Aborted {
		t.Fatalf("batch [%d,%d) skips %+v, and counts %d control and %d aborted", b.First, b.Next, b.Skipped, b.Control, b.Aborted)
	}
}

// readRange reads a range whole, and fails when a batch breaks the contract.
func readRange(ctx context.Context, t testing.TB, k *Kafka, topic, id string, r Range) (reading, error) {
	t.Helper()
	var got reading
	at := r.First
	for b, err := range k.Read(ctx, ReadRequest{Topic: topic, ID: id, Ranges: []Range{r}}) {
		if err != nil {
			return got, err
		}
		got.Batches++
		if b.First != at || b.Next <= b.First || b.Next > r.Next || b.Partition != r.Partition {
			t.Fatalf("batch %d[%d,%d) of range %s, after offset %d", b.Partition, b.First, b.Next, r, at)
		}
		if sum := b.accounted(); sum != b.Next-b.First {
			t.Fatalf("batch [%d,%d) accounts for %d offsets", b.First, b.Next, sum)
		}
		checkSkipped(t, b)
		var maxTime int64
		last := b.First - 1
		for i, raw := range b.Records {
			if raw.Offset <= last || raw.Offset >= b.Next || raw.Partition != r.Partition {
				t.Fatalf("record %d@%d in batch [%d,%d), after offset %d", raw.Partition, raw.Offset, b.First, b.Next, last)
			}
			last = raw.Offset
			if i == 0 || raw.Timestamp > maxTime {
				maxTime = raw.Timestamp
			}
			got.Records = append(got.Records, cloneRaw(raw))
		}
		if b.MaxTime != maxTime {
			t.Fatalf("batch [%d,%d): max time %d, its records have %d", b.First, b.Next, b.MaxTime, maxTime)
		}
		got.Control += b.Control
		got.Aborted += b.Aborted
		got.Compacted += b.Compacted
		got.Unexplained = append(got.Unexplained, b.Unexplained...)
		at = b.Next
	}
	if at != r.Next {
		t.Fatalf("range %s was read to %d", r, at)
	}
	return got, nil
}

func mustRead(t testing.TB, k *Kafka, topic string, r Range) reading {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got, err := readRange(ctx, t, k, topic, mustDescribe(t, k, topic).ID, r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func mustDescribe(t testing.TB, k *Kafka, topic string) *Topic {
	t.Helper()
	d, err := k.Describe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func cloneBytes(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func cloneRaw(r record.Raw) record.Raw {
	r.Key, r.Value = cloneBytes(r.Key), cloneBytes(r.Value)
	var headers []record.Header
	for _, h := range r.Headers {
		headers = append(headers, record.Header{Key: h.Key, Value: cloneBytes(h.Value)})
	}
	r.Headers = headers
	return r
}

func (r reading) values() []string {
	var vs []string
	for _, raw := range r.Records {
		vs = append(vs, fmt.Sprintf("%d:%s", raw.Offset, raw.Value))
	}
	return vs
}

func wantValues(t testing.TB, got reading, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got.values()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}
