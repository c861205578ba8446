package writers_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/storage"
	"shadoof/storage/memory"
	"shadoof/writers"
	"shadoof/writers/internal/corpustest"
	"shadoof/writers/parquet"
)

// corpus is 100,000 events of about 360 bytes.
var corpus = sync.OnceValue(func() (events []record.Raw) {
	c := corpustest.New(1)
	for i := range int64(100_000) {
		events = append(events, record.Raw{Partition: 7, Offset: i, Timestamp: 1_700_000_000_000 + i, Value: c.Append(nil, 1_700_000_000_000+i)})
	}
	return events
})

func decoder(t testing.TB) record.Decoder {
	t.Helper()
	p, err := avro.Parse([]byte(corpustest.Schema))
	if err != nil {
		t.Fatal(err)
	}
	return avro.NewDecoder(p)
}

// eventOptions are for files of events, zstd in Parquet, with a store that forgets.
func eventOptions(t testing.TB, d record.Decoder, b *writers.Budget) writers.Options {
	t.Helper()
	f, err := parquet.New(parquet.Options{Compression: "zstd"})
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, forgetful{memory.New(memory.Options{})})
	o.Format, o.Schema, o.Budget = f, d.Schema().WithKafkaColumns(), b
	return o
}

// cpu is what the process has used of all processors.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// What decoding, a set of so many files and encoding cost per row, in CPU time, with 1,000 rows before another file has its turn; and
// the memory that the rows then take, by the bytes of the events that they were.
func BenchmarkSet(b *testing.B) {
	events := corpus()
	for _, open := range []int{1, 200} {
		b.Run(fmt.Sprint("open=", open), func(b *testing.B) {
			d := decoder(b)
			budget := writers.NewBudget(1 << 30)
			o := eventOptions(b, d, budget)
			o.MaxOpen, o.TargetSize = 0, 0
			names := make([]string, open)
			for i := range names {
				names[i] = fmt.Sprintf("dt=2026-11-20/hr=%03d", i)
			}
			rows, raw, used := 0, 0, int64(0)
			var held float64
			start := cpu()
			for b.Loop() {
				s := writers.NewSet(o)
				raw = 0
				for range 4 * max(1, 2*open/200) {
					for i := 0; i < len(events); i += 1000 {
						raw += fill(b, s, d, events[i:i+1000], names[(rows/1000)%open])
						rows += 1000
						settle(b, s)
					}
				}
				used = budget.Used() - budget.Spare() - budget.Spare()
				held += float64(used) / float64(raw)
				finish(b, s)
			}
			b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(rows), "cpu-ns/row")
			b.ReportMetric(held/float64(b.N), "held/raw")
		})
	}
}

// Many small files, one set after the other, as jobs make them: what files begin with must not cost more than their rows.
func BenchmarkSets(b *testing.B) {
	events := corpus()
	for _, rows := range []int{1000, 100_000} {
		b.Run(fmt.Sprint("rows=", rows), func(b *testing.B) {
			d := decoder(b)
			o := eventOptions(b, d, writers.NewBudget(256<<20))
			n := 0
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				for at := 0; at < len(events); at += rows {
					s := writers.NewSet(o)
					for i := at; i < at+rows; i += 1000 {
						fill(b, s, d, events[i:i+1000], "dt=2026-11-20/hr=13")
						settle(b, s)
					}
					finish(b, s)
					n += rows
				}
			}
			b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(n), "cpu-ns/row")
		})
	}
}

// How much faster two workers are than one, by the clock, with the rows decoded from memory and the files forgotten. With one worker
// nothing is encoded beside it: that would be the second one.
func BenchmarkDecodeAndEncode(b *testing.B) {
	events := corpus()
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			before := runtime.GOMAXPROCS(workers)
			defer runtime.GOMAXPROCS(before)
			o := eventOptions(b, decoder(b), writers.NewBudget(512<<20))
			decoders := make([]record.Decoder, workers)
			for i := range decoders {
				decoders[i] = decoder(b)
			}
			lift := func(w int) {
				s := writers.NewSet(o)
				for range 4 / workers {
					for i := 0; i < len(events); i += 1000 {
						fill(b, s, decoders[w], events[i:i+1000], "dt=2026-11-20/hr=13")
						settle(b, s)
					}
				}
				finish(b, s)
			}
			n := 0
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				var wg sync.WaitGroup
				for w := range workers {
					wg.Go(func() { lift(w) })
				}
				wg.Wait()
				n += 4 * len(events)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
			b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(n), "cpu-ns/row")
		})
	}
}

// What a row costs besides decoding and encoding, with turns of 1,000 rows by partition.
func BenchmarkEndRow(b *testing.B) {
	for _, partitions := range []int{1, 64} {
		b.Run(fmt.Sprint("partitions=", partitions), func(b *testing.B) {
			o := options(b, forgetful{})
			o.Budget, o.Partition, o.Format = writers.NewBudget(1<<30), writers.Several, &kept{}
			s := writers.NewSet(o)
			b.ReportAllocs()
			rows := int64(0)
			for b.Loop() {
				for range 1000 {
					f, err := s.File("dt=2026-11-20/hr=13")
					if err != nil {
						b.Fatal(err)
					}
					c := f.Columns()
					c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, rows)
					c.Leaves[1].Ends = append(c.Leaves[1].Ends, 0)
					f.EndRow(int32(rows/1000)%int32(partitions), rows, rows)
					rows++
				}
				settle(b, s)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
			if err := s.Abort(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// fill decodes events into the file of a bucket, and says how many bytes they were.
func fill(t testing.TB, s *writers.Set, d record.Decoder, events []record.Raw, bucket string) (raw int) {
	t.Helper()
	for i := range events {
		f, err := s.File(bucket)
		if err != nil {
			t.Fatal(err)
		}
		e := &events[i]
		if err := d.Decode(f.Columns(), e); err != nil {
			t.Fatal(err)
		}
		f.EndRow(e.Partition, e.Offset, e.Timestamp)
		raw += len(e.Value)
	}
	return raw
}

// A forgetful store keeps nothing of what is staged.
type forgetful struct{ storage.Store }

type forgotten struct{ bytes int64 }

func (forgetful) Stage(context.Context, storage.StageRequest) (storage.StageWriter, error) {
	return &forgotten{}, nil
}

func (w *forgotten) Write(p []byte) (int, error) { w.bytes += int64(len(p)); return len(p), nil }
func (w *forgotten) Finish(context.Context) (storage.Staged, error) {
	return storage.Staged{Bytes: w.bytes}, nil
}
func (w *forgotten) Abort(context.Context) error { return nil }
func (w *forgotten) Buffered() int64             { return 0 }
