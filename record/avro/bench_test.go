package avro_test

import (
	"strings"
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
		dec, c := avro.NewDecoder(p), record.NewColumns(p.Schema.WithKafkaColumns())
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
	all := resolutions(b)
	for _, name := range []string{"none", "promote", "add"} {
		b.Run("resolve="+name, func(b *testing.B) {
			dec := all[name].NewDecoder()
			c := record.NewColumns(dec.Schema().WithKafkaColumns())
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
	}
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

// resolutions read events as they are, with three numbers promoted, and with a field less and two more.
func resolutions(tb testing.TB) map[string]*avro.Resolution {
	text := string(recordtest.EventType().Avro(false))
	targets := map[string]string{
		"none": text,
		"promote": strings.NewReplacer(`"name":"memberId","type":"long"`, `"name":"memberId","type":"double"`, `"name":"requestId","type":"long"`, `"name":"requestId","type":"double"`,
			`"name":"durationMs","type":"int"`, `"name":"durationMs","type":"long"`).Replace(text),
		"add": strings.NewReplacer(`{"name":"requestId","type":"long"}`, `{"name":"origin","type":["null","string"],"default":null},{"name":"weight","type":"double","default":1}`).Replace(text),
	}
	out := map[string]*avro.Resolution{}
	for name, target := range targets {
		if name != "none" && target == text {
			tb.Fatalf("%s: nothing differs in %s", name, text)
		}
		res, err := avro.Resolve(parse(tb, []byte(text)), parse(tb, []byte(target)).Schema)
		if err != nil {
			tb.Fatal(err)
		}
		out[name] = res
	}
	return out
}

// The steady state allocates nothing.
func TestDecodeDoesNotAllocate(t *testing.T) {
	events := recordtest.EventsAvro(500)
	decoders := map[string]*avro.Decoder{"one schema": avro.NewDecoder(parse(t, recordtest.EventType().Avro(false)))}
	for name, res := range resolutions(t) {
		decoders[name] = res.NewDecoder()
	}
	for name, dec := range decoders {
		c, raw := record.NewColumns(dec.Schema().WithKafkaColumns()), &record.Raw{}
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
			t.Errorf("%s: %v allocations for %d records", name, n, len(events))
		}
	}
}
