//go:build long

package hdfslimits_test

import (
	"sync"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

const plain = "user: shadoof, replication: 1"

// The moments at which the name node enters safe mode, as seen by a run; where it is met, and what the run exits with when it stays.
var moments = []struct {
	name, point string
	code        int
}{
	{"before the first run", "", 1},
	{"before the first commit", "after-init", 1},
	{"while it reads", "batch:2", 1},
	{"while it stages", "staged", 1},
	{"before the commit", "before-put", 1},
	{"after the commit", "committed", 3},
	{"while it publishes", "mid-publish:2", 3},
	{"before the marker", "before-marker", 3},
	{"at the end", "after-marker", 0},
}

// TestSafeMode holds runs at many moments, and lets them meet a name node in safe mode: first one that leaves it in time, then one that
// does not.
func TestSafeMode(t *testing.T) {
	ctx := bounded(t)
	// Clients alone know a umask; that of a server changes nothing.
	c := servers.OwnHDFS(t, hdfsbed.Options{Properties: map[string]string{"fs.permissions.umask-mode": "077"}})
	checkModes(t, c, "022")
	for _, stays := range []time.Duration{8 * time.Second, 0} { // 0: until all have given up
		all := make([]*held, len(moments))
		jobs := make([]*product.Job, len(moments))
		for i, m := range moments {
			jobs[i] = ownJob(t, c, plain, "")
			if m.point != "" {
				all[i] = hold(t, jobs[i], m.point, "run")
			}
		}
		must(t, c.SafeMode(ctx, true))
		began := time.Now()
		var ended sync.WaitGroup
		for i, m := range moments {
			if m.point == "" {
				all[i] = hold(t, jobs[i], "", "run")
			}
			must(t, all[i].p.Resume())
			ended.Go(func() {
				<-all[i].p.Done()
				if took := time.Since(began); took > 70*time.Second { // the wait is half a minute
					t.Errorf("%s: it took %s", m.name, took)
				}
			})
		}
		if stays > 0 {
			pause(t, stays)
		} else {
			ended.Wait()
		}
		must(t, c.SafeMode(ctx, false))
		for i, m := range moments {
			t.Log(m.name)
			if stays == 0 && m.code != 0 {
				all[i].ends(t, time.Minute, m.code, "is in safe mode", "hdfs dfsadmin -safemode get")
			} else {
				all[i].ends(t, time.Minute, 0)
			}
		}
		ended.Wait()
		for i := range moments {
			ends(t, jobs[i], 0, nil, "run")
			exact(t, jobs[i])
		}
	}
}
