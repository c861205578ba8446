//go:build long

package hdfslimits_test

import (
	"strings"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// TestADataNodeDies kills one of three data nodes, of which each block has two, under runs that stand at different moments. The name
// node goes on handing it out until it misses its heartbeats, here for 14 s, so that a run may have to give up: then nothing is
// committed, and the next one does it.
func TestADataNodeDies(t *testing.T) {
	ctx := bounded(t)
	c := servers.OwnHDFS(t, hdfsbed.Options{DataNodes: 3, Replication: 2, BlockSize: hdfsbed.MinBlockSize})
	topic := incompressible(t, 15_000) // blocks of 1 MiB: files have many
	moments := []string{"batch:2", "batch:5", "batch:9", "staged", "before-put", "committed", "before-marker"}
	all, jobs := make([]*held, len(moments)), make([]*product.Job, len(moments))
	for i, point := range moments {
		root := product.HDFS(t, c, c.Authority()).As("user: shadoof, replication: 2")
		jobs[i] = product.NewJob(t, servers.Kafka(t).Brokers(), root, topic.Topic, "orphan_age: 1ms\n", "output: {target_size: 6MiB}")
		all[i] = hold(t, jobs[i], point, "run")
	}
	must(t, c.DataNode(1).Kill())
	for _, h := range all {
		must(t, h.p.Resume())
	}
	for i, h := range all {
		o := h.outcome(t, 3*time.Minute)
		for late := time.Now().Add(time.Minute); o.Code != 0; o = jobs[i].Run(t, product.Hooked(t), nil, "run") {
			t.Logf("%s: exit %d:\n%s%s", moments[i], o.Code, o.Stdout, o.Stderr)
			n := commits(t, jobs[i])
			if o.Code != 1 && (o.Code != 3 || n == 0) || time.Now().After(late) {
				t.Fatalf("%s: exit %d, with %d commits", moments[i], o.Code, n)
			}
			if !strings.Contains(o.Stdout, "data nodes that are down") {
				t.Errorf("%s: it does not say that a data node is down", moments[i])
			}
			if n > 0 {
				jobs[i].Must(t, 0, "verify", "--deep") // what can be seen by now is whole
			}
			pause(t, time.Second)
		}
		exactAs(t, jobs[i], topic) // with two data nodes of three
	}
	must(t, c.DataNode(1).Start(ctx), c.Ready(ctx))
	for _, j := range jobs {
		j.Must(t, 0, "verify", "--deep")
	}
}
