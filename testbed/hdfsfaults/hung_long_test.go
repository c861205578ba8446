//go:build long

package hdfsfaults_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// hang stops a name node for so long.
func hang(t *testing.T, n *hdfsbed.Node, d time.Duration) {
	t.Helper()
	must(t, n.Pause())
	ctx, over := context.WithTimeout(context.WithoutCancel(t.Context()), d)
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-ctx.Done()
		if err := n.Resume(); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { over(); <-done })
}

// TestAHungNameNodeHoldsNobodyForEver stops the only name node for 90 seconds, before runs begin and in the middle of them. A job's
// timeout ends the reading, shutdown_grace (25 s) later everything else but taking back what was staged (20 s at most). Without one the
// store has a patience of its own.
func TestAHungNameNodeHoldsNobodyForEver(t *testing.T) {
	c := servers.OwnHDFS(t, hdfsbed.Options{})
	topic := smallTopic(t)
	type hung struct {
		name   string
		job    string
		point  string // at which it hangs; "" is before the run begins
		within time.Duration
	}
	// All at once: what takes the time is waiting.
	cases := []hung{
		// A timeout is of a job. That the root is there and ours is looked at before jobs begin.
		{"from the start, with a timeout", "timeout: 8s", "", 60 * time.Second},
		{"from the start", "", "", 60 * time.Second},
		{"while staging, with a timeout", "timeout: 15s", "batch:2", 80 * time.Second},
		{"while staging", "", "batch:2", 3 * time.Minute},
		{"before a commit, with a timeout", "timeout: 15s", "before-put:2", 80 * time.Second},
		{"before a commit", "", "before-put:2", 3 * time.Minute},
		{"while publishing, with a timeout", "timeout: 15s", "mid-publish:3", 80 * time.Second},
		{"while publishing", "", "mid-publish:3", 3 * time.Minute},
	}
	jobs := make([]*product.Job, len(cases))
	running := make([]*running, len(cases))
	for i, h := range cases {
		jobs[i] = product.NewJob(t, servers.Kafka(t).Brokers(), product.HDFS(t, c, c.Authority()), topic.Topic, smallGlobal, small+"\n"+h.job)
		if h.point != "" {
			running[i] = start(t, jobs[i], h.point, "run")
			running[i].stopped()
		}
	}
	begun := time.Now()
	hang(t, c.NameNode(1), 90*time.Second)
	for i, h := range cases {
		if h.point == "" {
			running[i] = start(t, jobs[i], "", "run")
		} else {
			running[i].goOn()
		}
	}
	for i, h := range cases {
		o := running[i].end(max(time.Until(begun.Add(h.within)), time.Second))
		took := running[i].took(begun)
		t.Logf("%s: exit %d after %s", h.name, o.Code, took)
		judge(t, o)
		if took > h.within {
			t.Errorf("%s: it took %s", h.name, took)
		}
		if o.Code != 0 && !strings.Contains(o.Stdout+o.Stderr, "name node of "+c.Authority()) {
			t.Errorf("%s: the message does not name the name node:\n%s%s", h.name, o.Stdout, o.Stderr)
		}
	}
	pause(t.Context(), time.Until(begun.Add(91*time.Second)))
	must(t, c.Ready(bounded(t, time.Minute)))
	for i := range cases {
		clean(t, jobs[i], topic)
	}
}

// TestRunsGoToTheOtherNameNode stops the active of two, and makes the other active: a stopped one still takes connections.
func TestRunsGoToTheOtherNameNode(t *testing.T) {
	c := servers.OwnHDFS(t, hdfsbed.Options{HA: true})
	topic := smallTopic(t)
	for _, point := range []string{"", "batch:2", "mid-publish:3"} {
		name := "from the start"
		if point != "" {
			name = "at " + strings.ReplaceAll(point, ":", "-")
		}
		t.Run(name, func(t *testing.T) {
			j := product.NewJob(t, servers.Kafka(t).Brokers(), product.HDFS(t, c, c.Authority()), topic.Topic, smallGlobal, small)
			var w *running
			if point != "" {
				w = start(t, j, point, "run")
				w.stopped()
			}
			ctx := bounded(t, 2*time.Minute)
			must(t, c.NameNode(1).Pause(), c.Activate(ctx, 2))
			begun := time.Now()
			if w == nil {
				w = start(t, j, "", "run")
			} else {
				w.goOn()
			}
			o := w.end(80 * time.Second)
			t.Logf("exit %d after %s", o.Code, w.took(begun))
			if o.Code != 0 {
				t.Errorf("exit %d\n%s%s", o.Code, o.Stdout, o.Stderr)
			}
			rejoin(t, c, 1)
			must(t, c.Failover(bounded(t, time.Minute), 2, 1))
			writable(t, c)
			clean(t, j, topic)
		})
	}
}
