//go:build long

package hdfsfaults_test

import (
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/servers"
)

// TestOneWinnerForEachSlot races workers through planned fail-overs, kills of the active name node, and split brains.
func TestOneWinnerForEachSlot(t *testing.T) {
	c := servers.OwnHDFS(t, hdfsbed.Options{HA: true, Properties: manyHandlers})
	r := race(t, c, crew{workers: 3, committers: 3, processes: 2})
	r.progress(10)
	divided := split(func() { r.progress(10) })
	for i, f := range []fault{planned, killed, planned, divided, killed, planned, divided, planned, killed, planned} {
		begun := time.Now()
		f.do(t, c)
		over := time.Since(begun)
		r.progress(10)
		t.Logf("%d. %s: %.1f s, and 10 slots later %.1f s", i+1, f.name, over.Seconds(), time.Since(begun).Seconds())
	}
	r.end()
}

// manyHandlers keeps a name node answering while changes wait for a journal that is stopped: each of them holds a handler.
var manyHandlers = map[string]string{"dfs.namenode.handler.count": "32"}
