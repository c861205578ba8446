//go:build long

package hdfsfaults_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/relay"
	"shadoof/testbed/servers"
)

func smallTopic(t *testing.T) *produce.Result {
	t.Helper()
	r, err := produce.PlainTopic(bounded(t, time.Minute), servers.Kafka(t).Brokers(), produce.Spec{Topic: produce.Name("namenode"), Records: 6_000, Partitions: 2, Span: 2 * time.Hour, Padding: 700})
	must(t, err)
	return r
}

// rebirth kills the only name node and starts it again.
func rebirth(t *testing.T, c *hdfsbed.Cluster) {
	t.Helper()
	ctx := bounded(t, time.Minute)
	must(t, c.NameNode(1).Kill(), c.NameNode(1).Start(ctx))
}

// TestTheOnlyNameNodeIsKilled kills it while a worker stands at a point of the protocol, and starts it again before or after the
// worker goes on.
func TestTheOnlyNameNodeIsKilled(t *testing.T) {
	c := servers.OwnHDFS(t, hdfsbed.Options{})
	topic := smallTopic(t)
	for _, point := range []string{"batch:2", "staged:2", "before-put:2", "put-applied:2", "committed:2", "mid-publish:3", "before-marker:2"} {
		for _, down := range []bool{false, true} {
			if down && !slices.Contains([]string{"batch:2", "before-put:2", "mid-publish:3"}, point) {
				continue
			}
			name := strings.ReplaceAll(point, ":", "-")
			if down {
				name += "-and-is-down-for-a-while"
			}
			t.Run(name, func(t *testing.T) {
				j := product.NewJob(t, servers.Kafka(t).Brokers(), product.HDFS(t, c, c.Authority()), topic.Topic, smallGlobal, small)
				l := product.Watch(t, j)
				defer l.End()
				w := start(t, j, point, "run")
				w.stopped()
				if down {
					must(t, c.NameNode(1).Kill())
					w.goOn()
					must(t, c.NameNode(1).Start(bounded(t, time.Minute)))
				} else {
					rebirth(t, c)
					w.goOn()
				}
				judge(t, w.end(2*time.Minute))
				writable(t, c)
				clean(t, j, topic)
			})
		}
	}
}

// judge looks at how a run ended that something happened to.
func judge(t *testing.T, o product.Outcome) {
	t.Helper()
	if !slices.Contains(documented, o.Code) {
		t.Errorf("exit %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
	t.Logf("exit %d", o.Code)
	if o.Code != 0 {
		t.Logf("%.2000s", o.Stderr)
	}
}

// TestTheNameNodeDiesWithTheReply withholds the reply to a rename that was carried out, and kills the name node: the worker must find
// its own record, or its own file.
func TestTheNameNodeDiesWithTheReply(t *testing.T) {
	c := servers.OwnHDFS(t, hdfsbed.Options{})
	topic := smallTopic(t)
	for name, match := range map[string]string{
		// The end of a rename: the new name, and that something may be overwritten. Requests that only look end with the name.
		"the first record": "/log/00000000000000000001.json\x18\x01",
		"a commit":         "/log/00000000000000000003.json\x18\x01",
		// An empty object is a file that is created: its name, and then the mode.
		"a marker": "/pub/00000000000000000002\x12",
		// Not one of the store's check before the first run, which says that it could not be carried out.
		"a file": "-000.parquet\x18\x01",
	} {
		t.Run(name, func(t *testing.T) {
			between := relay.Start(t, c.Authority())
			rule := &relay.Rule{Match: []byte(match), Times: 1, Keep: true}
			between.Lose(rule)
			j := product.NewJob(t, servers.Kafka(t).Brokers(), product.HDFS(t, c, between.Address()), topic.Topic, smallGlobal, small)
			l := product.Watch(t, j)
			defer l.End()
			w := start(t, j, "", "run")
			await(t, func() bool { return rule.Lost() == 1 })
			rebirth(t, c)
			o := w.end(2 * time.Minute)
			judge(t, o)
			if o.Code != 0 {
				t.Errorf("a name node that was back within seconds made a run exit %d", o.Code)
			}
			writable(t, c)
			clean(t, j, topic)
		})
	}
}
