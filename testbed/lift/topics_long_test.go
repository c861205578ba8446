//go:build long

package lift_test

import (
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
	mostCPU        = 2   // times that of one topic with as many records
)

// TestAThousandTopics lifts a thousand records of each of a thousand topics, and compares with one topic of a million; then it finds
// nothing new in any of them.
func TestAThousandTopics(t *testing.T) {
	brokers := servers.OwnKafka(t, kafkabed.Options{Heap: "512m"}).Brokers()
	many, one := produce.NewCrowd("crowd", 1000), produce.NewCrowd("single", 1)
	many.Records, one.Records = 1000, 1_000_000
	for _, c := range []produce.Crowd{many, one} {
		began := time.Now()
		if err := c.Create(bounded(t), brokers); err != nil {
			t.Fatal(err)
		}
		if err := c.Fill(bounded(t), brokers); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d topics of %d records were made in %.1f s", len(c.Topics), c.Records, time.Since(began).Seconds())
	}
	s := servers.OwnS3(t, s3bed.Options{})
	between := count(t, s)
	for name, root := range map[string]func() *product.Root{
		"local": func() *product.Root { return product.Local(t) },
		"s3":    func() *product.Root { return product.S3(t, s, between.endpoint) },
	} {
		t.Run(name, func(t *testing.T) {
			single := liftCrowd(t, crowdJob(t, brokers, root(), one), one, one.Records)
			t.Logf("one topic: %v", single)
			j := crowdJob(t, brokers, root(), many)
			m := liftCrowd(t, j, many, many.Records)
			ratio := m.cpu.Seconds() / single.cpu.Seconds()
			t.Logf("a thousand topics: %v; %.2f times the CPU of one", m, ratio)
			if name == "local" && ratio > mostCPU {
				t.Errorf("%.2f times the CPU of one topic, want at most %d", ratio, mostCPU)
			}
			m = checkIdle(t, j, many, between)
			if m.wall > mostIdleTime || m.peak > mostIdleMemory {
				t.Errorf("with nothing new: %v; want at most %v and %d MiB", m, mostIdleTime, mostIdleMemory)
			}
		})
	}
}
