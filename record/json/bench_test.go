package json_test

import (
	stdjson "encoding/json"
	"testing"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
)

func BenchmarkDecode(b *testing.B) {
	const n = 5000
	events := recordtest.EventsJSON(n)
	b.Run("to=columns", func(b *testing.B) {
		s := recordtest.EventType().Schema()
		dec, c := decoder(b, s), record.NewColumns(s.WithKafkaColumns())
		b.SetBytes(recordtest.Size(events))
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if i == n {
				c.Reset()
				i = 0
			}
			if err := dec.Decode(c, &record.Raw{Value: events[i]}); err != nil {
				b.Fatal(err)
			}
			c.AppendKafka(0, int64(i), 0)
			c.EndRow()
			i++
		}
	})
	b.Run("to=any", func(b *testing.B) {
		b.SetBytes(recordtest.Size(events))
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			var v any
			if err := stdjson.Unmarshal(events[i%n], &v); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

// The steady state allocates nothing.
func TestDecodeDoesNotAllocate(t *testing.T) {
	events := recordtest.EventsJSON(500)
	s := recordtest.EventType().Schema()
	dec, c := decoder(t, s), record.NewColumns(s.WithKafkaColumns())
	raw := &record.Raw{}
	fill := func() {
		c.Reset()
		for i := range events {
			raw.Value = events[i]
			if err := dec.Decode(c, raw); err != nil {
				t.Fatal(err)
			}
			c.AppendKafka(0, int64(i), 0)
			c.EndRow()
		}
	}
	fill()
	if n := testing.AllocsPerRun(10, fill); n > 0 {
		t.Errorf("%v allocations for %d records", n, len(events))
	}
}
