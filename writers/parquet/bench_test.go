package parquet_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"shadoof/record"
	"shadoof/writers"
	"shadoof/writers/sample"
)

// trackingEvents are rows of an event of 21 columns: a header, ids, times, a list, a map, nullables, an enum, the Kafka columns.
func trackingEvents(n int) *record.Columns {
	kind := func(k record.Kind) record.Type { return record.Type{Kind: k} }
	text := kind(record.String)
	s := (&record.Schema{Fields: []record.Field{
		{Name: "header", Type: record.Type{Kind: record.Struct, Fields: []record.Field{
			{Name: "messageId", Type: text}, {Name: "time", Type: kind(record.TimestampMillis)}, {Name: "server", Type: text}, {Name: "service", Type: text}}}},
		{Name: "memberId", Type: kind(record.Int64)},
		{Name: "sessionId", Type: text},
		{Name: "eventTime", Type: kind(record.TimestampMillis)},
		{Name: "pageKey", Type: text},
		{Name: "pageUrl", Type: text},
		{Name: "userAgent", Type: text},
		{Name: "deviceType", Type: record.Type{Kind: record.Enum, Symbols: []string{"DESKTOP", "MOBILE", "TABLET"}}},
		{Name: "tags", Type: record.Type{Kind: record.List, Elem: &record.Field{Type: text}}},
		{Name: "score", Type: kind(record.Double), Nullable: true},
		{Name: "properties", Type: record.Type{Kind: record.Map, Elem: &record.Field{Type: text}}},
		{Name: "requestId", Type: kind(record.Int64)},
		{Name: "durationMs", Type: kind(record.Int32)},
		{Name: "referrer", Type: text, Nullable: true},
	}}).WithKafkaColumns()
	c := record.NewColumns(s)
	r := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string { return fmt.Sprint("word-", r.IntN(n)) }
	for i := range int64(n) {
		time := 1_700_000_000_000 + i + r.Int64N(1000)
		row := sample.Row{
			sample.Row{fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()), time, word(50), word(20)},
			r.Int64N(1 << 40), fmt.Sprintf("%016x", r.IntN(n/20+1)), time - r.Int64N(100), word(200), "https://example.com/" + word(100000), "Mozilla/5.0 " + word(300),
			[]string{"DESKTOP", "MOBILE", "TABLET"}[r.IntN(3)], sample.List{word(100), word(100)}, r.Float64(),
			sample.Map{{Key: "ab", Value: word(10)}, {Key: "cd", Value: word(1000)}}, r.Int64(), int32(r.IntN(5000)), word(500),
		}
		if r.IntN(3) == 0 {
			row[9], row[13] = nil, nil
		}
		sample.Append(c, row)
		c.AppendKafka(3, i, time)
		c.EndRow()
	}
	return c
}

func BenchmarkEncode(b *testing.B) {
	c := trackingEvents(50_000)
	for _, compression := range []string{"zstd", "snappy", "none"} {
		b.Run("codec="+compression, func(b *testing.B) {
			f := newFormat(b, compression)
			size := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				e, err := f.NewEncoder(io.Discard, c.Schema, nil)
				if err != nil {
					b.Fatal(err)
				}
				if err := e.WriteRows(c); err != nil {
					b.Fatal(err)
				}
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
				size = e.Written()
			}
			rows := float64(c.Rows())
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
			b.ReportMetric(float64(size)/rows, "B/row")
		})
	}
}

// Between row groups an encoder is small: many files are open at the same time.
func TestAnIdleEncoderIsSmall(t *testing.T) {
	c := trackingEvents(3000)
	f := newFormat(t, "zstd")
	const files, most = 32, 150 << 10
	encoders := make([]writers.Encoder, 1+files)
	var before int64
	for i := range encoders {
		if i == 1 {
			before = heap() // the first one has filled pools that all share
		}
		e, err := f.NewEncoder(io.Discard, c.Schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		encoders[i] = e
		if err := e.WriteRows(c); err != nil {
			t.Fatal(err)
		}
	}
	each := (heap() - before) / files
	t.Logf("%d bytes each, and Buffered says %d", each, encoders[0].Buffered())
	if each > most {
		t.Errorf("an idle encoder takes %d bytes, more than %d", each, most)
	}
	if said := encoders[0].Buffered(); said < each/2 || said > 2*each {
		t.Errorf("an idle encoder takes %d bytes, and Buffered says %d", each, said)
	}
	runtime.KeepAlive(encoders)
	runtime.KeepAlive(c)
}

func heap() int64 {
	var m runtime.MemStats
	for range 3 { // what pools keep goes with the second collection
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
