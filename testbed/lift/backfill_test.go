package lift_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// TestBackfillsBesideEachOtherAndRuns has processes fill what was skipped, replace what is there in both orders, and run, all at once and
// again and again; some kill themselves on the way. A lister polls all the while. In the end each record is there once, and the committed
// offsets are where runs left them. The long suite does it for a minute and a half on each store.
func TestBackfillsBesideEachOtherAndRuns(t *testing.T) {
	t.Parallel()
	points := []string{"batch:2", "staged", "before-put", "put-applied", "committed", "half-swapped", "mid-removal:2", "mid-publish:2", "before-marker", "after-marker"}
	for name, root := range roots(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			rng := rand.New(rand.NewPCG(seed, 1))
			topic := sharedTopic(t)
			j := product.NewJob(t, servers.Kafka(t).Brokers(), root(t), topic.Topic, smallGlobal, small+"\nlimits: {records: 2000}")
			l := product.Watch(t, j)
			defer l.End()
			j.Must(t, 0, "run")
			j.Must(t, 0, "offsets", "skip", "--topic", j.Topic, "--partition", "0", "--to", "2500", "--reason", "test")
			until := time.Now().Add(90 * time.Second)
			for round := 0; round < 2 || long() && time.Now().Before(until); round++ {
				var acts [][]string
				from := func() string { return fmt.Sprint(rng.IntN(2000)) }
				acts = append(acts, []string{"run"}, []string{"backfill", "--topic", j.Topic, "--from", from()},
					[]string{"backfill", "--topic", j.Topic, "--from", from(), "--replace", "--swap", "hide-first"},
					[]string{"backfill", "--topic", j.Topic, "--from", from(), "--replace", "--swap", "show-first", "--partition", fmt.Sprint(rng.IntN(2))})
				victim, point := rng.IntN(len(acts)), points[rng.IntN(len(points))]
				var g sync.WaitGroup
				for i, args := range acts {
					env := []string{"SHADOOF_LOST_AFTER=300ms"}
					if i == victim {
						env = append(env, "SHADOOF_KILL_AT="+point)
					}
					g.Go(func() {
						o, err := j.Try(t.Context(), product.Hooked(t), env, args...)
						if err != nil || !slices.Contains([]int{-1, 0}, o.Code) {
							t.Errorf("%v: exit %d, %v\n%s%s", args, o.Code, err, o.Stdout, o.Stderr)
						}
					})
				}
				g.Wait()
			}
			for range 4 {
				j.Must(t, 0, "run")
			}
			before := j.Must(t, 0, "offsets", "show").Stdout
			for range 4 { // of 2,000 records each
				j.Must(t, 0, "backfill", "--topic", j.Topic, "--from", "0")
			}
			j.Must(t, 0, "backfill", "--topic", j.Topic, "--from", "1000", "--to", "1500", "--replace")
			if after := j.Must(t, 0, "offsets", "show").Stdout; string(after) != string(before) {
				t.Errorf("backfills moved offsets:\n%s\nthen:\n%s", before, after)
			}
			checkDigest(t, j, digest(t, topic))
			collected(t, j)
		})
	}
}
