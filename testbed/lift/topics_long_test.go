//go:build long

package lift_test

import (
	"slices"
	"testing"
	"time"

	"shadoof/testbed/kafkabed"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/s3bed"
	"shadoof/testbed/servers"
)

// What a run over a thousand topics may take.
const (
	mostIdleTime   = time.Minute
	mostIdleMemory = 300 // MiB

	// mostCPU is how many times the CPU of one topic with as many records it may be on a local disk. It is 2.4 to 6.1, by what else
	// the machine does: docs/performance.md and decision 46 say what it is spent on.
	mostCPU = 5
)

// TestAThousandTopics lifts a thousand records of each of a thousand topics, twice, and compares with one topic of a million; after each
// time it finds nothing new in any of them.
func TestAThousandTopics(t *testing.T) {
	brokers := servers.OwnKafka(t, kafkabed.Options{Heap: "512m"}).Brokers()
	s := servers.OwnS3(t, s3bed.Options{})
	between := count(t, s)
	many, one := produce.NewCrowd("crowd", 1000), produce.NewCrowd("single", 1)
	many.Records, one.Records = 1000, 1_000_000
	type root struct {
		name      string
		many, one *product.Job
	}
	var roots []root
	for name, make := range map[string]func() *product.Root{
		"local": func() *product.Root { return product.Local(t) },
		"s3":    func() *product.Root { return product.S3(t, s, between.endpoint) },
	} {
		roots = append(roots, root{name, crowdJob(t, brokers, make(), many), crowdJob(t, brokers, make(), one)})
	}
	for _, c := range []produce.Crowd{many, one} {
		if err := c.Create(bounded(t), brokers); err != nil {
			t.Fatal(err)
		}
	}
	var ratios []float64
	for _, round := range []string{"topics that are new", "topics that were lifted before"} {
		for _, c := range []*produce.Crowd{&many, &one} {
			if err := c.Fill(bounded(t), brokers); err != nil {
				t.Fatal(err)
			}
			c.Start = c.Start.Add(time.Hour)
		}
		for _, r := range roots {
			t.Run(round+" in "+r.name, func(t *testing.T) {
				single := liftCrowd(t, r.one, one, one.Records)
				m := liftCrowd(t, r.many, many, many.Records)
				ratio := m.cpu.Seconds() / single.cpu.Seconds()
				t.Logf("a thousand topics: %v; one topic: %v; %.2f times the CPU", m, single, ratio)
				if r.name == "local" {
					ratios = append(ratios, ratio)
				}
				if m = checkIdle(t, r.many, many, between); m.wall > mostIdleTime || m.peak > mostIdleMemory {
					t.Errorf("with nothing new: %v; want at most %v and %d MiB", m, mostIdleTime, mostIdleMemory)
				}
			})
		}
	}
	if len(ratios) > 0 && slices.Min(ratios) > mostCPU { // what else a machine does may double one of them
		t.Errorf("to a local disk a thousand topics took %.2f times the CPU of one, want at most %d", ratios, mostCPU)
	}
}
