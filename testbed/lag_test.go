package testbed_test

import (
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"shadoof/extract"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/produce"
	"shadoof/testbed/servers"
)

// answers counts what brokers answer.
type answers struct{ n atomic.Int64 }

func (*answers) Connected(string, error)          {}
func (*answers) Written(string, int, error)       {}
func (*answers) Read(string, int, error)          {}
func (*answers) Throttled(string, time.Duration)  {}
func (a *answers) Answered(string, time.Duration) { a.n.Add(1) }
func (a *answers) per(b *testing.B, begun int64) {
	b.ReportMetric(float64(a.n.Load()-begun)/float64(b.N), "requests/op")
}

// BenchmarkEnds asks for the ends of 1,000 topics of one partition: topic by topic, four at a time, and all at once.
func BenchmarkEnds(b *testing.B) {
	brokers := servers.OwnKafka(b, kafkabed.Options{Heap: "256m"}).Brokers()
	crowd := produce.NewCrowd("ends", 1000)
	if err := crowd.Create(b.Context(), brokers); err != nil {
		b.Fatal(err)
	}
	told := &answers{}
	k, err := extract.Open(b.Context(), extract.Options{Brokers: brokers, ReadCommitted: true, Traffic: told})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(k.Close)
	b.Run("describe", func(b *testing.B) {
		begun := told.n.Load()
		for b.Loop() {
			var g errgroup.Group
			g.SetLimit(4)
			for _, topic := range crowd.Topics {
				g.Go(func() error {
					_, err := k.Describe(b.Context(), topic)
					return err
				})
			}
			if err := g.Wait(); err != nil {
				b.Fatal(err)
			}
		}
		told.per(b, begun)
	})
	b.Run("ends", func(b *testing.B) {
		begun := told.n.Load()
		for b.Loop() {
			if ends, err := k.Ends(b.Context(), crowd.Topics); err != nil || len(ends) != len(crowd.Topics) {
				b.Fatal(len(ends), err)
			}
		}
		told.per(b, begun)
	})
}
