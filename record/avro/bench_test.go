package avro_test

import (
	"testing"

	twmb "github.com/twmb/avro"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/internal/recordtest"
)

func BenchmarkDecode(b *testing.B) {
	const n = 5000
	events := recordtest.EventsAvro(n)
	schema := recordtest.EventType().Avro(false)
	b.Run("to=columns", func(b *testing.B) {
		p := parse(b, schema)
		dec, c := avro.NewDecoder(p, avro.None), record.NewColumns(p.Schema.WithKafkaColumns())
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
		s := twmb.MustParse(string(schema))
		b.SetBytes(recordtest.Size(events))
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			var v any
			if _, err := s.Decode(events[i%n], &v); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

// The steady state allocates nothing.
func TestDecodeDoesNotAllocate(t *testing.T) {
	events := recordtest.EventsAvro(500)
	p := parse(t, recordtest.EventType().Avro(false))
	dec, c := avro.NewDecoder(p, avro.None), record.NewColumns(p.Schema.WithKafkaColumns())
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
