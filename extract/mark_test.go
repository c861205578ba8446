package extract

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/internal/kafkatest"
)

func TestMarkOfAReadIsFoundAgain(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	for i := range uint64(8) {
		t.Run(fmt.Sprintf("seed %d", seed+i), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed+i, 0))
			l := newRandomLog(t, rng, i%2 == 0)
			l.limit = 200 + rng.IntN(1000)
			c := l.serve(t, "compact")
			serveWatermarks(t, c, l.end)
			k := openKafka(t, c, nil)
			for range 10 {
				r := Range{Next: 1 + rng.Int64N(l.lastBatchEnd())}
				var last *Mark
				for b, err := range k.Read(t.Context(), ReadRequest{Topic: "a", Ranges: []Range{r}}) {
					if err != nil {
						t.Fatal(err)
					}
					if b.Mark != nil {
						m := *b.Mark
						last = &m
					}
				}
				got, err := k.Mark(t.Context(), "a", 0, r.Next)
				if diff := cmp.Diff(last, got); diff != "" || err != nil {
					t.Fatalf("mark before %d: %v (-read +asked):\n%s", r.Next, err, diff)
				}
				if last == nil {
					continue
				}
				got, err = k.Mark(t.Context(), "a", 0, last.Offset+1)
				if diff := cmp.Diff(last, got); diff != "" || err != nil {
					t.Fatalf("mark of the batch up to %d: %v (-read +asked):\n%s", last.Offset, err, diff)
				}
			}
		})
	}
}

func TestMarkTellsARecreatedTopic(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	k := openKafka(t, c, nil)
	mark := func(next int64) *Mark {
		t.Helper()
		m, err := k.Mark(t.Context(), "a", 0, next)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := mark(0); m != nil {
		t.Errorf("of an empty log: %+v", m)
	}
	produce(t, c, "a", numbered("x", 5)...)
	produce(t, c, "a", numbered("y", 5)...)
	before := mark(10)
	if before == nil || before.Offset != 9 || before.Timestamp != 1_700_000_000_004 {
		t.Errorf("mark %+v", before)
	}
	if m, err := k.Mark(t.Context(), "a", 0, 11); err == nil || !strings.Contains(err.Error(), "ends at 10") {
		t.Errorf("beyond the end: %+v, %v", m, err)
	}
	if m := mark(3); m == nil || m.Offset != 4 {
		t.Errorf("in the middle of a batch: %+v", m)
	}
	if err := c.DeleteRecords("a", 0, 7); err != nil {
		t.Fatal(err)
	}
	if m := mark(7); m != nil {
		t.Errorf("of deleted records: %+v", m)
	}
	if diff := cmp.Diff(before, mark(10)); diff != "" {
		t.Error(diff)
	}
	if err := c.RecreateTopic("a", 1, nil); err != nil {
		t.Fatal(err)
	}
	produce(t, c, "a", numbered("z", 10)...)
	if after := mark(10); after == nil || after.CRC == before.CRC {
		t.Errorf("before %+v, after it was recreated %+v", before, after)
	}
}
