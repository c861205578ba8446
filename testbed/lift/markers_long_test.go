//go:build long

package lift_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"shadoof/testbed/product"
)

// TestMarkersOfHistories adds records of any hour to any partition, and has runs, also two at once, and replaces, of which many kill
// themselves. A lister judges the markers all the while; in the end every hour is complete.
func TestMarkersOfHistories(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	points := []string{"staged", "before-put", "committed", "mid-publish", "complete-appended", "before-success", "before-marker", "before-marker:2", "half-swapped", "mid-removal", "after-marker"}
	for name, root := range roots(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, uint64(len(name))))
			h := newHours(t, 3)
			j := product.NewJob(t, h.brokers, root(t), h.topic, smallGlobal, completing)
			l := product.Watch(t, j)
			defer l.End()
			act := func(g *sync.WaitGroup, args ...string) {
				env := []string{"SHADOOF_LOST_AFTER=300ms"}
				if rng.IntN(2) == 0 {
					env = append(env, "SHADOOF_KILL_AT="+points[rng.IntN(len(points))])
				}
				g.Go(func() {
					o, err := j.Try(t.Context(), product.Hooked(t), env, args...)
					if err != nil || !slices.Contains([]int{-1, 0}, o.Code) {
						t.Errorf("%v: exit %d, %v\n%s%s", args, o.Code, err, o.Stdout, o.Stderr)
					}
				})
			}
			h.add(h.plain, 0, 60, "00:00")
			h.add(h.plain, 1, 60, "00:00")
			j.Must(t, 0, "run")
			newest := 1
			for until := time.Now().Add(time.Minute); time.Now().Before(until); {
				for range rng.IntN(3) {
					h.add(h.plain, int32(rng.IntN(2)), 1+rng.IntN(90), fmt.Sprintf("%02d:%02d", rng.IntN(newest), rng.IntN(60)))
				}
				newest = min(newest+rng.IntN(2), 20)
				var g sync.WaitGroup
				switch rng.IntN(4) {
				case 0:
					act(&g, "run")
					act(&g, "run")
				case 1:
					act(&g, "backfill", "--topic", j.Topic, "--from", fmt.Sprint(rng.IntN(60)), "--replace", "--swap", []string{"hide-first", "show-first"}[rng.IntN(2)])
				default:
					act(&g, "run")
				}
				g.Wait()
			}
			for tries := 0; ; tries++ {
				j.Must(t, 0, "run")
				if !slices.ContainsFunc(hoursOf(t, j), func(h hour) bool { return !h.Complete }) {
					break
				}
				if tries == 30 {
					t.Fatalf("never complete: %+v", hoursOf(t, j))
				}
				pause(t)
			}
			checkDigest(t, j, h.digest(0))
			collected(t, j)
		})
	}
}
