package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/internal/kafkatest"
	"shadoof/record"
)

func TestRecordsComeBackAsTheyWereProduced(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{})
	k := openKafka(t, c, nil)
	big := bytes.Repeat([]byte("0123456789abcdef"), 3<<10)
	for _, codec := range []kafkatest.Codec{kafkatest.None, kafkatest.Gzip, kafkatest.Snappy, kafkatest.LZ4, kafkatest.Zstd} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			topic := "codec-" + string(codec)
			if err := c.CreateTopic(topic, 2, nil); err != nil {
				t.Fatal(err)
			}
			var want []record.Raw
			for call := range 3 {
				var send []kafkatest.Record
				for i := range 300 {
					at := int64(1_700_000_000_000 + call*1000 - i)
					if i == 0 {
						at = 0
					}
					r := record.Raw{Partition: 1, Offset: int64(call*300 + i), Timestamp: at, Value: fmt.Appendf(nil, "value %d", i)}
					switch i % 4 {
					case 0:
						r.Key = fmt.Appendf(nil, "key %d", i)
					case 1:
						r.Key, r.Value = []byte{}, nil
					case 2:
						r.Value = []byte{}
						r.Headers = []record.Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "", Value: []byte{}}}
					case 3:
						r.Headers = []record.Header{{Key: fmt.Sprintf("h%d", i), Value: []byte("x")}}
					}
					if i == 7 {
						r.Value = big
					}
					want = append(want, r)
					send = append(send, toProduce(r))
				}
				if err := c.ProduceAs(t.Context(), codec, topic, send...); err != nil {
					t.Fatal(err)
				}
			}
			got := mustRead(t, k, topic, Range{Partition: 1, Next: 900})
			if diff := cmp.Diff(reading{Records: want, Batches: got.Batches}, got); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

func toProduce(r record.Raw) kafkatest.Record {
	p := kafkatest.Record{Partition: r.Partition, Time: time.UnixMilli(r.Timestamp), Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		p.Headers = append(p.Headers, kafkatest.Header{Key: h.Key, Value: h.Value})
	}
	return p
}

func TestEverySubrangeIsCutExactly(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	var all []string
	for i, n := range []int{1, 4, 2, 5} {
		rs := numbered(fmt.Sprint("b", i, "-"), n)
		if err := c.ProduceAs(t.Context(), kafkatest.Zstd, "a", rs...); err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			all = append(all, fmt.Sprintf("%d:%s", len(all), r.Value))
		}
	}
	k := openKafka(t, c, nil)
	for first := range len(all) {
		for next := first; next <= len(all); next++ {
			got := mustRead(t, k, "a", Range{First: int64(first), Next: int64(next)})
			if diff := cmp.Diff(strings.Join(all[first:next], " "), strings.Join(got.values(), " ")); diff != "" {
				t.Errorf("[%d,%d) (-want +got):\n%s", first, next, diff)
			}
		}
	}
}

// transactional fills a/0 with committed 0-1 (marker 2), aborted 3-5 (marker 6), plain 7-8, and an open transaction from 9.
func transactional(t *testing.T, c *kafkatest.Cluster) {
	t.Helper()
	ctx := t.Context()
	run := func(n int, prefix string, end func(*kafkatest.Transaction) error) {
		t.Helper()
		tx, err := c.Begin(kafkatest.Zstd)
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Produce(ctx, "a", numbered(prefix, n)...); err != nil {
			t.Fatal(err)
		}
		if err := end(tx); err != nil {
			t.Fatal(err)
		}
	}
	run(2, "committed", func(tx *kafkatest.Transaction) error { return tx.Commit(ctx) })
	run(3, "aborted", func(tx *kafkatest.Transaction) error { return tx.Abort(ctx) })
	produce(t, c, "a", numbered("plain", 2)...)
	run(2, "open", func(tx *kafkatest.Transaction) error { return nil })
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	transactional(t, c)

	k := openKafka(t, c, nil)
	if end := mustDescribe(t, k, "a").Partitions[0].End(true); end != 9 {
		t.Fatalf("the last stable offset is %d", end)
	}
	got := mustRead(t, k, "a", Range{Next: 9})
	wantValues(t, got, "0:committed0", "1:committed1", "7:plain0", "8:plain1")
	if got.Control != 2 || got.Aborted != 3 || got.Compacted != 0 || got.Unexplained != nil {
		t.Errorf("holes: %+v", got)
	}

	// A range that begins within the aborted transaction, and one that ends there.
	got = mustRead(t, k, "a", Range{First: 4, Next: 9})
	wantValues(t, got, "7:plain0", "8:plain1")
	if got.Control != 1 || got.Aborted != 2 {
		t.Errorf("holes: %+v", got)
	}
	got = mustRead(t, k, "a", Range{First: 1, Next: 4})
	wantValues(t, got, "1:committed1")
	if got.Control != 1 || got.Aborted != 1 {
		t.Errorf("holes: %+v", got)
	}

	un := openKafka(t, c, func(o *Options) { o.ReadCommitted = false })
	got = mustRead(t, un, "a", Range{Next: 11})
	if len(got.Records) != 9 || got.Control != 2 || got.Aborted != 0 {
		t.Errorf("uncommitted: %v, %+v", got.values(), got)
	}
}

