package writers_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"shadoof/storage/memory"
	"shadoof/writers"
)

// What a set costs per row besides decoding and encoding: File, EndRow, and the share of Settle.
func BenchmarkSet(b *testing.B) {
	for _, buckets := range []int{1, 24} {
		b.Run(fmt.Sprint(buckets, " buckets"), func(b *testing.B) {
			o := options(b, memory.New(memory.Options{}))
			o.Budget = writers.NewBudget(1 << 40)
			o.RowGroupBytes, o.TargetSize, o.RowGroupRows = 1<<40, 0, 1<<40
			s := writers.NewSet(o)
			names := make([]string, buckets)
			for i := range names {
				names[i] = fmt.Sprintf("dt=2026-11-20/hr=%02d", i)
			}
			r := rand.New(rand.NewPCG(1, 1))
			offset := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				name := names[r.IntN(buckets)]
				for range 1000 {
					f, err := s.File(name)
					if err != nil {
						b.Fatal(err)
					}
					c := f.Columns()
					c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, offset)
					c.Leaves[1].Ends = append(c.Leaves[1].Ends, 0)
					f.EndRow(7, offset, offset)
					offset++
				}
				if err := s.Settle(b.Context()); err != nil {
					b.Fatal(err)
				}
				if offset%1_000_000 == 0 {
					b.StopTimer()
					if err := s.Abort(b.Context()); err != nil {
						b.Fatal(err)
					}
					s = writers.NewSet(o)
					b.StartTimer()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/row")
		})
	}
}
