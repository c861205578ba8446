package jobs

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"shadoof/extract"
)

// readCounter counts the reads under way. Each waits for a moment for others.
type readCounter struct {
	extract.Source
	now, most atomic.Int64
}

func (c *readCounter) Read(ctx context.Context, r extract.ReadRequest) iter.Seq2[*extract.Batch, error] {
	return func(yield func(*extract.Batch, error) bool) {
		n := c.now.Add(1)
		defer c.now.Add(-1)
		for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
		c.Source.Read(ctx, r)(yield)
	}
}

func TestMemoryLimitsTheBundlesLiftedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(strings.Replace(testConfig, "topics: [orders]", `topics: ["orders\\..*"]`, 1) + "memory: 64MiB\n")
	for i := range 3 {
		topic := w.source.create(fmt.Sprint("orders.", i), strings.Repeat(fmt.Sprint(i), 32), 4)
		for p := range 4 {
			topic.add(p, 10, day, time.Second)
		}
	}
	e := w.process(w.store)
	e.parallel = 4
	source := &readCounter{Source: w.source}
	e.source = source
	report := w.run(e)
	if report.ExitCode() != ExitDone || len(report.Topics) != 3 {
		t.Fatalf("%s", reportText(report))
	}
	if most := source.most.Load(); most > 2 {
		t.Errorf("%d bundles of three topics were lifted at once; 64 MiB are enough for 2", most)
	}
}
