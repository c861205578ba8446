//go:build long

package hdfsfaults_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/relay"
	"shadoof/testbed/servers"
)

// TestCutOffFromTheJournal takes the active name node's way to its three journal nodes away. It ends itself, and the other goes on.
func TestCutOffFromTheJournal(t *testing.T) {
	between := map[string]*relay.Relay{} // the first name node and each journal node
	properties := maps.Clone(manyHandlers)
	properties["dfs.qjournal.write-txns.timeout.ms"] = "5000" // after that it gives up
	c := servers.OwnHDFS(t, hdfsbed.Options{HA: true, JournalNodes: 3, Properties: properties, Journal: func(nameNode int, address string) string {
		if nameNode != 1 {
			return address
		}
		if between[address] == nil {
			between[address] = relay.Start(t, address)
		}
		return between[address].Address()
	}})
	each := func(do func(*relay.Relay)) {
		for _, r := range between {
			do(r)
		}
	}
	ended := func() { t.Helper(); await(t, func() bool { return !c.NameNode(1).Running() }) }
	activate := func(i int) { t.Helper(); must(t, c.Activate(bounded(t, 30*time.Second), i)) }

	r := race(t, c, crew{workers: 3, committers: 2, processes: 1})
	r.progress(10)
	for _, f := range []fault{
		{"nothing comes through, and it ends itself before the other takes over", func(t *testing.T, c *hdfsbed.Cluster) {
			each(func(r *relay.Relay) { r.Delay(time.Hour) })
			ended()
			activate(2)
		}},
		{"nothing comes through, and the other takes over at once", func(t *testing.T, c *hdfsbed.Cluster) {
			each(func(r *relay.Relay) { r.Delay(time.Hour) })
			activate(2)
			writeMore(t, c, 2)
			r.progress(5)
			ended()
		}},
		{"the journal takes changes, and its answers do not come through", func(t *testing.T, c *hdfsbed.Cluster) {
			each(func(r *relay.Relay) { r.Lose(&relay.Rule{Match: []byte{0}, Keep: true}) })
			ended()
			activate(2)
		}},
		{"one journal node of three is left", func(t *testing.T, c *hdfsbed.Cluster) {
			n := 0
			each(func(r *relay.Relay) {
				if n++; n < 3 {
					r.Delay(time.Hour)
				}
			})
			ended()
			activate(2)
		}},
	} {
		begun := time.Now()
		f.do(t, c)
		over := time.Since(begun)
		r.progress(10)
		t.Logf("%s: %.1f s, and 10 slots later %.1f s", f.name, over.Seconds(), time.Since(begun).Seconds())
		each(func(r *relay.Relay) {
			r.Delay(0)
			r.Lose(nil)
			r.Cut()
		})
		rejoin(t, c, 1)
		must(t, c.Failover(bounded(t, time.Minute), 2, 1))
		r.progress(5)
	}
	r.end()
}

// writeMore has a name node write transactions. Of two that say that they are active a data node obeys the one with the newer transaction
// (BPOfferService of Hadoop 3.5), and the one that was cut off may have begun some that nobody has. As long as it is obeyed it has data nodes
// delete the blocks of files that were written through the other, which it never heard of. Whoever makes another one active without
// fencing it loses such files; here that is to be no matter of luck.
func writeMore(t *testing.T, c *hdfsbed.Cluster, nameNode int) {
	t.Helper()
	f := c.FS(hdfsbed.Superuser).At(nameNode)
	for i := range 30 {
		must(t, f.MkdirAll(bounded(t, 30*time.Second), fmt.Sprintf("/more/%d", i), "755"))
	}
}
