package extract

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/internal/kafkatest"
)

// interleaved fills three partitions with batches of ten records; one batch per partition and minute, each fetched alone.
func interleaved(t *testing.T, minutes int) *kafkatest.Cluster {
	t.Helper()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 3}})
	for minute := range minutes {
		for p := range int32(3) {
			var rs []kafkatest.Record
			for i := range 10 {
				at := time.UnixMilli(1_700_000_000_000).Add(time.Duration(minute)*time.Minute + time.Duration(p)*time.Second)
				rs = append(rs, kafkatest.Record{Partition: p, Time: at, Value: fmt.Appendf(nil, "%d-%d-%d", p, minute, i)})
			}
			if err := c.ProduceAs(t.Context(), kafkatest.Snappy, "a", rs...); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.Fake().ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.Fake().KeepControl()
		req.(*kmsg.FetchRequest).Topics[0].Partitions[0].PartitionMaxBytes = 50
		return nil, nil, false
	})
	return c
}

func threeRanges(next int64) []Range {
	return []Range{{Partition: 0, Next: next}, {Partition: 1, Next: next}, {Partition: 2, Next: next}}
}

// counter counts what is held, and grants nothing that is only wanted.
type counter struct {
	held, most atomic.Int64
	generous   bool
}

func (c *counter) Reserve(n int64) {
	held := c.held.Add(n)
	c.most.Store(max(c.most.Load(), held))
}

func (c *counter) TryReserve(n int64) bool {
	if c.generous {
		c.Reserve(n)
	}
	return c.generous
}

func (c *counter) Release(n int64) { c.held.Add(-n) }

func TestRangesComeTogetherInOrderOfTheirTimes(t *testing.T) {
	t.Parallel()
	const minutes = 20
	c := interleaved(t, minutes)
	k := openKafka(t, c, nil)
	for name, memory := range map[string]*counter{"with room": {generous: true}, "without": {}} {
		t.Run(name, func(t *testing.T) {
			at, last, batches := [3]int64{}, int64(0), 0
			for b, err := range k.Read(t.Context(), ReadRequest{Topic: "a", Ranges: threeRanges(10 * minutes), Memory: memory}) {
				if err != nil {
					t.Fatal(err)
				}
				if b.First != at[b.Partition] || b.accounted() != b.Next-b.First {
					t.Fatalf("partition %d: [%d,%d) after %d", b.Partition, b.First, b.Next, at[b.Partition])
				}
				at[b.Partition] = b.Next
				if first := b.Records[0].Timestamp; first < last {
					t.Errorf("partition %d, offset %d is of %d, and came after %d", b.Partition, b.First, first, last)
				} else {
					last = first
				}
				batches++
			}
			if at != [3]int64{10 * minutes, 10 * minutes, 10 * minutes} || batches != 3*minutes {
				t.Errorf("read to %v in %d batches", at, batches)
			}
			if memory.held.Load() != 0 || memory.most.Load() < 3*minFetchBytes {
				t.Errorf("%d bytes are still counted, at most %d were", memory.held.Load(), memory.most.Load())
			}
		})
	}
}

func TestNoMoreRangesAreReadTogetherThanMayBe(t *testing.T) {
	t.Parallel()
	c := interleaved(t, 4)
	k := openKafka(t, c, nil)
	var order []int32
	for b, err := range k.Read(t.Context(), ReadRequest{Topic: "a", Ranges: threeRanges(40), Together: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, b.Partition)
	}
	if got := fmt.Sprint(order); got != "[0 1 0 1 0 1 0 2 2 2 1 2]" { // the third begins when the first has ended
		t.Errorf("order %s", got)
	}
}

func TestARangeThatFailsLeavesTheOthers(t *testing.T) {
	t.Parallel()
	c := interleaved(t, 6)
	if err := c.DeleteRecords("a", 1, 25); err != nil {
		t.Fatal(err)
	}
	k := openKafka(t, c, nil)
	memory := &counter{generous: true}
	at, failed := map[int32]int64{}, 0
	for b, err := range k.Read(t.Context(), ReadRequest{Topic: "a", Ranges: threeRanges(60), Memory: memory}) {
		if err == nil {
			at[b.Partition] = b.Next
			continue
		}
		failed++
		var lost *LostError
		if !errors.As(err, &lost) || b.Partition != 1 || b.First != 0 || b.Next != 0 || lost.LogStart != 25 {
			t.Errorf("partition %d at %d: %v", b.Partition, b.Next, err)
		}
	}
	if len(at) != 2 || at[0] != 60 || at[2] != 60 || failed != 1 {
		t.Errorf("read to %v, %d errors", at, failed)
	}
	if held := memory.held.Load(); held != 0 {
		t.Errorf("%d bytes are still counted", held)
	}
}

func TestALateRangeIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	c := interleaved(t, 3)
	k := openKafka(t, c, nil)
	k.latePatience = 200 * time.Millisecond
	refused := c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "a", Partitions: []int32{0}, Err: kerr.NotLeaderForPartition, Count: -1})
	var order []int32
	for b, err := range k.Read(t.Context(), ReadRequest{Topic: "a", Ranges: threeRanges(30)}) {
		if err != nil {
			t.Fatal(err)
		}
		if order = append(order, b.Partition); len(order) == 6 {
			refused.Remove()
		}
	}
	if got := fmt.Sprint(order); got != "[1 2 1 2 1 2 0 0 0]" {
		t.Errorf("order %s", got)
	}
}

func TestABreakGivesAllMemoryBack(t *testing.T) {
	t.Parallel()
	c := interleaved(t, 5)
	k := openKafka(t, c, nil)
	for stop := range 15 {
		memory, n := &counter{generous: stop%2 == 0}, 0
		for _, err := range k.Read(t.Context(), ReadRequest{Topic: "a", Ranges: threeRanges(50), Memory: memory}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n > stop {
				break
			}
		}
		if held := memory.held.Load(); held != 0 {
			t.Fatalf("after %d batches %d bytes are still counted", n, held)
		}
	}
}

func TestEachRangeGivesItsShareFirst(t *testing.T) {
	t.Parallel()
	c := interleaved(t, 6)
	k := openKafka(t, c, nil)
	for name, test := range map[string]struct {
		together int
		want     string
	}{
		// Half of the first range is older than the others: by the times alone it would go first.
		"all at once": {3, "[0 1 2 0 1 2 0 0 0 0 1 2]"},
		"two at once": {2, "[0 1 0 2 1 2 1 0 0 0 0 2]"},
	} {
		t.Run(name, func(t *testing.T) {
			memory := &counter{generous: true}
			var order []int32
			at := [3]int64{0, 30, 30}
			ranges := []Range{{Partition: 0, Next: 60}, {Partition: 1, First: 30, Next: 60}, {Partition: 2, First: 30, Next: 60}}
			r := ReadRequest{Topic: "a", Ranges: ranges, Together: test.together, Share: Share{Offsets: 11}, Memory: memory}
			for b, err := range k.Read(t.Context(), r) {
				if err != nil {
					t.Fatal(err)
				}
				if b.First != at[b.Partition] {
					t.Fatalf("partition %d: [%d,%d) after %d", b.Partition, b.First, b.Next, at[b.Partition])
				}
				at[b.Partition] = b.Next
				order = append(order, b.Partition)
			}
			if got := fmt.Sprint(order); got != test.want {
				t.Errorf("order %s, want %s", got, test.want)
			}
			if at != [3]int64{60, 60, 60} || memory.held.Load() != 0 {
				t.Errorf("read to %v, %d bytes are still counted", at, memory.held.Load())
			}
		})
	}
}