func TestAnOpenTransactionBeforeTheEndIsWaitedFor(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	tx, err := c.Begin(kafkatest.None)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Produce(t.Context(), "a", numbered("x", 3)...); err != nil {
		t.Fatal(err)
	}
	k := openKafka(t, c, nil)
	fetches := c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Observe: true, Count: -1})
	done := make(chan reading, 1)
	go func() {
		got, err := readRange(t.Context(), t, k, "a", "", Range{Next: 3})
		if err != nil {
			t.Error(err)
		}
		done <- got
	}()
	if err := fetches.Wait(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantValues(t, <-done, "0:x0", "1:x1", "2:x2")
}

func TestDeletedHeadIsLost(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	for i := range 4 {
		produce(t, c, "a", numbered(fmt.Sprint(i), 5)...)
	}
	if err := c.DeleteRecords("a", 0, 7); err != nil {
		t.Fatal(err)
	}
	k := openKafka(t, c, nil)
	_, err := readRange(t.Context(), t, k, "a", "", Range{First: 3, Next: 20})
	var lost *LostError
	if !errors.As(err, &lost) {
		t.Fatalf("read: %v", err)
	}
	if diff := cmp.Diff(&LostError{Topic: "a", Want: 3, LogStart: 7}, lost); diff != "" {
		t.Error(diff)
	}
	if got := mustRead(t, k, "a", Range{First: 7, Next: 20}); len(got.Records) != 13 {
		t.Errorf("from the start of the log: %v", got.values())
	}
}

func TestPositionBeyondTheEndIsTruncation(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	produce(t, c, "a", numbered("x", 5)...)
	k := openKafka(t, c, func(o *Options) { o.Patience = 200 * time.Millisecond })
	for name, r := range map[string]Range{"starts there": {First: 8, Next: 20}, "ends there": {First: 0, Next: 20}} {
		_, err := readRange(t.Context(), t, k, "a", "", r)
		var cut *TruncatedError
		if !errors.As(err, &cut) || cut.End != 5 || cut.Topic != "a" {
			t.Errorf("a range that %s: %v", name, err)
		}
	}
}

func TestLeadersMoveDuringARead(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Brokers: 3, Topics: map[string]int{"a": 1}})
	for i := range 40 {
		produce(t, c, "a", numbered(fmt.Sprint(i, "-"), 50)...)
	}
	k := openKafka(t, c, nil)
	d := mustDescribe(t, k, "a")
	// Two batches an answer, so that there are many.
	c.Fake().ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.Fake().KeepControl()
		topics := req.(*kmsg.FetchRequest).Topics
		for i := range topics {
			for j := range topics[i].Partitions {
				topics[i].Partitions[j].PartitionMaxBytes = 2000
			}
		}
		return nil, nil, false
	})
	var records, batches int
	at := int64(0)
	for b, err := range k.Read(t.Context(), ReadRequest{Topic: "a", ID: d.ID, Ranges: []Range{{Next: 2000}}}) {
		if err != nil {
			t.Fatal(err)
		}
		if b.First != at {
			t.Fatalf("batch at %d after %d", b.First, at)
		}
		at = b.Next
		records += len(b.Records)
		if batches++; batches%4 == 0 {
			if err := c.MoveLeader("a", 0, int32(batches/4%3)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if records != 2000 || at != 2000 || batches < 10 {
		t.Errorf("%d records in %d batches to %d", records, batches, at)
	}
}

func TestRecreatedTopic(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	for i := range 5 {
		produce(t, c, "a", numbered(fmt.Sprint("old", i), 10)...)
	}
	k := openKafka(t, c, nil)
	old := mustDescribe(t, k, "a")
	recreate := func() {
		if err := c.RecreateTopic("a", 1, nil); err != nil {
			t.Fatal(err)
		}
		produce(t, c, "a", numbered("new", 50)...)
	}
	c.Fake().ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.Fake().KeepControl()
		req.(*kmsg.FetchRequest).Topics[0].Partitions[0].PartitionMaxBytes = 50
		return nil, nil, false
	})
	var recreated *RecreatedError
	n := 0
	for b, err := range k.Read(t.Context(), ReadRequest{Topic: "a", ID: old.ID, Ranges: []Range{{Next: 50}}}) {
		if err != nil {
			if !errors.As(err, &recreated) {
				t.Fatalf("read: %v", err)
			}
			break
		}
		for _, r := range b.Records {
			if !strings.HasPrefix(string(r.Value), "old") {
				t.Fatalf("read %d:%s of the new topic", r.Offset, r.Value)
			}
		}
		if n++; n == 1 {
			recreate()
		}
	}
	now := mustDescribe(t, k, "a")
	if recreated == nil || recreated.Want != old.ID || recreated.Have != now.ID {
		t.Errorf("during a read: %v", recreated)
	}
	_, err := readRange(t.Context(), t, k, "a", old.ID, Range{Next: 5})
	if !errors.As(err, &recreated) {
		t.Errorf("before a read: %v", err)
	}
}

