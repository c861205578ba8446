package jobs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// peeked is what a peek shows, a line for each item.
func (w *world) peeked(r PeekRequest) (lines []string, start PeekStart, end *PeekEnd) {
	w.t.Helper()
	r.Topic = "orders"
	end, err := w.process(w.store).Peek(context.Background(), r, func(s *PeekStart) error { start = *s; return nil }, func(i *PeekItem) error {
		switch {
		case i.Record == nil:
			lines = append(lines, fmt.Sprintf("%d..%d control %d aborted %d compacted %d unexplained %d", i.First, i.Next-1, i.Control, i.Aborted, i.Compacted, i.Unexplained))
		case i.Bad != nil:
			lines = append(lines, fmt.Sprintf("%d %s", i.Record.Offset, i.Bad))
		default:
			lines = append(lines, fmt.Sprintf("%d %s %s", i.Record.Offset, i.Record.Value, i.Bucket))
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return lines, start, end
}

func TestPeekNamesOffsetsWithoutRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.batch = 100 // one batch, with holes of several kinds
	topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
	topic.add(0, 1, day, 0)
	topic.addSlots(0, memSlot{kind: aHole}, memSlot{kind: aMarker}, memSlot{kind: aMarker}, memSlot{kind: anAborted}, memSlot{kind: aMystery})
	topic.add(0, 1, day.AddDate(20, 0, 0), 0)
	topic.addSlots(0, memSlot{kind: aHole}, memSlot{kind: aHole}, memSlot{ts: day.UnixMilli(), key: "dead"})
	for batch := range 12 {
		w.source.batch = batch + 1
		got, start, end := w.peeked(PeekRequest{Records: 10})
		want := []string{
			"0 value 0/0 dt=2026-11-20/hr=13",
			"1..1 control 0 aborted 0 compacted 1 unexplained 0",
			"2..3 control 2 aborted 0 compacted 0 unexplained 0",
			"4..4 control 0 aborted 1 compacted 0 unexplained 0",
			"5..5 control 0 aborted 0 compacted 0 unexplained 1",
			"6 time_bounds: ",
			"7..8 control 0 aborted 0 compacted 2 unexplained 0",
			"9 tombstone: the record has no value",
		}
		for i := range got {
			if strings.HasPrefix(got[i], "6 time_bounds: ") {
				got[i] = "6 time_bounds: "
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("batches of %d (-want +got):\n%s", batch+1, d)
		}
		if start.First != 0 || end.Next != 10 || !end.AtEnd || end.Records != 3 {
			t.Errorf("from %d, ended %+v", start.First, end)
		}
	}
}

func TestPeekFindsTheLastRecordsBehindHoles(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 50 {
		w := newWorld(t)
		w.source.batch = 1 + r.IntN(9)
		topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
		var offsets []int64
		for range r.IntN(60) {
			if kind := slotKind(r.IntN(5)); kind != aRecord {
				topic.addSlots(0, memSlot{kind: kind})
				continue
			}
			offsets = append(offsets, int64(len(topic.parts[0].slots)))
			topic.add(0, 1, day, 0)
		}
		n := 1 + r.IntN(12)
		got, start, end := w.peeked(PeekRequest{Records: int64(n), From: PeekFrom{Kind: PeekLatest}})
		want := offsets[max(0, len(offsets)-n):]
		var have []int64
		at := start.First
		for _, line := range got {
			var first, last int64
			if _, err := fmt.Sscanf(line, "%d..%d", &first, &last); err != nil {
				if _, err := fmt.Sscan(line, &first); err != nil {
					t.Fatal(err)
				}
				last = first
				have = append(have, first)
			}
			if first != at {
				t.Fatalf("%q follows offset %d: not all offsets are named", line, at)
			}
			at = last + 1
		}
		if d := cmp.Diff(want, have); len(want) > 0 && d != "" || at != end.Next {
			t.Fatalf("the last %d of %v, to %d of %d (-want +got):\n%s", n, offsets, at, end.Next, d)
		}
	}
}

func TestPeekBeginsWhereItSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	topic.add(1, 5, day.Add(time.Hour), time.Minute)
	topic.parts[1].open = 2
	for _, c := range []struct {
		what  string
		from  PeekFrom
		first int64
		why   string
	}{
		{"committed", PeekFrom{}, 5, "the committed offset"},
		{"earliest", PeekFrom{Kind: PeekEarliest}, 0, "the start of the log"},
		{"offset", PeekFrom{Kind: PeekOffset, Offset: 3}, 3, "as asked for"},
		{"end", PeekFrom{Kind: PeekOffset, Offset: 8}, 8, "as asked for"},
		{"back", PeekFrom{Kind: PeekBack, Offset: 2}, 6, "2 before the end, 8"},
		{"far back", PeekFrom{Kind: PeekBack, Offset: 200}, 0, "200 before the end, 8"},
		{"time", PeekFrom{Kind: PeekTime, Time: day.Add(3 * time.Minute)}, 3, "the first offset at or after 2026-11-20T13:03:00Z"},
		{"late", PeekFrom{Kind: PeekTime, Time: day.AddDate(1, 0, 0)}, 8, "the first offset at or after 2027-11-20T13:00:00Z"},
	} {
		lines, start, end := w.peeked(PeekRequest{Partition: 1, Records: 1, From: c.from})
		if start.First != c.first || start.Why != c.why {
			t.Errorf("%s: from %d, %s; want %d, %s", c.what, start.First, start.Why, c.first, c.why)
		}
		if want := min(1, 8-c.first); int64(len(lines)) != want || end.Records != want {
			t.Errorf("%s: %q, %+v", c.what, lines, end)
		}
	}
	for want, r := range map[string]PeekRequest{
		"lies behind an open transaction": {Topic: "orders", Partition: 1, Records: 1, From: PeekFrom{Kind: PeekOffset, Offset: 9}},
		"has not been written yet":        {Topic: "orders", Partition: 1, Records: 1, From: PeekFrom{Kind: PeekOffset, Offset: 11}},
		"has no partition 2":              {Topic: "orders", Partition: 2, Records: 1},
	} {
		_, err := w.process(w.store).Peek(context.Background(), r, nil, nil)
		if ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	w.source.create("orders", strings.Repeat("cd", 16), 2).add(1, 3, day, 0)
	if _, start, _ := w.peeked(PeekRequest{Partition: 1, Records: 1}); start.First != 0 || !strings.Contains(start.Why, "the topic was recreated") {
		t.Errorf("of a recreated topic: %+v", start)
	}
}