func TestDeletedTopicDuringARead(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	produce(t, c, "a", numbered("x", 10)...)
	k := openKafka(t, c, nil)
	id := mustDescribe(t, k, "a").ID
	c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownTopicID})
	if err := c.Fake().DeleteTopic("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := readRange(t.Context(), t, k, "a", id, Range{Next: 10}); !errors.Is(err, ErrNoTopic) {
		t.Errorf("read: %v", err)
	}
}

func TestErrorsThatPass(t *testing.T) {
	t.Parallel()
	for _, passing := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch, kerr.LeaderNotAvailable, kerr.KafkaStorageError,
		kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.OffsetNotAvailable, kerr.UnknownServerError, kerr.OffsetOutOfRange, kerr.CorruptMessage,
	} {
		t.Run(passing.Message, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
			produce(t, c, "a", numbered("x", 3)...)
			k := openKafka(t, c, nil)
			c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "a", Err: passing, Count: 2})
			if got := mustRead(t, k, "a", Range{Next: 3}); len(got.Records) != 3 {
				t.Errorf("read %v", got.values())
			}
		})
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	for i := range 5 {
		produce(t, c, "a", numbered(fmt.Sprint(i), 10)...)
	}
	k := openKafka(t, c, nil)
	c.Fake().ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.Fake().KeepControl()
		req.(*kmsg.FetchRequest).Topics[0].Partitions[0].PartitionMaxBytes = 50
		return nil, nil, false
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range k.Read(ctx, ReadRequest{Topic: "a", Ranges: []Range{{Next: 50}}}) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) || !strings.Contains(last.Error(), "a/0[0,50)") {
		t.Errorf("the last error: %v", last)
	}
}

func TestBreakLeavesNothingBehind(t *testing.T) {
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}}) // not parallel: it counts goroutines
	for i := range 5 {
		produce(t, c, "a", numbered(fmt.Sprint(i), 10)...)
	}
	k := openKafka(t, c, nil)
	mustRead(t, k, "a", Range{Next: 50})
	before := runtime.NumGoroutine()
	for range 20 {
		for _, err := range k.Read(t.Context(), ReadRequest{Topic: "a", Ranges: []Range{{Next: 60}}}) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before+3 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if now := runtime.NumGoroutine(); now > before+3 {
		t.Errorf("%d goroutines before, %d after", before, now)
	}
}

func TestCompactedTopic(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{})
	if err := c.CreateTopic("a", 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		var rs []kafkatest.Record
		for j := range 5 {
			rs = append(rs, kafkatest.Record{Key: fmt.Appendf(nil, "k%d", (i+j)%7), Value: fmt.Appendf(nil, "%d-%d", i, j)})
		}
		produce(t, c, "a", rs...)
	}
	c.Compact()
	k := openKafka(t, c, nil)
	p := mustDescribe(t, k, "a").Partitions[0]
	got := mustRead(t, k, "a", Range{First: p.LogStart, Next: p.LastStable})
	if p.LastStable != 100 || got.Compacted == 0 || got.Unexplained != nil || len(got.Records) == 0 {
		t.Errorf("partition %+v: %d records, %+v", p, len(got.Records), got)
	}
}

func TestEmptyAndImpossibleRanges(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	k := openKafka(t, c, nil)
	for range k.Read(t.Context(), ReadRequest{Topic: "a", Ranges: []Range{{First: 5, Next: 5}}}) {
		t.Error("an empty range yielded something")
	}
	for _, r := range []Range{{First: 5, Next: 4}, {First: -1, Next: 4}} {
		if _, err := readRange(t.Context(), t, k, "a", "", r); err == nil {
			t.Errorf("no error for %s", r)
		}
	}
	if _, err := readRange(t.Context(), t, k, "a", "", Range{Partition: 9, Next: 5}); !errors.Is(err, ErrNoTopic) {
		t.Errorf("a partition that does not exist: %v", err)
	}
}
